package caddytest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A fault shows in the shop and on the dashboard. The dashboard updates itself and has buttons to send
// the IPN again and to refund.
func TestBrowserDashboard(t *testing.T) {
	c := startExample(t)
	shop, dashboard := openBrowser(t, "en"), openBrowser(t, "en")
	dashboard.visit(c.url("9190") + "/")
	dashboard.see("#live.on")
	dashboard.see("#transactions", "No transactions")

	shop.visit(c.url("9182") + "/")
	shop.click("#faults summary")
	shop.click("[name=fault][value=ipn_wrong_salt]")
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

// The dashboard shows the content of an order as text, also where it looks like markup.
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
		t.Errorf("the dashboard has %d elements from the text of an order, %v", made, err)
	}
}

// The dashboard shows the time of the messages, which is Vietnam's, and keeps the chosen transaction when
// the language changes.
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

// A fault for all calls is set on the dashboard and affects the next order.
func TestBrowserGlobalFault(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#controls summary")
	b.click("[name=answer_unsigned]")
	b.see("#controls summary .tag", "1")
	b.see("[name=answer_unsigned]:focus") // and the list has not moved
	b.buy(c, "redirect")
	b.see("#live", "HTTP 502", "unknown")
}

// Faults that a test sets show on the dashboard. Otherwise its next click would clear them.
func TestBrowserFaultSetElsewhere(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.click("#controls summary")
	b.see("[name=ipn_twice]:not(:checked)")
	c.setFaults(t, `"ipn_twice"`)
	b.see("[name=ipn_twice]:checked")
	b.see("#controls summary .tag", "1")
	c.setFaults(t, "")
	b.see("[name=ipn_twice]:not(:checked)")
}
