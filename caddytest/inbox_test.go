package caddytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

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
func (want trusted) checkKept(t *testing.T, got handed) (attempt int) {
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

// tells makes the app answer, and tell when it has been asked.
func (a *recordingApp) tells(answer http.HandlerFunc) <-chan struct{} {
	asked := make(chan struct{}, 1000)
	a.answers(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r)
		asked <- struct{}{}
	})
	return asked
}

// await waits for a channel as long as patience allows.
func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatalf("waited in vain: %s", what)
	}
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

func TestInboxRelaysTheAppsAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		answer                 http.HandlerFunc
		ipnStatus, description string
	}{
		"ipnStatus 200":   {saying(200, `{"ipnStatus":"200","ipnDescription":"order updated"}`), "200", "order updated"},
		"ipnStatus 404":   {saying(200, `{"ipnStatus":404}`), "404", "Transaction Not Found"},
		"ipnStatus 409":   {saying(200, `{"ipnStatus":"409"}`), "409", "Transaction Completed"},
		"ipnStatus other": {saying(200, `{"ipnStatus":"500"}`), "200", "Transaction Success"},
		"nothing to say":  {saying(204, ""), "200", "Transaction Success"},
		"bare 409":        {saying(409, ""), "409", "Transaction Completed"},
	} {
		t.Run(name, func(t *testing.T) {
			app, file := newApp(t), inboxFile(t)
			app.answers(test.answer)
			c := start(t, inboxSite(file, app.address, ""))
			m := sealed(paidMessage, sandboxSalt)
			if got := ipn.deliver(t, c, m).confirmedAs(t, test.ipnStatus); got != test.description {
				t.Errorf("description %q, want %q", got, test.description)
			}
			if attempt := (trusted{status: "paid", message: paidMessage, from: m}).checkKept(t, app.only(t)); attempt != 1 {
				t.Errorf("attempt %d", attempt)
			}

			// Whoever sends it again hears the same, and the app nothing.
			if got := ipn.deliver(t, c, m).confirmedAs(t, test.ipnStatus); got != test.description {
				t.Errorf("description of the second %q, want %q", got, test.description)
			}
			app.untouched(t)
			c.stop()
			if got := statesOf(recordsIn(t, file)); !slices.Equal(got, []inbox.State{inbox.Delivered}) {
				t.Errorf("kept %v", got)
			}
		})
	}
}

// An app that is down when an IPN comes gets it when it is back.
func TestInboxAppIsDown(t *testing.T) {
	address := freeAddress(t)
	c := start(t, inboxSite(inboxFile(t), address, ""))
	m := sealed(paidMessage, sandboxSalt)
	ipn.deliver(t, c, m).confirmedAs(t, "200")

	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("somebody else took the app's port: %v", err)
	}
	app := new(recordingApp)
	asked := app.tells(saying(200, ""))
	server := httptest.Server{Listener: listener, Config: &http.Server{Handler: app, ReadHeaderTimeout: patience}}
	server.Start()
	defer server.Close()
	await(t, asked, "the delivery")
	c.stop()
	if attempt := (trusted{status: "paid", message: paidMessage, from: m}).checkKept(t, app.only(t)); attempt < 2 {
		t.Errorf("attempt %d", attempt)
	}
}

// Answers that are none: the IPN is kept, tried again and confirmed to the gateway.
func TestInboxAppDoesNotTakeIt(t *testing.T) {
	elsewhere := newApp(t)
	for name, answer := range map[string]http.HandlerFunc{
		"error":    saying(500, `{"ipnStatus":"200"}`),
		"404":      saying(404, ""),
		"redirect": saying(307, "", "Location", "http://"+elsewhere.address+"/"),
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			goodbye(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ipn")
		},
		"hangs up": func(w http.ResponseWriter, _ *http.Request) { goodbye(w, "") },
	} {
		t.Run(name, func(t *testing.T) {
			app := newApp(t)
			asked := app.tells(answer)
			c := start(t, inboxSite(inboxFile(t), app.address, ""))
			m := sealed(paidMessage, sandboxSalt)
			ipn.deliver(t, c, m).confirmedAs(t, "200")
			await(t, asked, "the first attempt")
			await(t, asked, "the second attempt")
			taken := app.tells(saying(200, ""))
			await(t, taken, "the delivery")
			c.stop()
			for i, call := range app.calls() {
				if attempt := (trusted{status: "paid", message: paidMessage, from: m}).checkKept(t, call); attempt != i+1 {
					t.Errorf("call %d has attempt %d", i+1, attempt)
				}
			}
		})
	}
	elsewhere.untouched(t)
}

// A slow app does not keep the gateway waiting.
func TestInboxAppIsSlow(t *testing.T) {
	app := newApp(t)
	think := make(chan struct{})
	thought := app.tells(func(w http.ResponseWriter, r *http.Request) {
		<-think
		saying(200, "")(w, r)
	})
	c := start(t, inboxSite(inboxFile(t), app.address, "answer_within 10ms"))
	m := sealed(paidMessage, sandboxSalt)
	ipn.deliver(t, c, m).confirmedAs(t, "200")
	close(think)
	await(t, thought, "the app")
	c.stop()
	app.only(t)
}

func TestInboxPaidWins(t *testing.T) {
	expired := strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"408"`, 1)
	for name, test := range map[string]struct {
		messages  []string
		delivered []string
		states    []inbox.State
	}{
		"paid, then cancelled": {[]string{paidMessage, cancelledMessage}, []string{"paid"}, []inbox.State{inbox.Delivered, inbox.Overtaken}},
		"expired, then paid":   {[]string{expired, paidMessage}, []string{"expired", "paid"}, []inbox.State{inbox.Delivered, inbox.Delivered}},
	} {
		t.Run(name, func(t *testing.T) {
			app, file := newApp(t), inboxFile(t)
			c := start(t, inboxSite(file, app.address, ""))
			for _, message := range test.messages {
				ipn.deliver(t, c, sealed(message, sandboxSalt)).confirmedAs(t, "200")
			}
			c.stop()
			var delivered []string
			for _, call := range app.calls() {
				delivered = append(delivered, call.header.Get("Galaxypay-Payment-Status"))
			}
			if !slices.Equal(delivered, test.delivered) {
				t.Errorf("delivered %q, want %q", delivered, test.delivered)
			}
			if got := statesOf(recordsIn(t, file)); !slices.Equal(got, test.states) {
				t.Errorf("kept %v, want %v", got, test.states)
			}
		})
	}
}

// What is pending when Caddy stops is delivered by the next one, in the order of arrival.
func TestInboxRestart(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	app.answers(saying(503, ""))
	first := start(t, inboxSite(file, app.address, "answer_within 10ms"))
	ipn.deliver(t, first, sealed(cancelledMessage, sandboxSalt)).confirmedAs(t, "200")
	ipn.deliver(t, first, sealed(paidMessage, sandboxSalt)).confirmedAs(t, "200")
	first.stop()
	if got := statesOf(recordsIn(t, file)); !slices.Equal(got, []inbox.State{inbox.Pending, inbox.Pending}) {
		t.Fatalf("kept %v", got)
	}
	app.calls()

	taken := app.tells(saying(200, ""))
	second := start(t, inboxSite(file, app.address, ""))
	await(t, taken, "the first delivery")
	await(t, taken, "the second delivery")
	second.stop()
	var delivered []string
	for _, call := range app.calls() {
		delivered = append(delivered, call.header.Get("Galaxypay-Payment-Status"))
	}
	if want := []string{"cancelled", "paid"}; !slices.Equal(delivered, want) {
		t.Errorf("delivered %q, want %q", delivered, want)
	}
}

// IPNs that arrive while the configuration is replaced reach the app once each.
func TestInboxReload(t *testing.T) {
	const reloads, senders = 10, 4
	app, file := newApp(t), inboxFile(t)
	config := func(version int) string {
		return strings.Replace(inboxSite(file, app.address, ""), "http://:9181 {", "http://:9181 {\nheader Version "+strconv.Itoa(version), 1)
	}
	c := start(t, config(0))
	gateway := &caddyServer{client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
	address := c.url("9181") + "/galaxypay/ipn"
	var (
		done    = make(chan struct{})
		sending sync.WaitGroup
		count   atomic.Int64
		resent  atomic.Int64
	)
	send := func(m callback) {
		for {
			a, err := gateway.try(t.Context(), http.MethodPost, address, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(m.json()))
			if err != nil && t.Context().Err() == nil && resent.Add(1) < 1000 {
				continue // see TestInboundReload
			}
			if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"ipnStatus":"200"`) {
				t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
			}
			return
		}
	}
	for range senders {
		sending.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					n := count.Add(1)
					send(sealed(fmt.Sprintf(`{"requestID":"%d","responseCode":"200","responseData":{"transactionID":"%d"}}`, n, n), sandboxSalt))
				}
			}
		})
	}
	for version := range reloads {
		if err := c.load(t, config(version+1)); err != nil {
			t.Errorf("reload %d: %v", version+1, err)
		}
	}
	close(done)
	sending.Wait()
	c.stop()

	reached := make(map[string]int)
	for _, call := range app.calls() {
		reached[call.header.Get("Galaxypay-Delivery-Id")]++
	}
	records := recordsIn(t, file)
	if int64(len(records)) != count.Load() {
		t.Errorf("%d IPNs were sent, %d are kept", count.Load(), len(records))
	}
	for _, r := range records {
		if r.State != inbox.Delivered || reached[r.ID] != 1 {
			t.Errorf("%s is %s and has reached the app %d times", r.ID, r.State, reached[r.ID])
		}
	}
	t.Logf("%d IPNs during %d reloads", len(records), reloads)
}

// What is pending goes where the new configuration says.
func TestInboxReloadMovesTheApp(t *testing.T) {
	old, moved, file := newApp(t), newApp(t), inboxFile(t)
	old.answers(saying(503, ""))
	taken := moved.tells(saying(200, ""))
	c := start(t, inboxSite(file, old.address, "answer_within 10ms"))
	m := sealed(paidMessage, sandboxSalt)
	ipn.deliver(t, c, m).confirmedAs(t, "200")
	if err := c.load(t, inboxSite(file, moved.address, "")); err != nil {
		t.Fatal(err)
	}
	await(t, taken, "the delivery")
	c.stop()
	if attempt := (trusted{status: "paid", message: paidMessage, from: m}).checkKept(t, moved.only(t)); attempt < 2 {
		t.Errorf("attempt %d", attempt)
	}
}

// A reload that fails leaves the inbox as it was.
func TestInboxReloadThatFails(t *testing.T) {
	app, other := newApp(t), newApp(t)
	file := inboxFile(t)
	c := start(t, inboxSite(file, app.address, ""))
	wrong := strings.Replace(inboxSite(file, other.address, ""), "http://:9181 {", "http://:9181 {\ngalaxypay_result {\nmerchant nobody\n}", 1)
	if err := c.load(t, wrong); err == nil {
		t.Fatal("the configuration was taken")
	}
	ipn.deliver(t, c, sealed(paidMessage, sandboxSalt)).confirmedAs(t, "200")
	app.only(t)
	other.untouched(t)
}

func TestInboxKeepsNothingUnproven(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	c := start(t, inboxSite(file, app.address, ""))
	ipn.deliver(t, c, sealed(paidMessage, "another salt")).refusedAs(t, http.StatusForbidden, "signature_invalid")
	ipn.deliver(t, c, signedData("no Base64!", sandboxSalt)).refusedAs(t, http.StatusBadRequest, "callback_malformed")
	app.untouched(t)
	c.stop()
	if records := recordsIn(t, file); len(records) != 0 {
		t.Errorf("kept %v", records)
	}
}

// fullStore is a store that takes nothing.
type fullStore struct{ inbox.Store }

var errFull = errors.New("no space left on device")

func (s fullStore) Arrive(context.Context, inbox.Event, inbox.Lease) (inbox.Record, bool, error) {
	return inbox.Record{}, false, errFull
}

// fullOpener is the Caddy module of fullStore, over a file that is fine.
type fullOpener struct {
	Path string `json:"path"`
}

func init() { caddy.RegisterModule(fullOpener{}) }

func (fullOpener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "galaxypay.inbox.full", New: func() caddy.Module { return new(fullOpener) }}
}

func (o *fullOpener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&o.Path)
	return nil
}

func (o *fullOpener) Key() string { return "full " + o.Path }

func (o *fullOpener) Open(context.Context) (inbox.Store, error) {
	store, err := bolt.Open(o.Path, func(error) {})
	return fullStore{store}, err
}

// What could not be stored is not acknowledged, and the app hears nothing of it.
func TestInboxCannotStore(t *testing.T) {
	app := newApp(t)
	c := start(t, strings.Replace(inboxSite(inboxFile(t), app.address, ""), "inbox bolt", "inbox full", 1))
	ipn.deliver(t, c, sealed(paidMessage, sandboxSalt)).refusedAs(t, http.StatusServiceUnavailable, "inbox_unavailable")
	app.untouched(t)
	lines := c.logLines(t, "an IPN could not be kept, so it was not acknowledged")
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), errFull.Error()) {
		t.Errorf("logged %v", lines)
	}
}

func TestInboxThatCannotBeOpened(t *testing.T) {
	app := newApp(t)
	notAFolder := inboxFile(t)
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := tryStart(t, inboxSite(filepath.Join(notAFolder, "inbox.db"), app.address, ""))
	if err == nil || !strings.Contains(err.Error(), "opening the inbox") {
		t.Errorf("error %v", err)
	}
}

// Without a word in the global option, the inbox is a file in Caddy's data directory that
// only its owner can read.
func TestInboxByDefault(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	app := newApp(t)
	c := start(t, strings.Replace(inboxSite("", app.address, ""), "inbox bolt", "", 1))
	ipn.deliver(t, c, sealed(paidMessage, sandboxSalt)).confirmedAs(t, "200")
	app.only(t)
	info, err := os.Stat(filepath.Join(data, "caddy", "galaxypay", "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// A secret in the configuration works, but should not stay there.
func TestInboxSecretInTheConfiguration(t *testing.T) {
	const canary = "5ec2e70f"
	key, address := strings.Repeat(canary, 8), "postgres://shop:"+canary+"@"+freeAddress(t)+"/shop"
	t.Setenv("INBOX_KEY", key)
	t.Setenv("INBOX_ADDRESS", address)
	for store, warnings := range map[string]int{
		"bolt " + inboxFile(t) + " {\nencrypt a " + key + "\n}":     1,
		"bolt " + inboxFile(t) + " {\nencrypt a {env.INBOX_KEY}\n}": 0,
		"postgres " + address:          1,
		"postgres {env.INBOX_ADDRESS}": 0,
	} {
		site := strings.Replace(inboxSite("", newApp(t).address, ""), "inbox bolt ", "inbox "+store, 1)
		c := start(t, site)
		c.stop()
		logs := c.logs(t)
		if n := strings.Count(logs, "stands in the configuration itself, where config dumps show it"); n != warnings {
			t.Errorf("%s: %d warnings, want %d", store, n, warnings)
		}
		if strings.Contains(logs, canary) {
			t.Errorf("%s: it is in the log", store)
		}
	}
}

func TestInboxLoadErrors(t *testing.T) {
	app := newApp(t)
	const handler = "galaxypay_ipn /galaxypay/ipn {"
	site := inboxSite(inboxFile(t), app.address, "")
	second := "galaxypay_ipn /second {\ninbox {\ndeliver_to http://" + app.address + "/elsewhere\n}\n}\n"
	for name, test := range map[string]struct{ caddyfile, want string }{
		"unknown store":       {strings.Replace(site, "inbox bolt", "inbox redis", 1), "galaxypay.inbox.redis"},
		"no store":            {strings.Replace(site, "inbox bolt", "inbox #", 1), "expected a store"},
		"inbox given twice":   {strings.Replace(site, "inbox bolt", "inbox bolt\ninbox bolt", 1), "duplicate option inbox"},
		"no deliver_to":       {strings.Replace(site, "deliver_to", "#", 1), "deliver_to"},
		"two sets of options": {strings.Replace(site, handler, second+handler, 1), "different settings"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryStart(t, test.caddyfile); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	t.Run("two of the same", func(t *testing.T) {
		block := site[strings.Index(site, handler):strings.Index(site, "respond")]
		start(t, strings.Replace(site, handler, strings.Replace(block, "/galaxypay/ipn", "/second", 1)+handler, 1))
	})
	t.Run("in JSON, for results", func(t *testing.T) {
		c, err := tryStart(t, "{\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		err = caddy.Load(c.localise(t, []byte(`{"apps":{"galaxypay":{"merchants":{"default":{"environment":"sandbox"}}},
			"http":{"servers":{"s":{"listen":[":9181"],"routes":[{"handle":[{"handler":"galaxypay_callback","kind":"result",
			"inbox":{"deliver_to":"http://app/"}}]}]}}}}}`)), true)
		if err == nil || !strings.Contains(err.Error(), "only IPNs") {
			t.Errorf("error %v", err)
		}
	})
}

// A configuration can be validated beside a Caddy that has the inbox open.
func TestInboxIsNotOpenedToValidate(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	store, err := bolt.Open(file, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := tryStart(t, "{\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	adapted, _, err := adapt(t, inboxSite(file, app.address, ""))
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(c.localise(t, adapted), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Error(err)
	}
}
