package caddytest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What goes wrong on purpose is seen in the shop, and on the dashboard, which follows by
// itself and has buttons to move things on.
func TestBrowserDashboard(t *testing.T) {
	c := startExample(t)
	shop, dashboard := openBrowser(t, "en"), openBrowser(t, "en")
	dashboard.visit(c.url("9190") + "/")
	dashboard.see("#live.on")
	dashboard.see("#transactions", "No transactions")

	shop.visit(c.url("9182") + "/")
	shop.fill("[name=fault]", "ipn_wrong_salt")
	shop.click(`button[value$=" redirect"]`)
	dashboard.see("#transactions .row", "PROCESSING", "ipn_wrong_salt")
	shop.click("#sandbox button[value=success]")
	shop.click("a.main")
	shop.see("#live .badge.pending", "Waiting")
	shop.see("#handed-out", "0")

	dashboard.click("#transactions .row")
	dashboard.see("#detail .wire.request .said.good", "Right")
	dashboard.click("#detail .wire.ipn summary")
	dashboard.see("#detail .wire.ipn", "HTTP 403", "signature_invalid")
	dashboard.see("#detail .wire.ipn .said.bad", "Wrong")
	dashboard.picture("dashboard")

	dashboard.click("#do-resend-ipn") // without the fault of the order
	dashboard.see("#detail", "attempt 2", "HTTP 200")
	shop.see("#live .badge.paid", "Paid")
	dashboard.click("#do-refund")
	dashboard.see("#detail .facts", "Refunded")
}

// What an order says is text on the dashboard, whatever it looks like.
func TestBrowserDashboardShowsMarkupAsText(t *testing.T) {
	const markup = `<img src=x><b>bold</b>`
	c := startExample(t)
	c.post(t, c.url("9180")+"/pay", strings.Replace(payment, "Cà phê", markup, 1))
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#transactions .row")
	b.see("#detail .facts", markup)
	made, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("#board img").length`))
	if err != nil || made != 0 {
		t.Errorf("%d elements were made of an order's text, %v", made, err)
	}
}

// The dashboard tells the time of the messages, which is Vietnam's, and shows the chosen
// transaction in the other language too.
func TestBrowserDashboardTimeAndLanguage(t *testing.T) {
	c := startExample(t)
	c.post(t, c.url("9180")+"/pay", payment)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#transactions .row")
	b.see("#detail .wire")
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		`fullTime("2026-01-02T18:04:05Z") + " " + clockTime("2026-01-02T18:04:05Z")`))
	if want := "03/01/2026, 01:04:05 01:04:05"; err != nil || shown != want {
		t.Errorf("%s, want %s; %v", shown, want, err)
	}
	b.click("#languages a[lang=vi]")
	b.see("html[lang=vi] #detail .wire")
}

// A fault for everybody is set on the dashboard and seen by the next order.
func TestBrowserGlobalFault(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#controls summary")
	b.click("[name=answer_unsigned]")
	b.see("#controls summary .tag", "1")
	b.see("[name=answer_unsigned]:focus") // and the list is where it was
	b.visit(c.url("9182") + "/")
	b.click(`button[value$=" redirect"]`)
	b.see("#live", "HTTP 502", "unknown")
}

// Faults that a test sets are seen on the dashboard, whose next click would end them otherwise.
func TestBrowserFaultSetElsewhere(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#controls summary")
	b.see("[name=ipn_twice]:not(:checked)")
	setFaults := func(faults string) {
		a := exchange(t, c, http.MethodPut, c.url("9190")+"/sandbox/faults", strings.NewReader(`{"faults":[`+faults+`]}`), "Content-Type", "application/json")
		if a.status != http.StatusOK {
			t.Fatalf("setting %s: HTTP %d: %s", faults, a.status, a.body)
		}
	}
	setFaults(`"ipn_twice"`)
	b.see("[name=ipn_twice]:checked")
	b.see("#controls summary .tag", "1")
	setFaults("")
	b.see("[name=ipn_twice]:not(:checked)")
}
