package caddytest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// The gateway gets the app's answer to an IPN that goes through the inbox, too.
func TestInboxRelaysTheAppsAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		answer                 http.HandlerFunc
		ipnStatus, description string
	}{
		"ipnStatus 200":  {answering(200, `{"ipnStatus":"200","ipnDescription":"order updated"}`), "200", "order updated"},
		"ipnStatus 409":  {answering(200, `{"ipnStatus":"409"}`), "409", "Transaction Completed"},
		"nothing to say": {answering(204, ""), "200", "Transaction Success"},
		"HTTP 409":       {answering(409, `{"ipnStatus":"409"}`), "409", "Transaction Completed"},
	} {
		t.Run(name, func(t *testing.T) {
			app, file := newApp(t), inboxFile(t)
			app.answers(test.answer)
			c := start(t, inboxSite(file, app.address, ""))
			m := signedMessage(paidMessage, sandboxSalt)
			if got := ipnJSON.send(t, c, m).wantIPNStatus(t, test.ipnStatus); got != test.description {
				t.Errorf("description %q, want %q", got, test.description)
			}
			if attempt := (provenCallback{status: "paid", message: paidMessage, from: m}).checkFromInbox(t, app.only(t)); attempt != 1 {
				t.Errorf("attempt %d", attempt)
			}

			// A repetition is answered in the same way, and does not reach the app.
			if got := ipnJSON.send(t, c, m).wantIPNStatus(t, test.ipnStatus); got != test.description {
				t.Errorf("description of the second %q, want %q", got, test.description)
			}
			app.wantNothing(t)
			c.stop()
			if got := statesOf(recordsIn(t, file)); !slices.Equal(got, []inbox.State{inbox.Delivered}) {
				t.Errorf("kept %v", got)
			}
		})
	}
}

// An app that is down when an IPN arrives gets it when it runs again.
func TestInboxAppIsDown(t *testing.T) {
	address := freeAddress(t)
	c := start(t, inboxSite(inboxFile(t), address, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "200")

	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("another program took the app's port: %v", err)
	}
	app := new(recordingApp)
	asked := app.answersWithSignal(answering(200, ""))
	server := httptest.Server{Listener: listener, Config: &http.Server{Handler: app, ReadHeaderTimeout: patience}}
	server.Start()
	defer server.Close()
	await(t, asked, "the delivery")
	c.stop()
	if attempt := (provenCallback{status: "paid", message: paidMessage, from: m}).checkFromInbox(t, app.only(t)); attempt < 2 {
		t.Errorf("attempt %d", attempt)
	}
}

// Where the app gives no clear answer, the IPN is kept and tried again. The gateway gets a
// confirmation, because the IPN is safe.
func TestInboxAppDoesNotConfirm(t *testing.T) {
	elsewhere := newApp(t)
	for name, answer := range map[string]http.HandlerFunc{
		"error":    answering(500, `{"ipnStatus":"200"}`),
		"404":      answering(404, ""),
		"bare 409": answering(409, ""),
		"own 500":  answering(200, `{"ipnStatus":"500"}`),
		"web page": answering(200, "<html>", "Content-Type", "text/html"),
		"redirect": answering(307, "", "Location", "http://"+elsewhere.address+"/"),
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ipn")
		},
		"hangs up": func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "") },
	} {
		t.Run(name, func(t *testing.T) {
			app := newApp(t)
			asked := app.answersWithSignal(answer)
			c := start(t, inboxSite(inboxFile(t), app.address, ""))
			m := signedMessage(paidMessage, sandboxSalt)
			ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
			await(t, asked, "the first attempt")
			await(t, asked, "the second attempt")
			taken := app.answersWithSignal(answering(200, ""))
			await(t, taken, "the delivery")
			c.stop()
			for i, call := range app.received() {
				if attempt := (provenCallback{status: "paid", message: paidMessage, from: m}).checkFromInbox(t, call); attempt != i+1 {
					t.Errorf("call %d has attempt %d", i+1, attempt)
				}
			}
		})
	}
	elsewhere.wantNothing(t)
}

// The gateway does not wait for a slow app.
func TestInboxAppIsSlow(t *testing.T) {
	app := newApp(t)
	gate := newGate(t)
	answered := app.answersWithSignal(func(w http.ResponseWriter, r *http.Request) {
		gate.pass()
		answering(200, "")(w, r)
	})
	c := start(t, inboxSite(inboxFile(t), app.address, "answer_within 10ms"))
	m := signedMessage(paidMessage, sandboxSalt)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
	gate.open()
	await(t, answered, "the app's answer")
	c.stop()
	app.only(t)
}

// After a paid IPN, the app gets no other end of the same transaction. An earlier one it does get.
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
				ipnJSON.send(t, c, signedMessage(message, sandboxSalt)).wantIPNStatus(t, "200")
			}
			c.stop()
			var delivered []string
			for _, call := range app.received() {
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

// IPNs that are pending when Caddy stops are delivered by the next Caddy, in the order of arrival.
func TestInboxRestart(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	app.answers(answering(503, ""))
	first := start(t, inboxSite(file, app.address, "answer_within 10ms"))
	expired := strings.Replace(paidMessage, `"responseCode":"200"`, `"responseCode":"408"`, 1)
	ipnJSON.send(t, first, signedMessage(cancelledMessage, sandboxSalt)).wantIPNStatus(t, "200")
	ipnJSON.send(t, first, signedMessage(expired, sandboxSalt)).wantIPNStatus(t, "200")
	first.stop()
	if got := statesOf(recordsIn(t, file)); !slices.Equal(got, []inbox.State{inbox.Pending, inbox.Pending}) {
		t.Fatalf("kept %v", got)
	}
	app.received()

	taken := app.answersWithSignal(answering(200, ""))
	second := start(t, inboxSite(file, app.address, ""))
	await(t, taken, "the first delivery")
	await(t, taken, "the second delivery")
	second.stop()
	var delivered []string
	for _, call := range app.received() {
		delivered = append(delivered, call.header.Get("Galaxypay-Payment-Status"))
	}
	if want := []string{"cancelled", "expired"}; !slices.Equal(delivered, want) {
		t.Errorf("delivered %q, want %q", delivered, want)
	}
}

// An IPN that is not proven is not kept.
func TestInboxKeepsNothingUnproven(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	c := start(t, inboxSite(file, app.address, ""))
	ipnJSON.send(t, c, signedMessage(paidMessage, "another salt")).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
	ipnJSON.send(t, c, signedData("no Base64!", sandboxSalt)).wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
	app.wantNothing(t)
	c.stop()
	if records := recordsIn(t, file); len(records) != 0 {
		t.Errorf("kept %v", records)
	}
}

// A proven IPN is kept, however odd its ids are.
func TestInboxKeepsOddNames(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			id := k.arrive(t, strings.NewReplacer("2601021234567890123456789", long, "0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b", long).Replace(paidMessage))
			k.awaitState(t, id, "delivered")
			if body := k.app.only(t).body; strings.Count(body, long) != 2 {
				t.Errorf("the app got %.200s", body)
			}
		})
	}
}
