package caddytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// kept is a sidecar with an inbox, and the operator at its admin endpoint.
type kept struct {
	*caddyServer
	app   *recordingApp
	file  string // of an inbox in a file
	store string // the global option
	admin string // address
}

// stores are all kinds of them that can be tested here. Each gives an empty one, as the
// global option inbox names it.
var stores = map[string]func(*testing.T) string{
	"bolt": func(t *testing.T) string {
		t.Helper()
		return "bolt " + filepath.Join(t.TempDir(), "inbox.db")
	},
}

// keptEvent is an event as an operator sees it.
type keptEvent struct {
	ID, Queue, Transaction, State, PaymentStatus, LastError, MessageError string
	Attempts                                                              int
	Message                                                               json.RawMessage
}

// keep runs a sidecar that gives an event up after two attempts. Its options are those of
// the inbox, whatever the store.
func keep(t *testing.T, options string) *kept {
	t.Helper()
	file := filepath.Join(t.TempDir(), "inbox.db")
	k := keepIn(t, "bolt "+file, options)
	k.file = file
	return k
}

func keepIn(t *testing.T, store, options string) *kept {
	t.Helper()
	k := &kept{app: newApp(t), store: store}
	k.admin = "unix/" + filepath.Join(shortTempDir(t), "admin.sock")
	k.caddyServer = start(t, k.caddyfile(options))
	// caddy.Stop leaves the admin endpoint running, and only a configuration ends it.
	t.Cleanup(func() {
		if err := k.load(t, "{\nadmin off\n}\n"); err != nil {
			t.Error(err)
		}
		k.stop()
	})
	return k
}

func (k *kept) caddyfile(options string) string {
	return `
		{
			admin ` + k.admin + `
			persist_config off
			galaxypay {
				environment sandbox
				inbox ` + k.store + ` {
					` + options + `
				}
			}
		}
		http://:9181 {
			galaxypay_ipn {
				inbox {
					deliver_to http://` + k.app.address + `/payments/ipn?shop=1
					retry 1ms
				}
			}
		}`
}

// operate runs "caddy galaxypay inbox ..." and returns what it printed.
func (k *kept) operate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	registered := caddycmd.Commands()["galaxypay"]
	cmd := &cobra.Command{Use: registered.Name, SilenceErrors: true, SilenceUsage: true}
	registered.CobraFunc(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"inbox", "--address", k.admin}, args...))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func (k *kept) mustOperate(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := k.operate(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return printed
}

// administer asks the admin endpoint without the command. An endpoint that is ending
// because of a reload may close a connection unanswered, hence the tries.
func (k *kept) administer(t *testing.T, method, path, body string) (status int) {
	t.Helper()
	socket := strings.TrimPrefix(k.admin, "unix/")
	client := &caddyServer{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}}
	var a answered
	var err error
	for range 10 {
		if a, err = client.try(t.Context(), method, "http://localhost/galaxypay/inbox/"+path, nil, strings.NewReader(body)); err == nil {
			return a.status
		}
	}
	t.Fatal(err)
	return 0
}

func (k *kept) show(t *testing.T, id string) (e keptEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(k.mustOperate(t, "show", id)), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// awaitState returns the event when it has a state.
func (k *kept) awaitState(t *testing.T, id, state string) keptEvent {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		if e := k.show(t, id); e.State == state {
			return e
		}
	}
	t.Fatalf("the event is %s and not %s", k.show(t, id).State, state)
	return keptEvent{}
}

// arrive lets the gateway's IPN arrive, which is acknowledged whatever the app says.
func (k *kept) arrive(t *testing.T, message string) (id string) {
	t.Helper()
	m := sealed(message, sandboxSalt)
	k.post(t, k.url("9181")+"/ipn", m.json()).confirmedAs(t, "200")
	return m.deliveryID()
}

const inboxKey = "{env.TEST_INBOX_KEY}"

// From a dead letter to its delivery, as an operator goes about it.
func TestInboxDeadLetter(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { deadLetter(t, keepIn(t, store(t), "encrypt first "+inboxKey)) })
	}
}

func deadLetter(t *testing.T, k *kept) {
	t.Helper()
	k.app.answers(saying(http.StatusInternalServerError, ""))
	id := k.arrive(t, paidMessage)
	e := k.awaitState(t, id, "dead")
	if string(e.Message) != paidMessage || e.Attempts != 2 || e.PaymentStatus != "paid" || !strings.Contains(e.LastError, "500") {
		t.Errorf("shown as %+v", e)
	}
	k.app.calls()

	listed := k.mustOperate(t, "list", "--state", "dead", "--queue", "default", "--since", "2020-01-01T00:00:00Z")
	for _, want := range []string{id, "dead", "paid", "2601021234567890123456789", "500"} {
		if !strings.Contains(listed, want) {
			t.Errorf("the list does not tell %s:\n%s", want, listed)
		}
	}
	if listed := k.mustOperate(t, "list", "--state", "delivered"); strings.Contains(listed, id) {
		t.Errorf("listed as delivered:\n%s", listed)
	}
	if stats := k.mustOperate(t, "stats"); strings.Join(strings.Fields(stats), " ") != "pending 0 delivered 0 dead 1 overtaken 0 quarantined 0" {
		t.Errorf("stats:\n%s", stats)
	}

	k.app.answers(saying(http.StatusOK, ""))
	if printed := k.mustOperate(t, "replay", "--state", "dead"); !strings.HasSuffix(printed, ": 1\n") {
		t.Errorf("replay prints %q", printed)
	}
	k.awaitState(t, id, "delivered")
	if got := k.app.only(t); got.body != paidMessage || got.header.Get("Galaxypay-Attempt") != "1" || got.header.Get("Galaxypay-Delivery-Id") != id {
		t.Errorf("the app got %+v", got)
	}

	// What is delivered can be delivered again, too.
	k.mustOperate(t, "replay", id)
	for begun := time.Now(); len(k.app.calls()) == 0; {
		if time.Since(begun) > patience {
			t.Fatal("the app got nothing")
		}
	}
	k.awaitState(t, id, "delivered")
}

// Nobody sees a message who has not asked for it, and on the disk nobody does at all.
func TestInboxShowsMessagesOnRequestOnly(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	const customer = "Nguyễn Thị Ánh Tuyết"
	k := keep(t, "encrypt first "+inboxKey)
	k.app.answers(saying(http.StatusInternalServerError, ""))
	ids := []string{k.arrive(t, paidMessage), k.arrive(t, strings.ReplaceAll(failedMessage, "260102123", "260102124"))}
	for _, id := range ids {
		k.awaitState(t, id, "dead")
	}
	lines := strings.SplitAfter(k.mustOperate(t, "export"), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("exported %q", lines)
	}
	for i, id := range ids {
		var e keptEvent
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
	stored, err := os.ReadFile(k.file)
	if err != nil || bytes.Contains(stored, []byte(customer)) || !bytes.Contains(stored, []byte(ids[0])) {
		t.Errorf("the file shows a message, or nothing; %v", err)
	}
}

// One key is replaced by another, and then its predecessor is lost.
func TestInboxKeyRotation(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	t.Setenv("TEST_NEW_KEY", strings.Repeat("A", 43)+"=")
	k := keep(t, "")
	plain := k.arrive(t, paidMessage)
	reload := func(options string) {
		t.Helper()
		if err := k.load(t, k.caddyfile(options)); err != nil {
			t.Fatal(err)
		}
	}
	reload("encrypt first " + inboxKey)
	first := k.arrive(t, strings.ReplaceAll(paidMessage, "260102123", "260102124"))
	const second = "encrypt second {env.TEST_NEW_KEY}"
	reload(second + "\nencrypt first " + inboxKey)
	last := k.arrive(t, strings.ReplaceAll(paidMessage, "260102123", "260102125"))
	for name, test := range map[string]struct {
		options string
		errors  [3]string // of plain, first, last
	}{
		"all keys":             {second + "\nencrypt first " + inboxKey, [3]string{}},
		"the old one lost":     {second, [3]string{"", "key first is not configured", ""}},
		"unencrypted refused":  {second + "\nencrypt first " + inboxKey + "\nrefuse_unencrypted", [3]string{"not encrypted", "", ""}},
		"another under the id": {second + "\nencrypt first {env.TEST_NEW_KEY}", [3]string{"", "key first does not fit", ""}},
		"no keys":              {"", [3]string{"", "key first is not configured", "key second is not configured"}},
	} {
		t.Run(name, func(t *testing.T) {
			reload(test.options)
			for i, id := range []string{plain, first, last} {
				e := k.show(t, id)
				if (test.errors[i] == "") != (e.MessageError == "") || !strings.Contains(e.MessageError, test.errors[i]) || (e.Message == nil) == (e.MessageError == "") {
					t.Errorf("event %d: message %.20s, error %q, want %q", i+1, e.Message, e.MessageError, test.errors[i])
				}
			}
		})
	}
	if logs := k.logs(t); strings.Contains(logs, strings.Repeat("0f", 32)) || strings.Contains(logs, strings.Repeat("A", 43)) {
		t.Error("a key is in the log")
	}
}

// A slip must not become a replay of everything.
func TestInboxAdminRefuses(t *testing.T) {
	k := keep(t, "")
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
	k.app.untouched(t)

	if status := k.administer(t, http.MethodPost, "replay", `{"all":true}`); status != http.StatusOK {
		t.Errorf("replay of all by JSON: HTTP %d", status)
	}
	k.awaitState(t, id, "delivered")
	if err := k.load(t, "{\nadmin "+k.admin+"\npersist_config off\n}\n"); err != nil {
		t.Fatal(err)
	}
	if status := k.administer(t, http.MethodGet, "list", ""); status != http.StatusNotFound {
		t.Errorf("without an inbox: HTTP %d", status)
	}
}

// What is proven is kept, however odd it is.
func TestInboxKeepsOddNames(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := keepIn(t, store(t), "")
			id := k.arrive(t, strings.NewReplacer("2601021234567890123456789", long, "0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b", long).Replace(paidMessage))
			k.awaitState(t, id, "delivered")
			if body := k.app.only(t).body; strings.Count(body, long) != 2 {
				t.Errorf("the app got %.200s", body)
			}
		})
	}
}

// Whoever watches the sidecar sees what waits, and is told of what waits for nobody.
func TestInboxBacklog(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) { backlog(t, store(t)) })
	}
}

func backlog(t *testing.T, store string) {
	t.Helper()
	app := newApp(t)
	app.answers(saying(http.StatusInternalServerError, ""))
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
					inbox ` + store + `
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
		text := c.do(t, http.MethodGet, c.url("9182")+"/metrics", nil, nil).body
		if !strings.Contains(text, want) || strings.Count(text, "\ncaddy_galaxypay_inbox_pending{") != 1 {
			t.Errorf("the metrics lack %s", want)
		}
	}
	pending("shop", 0)
	if text := c.do(t, http.MethodGet, c.url("9182")+"/metrics", nil, nil).body; !strings.Contains(text, `caddy_galaxypay_inbox_events_total{merchant="shop",result="dead"} 0`) {
		t.Error("the count of dead letters does not begin at 0") // an alarm would not see it grow to 1
	}
	c.post(t, c.url("9181")+"/ipn", sealed(paidMessage, sandboxSalt).json()).confirmedAs(t, "200")
	pending("shop", 1)
	if err := c.load(t, config("branch")); err != nil {
		t.Fatal(err)
	}
	pending("branch", 0)
	lines := c.logLines(t, "the inbox holds events of a merchant that has no inbox in this configuration; they wait until it has one again")
	if len(lines) != 1 || lines[0]["merchant"] != "shop" || lines[0]["pending"] != 1.0 || lines[0]["level"] != "warn" {
		t.Errorf("logged %v", lines)
	}
}
