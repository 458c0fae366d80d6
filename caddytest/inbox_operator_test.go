package caddytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An operator finds a dead letter, looks at it and has it delivered.
func TestInboxDeadLetter(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { deadLetter(t, newInboxSidecarIn(t, store(t), "encrypt first "+inboxKey)) })
	}
}

func deadLetter(t *testing.T, k *inboxSidecar) {
	t.Helper()
	k.app.answers(answering(http.StatusInternalServerError, ""))
	id := k.arrive(t, paidMessage)
	e := k.awaitState(t, id, "dead")
	if string(e.Message) != paidMessage || e.Attempts != 2 || e.PaymentStatus != "paid" || !strings.Contains(e.LastError, "500") {
		t.Errorf("shown as %+v", e)
	}
	k.app.received()

	listed := k.mustOperate(t, "list", "--state", "dead", "--queue", "default", "--since", "2020-01-01T00:00:00Z")
	for _, want := range []string{id, "dead", "paid", "2601021234567890123456789", "500"} {
		if !strings.Contains(listed, want) {
			t.Errorf("the list does not show %s:\n%s", want, listed)
		}
	}
	if listed := k.mustOperate(t, "list", "--state", "delivered"); strings.Contains(listed, id) {
		t.Errorf("listed as delivered:\n%s", listed)
	}
	if stats := k.mustOperate(t, "stats"); strings.Join(strings.Fields(stats), " ") != "pending 0 delivered 0 dead 1 overtaken 0 repeated 0 not_found 0 quarantined 0" {
		t.Errorf("stats:\n%s", stats)
	}

	k.app.answers(answering(http.StatusOK, ""))
	if printed := k.mustOperate(t, "replay", "--state", "dead"); !strings.HasSuffix(printed, ": 1\n") {
		t.Errorf("replay prints %q", printed)
	}
	k.awaitState(t, id, "delivered")
	if got := k.app.only(t); got.body != paidMessage || got.header.Get("Galaxypay-Attempt") != "1" || got.header.Get("Galaxypay-Delivery-Id") != id {
		t.Errorf("the app got %+v", got)
	}

	// A delivered event can be delivered again, too.
	k.mustOperate(t, "replay", id)
	eventually(t, "the app gets it again", func() bool { return len(k.app.received()) > 0 })
	k.awaitState(t, id, "delivered")
}

// An operator sees a message only on request, and the file shows it to no one.
func TestInboxShowsMessagesOnRequestOnly(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	const customer = "Nguyễn Thị Ánh Tuyết"
	k := newInboxSidecar(t, "encrypt first "+inboxKey)
	k.app.answers(answering(http.StatusInternalServerError, ""))
	ids := []string{k.arrive(t, paidMessage), k.arrive(t, strings.ReplaceAll(failedMessage, "260102123", "260102124"))}
	for _, id := range ids {
		k.awaitState(t, id, "dead")
	}
	lines := strings.SplitAfter(k.mustOperate(t, "export"), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("exported %q", lines)
	}
	for i, id := range ids {
		var e shownEvent
		if err := json.Unmarshal([]byte(lines[i]), &e); err != nil || e.ID != id || !strings.Contains(string(e.Message), customer) {
			t.Errorf("line %d is %s, %v", i+1, lines[i], err)
		}
	}
	if exported := k.mustOperate(t, "export", "--payment-status", "failed", "--limit", "5"); exported != lines[1] {
		t.Errorf("exported %s", exported)
	}
	for name, text := range map[string]string{"the list": k.mustOperate(t, "list"), "the log": k.logs(t)} {
		if strings.Contains(text, customer) || !strings.Contains(text, ids[0]) {
			t.Errorf("%s shows a message, or nothing:\n%s", name, text)
		}
	}
	stored, err := os.ReadFile(k.file + "-wal")
	if err != nil || bytes.Contains(stored, []byte(customer)) || !bytes.Contains(stored, []byte(ids[0])) {
		t.Errorf("the file shows a message, or nothing; %v", err)
	}
}

// The beginning of an id is enough to look at an event, and not to deliver it again.
func TestInboxBeginningOfAnID(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			id := k.arrive(t, paidMessage)
			k.awaitState(t, id, "delivered")
			k.app.received()
			if e := k.show(t, id[:6]); e.ID != id || e.OrderID != "A-1" || string(e.Message) != paidMessage {
				t.Errorf("shown %+v", e)
			}
			if printed, err := k.operate(t, "replay", id[:6]); err == nil {
				t.Errorf("replayed: %s", printed)
			}
			k.app.wantNothing(t)
		})
	}
}

// The store is checked and copied while it is in use. The copy is a store.
func TestStoreCheckAndBackup(t *testing.T) {
	k := newInboxSidecar(t, "")
	id := k.arrive(t, paidMessage)
	k.awaitState(t, id, "delivered")
	if printed, err := k.command(t, "store", "check"); err != nil || !strings.HasSuffix(printed, ": 1\n") {
		t.Errorf("check: %q, %v", printed, err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if printed, err := k.command(t, "store", "backup", path); err != nil || !strings.Contains(printed, path) {
		t.Fatalf("backup: %q, %v", printed, err)
	}
	if records := recordsIn(t, path); len(records) != 1 || records[0].ID != id || string(records[0].Message) != paidMessage {
		t.Errorf("the copy has %+v", records)
	}
	for name, to := range map[string]string{"over the copy": path, "over the store": k.file, "to an unset variable": "", "to a directory": filepath.Dir(path)} {
		if printed, err := k.command(t, "store", "backup", to); err == nil {
			t.Errorf("%s: %s", name, printed)
		}
	}
	k.arrive(t, ofTransaction(11, paidMessage)) // it is still in use
}

// A database has tools of its own.
func TestStoreOfADatabase(t *testing.T) {
	for name, store := range stores {
		if name == "sqlite" {
			continue
		}
		k := newInboxSidecarIn(t, store(t), "")
		if printed, err := k.command(t, "store", "check"); err == nil || !strings.Contains(err.Error(), "pg_amcheck") {
			t.Errorf("check: %q, %v", printed, err)
		}
		if printed, err := k.command(t, "store", "backup", filepath.Join(t.TempDir(), "copy")); err == nil || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("backup: %q, %v", printed, err)
		}
	}
}

// A mistake in a command must not become a replay of everything.
func TestInboxAdminRefuses(t *testing.T) {
	k := newInboxSidecar(t, "")
	id := k.arrive(t, paidMessage)
	k.app.only(t)
	for name, args := range map[string][]string{
		"replay of nothing":              {"replay"},
		"replay of an unset variable":    {"replay", ""},
		"replay of an empty state":       {"replay", "--state", ""},
		"replay of an unset queue":       {"replay", "--state", "dead", "--queue", ""},
		"replay of an unknown event":     {"replay", strings.Repeat("0", 64)},
		"replay of an unknown state":     {"replay", "--state", "lost"},
		"replay of all, and not all":     {"replay", "--all", "--state", "dead"},
		"replay of not all":              {"replay", "--all=false"},
		"replay of two events":           {"replay", id, id},
		"list of an unknown state":       {"list", "--state", "lost"},
		"list of an unknown status":      {"list", "--payment-status", "200"},
		"list since a day":               {"list", "--since", "2026-11-21"},
		"list of none":                   {"list", "--limit", "0"},
		"list of fewer than none":        {"list", "--limit", "-1"},
		"show of an unknown event":       {"show", strings.Repeat("0", 64)},
		"show of an unset variable":      {"show", ""},
		"export until an unset variable": {"export", "--until", ""},
	} {
		if printed, err := k.operate(t, args...); err == nil {
			t.Errorf("%s: printed %s", name, printed)
		}
	}
	runGalaxypay(t, "", "inbox", "show", "none", "--address", "unix/"+k.socket).wantError(t, 1, "Error: caddy responded with error: HTTP 404")
	runGalaxypay(t, "", "inbox", "list", "--limit", "0", "--json", "--address", "unix/"+k.socket).wantError(t, 1, `"exitCode":1}`)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"replay by GET":           {http.MethodGet, "replay?all=true", "", http.StatusMethodNotAllowed},
		"list by POST":            {http.MethodPost, "list", "", http.StatusMethodNotAllowed},
		"unknown filter":          {http.MethodPost, "replay?stat=dead", "", http.StatusBadRequest},
		"filter given twice":      {http.MethodPost, "replay?state=dead", `{"state":"delivered"}`, http.StatusBadRequest},
		"unknown member":          {http.MethodPost, "replay", `{"stat":"dead"}`, http.StatusBadRequest},
		"null":                    {http.MethodPost, "replay", `{"state":null}`, http.StatusBadRequest},
		"a list":                  {http.MethodPost, "replay", `[]`, http.StatusBadRequest},
		"a limit":                 {http.MethodPost, "replay?limit=1", "", http.StatusBadRequest},
		"a body that is too long": {http.MethodPost, "replay", `{"state":"` + strings.Repeat("x", 5<<10), http.StatusBadRequest},
		"a query that is mangled": {http.MethodPost, "replay?state=dead&%zz", "", http.StatusBadRequest},
		"stats of a filter":       {http.MethodGet, "stats?state=dead", "", http.StatusBadRequest},
	} {
		if status := k.administer(t, test.method, test.path, test.body); status != test.status {
			t.Errorf("%s: HTTP %d, want %d", name, status, test.status)
		}
	}
	k.app.wantNothing(t)

	if status := k.administer(t, http.MethodPost, "replay", `{"all":true}`); status != http.StatusOK {
		t.Errorf("replay of all by JSON: HTTP %d", status)
	}
	k.awaitState(t, id, "delivered")
	if err := k.load(t, "{\nadmin unix/"+k.socket+"\npersist_config off\n}\n"); err != nil {
		t.Fatal(err)
	}
	if status := k.administer(t, http.MethodGet, "list", ""); status != http.StatusNotFound {
		t.Errorf("without an inbox: HTTP %d", status)
	}
}

// Metrics show how many events wait. The log warns of events that no handler delivers any more.
func TestInboxBacklog(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { backlog(t, store(t)) })
	}
}

func backlog(t *testing.T, store string) {
	t.Helper()
	app := newApp(t)
	app.answers(answering(http.StatusInternalServerError, ""))
	config := func(merchant string) string {
		return `
			{
				metrics
				galaxypay {
					merchant shop {
						environment sandbox
					}
					merchant branch {
						environment sandbox
					}
					store ` + store + `
				}
			}
			http://:9181 {
				galaxypay_ipn {
					merchant ` + merchant + `
					inbox {
						deliver_to http://` + app.address + `/payments/ipn
						retry 1h
					}
				}
			}
			http://:9182 {
				metrics
			}`
	}
	c := start(t, config("shop"))
	pending := func(merchant string, n int) {
		t.Helper()
		want := fmt.Sprintf("caddy_galaxypay_inbox_pending{merchant=%q} %d\n", merchant, n)
		text := c.metrics(t, "9182")
		if !strings.Contains(text, want) || strings.Count(text, "\ncaddy_galaxypay_inbox_pending{") != 1 {
			t.Errorf("the metrics lack %s", want)
		}
	}
	pending("shop", 0)
	if text := c.metrics(t, "9182"); !strings.Contains(text, `caddy_galaxypay_inbox_events_total{merchant="shop",result="dead"} 0`) {
		t.Error("the count of dead letters does not begin at 0") // else an alarm would not see it grow to 1
	}
	c.post(t, c.url("9181")+"/ipn", signedMessage(paidMessage, sandboxSalt).json()).wantIPNStatus(t, "200")
	pending("shop", 1)
	c.mustLoad(t, config("branch"))
	pending("branch", 0)
	lines := c.logLines(t, "the inbox holds events of a merchant that has no inbox in this configuration, or has another gateway; they are not delivered until it has this one again")
	if len(lines) != 1 || lines[0]["merchant"] != "shop" || lines[0]["pending"] != 1.0 || lines[0]["level"] != "warn" {
		t.Errorf("logged %v", lines)
	}
}
