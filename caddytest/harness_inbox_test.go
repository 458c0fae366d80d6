package caddytest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// inboxSite is the Caddyfile of a site that keeps IPNs of the sandbox's merchant in a file for an
// app. It tries often and with little delay. options are those of the handler's inbox.
func inboxSite(file, app, options string) string {
	return `
		{
			galaxypay {
				environment sandbox
				store sqlite ` + file + `
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
			respond "no callback" 418
		}`
}

func inboxFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store.db")
}

// checkFromInbox compares what the app got from an inbox with what it must get, and returns the
// number of the attempt.
func (want provenCallback) checkFromInbox(t *testing.T, got appRequest) (attempt int) {
	t.Helper()
	attempt, err := strconv.Atoi(got.header.Get("Galaxypay-Attempt"))
	if err != nil || attempt < 1 {
		t.Errorf("Galaxypay-Attempt %q", got.header.Get("Galaxypay-Attempt"))
	}
	got.header.Del("Galaxypay-Attempt")
	if order := got.header.Get("Galaxypay-Order"); order != "" && order != "unknown" {
		t.Errorf("Galaxypay-Order %q of what was not signed here", order)
	}
	got.header.Del("Galaxypay-Order")
	want.target, want.kind = "/payments/ipn?from=sidecar", "ipn"
	want.check(t, got)
	return attempt
}

// recordsIn returns what an inbox in a file holds, by arrival. No Caddy may have it open.
func recordsIn(t *testing.T, file string) []inbox.Record {
	t.Helper()
	store, err := sqlite.Open(file, func(err error) { t.Errorf("damage: %v", err) })
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

// stores are the kinds of stores that can be tested here. Each function makes an empty store and
// returns it as the global option store names it.
var stores = map[string]func(*testing.T) string{
	"sqlite": func(t *testing.T) string {
		t.Helper()
		return "sqlite " + filepath.Join(t.TempDir(), "store.db")
	},
}

// inboxSidecar is a sidecar with an inbox, and the operator at its admin endpoint.
type inboxSidecar struct {
	*caddyServer
	app    *recordingApp
	file   string // of an inbox in a file
	store  string // as the global option names it
	inbox  string // more options of the handler's inbox
	socket string // of the admin endpoint
}

// shownEvent is an event as an operator sees it.
type shownEvent struct {
	ID, Queue, Transaction, OrderID, RequestID, State, PaymentStatus, LastError, MessageError string

	Attempts int
	Answer   inbox.Answer
	Message  json.RawMessage
}

// newInboxSidecar runs a sidecar with an inbox in a file. It gives an event up after two attempts.
// options are those of the global store.
func newInboxSidecar(t *testing.T, options string) *inboxSidecar {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.db")
	k := newInboxSidecarIn(t, "sqlite "+file, options)
	k.file = file
	return k
}

// newInboxSidecarIn is newInboxSidecar with another store.
func newInboxSidecarIn(t *testing.T, store, options string) *inboxSidecar {
	t.Helper()
	return newInboxSidecarThat(t, "retry 1ms", store, options)
}

// newInboxSidecarThat is newInboxSidecarIn with these options of the handler's inbox.
func newInboxSidecarThat(t *testing.T, handler, store, options string) *inboxSidecar {
	t.Helper()
	k := &inboxSidecar{app: newApp(t), store: store, inbox: handler}
	k.socket = filepath.Join(shortTempDir(t), "admin.sock")
	k.caddyServer = start(t, k.caddyfile(options))
	t.Cleanup(func() {
		// caddy.Stop does not end the admin endpoint. Another configuration does.
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
			admin unix/` + k.socket + `
			persist_config off
			galaxypay {
				environment sandbox
				store ` + k.store + ` {
					` + options + `
				}
			}
		}
		http://:9181 {
			galaxypay_ipn {
				inbox {
					deliver_to http://` + k.app.address + `/payments/ipn?shop=1
					` + k.inbox + `
				}
			}
		}`
}

// operate runs "caddy galaxypay inbox ..." and returns what it printed. A reload moves the admin
// endpoint, and Caddy closes connections to the old one unanswered; so a command that only
// reads is run again when it got no answer.
func (k *inboxSidecar) operate(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	for range 10 {
		printed, err = k.operateOnce(t, args...)
		if err == nil || args[0] == "replay" || !strings.HasSuffix(err.Error(), "EOF") {
			break
		}
	}
	return printed, err
}

func (k *inboxSidecar) operateOnce(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return k.command(t, "inbox", args...)
}

// command runs "caddy galaxypay <name> ..." and returns what it printed.
func (k *inboxSidecar) command(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	registered := caddycmd.Commands()["galaxypay"]
	cmd := &cobra.Command{Use: registered.Name, SilenceErrors: true, SilenceUsage: true}
	registered.CobraFunc(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{name, "--address", "unix/" + k.socket}, args...))
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

// administer sends a request to the admin endpoint without the command.
func (k *inboxSidecar) administer(t *testing.T, method, path, body string) (status int) {
	t.Helper()
	return sendToAdmin(t, k.socket, method, "/galaxypay/events/"+path, body).status
}

func (k *inboxSidecar) show(t *testing.T, id string) (e shownEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(k.mustOperate(t, "show", id)), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// awaitState returns the event when it has this state.
func (k *inboxSidecar) awaitState(t *testing.T, id, state string) (e shownEvent) {
	t.Helper()
	eventually(t, "the event is "+state, func() bool {
		e = k.show(t, id)
		return e.State == state
	})
	return e
}

// send sends an IPN, and returns the ipnStatus that the gateway gets.
func (k *inboxSidecar) send(t *testing.T, message string) (ipnStatus string) {
	t.Helper()
	a := k.post(t, k.url("9181")+"/ipn", signedMessage(message, sandboxSalt).json())
	var answer inbox.Answer
	a.decode(t, &answer)
	return answer.Status
}

// wasTold checks which payment statuses the app has got since the last look.
func (a *recordingApp) wasTold(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, call := range a.received() {
		got = append(got, call.header.Get("Galaxypay-Payment-Status"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the app was told %q, want %q", got, want)
	}
}

// arrive sends an IPN, which is acknowledged whatever the app answers, and returns its id.
func (k *inboxSidecar) arrive(t *testing.T, message string) (id string) {
	t.Helper()
	m := signedMessage(message, sandboxSalt)
	k.post(t, k.url("9181")+"/ipn", m.json()).wantIPNStatus(t, "200")
	return m.deliveryID()
}
