package caddytest

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// adminTunnel is a way to an admin endpoint that can be cut, as ssh is.
type adminTunnel struct {
	path   string
	to     string
	server *http.Server
}

// open opens it again.
func (a *adminTunnel) open(t *testing.T) {
	t.Helper()
	_ = os.Remove(a.path)
	listener, err := net.Listen("unix", a.path)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", a.to)
	}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1"})
	proxy.Transport = transport
	a.server = &http.Server{Handler: proxy, ReadHeaderTimeout: patience}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.server.Serve(listener) // which ends with an error
	}()
	a.server.RegisterOnShutdown(transport.CloseIdleConnections)
	t.Cleanup(func() {
		a.close()
		<-ended
		transport.CloseIdleConnections()
	})
}

func (a *adminTunnel) close() { _ = a.server.Close() }

// followedEvent is what listen --from --json prints of an event.
type followedEvent struct {
	Seq                                               uint64
	ID, OrderID, PaymentStatus, Merchant, Kind, Error string

	Answer *struct {
		Status    int
		IPNStatus string
	}
}

func (r *runningCommand) followed(t *testing.T) (e followedEvent) {
	t.Helper()
	line := r.line(t)
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return e
}

// orderMessage is a paid message about an order of its own.
func orderMessage(order string) string {
	return strings.NewReplacer("ORDER-1", order, "GP-1", "GP-"+order).Replace(`{"requestID":"REQ-ORDER-1","responseCode":"200","responseMessage":"Đã <trả>\u00e0","responseData":{"transactionID":"GP-1", "orderID":"ORDER-1","orderAmount":"109000","orderCurrency":"VND"}}` + "\n")
}

// Every event is shown once and in order, over reloads and broken connections, and is forwarded as an app gets it.
func TestListenFrom(t *testing.T) {
	k := newInboxSidecar(t, "")
	laptop := newApp(t)
	tunnel := &adminTunnel{path: filepath.Join(shortTempDir(t), "tunnel.sock"), to: k.socket}
	tunnel.open(t)
	k.arrive(t, orderMessage("BEFORE"))
	l := startGalaxypay(t, nil, "listen", "--from", "unix/"+tunnel.path, "--forward-to", "http://"+laptop.address+"/ipn", "--pause", "10ms", "--tries", "1000", "--json")
	if ready := l.says(t, "ready: "); !strings.Contains(ready, "-> http://"+laptop.address+"/ipn") {
		t.Errorf("said %q", ready)
	}
	next := func(order string) {
		t.Helper()
		e := l.followed(t)
		if e.OrderID != order || e.PaymentStatus != "paid" || e.Merchant != "default" || e.Kind != "ipn" || e.Answer == nil || e.Answer.IPNStatus != "200" {
			t.Errorf("printed %+v, want %s", e, order)
		}
		got := laptop.only(t)
		if got.body != orderMessage(order) || got.header.Get("Galaxypay-Order-Id") != order || got.header.Get("Galaxypay-Payment-Status") != "paid" ||
			got.header.Get("Galaxypay-Delivery-Id") != e.ID || got.header.Get("Galaxypay-Callback") != "ipn" || got.header.Get("Galaxypay-Merchant") != "default" {
			t.Errorf("the laptop got %+v", got)
		}
	}
	k.arrive(t, orderMessage("FIRST"))
	next("FIRST")
	k.mustLoad(t, k.caddyfile("keep 1000d"))
	k.arrive(t, orderMessage("RELOADED"))
	next("RELOADED")

	tunnel.close()
	l.says(t, "not connected: ")
	k.arrive(t, orderMessage("IN-BETWEEN-1"))
	k.arrive(t, orderMessage("IN-BETWEEN-2"))
	tunnel.open(t)
	l.says(t, "connected again")
	e := l.followed(t)
	second := l.followed(t)
	if e.OrderID != "IN-BETWEEN-1" || second.OrderID != "IN-BETWEEN-2" {
		t.Errorf("printed %+v and %+v", e, second)
	}
	laptop.received()
	if code := l.interrupt(t); code != 130 {
		t.Errorf("code %d, want 130", code)
	}

	// Another run goes on behind an event, or at a time.
	for after, want := range map[string]string{strconv.FormatUint(e.Seq, 10): "IN-BETWEEN-2", "0": "BEFORE", "2026-01-01T00:00:00+07:00": "BEFORE"} {
		again := startGalaxypay(t, nil, "listen", "--from", "unix/"+k.socket, "--after", after)
		if line := again.line(t); !strings.Contains(line, " verified ipn merchant=default order="+want+" ") {
			t.Errorf("after %s: printed %q", after, line)
		}
		again.interrupt(t)
	}
	laptop.wantNothing(t)
}

// It gives up, with the reason and with how to go on.
func TestListenFromGivesUp(t *testing.T) {
	socket := filepath.Join(shortTempDir(t), "none.sock")
	run := runGalaxypay(t, "", "listen", "--from", "unix/"+socket, "--pause", "1ms", "--tries", "3", "--after", "7")
	run.wantError(t, 3, "gave up after 3 tries: ")
	if strings.Contains(run.stderr, "ready") || strings.Count(run.stderr, "not connected: ") != 2 || !strings.Contains(run.stderr, "--after 7\n") {
		t.Errorf("standard error %q", run.stderr)
	}
}

// What no time heals is told at once.
func TestListenFromRefused(t *testing.T) {
	k := newInboxSidecar(t, "")
	from := []string{"listen", "--from", "unix/" + k.socket}
	runGalaxypay(t, "", append(from, "--after", "yesterday")...).wantError(t, 1, "after: expected the cursor of an answer")
	k.mustLoad(t, "{\nadmin unix/"+k.socket+"\npersist_config off\n}\n")
	runGalaxypay(t, "", from...).wantError(t, 1, "no inbox")
	runGalaxypay(t, "", append(from, "--salt", "-")...).wantError(t, 2, "--salt: does not go with --from")
	runGalaxypay(t, "", append(from, "--tries", "0")...).wantError(t, 2, "--tries, --pause: expected more than zero")
	runGalaxypay(t, "", "listen", "--from", "http://localhost:2019/x").wantError(t, 2, "--from: expected the address of an admin endpoint")
	runGalaxypay(t, "", "listen", "--after", "7", "--forward-to", "http://127.0.0.1:1/").wantError(t, 2, "--after: goes with --from only")
}

// The admin API refuses what it does not understand, and bounds the wait.
func TestWaitForEvents(t *testing.T) {
	k := newInboxSidecar(t, "")
	k.arrive(t, orderMessage("FIRST"))
	for query, want := range map[string]struct {
		status int
		body   string
	}{
		"?seconds=0":         {200, `{"events":[],"cursor":1}`},
		"?seconds=0&after=0": {200, `"cursor":1}`},
		"?seconds=0&after=1": {200, `{"events":[],"cursor":1}`},
		"?seconds=61":        {400, "from 0 to 60"},
		"?seconds=-1":        {400, "from 0 to 60"},
		"?seconds=":          {400, "each with one value"},
		"?after=1&after=2":   {400, "each with one value"},
		"?after=-1":          {400, "the cursor of an answer"},
		"?order=FIRST":       {400, "expected after"},
	} {
		a := sendToAdmin(t, k.socket, http.MethodGet, "/galaxypay/events/wait"+query, "")
		if a.status != want.status || !strings.Contains(a.body, want.body) {
			t.Errorf("%s: HTTP %d %s, want %d %s", query, a.status, a.body, want.status, want.body)
		}
	}
}
