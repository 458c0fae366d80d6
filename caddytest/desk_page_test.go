package caddytest

import (
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// newDesk is a sidecar with the page for the person on call, in a site of its own. It tries each delivery twice.
func newDesk(t *testing.T, options string) deskSidecar {
	t.Helper()
	return newDeskAt(t, "http://:9186 {\ngalaxypay_desk {\n"+options+"\n}\n}\n")
}

func newDeskAt(t *testing.T, site string) deskSidecar {
	t.Helper()
	return newDeskSidecarWith(t, "reconcile off\n", "10ms", "\n"+site)
}

func (s deskSidecar) deskURL() string { return s.url("9186") + "/" }

// desk opens a page of the desk.
func (s deskSidecar) desk(t *testing.T, query string, header ...string) httpAnswer {
	t.Helper()
	return s.get(t, s.deskURL()+query, header...)
}

var (
	tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)
	deedLink   = regexp.MustCompile(`href="(\?[^"]*ask=(?:replay|query)[^"]*)"`)
)

// deedLinks are the addresses of the buttons on a page.
func deedLinks(a httpAnswer) (links []string) {
	for _, found := range deedLink.FindAllStringSubmatch(a.body, -1) {
		links = append(links, html.UnescapeString(found[1]))
	}
	return links
}

// question opens the page that a button leads to, and returns the token in it.
func (s deskSidecar) question(t *testing.T, link string, header ...string) (token string) {
	t.Helper()
	a := s.desk(t, link, header...)
	a.wantStatus(t, http.StatusOK)
	found := tokenField.FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("no question: %s", a.body)
	}
	return "token=" + url.QueryEscape(found[1])
}

// deadEvent has the app refuse the callback of an order to the last attempt.
func (s deskSidecar) deadEvent(t *testing.T) (list httpAnswer) {
	t.Helper()
	s.answers(map[string]string{"pay": transactionAnswer, "query": paidAnswer})
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	s.boundSidecar.app.answers(answering(http.StatusInternalServerError, "no"))
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt))
	eventually(t, "a dead event", func() bool {
		list = s.desk(t, "?list=dead")
		return strings.Contains(list.body, "A-1")
	})
	s.boundSidecar.app.received()
	return list
}

// delivered waits for one delivery to the app.
func (s deskSidecar) delivered(t *testing.T) (got appRequest) {
	t.Helper()
	eventually(t, "a delivery", func() bool {
		all := s.boundSidecar.app.received()
		if len(all) > 0 {
			got = all[0]
		}
		return len(all) > 0
	})
	return got
}

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
		if strings.Contains(a.body, "Cà phê") || strings.Contains(a.body, "https://pay.example") {
			t.Errorf("the story shows a message: %s", a.body)
		}
	}
	a := s.desk(t, "?language=vi&id=A-1")
	if !strings.Contains(a.body, `lang="vi"`) || !strings.Contains(a.body, "đã ký và gửi") {
		t.Errorf("in Vietnamese: %s", a.body)
	}
	s.desk(t, "?id=A-9").wantStatus(t, http.StatusNotFound)
	s.desk(t, "?id="+strings.Repeat("A", 2000)).wantStatus(t, http.StatusNotFound)
	s.desk(t, "?list=all").wantStatus(t, http.StatusNotFound)
	s.desk(t, "?ask=settle").wantStatus(t, http.StatusNotFound)
	s.desk(t, "?event=ab&merchant=default").wantStatus(t, http.StatusNotFound)
	s.desk(t, "").wantStatus(t, http.StatusOK)
}

// Each list shows what belongs into it, and nothing else.
func TestDeskLists(t *testing.T) {
	s := newDesk(t, "")
	s.deadEvent(t)
	ipnJSON.send(t, s.caddyServer, signedMessage(strings.Replace(paidMessage, `"109000"`, `"1"`, 1), s.gateway.salt))
	s.gateway.replies(func(*call) []byte { return nil })
	s.call(t, "/refund", refund, "Idempotency-Key", "refund-1")
	for list, want := range map[string]struct{ status, has, hasNot string }{
		"dead":      {"Dead", ">A-1<", "refund-1"},
		"disputed":  {"disputed", ">A-1<", "refund-1"},
		"unknown":   {"Unknown", "refund-1", "BACK"},
		"silent":    {"There is none", "", "A-1"},
		"abandoned": {"There is none", "", "A-1"},
	} {
		a := s.desk(t, "?list="+list)
		a.wantStatus(t, http.StatusOK)
		if !strings.Contains(a.body, want.status) || !strings.Contains(a.body, want.has) || strings.Contains(a.body, want.hasNot) {
			t.Errorf("%s: %s", list, a.body)
		}
	}
}

// A button asks first. What was confirmed is done once, and the log says who did what.
func TestDeskReplaysOnce(t *testing.T) {
	s := newDesk(t, "")
	links := deedLinks(s.deadEvent(t))
	if len(links) != 1 {
		t.Fatalf("buttons: %v", links)
	}
	s.boundSidecar.app.answers(answering(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"ok"}`))
	token := s.question(t, links[0])
	s.boundSidecar.app.wantNothing(t)
	for name, header := range map[string][]string{
		"foreign origin": {"Origin", "https://evil.example"},
		"no origin":      {"Origin", "null"},
		"foreign site":   {"Sec-Fetch-Site", "cross-site"},
	} {
		if a := s.postForm(t, s.deskURL(), token, header...); a.status != http.StatusForbidden {
			t.Errorf("%s: HTTP %d", name, a.status)
		}
	}
	for _, body := range []string{"", "token=", "token=x", "ask=replay"} {
		s.postForm(t, s.deskURL(), body).wantStatus(t, http.StatusForbidden)
	}
	s.post(t, s.deskURL()+"?"+token, "{}").wantStatus(t, http.StatusForbidden)
	s.boundSidecar.app.wantNothing(t)
	a := s.postForm(t, s.deskURL(), token, "Origin", strings.TrimSuffix(s.deskURL(), "/"), "Sec-Fetch-Site", "same-origin")
	a.wantStatus(t, http.StatusOK)
	if !strings.Contains(a.body, "is being delivered again") {
		t.Errorf("%s", a.body)
	}
	s.delivered(t)
	s.postForm(t, s.deskURL(), token).wantStatus(t, http.StatusForbidden)
	s.boundSidecar.app.wantNothing(t)
	for _, message := range []string{"the desk begins what an operator has confirmed", "the desk has done what an operator has confirmed"} {
		lines := s.logLines(t, message)
		if len(lines) != 1 || lines[0]["who"] != "address 127.0.0.1" || lines[0]["action"] != "replay" || len(lines[0]["of"].(string)) != 64 {
			t.Errorf("%s: %v", message, lines)
		}
	}
}

// The gateway is asked once, and the page shows what came of it; a failure is shown too, and is in the log.
func TestDeskAsksTheGateway(t *testing.T) {
	s := newDesk(t, "")
	s.answers(map[string]string{"pay": transactionAnswer, "query": paidAnswer})
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	links := deedLinks(s.desk(t, "?id=A-1"))
	if len(links) != 1 {
		t.Fatalf("buttons: %v", links)
	}
	token := s.question(t, links[0])
	calls := len(s.gateway.calls())
	a := s.postForm(t, s.deskURL(), token)
	a.wantStatus(t, http.StatusOK)
	if !strings.Contains(a.body, "The payment status is: paid") || len(s.gateway.calls()) != calls+1 {
		t.Errorf("%d calls: %s", len(s.gateway.calls())-calls, a.body)
	}
	s.boundSidecar.app.only(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.refusal(c, "404") })
	a = s.postForm(t, s.deskURL(), s.question(t, links[0]))
	if a.status != http.StatusBadGateway || !strings.Contains(a.body, "no answer that counts") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
	if lines := s.logLines(t, "the desk could not do what an operator has confirmed"); len(lines) != 1 || lines[0]["error"] == "" {
		t.Errorf("the log: %v", lines)
	}
}

// Under a name that was rebound, from another machine, and without a password, there is no page.
func TestDeskKeepsOthersOut(t *testing.T) {
	s := newDesk(t, "allow 10.0.0.0/8")
	s.paidOrder(t)
	a := s.desk(t, "?id=A-1")
	if a.status != http.StatusForbidden || strings.Contains(a.body, "BACK-1") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.deskURL()+"?id=A-1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	a, err = s.roundTrip(r)
	if err != nil || a.status != http.StatusMisdirectedRequest || strings.Contains(a.body, "BACK-1") {
		t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
	}
}

// deskPasswordHash is that of "only for a test".
const deskPasswordHash = "$2a$04$K.tVGzeF2GGAp5YWp26CSO14VIavnxEAGzW9huJdU2SQgtzyBT77S"

// A user whom basic_auth has let in needs no address of allow, and is named in the log.
func TestDeskBehindAPassword(t *testing.T) {
	s := newDeskAt(t, "http://:9186 {\nbasic_auth {\nlan "+deskPasswordHash+"\n}\ngalaxypay_desk {\nallow 10.0.0.0/8\n}\n}\n")
	s.answers(map[string]string{"pay": transactionAnswer, "query": paidAnswer})
	s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	s.desk(t, "?id=A-1").wantStatus(t, http.StatusUnauthorized)
	password := []string{"Authorization", "Basic bGFuOm9ubHkgZm9yIGEgdGVzdA=="}
	a := s.desk(t, "?id=A-1", password...)
	a.wantStatus(t, http.StatusOK)
	token := s.question(t, deedLinks(a)[0], password...)
	s.postForm(t, s.deskURL(), token, password...).wantStatus(t, http.StatusOK)
	if lines := s.logLines(t, "the desk begins what an operator has confirmed"); len(lines) != 1 || lines[0]["who"] != "user lan" {
		t.Errorf("the log: %v", lines)
	}
}

// A unix socket lets in those who can open it.
func TestDeskOnAUnixSocket(t *testing.T) {
	socket := filepath.Join(shortTempDir(t), "desk.sock")
	s := newDeskAt(t, "http://localhost:9186 {\nbind unix/"+socket+"\ngalaxypay_desk {\nallow 10.0.0.0/8\n}\n}\n")
	s.paidOrder(t)
	c := newFreshClient().throughSocket(socket)
	if a := c.get(t, "http://localhost:9186/?id=A-1"); a.status != http.StatusOK || !strings.Contains(a.body, "BACK-1") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// A message is shown where the option says so, and then without what belongs to a card.
func TestDeskMessages(t *testing.T) {
	const card = "4111111111111111"
	message := strings.Replace(paidMessage, `"Cà phê sữa đá – Nguyễn Thị Ánh Tuyết"`, `"card `+card+`","cardNumber":"`+card+`","token":"tok-1"`, 1)
	for option, want := range map[string]bool{"": false, "messages off": false, "messages on": true} {
		t.Run(option, func(t *testing.T) {
			s := newDesk(t, option)
			s.answers(map[string]string{"pay": transactionAnswer})
			s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
			ipnJSON.send(t, s.caddyServer, signedMessage(message, s.gateway.salt)).wantIPNStatus(t, "200")
			s.boundSidecar.app.only(t)
			story := s.desk(t, "?id=A-1")
			link := regexp.MustCompile(`href="(\?event=[^"]*)"`).FindStringSubmatch(story.body)
			if link == nil {
				t.Fatalf("no link to the event: %s", story.body)
			}
			shown := s.desk(t, html.UnescapeString(link[1]))
			shown.wantStatus(t, http.StatusOK)
			if got := strings.Contains(shown.body, "responseData"); got != want {
				t.Errorf("shows a message: %t", got)
			}
			for _, body := range []string{story.body, shown.body, s.logs(t)} {
				if strings.Contains(body, card) || strings.Contains(body, "tok-1") {
					t.Errorf("it shows what is masked: %s", body)
				}
			}
		})
	}
}

// A reload ends the confirmations that are open.
func TestDeskReload(t *testing.T) {
	s := newDesk(t, "")
	links := deedLinks(s.deadEvent(t))
	token := s.question(t, links[0])
	s.boundSidecar.app.answers(answering(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"ok"}`))
	s.mustLoad(t, strings.Replace(s.config, "galaxypay_desk {", "galaxypay_desk {\nmessages off\n", 1))
	s.postForm(t, s.deskURL(), token).wantStatus(t, http.StatusForbidden)
	s.boundSidecar.app.wantNothing(t)
	s.desk(t, "?id=A-1").wantStatus(t, http.StatusOK)
	s.postForm(t, s.deskURL(), s.question(t, links[0])).wantStatus(t, http.StatusOK)
	s.delivered(t)
}

// Without a store the page says what is missing.
func TestDeskWithoutAStore(t *testing.T) {
	c := start(t, sidecarConfig("environment sandbox")+"\nhttp://:9186 {\ngalaxypay_desk\n}\n")
	if a := c.get(t, c.url("9186")+"/?id=A-1"); a.status != http.StatusNotFound || !strings.Contains(a.body, "It needs store") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// axe-core finds nothing on the pages of the desk, at both widths, light and dark, in both languages; and no page is wider than a phone.
func TestBrowserDesk(t *testing.T) {
	axe := requireAxe(t)
	s := newDesk(t, "messages on")
	links := deedLinks(s.deadEvent(t))
	s.call(t, "/refund", refund, "Idempotency-Key", "refund-1")
	event := regexp.MustCompile(`href="(\?event=[^"]*)"`).FindStringSubmatch(s.desk(t, "?id=A-1").body)
	b := openBrowser(t, "en")
	for name, at := range map[string]string{
		"begin": "", "story": "?id=A-1", "dead": "?list=dead", "unknown": "?list=unknown", "silent": "?list=silent",
		"nothing": "?id=A-9", "event": html.UnescapeString(event[1]), "question": links[0],
	} {
		for _, language := range []string{"en", "vi"} {
			t.Run(name+", "+language, func(t *testing.T) {
				b := b.of(t)
				b.visit(s.deskURL() + "?language=" + language + "&" + strings.TrimPrefix(at, "?"))
				b.see("main")
				b.wantAccessible(axe)
				b.resize(phone)
				b.is(`document.documentElement.scrollWidth <= 390`)
				b.resize(desktop)
			})
		}
	}
}

// The keyboard is enough: to skip to the content, to search, and to have an event delivered again. It needs no script.
func TestBrowserDeskKeyboard(t *testing.T) {
	s := newDesk(t, "")
	s.deadEvent(t)
	s.boundSidecar.app.answers(answering(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"ok"}`))
	b := openBrowser(t, "vi")
	b.runScripts(false)
	b.visit(s.deskURL())
	b.press(kb.Tab)
	b.press(kb.Enter)
	b.is(`location.hash === "#content"`)
	b.press(kb.Tab) // into the search
	for _, key := range "A-1" {
		b.press(string(key))
	}
	b.press(kb.Enter)
	b.see("h2", "A-1")
	b.focus(`a[href*="ask=replay"]`)
	b.press(kb.Enter)
	b.see("h2", "Giao lại sự kiện này?")
	b.focus("form.acts button")
	b.press(kb.Enter)
	b.see("[role=status]", "Sự kiện đang được giao lại")
	if got := s.delivered(t); got.header.Get("Galaxypay-Payment-Status") != "paid" {
		t.Errorf("the app got %v", got.header)
	}
}

// A page shows a new event without a reload, at both widths. What is typed, the focus and the scroll position stay; while a
// text field is in use, the page waits.
func TestBrowserDeskLive(t *testing.T) {
	for _, v := range []viewport{desktop, phone} {
		t.Run(v.name, func(t *testing.T) {
			s := newDesk(t, "")
			s.answers(map[string]string{"pay": transactionAnswer})
			s.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
			b := openBrowser(t, "vi")
			b.resize(v)
			b.visit(s.deskURL() + "?language=vi&id=A-1")
			b.see("#live button", "Dừng cập nhật")
			b.is(`(window.isSame = true, window.looks = 0, window.realFetch = fetch, window.fetch = (...args) => (looks++, realFetch(...args)), true)`)
			b.fill("input[type=search]", "đang gõ")
			ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
			b.is(`(document.dispatchEvent(new Event("visibilitychange")), document.activeElement.type === "search" && looks === 0)`)
			b.is(`!document.getElementById("fresh").innerText.includes("callback")`)
			b.focus(`#fresh a[href*="ask=query"]`)
			b.is(`(document.body.style.minHeight = "300vh", scrollTo(0, 40), scrollY === 40 && looks === 0)`)
			b.see("#fresh", "callback của cổng báo: đã thanh toán")
			b.see("#news", "Trang đã thay đổi lúc")
			b.is(`window.isSame && document.querySelector("input[type=search]").value === "đang gõ" && scrollY === 40 && looks > 0`)
			b.is(`document.activeElement.matches('#fresh a[href*="ask=query"]')`)
			b.click("#live button")
			b.see("#live button", "Cập nhật mỗi 10 giây")
		})
	}
}

// The script of the page is for those who may see the page.
func TestDeskScript(t *testing.T) {
	s := newDesk(t, "")
	a := s.desk(t, "?script=live", "Sec-Fetch-Site", "same-origin")
	a.wantStatus(t, http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "text/javascript; charset=utf-8" || !strings.Contains(a.body, "fetch(") {
		t.Errorf("%s: %s", got, a.body)
	}
	a = s.desk(t, "?script=live", "Sec-Fetch-Site", "cross-site")
	if a.status != http.StatusForbidden || strings.Contains(a.body, "fetch(") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// focus puts the focus on an element. How many keys lead to it is not what a test is about.
func (b browser) focus(selector string) {
	b.Helper()
	b.is("(document.querySelector('" + selector + "').focus(), document.activeElement.matches('" + selector + "'))")
}
