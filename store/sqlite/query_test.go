package sqlite

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// An operator finds out what happened to an order by one query, also with sqlite3 while the store
// is open.
func TestWhatHappenedToAnOrder(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	fill(t, s, 10)
	const query = "SELECT transaction_id, state, received_at, settled_at, message_bytes FROM galaxypay_inbox WHERE order_id = 'DH-3'"
	const expected = "GP00000003|delivered|2026-01-02T03:04:08Z|2026-01-02T03:04:05Z|600"
	var got []string
	err := s.view(t.Context(), func(c *conn) error {
		return c.each(query, nil, func(stmt *sqliteStmt) (bool, error) {
			for i := range stmt.ColumnCount() {
				got = append(got, stmt.ColumnText(i))
			}
			return true, nil
		})
	})
	if text := strings.Join(got, "|"); err != nil || text != expected {
		t.Errorf("got %q, %v", text, err)
	}
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Log("sqlite3 is not installed, so only the library has been asked")
		return
	}
	out, err := exec.CommandContext(t.Context(), program, "-readonly", s.path, query).CombinedOutput() //nolint:gosec // G204: a program of the machine
	if text := strings.TrimSpace(string(out)); err != nil || text != expected {
		t.Errorf("sqlite3 says %q, %v", text, err)
	}
}

// No query reads the whole table, whatever it holds.
func TestQueriesUseIndexes(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	fill(t, s, 10)
	list := func(f inbox.Filter) string {
		sql, _ := store.ListEvents(f, 0, 10)
		return sql
	}
	for name, test := range map[string]struct{ sql, index string }{
		"id of a merchant": {list(inbox.Filter{ID: "a", Queue: "a"}), "galaxypay_events_id"},
		"transaction":      {list(inbox.Filter{Transaction: "a"}), "galaxypay_events_transaction"},
		"order":            {list(inbox.Filter{OrderID: "a", Queue: "a"}), "galaxypay_events_order"},
		"request":          {list(inbox.Filter{RequestID: "a"}), "galaxypay_events_request"},
		"pending":          {list(inbox.Filter{State: inbox.Pending}), "galaxypay_events_state"},
		"dead of a day":    {list(inbox.Filter{State: inbox.Dead, Since: now, Until: now}), "galaxypay_events_state"},
		"all":              {list(inbox.Filter{}), "INTEGER PRIMARY KEY"},
		"delivered":        {list(inbox.Filter{State: inbox.Delivered}), "INTEGER PRIMARY KEY"},
		"taken":            {takenRow, "galaxypay_events_transaction"},
		"prunable":         {store.PrunableEvents, "galaxypay_events_prunable"},
		"oldest":           {store.OldestPending, "galaxypay_events_state"},
		"pending counts":   {store.CountPending, "galaxypay_events_state"},
		"lane":             {laneOfTransaction, "galaxypay_events_transaction"},
		"ready":            {readyFirst, "galaxypay_events_ready"},
		"ready times":      {readyTimes, "galaxypay_events_ready"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, s, test.sql)
			if !strings.Contains(plan, test.index) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
				t.Errorf("the plan is %s", plan)
			}
		})
	}
	if plan := planOf(t, s, store.CountEvents); strings.Contains(plan, "SCAN galaxypay_events\n") {
		t.Errorf("the plan of counts is %s", plan)
	}
}

func planOf(t *testing.T, s *Store, sql string) string {
	t.Helper()
	var plan strings.Builder
	err := s.view(t.Context(), func(c *conn) error {
		return c.each("EXPLAIN QUERY PLAN "+sql, nil, func(stmt *sqliteStmt) (bool, error) {
			plan.WriteString(stmt.ColumnText(3) + "\n")
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// Another program that holds the file's lock makes arrivals fail, and ends nothing.
func TestAnotherProgramHoldsTheLock(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	other, err := openConn(s.path, sqlite.OpenReadWrite, readerCache)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.run("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := s.update(t.Context(), func(*tx) error { return nil }); sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
		t.Errorf("kept: %v", err)
	}
	if err := other.run("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	add(t, s, testEvent(1))
}

// A query that takes long ends with its context.
func TestQueryEndsWithItsContext(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.view(ctx, func(c *conn) error {
		_, err := c.number("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
		return err
	})
	if err == nil || ctx.Err() == nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := s.Stats(t.Context()); err != nil {
		t.Errorf("counted later: %v", err)
	}
}
