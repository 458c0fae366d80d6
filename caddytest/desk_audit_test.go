//go:build unix

package caddytest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// press asks for what a link leads to, and confirms it.
func (s deskSidecar) press(t *testing.T, link string) httpAnswer {
	t.Helper()
	return s.postForm(t, s.deskURL(), s.question(t, link), "Origin", strings.TrimSuffix(s.deskURL(), "/"))
}

// linkOf is the one address on a page that has a text in it.
func linkOf(t *testing.T, a httpAnswer, part string) string {
	t.Helper()
	for _, found := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if link := html.UnescapeString(found[1]); strings.Contains(link, part) {
			return link
		}
	}
	t.Fatalf("no link with %s: %s", part, a.body)
	return ""
}

// An event of a transaction that is paid already is delivered once more, marked as it was; the payment does not change.
func TestDeskReplaysAPaidEvent(t *testing.T) {
	s := newDesk(t, "")
	testReplayOfAPaidEvent(t, s)
}

// The desk does the same where the store is a database.
func TestDeskPostgres(t *testing.T) {
	newDatabase(t)
	s := newDeskSidecarAt(t, newGateway(t), "store "+databaseOption+"\nreconcile off\n", "10ms", "\nhttp://:9186 {\ngalaxypay_desk\n}\n")
	testReplayOfAPaidEvent(t, s)
	if a := s.desk(t, "?list=dead"); a.status != http.StatusOK || !strings.Contains(a.body, "There is none") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

func testReplayOfAPaidEvent(t *testing.T, s deskSidecar) {
	t.Helper()
	s.answers(map[string]string{"pay": transactionAnswer})
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	first := s.delivered(t)
	before := s.operator(t, "list", "--json")
	calls := len(s.gateway.calls())
	a := s.press(t, linkOf(t, s.desk(t, "?id=A-1"), "ask=replay"))
	a.wantStatus(t, http.StatusOK)
	second := s.delivered(t)
	for _, name := range []string{"Galaxypay-Payment-Status", "Galaxypay-Event-Id"} {
		if first.header.Get(name) != second.header.Get(name) {
			t.Errorf("%s: %q, then %q", name, first.header.Get(name), second.header.Get(name))
		}
	}
	if got := second.header.Get("Galaxypay-Payment-Status"); got != "paid" {
		t.Errorf("the app got %q", got)
	}
	s.boundSidecar.app.wantNothing(t)
	if after := s.operator(t, "list", "--json"); after != before || len(s.gateway.calls()) != calls {
		t.Errorf("the payment was\n%s, and is\n%s", before, after)
	}
}

// An event that is old news for a paid transaction is left alone, and the log says so.
func TestDeskLeavesOldNewsAlone(t *testing.T) {
	s := newDesk(t, "")
	s.answers(map[string]string{"pay": transactionAnswer})
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	ipnJSON.send(t, s.caddyServer, signedMessage(failedMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.delivered(t)
	link := linkOf(t, s.desk(t, "?id=A-1"), "ask=replay") // while the event is the last word
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.delivered(t)
	before := s.operator(t, "list", "--json")
	a := s.press(t, link)
	s.boundSidecar.app.wantNothing(t)
	if !strings.Contains(a.body, "left alone") || s.operator(t, "list", "--json") != before {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
	lines := s.logLines(t, "the desk has done what an operator has confirmed")
	if len(lines) != 1 || lines[0]["result"] != "events to be delivered again: 0" || lines[0]["action"] != "replay" {
		t.Errorf("the log: %v", lines)
	}
}

// A press from elsewhere does nothing, leaves the confirmation good, and writes no line of the audit.
func TestDeskRefusesPressesFromElsewhere(t *testing.T) {
	s := newDesk(t, "")
	token := s.question(t, deedLinks(s.deadEvent(t))[0])
	for name, test := range map[string]struct {
		host   string
		header []string
		want   int
	}{
		"another origin":    {"", []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"an opaque origin":  {"", []string{"Origin", "null"}, http.StatusForbidden},
		"another port":      {"", []string{"Origin", "http://localhost:1"}, http.StatusForbidden},
		"another host":      {"evil.example", nil, http.StatusMisdirectedRequest},
		"a rebound name":    {"evil.example", []string{"Origin", "http://evil.example"}, http.StatusMisdirectedRequest},
		"a frame elsewhere": {"", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.deskURL(), strings.NewReader(token))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if test.host != "" {
				r.Host = test.host
			}
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			if a, err := s.roundTrip(r); err != nil || a.status != test.want {
				t.Errorf("HTTP %d, %v, want %d", a.status, err, test.want)
			}
		})
	}
	s.boundSidecar.app.wantNothing(t)
	if lines := s.logLines(t, "the desk begins what an operator has confirmed"); len(lines) != 0 {
		t.Errorf("the log: %v", lines)
	}
	s.postForm(t, s.deskURL(), token).wantStatus(t, http.StatusOK)
}

// Payments of which no word came are in their lists, and nowhere else.
func TestDeskListsUnansweredPayments(t *testing.T) {
	for status, query := range map[string]string{"silent": "", "abandoned": strings.Replace(strings.Replace(paidAnswer, `"200"`, `"100"`, 1), "SUCCESSFUL", "PROCESSING", 1)} {
		t.Run(status, func(t *testing.T) {
			s := newDeskSidecarWith(t, "reconcile 300ms 600ms\n", "10ms", "\nhttp://:9186 {\ngalaxypay_desk\n}\n")
			data := map[string]string{"pay": transactionAnswer}
			if query != "" {
				data["query"] = query
			}
			s.answers(data)
			s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
			eventually(t, "the list "+status, func() bool { return strings.Contains(s.desk(t, "?list="+url.QueryEscape(status)).body, ">A-1<") })
			for _, list := range []string{"dead", "disputed", "unknown", "silent", "abandoned"} {
				if a := s.desk(t, "?list="+list); strings.Contains(a.body, ">A-1<") != (list == status) {
					t.Errorf("%s: %s", list, a.body)
				}
			}
		})
	}
}
