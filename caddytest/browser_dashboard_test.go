package caddytest

import (
	"net/http"
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

// The dashboard opens on the newest payment, also on the first that comes, and goes on showing it. On a
// phone it opens on the list.
func TestBrowserDashboardOpensOnNewest(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9190") + "/")
	b.see("#live.on")
	order := func(id string) { c.post(t, c.url("9180")+"/pay", strings.Replace(payment, "ORDER-1", id, 1)) }
	order("FIRST")
	b.see("#detail .facts", "FIRST")
	order("SECOND")
	b.see("#transactions", "SECOND")
	b.see("#detail .facts", "FIRST")
	b.visit("about:blank")
	b.visit(c.url("9190") + "/")
	b.see("#detail .facts", "SECOND")
	b.see("#transactions .row[aria-current]", "SECOND")
	b.is("(confirm = () => true)")
	b.click("#controls summary")
	b.click("#reset")
	b.see("#transactions", "No transactions")
	order("THIRD")
	b.see("#detail .facts", "THIRD")
	order("FOURTH")
	b.resize(phone)
	b.visit("about:blank")
	b.visit(c.url("9190") + "/")
	b.see("#transactions", "THIRD", "FOURTH")
}

// The dashboard is searched by what a person knows of a payment, an amount as it is shown among it.
func TestBrowserDashboardSearch(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for id, amount := range map[string]string{"DH-1": "1890000", "DH-2": "29000"} {
		c.post(t, c.url("9180")+"/pay", strings.NewReplacer("ORDER-1", id, `12.50,"orderCurrency":"USD"`, amount+`,"orderCurrency":"VND"`).Replace(payment))
	}
	for search, want := range map[string]string{"dh-2": "29,000 VND", "1,890": "DH-1", "1890000": "DH-1", "dh-1 init": "1,890,000 VND", "ca phe dh-2": "29,000 VND"} {
		b.visit("about:blank")
		b.visit(c.url("9190") + "/")
		b.fill("#search", search)
		b.see("#found", "1 / 2")
		b.see("#transactions .row:only-child", want)
	}
	b.visit("about:blank")
	b.visit(c.url("9190") + "/")
	b.fill("#search", "dh-3")
	b.see("#transactions", "No transaction is like that.")
	c.post(t, c.url("9180")+"/pay", strings.Replace(payment, "ORDER-1", "DH-3", 1))
	b.see("#transactions .row:only-child", "DH-3")
}

// What the app says of the payment decides the color, not the HTTP status of the answer.
func TestBrowserDashboardIPNStatus(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "vi")
	app := newApp(t)
	app.answers(answering(http.StatusOK, `{"ipnStatus":"404","ipnDescription":"no such order"}`))
	page := c.open(t, "/pay", `,"ipnURL":"http://`+app.address+`/","extraData":{"sandboxFault":"ipn_twice"}`)
	c.post(t, c.url("9190")+"/sandbox/transactions/"+page[strings.LastIndex(page, "/")+1:]+"/complete", "")
	b.visit(c.url("9190") + "/")
	b.see("#transactions .row .tag.bad", "ipnStatus 404")
	b.see("#detail .wire.ipn .tag.bad", "HTTP 200, ipnStatus 404")
	b.see("#detail .facts", "ipn_twice: mỗi IPN được gửi hai lần")
	b.click("#do-resend-ipn-new-time")
	b.see("#detail", "lần 3")
	b.buy(c, "redirect")
	b.click("#sandbox button[value=success]")
	b.click("a.main") // of the shop's page
	b.see("#live .badge")
	b.visit(c.url("9190") + "/")
	b.see("#detail .wire.ipn summary", "HTTP 200, ipnStatus 200")
	b.gone("#detail .wire.ipn .tag.bad")
	other := c.open(t, "/pay", "") // the shop has no such order
	c.post(t, c.url("9190")+"/sandbox/transactions/"+other[strings.LastIndex(other, "/")+1:]+"/complete", "")
	b.visit(c.url("9182") + "/")
	b.see("details.in summary", "ipnStatus 200")
}

// A refusal of the gateway is HTTP 200, too.
func TestBrowserDashboardResponseCode(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	c.post(t, c.url("9180")+"/pay", payment)
	b.visit(c.url("9190") + "/")
	b.see("#detail .wire .tag.good:nth-of-type(3)", "HTTP 200, responseCode 200")
	c.setFaults(t, `"answer_code_503"`)
	c.post(t, c.url("9180")+"/pay", payment)
	b.visit(c.url("9190") + "/#unassigned")
	b.see("#detail .wire .tag.bad", "HTTP 200, responseCode 503")
}

// Without scripts the whole list is on the screen.
func TestBrowserDashboardWithoutScripts(t *testing.T) {
	c := startExample(t)
	c.post(t, c.url("9180")+"/pay", payment)
	b := openBrowser(t, "en")
	b.runScripts(false)
	for name, v := range map[string]viewport{"desktop": desktop, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			b.resize(v)
			b.visit(c.url("9190") + "/")
			b.see("#transactions table", "12.50 USD")
			b.is(`((list) => list.scrollWidth === list.clientWidth && list.clientWidth > innerWidth - 60)(document.getElementById("transactions"))`)
		})
	}
}
