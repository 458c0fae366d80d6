package caddytest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// newDesk is a sidecar with the page for the person on call, in a site of its own.
func newDesk(t *testing.T, options string) deskSidecar {
	t.Helper()
	return newDeskSidecarWith(t, "reconcile off\n", "\nhttp://:9186 {\ngalaxypay_desk {\n"+options+"\n}\n}\n")
}

// desk opens a page of the desk.
func (s deskSidecar) desk(t *testing.T, query string, header ...string) httpAnswer {
	t.Helper()
	return s.inboxSidecar.get(t, s.deskURL()+query, header...)
}

func (s deskSidecar) deskURL() string { return s.inboxSidecar.url("9186") + "/" }

// The story of an order is found by each of its names, in both languages.
func TestDeskStory(t *testing.T) {
	s := newDesk(t, "")
	s.paidOrder(t)
	for _, name := range []string{"A-1", orderKey, "BACK-1", "R-77", "2601021234567890123456789"} {
		a := s.desk(t, "?id="+url.QueryEscape(name))
		a.wantStatus(t, http.StatusOK)
		for _, want := range []string{"A-1", "pay signed and sent, number 1", "payment paid, by a message of the gateway", "attempt 1: delivered"} {
			if !strings.Contains(html.UnescapeString(a.body), want) {
				t.Errorf("the story of %s has no %q:\n%s", name, want, a.body)
			}
		}
	}
	a := s.desk(t, "?language=vi&id=A-1")
	if !strings.Contains(a.body, `lang="vi"`) || !strings.Contains(a.body, "đã ký và gửi") {
		t.Errorf("in Vietnamese: %s", a.body)
	}
	s.desk(t, "?id=A-9").wantStatus(t, http.StatusNotFound)
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)
