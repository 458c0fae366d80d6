//go:build unix

package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

func TestErrorsHideTheAddress(t *testing.T) {
	for name, address := range map[string]string{
		"no address":         "hunter2 hunter2",
		"broken address":     "postgres://shop:hunter2@[::1/shop",
		"no server":          "postgres://shop:hunter2@127.0.0.1:1/shop",
		"a socket is absent": "host=" + filepath.Join(os.TempDir(), "absent") + " user=shop password=hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Open(t.Context(), address)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "store's database") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestNewerTablesAreRefused(t *testing.T) {
	address := newSchema(t)
	open(t, address)
	execute(t, address, "INSERT INTO galaxypay_versions (version) VALUES (999)")
	s, err := postgres.Open(t.Context(), address)
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "use a newer sidecar") {
		t.Errorf("error: %v", err)
	}
}

// The commit must be on disk even if the database's defaults say otherwise.
func TestCommitsAreDurableWhateverTheDefaults(t *testing.T) {
	name := "careless_" + strings.ToLower(rand.Text())
	address, err := needServer(t).NewDatabase(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, address, `
		ALTER DATABASE `+name+` SET synchronous_commit = off;
		ALTER DATABASE `+name+` SET default_transaction_isolation = 'serializable';
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			NEW.request_id := current_setting('synchronous_commit') || ', ' || current_setting('transaction_isolation');
			RETURN NEW;
		END $$`)
	s := open(t, address)
	execute(t, address, "CREATE TRIGGER note BEFORE INSERT ON galaxypay_events FOR EACH ROW EXECUTE FUNCTION note()")
	arrive(t, s, event("1", "T", "paid"), leaseAt(0))
	if kept := list(t, s, inbox.Filter{ID: "1"}); kept[0].RequestID != "on, read committed" {
		t.Errorf("committed with %s", kept[0].RequestID)
	}
}

// A setting that waits for more than the disk is left as it is.
func TestCommitsWaitForAStandbyToApplyThem(t *testing.T) {
	name, address := newDatabase(t)
	execute(t, address, `
		ALTER DATABASE `+name+` SET synchronous_commit = remote_apply;
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.request_id := current_setting('synchronous_commit'); RETURN NEW; END $$`)
	s := open(t, address)
	execute(t, address, "CREATE TRIGGER note BEFORE INSERT ON galaxypay_events FOR EACH ROW EXECUTE FUNCTION note()")
	arrive(t, s, event("1", "T", "paid"), leaseAt(0))
	if kept := list(t, s, inbox.Filter{ID: "1"}); kept[0].RequestID != "remote_apply" {
		t.Errorf("committed with %s", kept[0].RequestID)
	}
}

// A commit whose wait for the standby is cancelled is reported as a success by the server. The
// event must not be acknowledged: the standby may take over without it.
func TestTheWaitForAStandbyIsCancelled(t *testing.T) {
	_, address := newDatabase(t)
	s := open(t, address)
	r := arrive(t, s, event("before", "T", "paid"), leaseAt(0))
	defer execute(t, address, "SELECT pg_reload_conf()") // the other tests share the server
	defer execute(t, address, "ALTER SYSTEM RESET synchronous_standby_names")
	execute(t, address, "ALTER SYSTEM SET synchronous_standby_names = 'absent'")
	execute(t, address, "SELECT pg_reload_conf()")
	failed := make(chan error)
	go func() {
		var err error
		for i := 0; err == nil && i < 10000; i++ { // until the reload has reached the session
			_, _, err = s.Arrive(t.Context(), event(fmt.Sprint(i), fmt.Sprint(i), "paid"), leaseAt(0))
		}
		failed <- err
	}()
	const cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"
	for number(t, address, cancel) == 0 {
	}
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "standby") {
		t.Errorf("error %v", err)
	}
	execute(t, address, "ALTER SYSTEM RESET synchronous_standby_names")
	execute(t, address, "SELECT pg_reload_conf()")
	settle(t, s, r, inbox.Delivered, noon)
}

// execute runs statements beside the inbox.
func execute(t *testing.T, address, sql string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// list returns what a filter picks.
func list(t *testing.T, s *postgres.Store, f inbox.Filter) (records []inbox.Record) {
	t.Helper()
	for r, err := range s.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// PostgreSQL refuses NUL and broken UTF-8 in a text. A signed message and an app's answer can
// hold both.
func TestTextsThatPostgreSQLRefuses(t *testing.T) {
	s := open(t, newSchema(t))
	e := event("1", "T\x00\xff", "pending")
	e.Message = []byte("\x00\xff")
	r := arrive(t, s, e, leaseAt(0))
	arrive(t, s, event("2", "T\x00\xff", "paid"), leaseAt(0))
	_, err := s.Settle(t.Context(), r, inbox.Settlement{
		State: inbox.Delivered, At: noon, Answer: inbox.Answer{Status: "200", Description: "\x00\xff"}, LastError: "\x00\xff",
	})
	if err != nil {
		t.Fatal(err)
	}
	for kept, err := range s.List(t.Context(), inbox.Filter{ID: "1"}) {
		if err != nil || string(kept.Message) != "\x00\xff" || kept.State != inbox.Delivered {
			t.Errorf("kept %+v, %v", kept, err)
		}
	}
	if _, ids := claim(t, s, leaseAt(0), 10); ids != "2" {
		t.Errorf("claimed %q behind it, want 2", ids)
	}
}

func TestDuplicate(t *testing.T) {
	s := open(t, newSchema(t))
	e := event("1", "T", "pending")
	first := arrive(t, s, e, leaseAt(0))
	successor := event("2", "T", "pending")
	arrive(t, s, successor, leaseAt(0))

	repeat := func(e inbox.Event, after time.Duration) inbox.Record {
		t.Helper()
		r, isNew, err := s.Arrive(t.Context(), e, leaseAt(after))
		if err != nil || isNew {
			t.Fatalf("Arrive again: new %t, %v", isNew, err)
		}
		return r
	}
	if r := repeat(e, 0); r.Lease != "" || r.Seq != first.Seq {
		t.Errorf("claimed while it is delivered: %+v", r)
	}
	if _, err := s.Settle(t.Context(), first, inbox.Settlement{State: inbox.Pending, Due: noon.Add(time.Hour), At: noon}); err != nil {
		t.Fatal(err)
	}
	if r := repeat(successor, 0); r.Lease != "" {
		t.Error("a duplicate of the second was claimed before the first was settled")
	}
	again := repeat(e, time.Second)
	if again.Lease == "" || again.Attempts != 1 {
		t.Fatalf("not claimed though it waits for its next attempt: %+v", again)
	}
	settle(t, s, again, inbox.Dead, noon)
	second := repeat(successor, time.Second)
	if second.Lease == "" {
		t.Error("the second was not claimed behind the dead first")
	}
	if r := repeat(e, 2*time.Second); r.Lease != "" || r.State != inbox.Pending || r.Attempts != 0 {
		t.Errorf("a dead one was claimed beside the second, or not revived: %+v", r)
	}
	settle(t, s, second, inbox.Pending, noon)
	if r := repeat(successor, 3*time.Second); r.Lease != "" {
		t.Error("the second was claimed before the revived first")
	}
	if r := repeat(e, 3*time.Second); r.Lease == "" || r.Seq != first.Seq {
		t.Errorf("the revived one was not claimed: %+v", r)
	}
}

func TestReplayKeepsTheOrderOfATransaction(t *testing.T) {
	s := open(t, newSchema(t))
	first := arrive(t, s, event("1", "T", "pending"), leaseAt(0))
	settle(t, s, first, inbox.Dead, noon)
	second := arrive(t, s, event("2", "T", "pending"), leaseAt(0))
	arrive(t, s, event("3", "T", "pending"), leaseAt(0))
	alone := arrive(t, s, event("4", "", "pending"), leaseAt(0))
	settle(t, s, alone, inbox.Delivered, noon)

	// The second is claimed, and left alone: 1, 3 and 4.
	if n, err := s.Replay(t.Context(), inbox.Filter{}, noon); err != nil || n != 3 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	if _, ids := claim(t, s, leaseAt(0), 10); ids != "4" {
		t.Fatalf("claimed %q while the second is delivered, want 4", ids)
	}
	settle(t, s, second, inbox.Pending, noon)
	for _, want := range []string{"1", "2", "3"} {
		records, ids := claim(t, s, leaseAt(0), 10)
		if ids != want {
			t.Fatalf("claimed %q, want %s", ids, want)
		}
		settle(t, s, records[0], inbox.Delivered, noon)
	}
	if n, err := s.Replay(t.Context(), inbox.Filter{Limit: 1}, noon); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v, want 1", n, err)
	}
}

// Two people replay the dead letters at once. What the first replay has delivered while the
// second one waited is not a dead letter any more.
func TestReplayAppliesTheFilterAgain(t *testing.T) {
	address := newSchema(t)
	s := open(t, address)
	settle(t, s, arrive(t, s, event("1", "T", "paid"), leaseAt(0)), inbox.Dead, noon)
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	first, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", laneKey("T")); err != nil {
		t.Fatal(err)
	}
	second := make(chan int)
	go func() {
		n, err := s.Replay(t.Context(), inbox.Filter{State: inbox.Dead}, noon)
		if err != nil {
			t.Error(err)
		}
		second <- n
	}()
	awaitLock(t, address, "T")
	if _, err := first.Exec(t.Context(), "UPDATE galaxypay_events SET state = 'delivered'"); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-second; n != 0 {
		t.Errorf("replayed %d that were delivered by then", n)
	}
}

// A replayed event comes before a later one that waits for its next attempt.
func TestReplayStepsBeforeALaterOne(t *testing.T) {
	s := open(t, newSchema(t))
	settle(t, s, arrive(t, s, event("1", "T", "pending"), leaseAt(0)), inbox.Dead, noon)
	settle(t, s, arrive(t, s, event("2", "T", "pending"), leaseAt(0)), inbox.Pending, noon)
	if n, err := s.Replay(t.Context(), inbox.Filter{State: inbox.Dead}, noon); err != nil || n != 1 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	if _, ids := claim(t, s, leaseAt(0), 10); ids != "1" {
		t.Errorf("claimed %q, want 1", ids)
	}
}

func TestListReadsPageByPage(t *testing.T) {
	s := open(t, newSchema(t))
	const all = 205
	for i := range all {
		arrive(t, s, event(string(rune('a'+i%26))+time.Duration(i).String(), "", "paid"), leaseAt(0))
	}
	for limit, want := range map[int]int{0: all, 1: 1, 100: 100, 150: 150, 1000: all} {
		n, last := 0, uint64(0)
		for r, err := range s.List(t.Context(), inbox.Filter{Queue: "default", Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Seq <= last {
				t.Fatalf("record %d behind %d", r.Seq, last)
			}
			n, last = n+1, r.Seq
		}
		if n != want {
			t.Errorf("limit %d: %d records, want %d", limit, n, want)
		}
	}
}

func TestPruneAndStats(t *testing.T) {
	s := open(t, newSchema(t))
	for id, state := range map[string]inbox.State{"1": inbox.Delivered, "2": inbox.Dead, "3": inbox.Pending} {
		settle(t, s, arrive(t, s, event(id, "T-"+id, "paid"), leaseAt(0)), state, noon)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.States[inbox.Pending] != 1 || stats.States[inbox.Dead] != 1 || !stats.Oldest.Equal(noon) {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if n, err := s.Prune(t.Context(), "other", noon.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("pruned %d of another queue, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), "default", noon); err != nil || n != 0 {
		t.Errorf("pruned %d that were settled at that time, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), "default", noon.Add(time.Second)); err != nil || n != 2 {
		t.Errorf("pruned %d, %v, want 2", n, err)
	}
	r, isNew, err := s.Arrive(t.Context(), event("1", "T-1", "paid"), leaseAt(0))
	if err != nil || isNew || r.State != inbox.Delivered || len(r.Message) > 0 {
		t.Errorf("one whose message was dropped is not known: %+v, %v", r, err)
	}
}
