package caddytest

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox/bolt"
)

// inboxSite is the Caddyfile of a site that keeps IPNs of the sandbox's merchant for an
// app in a file. It tries often and without much delay.
func inboxSite(file, app, options string) string {
	return `
		{
			galaxypay {
				environment sandbox
				inbox bolt ` + file + `
			}
		}
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				inbox {
					deliver_to http://` + app + `/payments/ipn?from=sidecar
					retry` + strings.Repeat(" 20ms", 60) + `
					` + options + `
				}
			}
			respond "not for anybody" 418
		}`
}

func inboxFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "inbox.db")
}

// kept is an IPN as the app must get it, by which attempt it does not matter.
func (want provenCallback) checkFromInbox(t *testing.T, got appRequest) (attempt int) {
	t.Helper()
	attempt, err := strconv.Atoi(got.header.Get("Galaxypay-Attempt"))
	if err != nil || attempt < 1 {
		t.Errorf("Galaxypay-Attempt %q", got.header.Get("Galaxypay-Attempt"))
	}
	got.header.Del("Galaxypay-Attempt")
	want.target, want.kind = "/payments/ipn?from=sidecar", "ipn"
	want.check(t, got)
	return attempt
}

// recordsIn returns what a file holds while no Caddy has it open, by arrival.
func recordsIn(t *testing.T, file string) []inbox.Record {
	t.Helper()
	store, err := bolt.Open(file, func(err error) { t.Errorf("damage: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var records []inbox.Record
	for r, err := range store.List(t.Context(), inbox.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func statesOf(records []inbox.Record) (states []inbox.State) {
	for _, r := range records {
		states = append(states, r.State)
	}
	return states
}

var ipn = ways[0]

// stores are all kinds of them that can be tested here. Each gives an empty one, as the
// global option inbox names it.
var stores = map[string]func(*testing.T) string{
	"bolt": func(t *testing.T) string {
		t.Helper()
		return "bolt " + filepath.Join(t.TempDir(), "inbox.db")
	},
}

// kept is a sidecar with an inbox, and the operator at its admin endpoint.
type inboxSidecar struct {
	*caddyServer
	app   *recordingApp
	file  string // of an inbox in a file
	store string // the global option
	admin string // address
}

// keptEvent is an event as an operator sees it.
type shownEvent struct {
	ID, Queue, Transaction, State, PaymentStatus, LastError, MessageError string
	Attempts                                                              int
	Message                                                               json.RawMessage
}

// keep runs a sidecar that gives an event up after two attempts. Its options are those of
// the inbox, whatever the store.
func newInboxSidecar(t *testing.T, options string) *inboxSidecar {
	t.Helper()
	file := filepath.Join(t.TempDir(), "inbox.db")
	k := newInboxSidecarIn(t, "bolt "+file, options)
	k.file = file
	return k
}

func newInboxSidecarIn(t *testing.T, store, options string) *inboxSidecar {
	t.Helper()
	k := &inboxSidecar{app: newApp(t), store: store}
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

func (k *inboxSidecar) caddyfile(options string) string {
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
func (k *inboxSidecar) operate(t *testing.T, args ...string) (string, error) {
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

func (k *inboxSidecar) mustOperate(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := k.operate(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return printed
}

// administer asks the admin endpoint without the command. An endpoint that is ending
// because of a reload may close a connection unanswered, hence the tries.
func (k *inboxSidecar) administer(t *testing.T, method, path, body string) (status int) {
	t.Helper()
	socket := strings.TrimPrefix(k.admin, "unix/")
	client := &caddyServer{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}}
	var a httpAnswer
	var err error
	for range 10 {
		if a, err = client.try(t.Context(), method, "http://localhost/galaxypay/inbox/"+path, nil, strings.NewReader(body)); err == nil {
			return a.status
		}
	}
	t.Fatal(err)
	return 0
}

func (k *inboxSidecar) show(t *testing.T, id string) (e shownEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(k.mustOperate(t, "show", id)), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// awaitState returns the event when it has a state.
func (k *inboxSidecar) awaitState(t *testing.T, id, state string) shownEvent {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		if e := k.show(t, id); e.State == state {
			return e
		}
	}
	t.Fatalf("the event is %s and not %s", k.show(t, id).State, state)
	return shownEvent{}
}

// arrive lets the gateway's IPN arrive, which is acknowledged whatever the app says.
func (k *inboxSidecar) arrive(t *testing.T, message string) (id string) {
	t.Helper()
	m := signedMessage(message, sandboxSalt)
	k.post(t, k.url("9181")+"/ipn", m.json()).wantIPNStatus(t, "200")
	return m.deliveryID()
}
