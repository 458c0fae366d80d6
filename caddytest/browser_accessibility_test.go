package caddytest

import (
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// shownPage is a page of the product and how a browser comes to it.
type shownPage struct {
	name string
	open func(t *testing.T, c *caddyServer, b browser)
}

// axe-core finds nothing on any page that the product shows, at both widths, light and dark.
func TestBrowserAccessibility(t *testing.T) {
	axe := requireAxe(t)
	c := startExample(t)
	b := openBrowser(t, "en")
	for _, page := range shownPages {
		t.Run(page.name, func(t *testing.T) {
			b := b.of(t)
			page.open(t, c, b)
			b.wantAccessible(axe)
		})
	}
}

// The page that posts a result to the app is left at once, unless the browser runs no scripts.
func TestBrowserAccessibilityOfReturn(t *testing.T) {
	axe := requireAxe(t)
	c := start(t, "http://:9190 {\n galaxypay_sandbox {\n result post\n }\n}\n")
	b := openBrowser(t, "vi")
	var opened struct{ Page string }
	c.post(t, c.url("9190")+"/sandbox/transactions", strings.TrimSuffix(payment, "}")+`,"successURL":"`+c.url("9190")+`/"}`).decode(t, &opened)
	b.runScripts(false)
	b.visit(c.url("9190") + opened.Page)
	b.click("#sandbox button[value=success]")
	b.see("#back")
	b.runScripts(true) // those of axe-core; the page's own has had its chance
	b.wantAccessible(axe)
}

// The page that a customer gets whose result is proven and whose shop does not answer.
func TestBrowserAccessibilityWithoutShop(t *testing.T) {
	axe := requireAxe(t)
	c := start(t, resultSite("", "reverse_proxy "+deadAddress(t), "")+"http://:9190 {\n galaxypay_sandbox\n}\n")
	b := openBrowser(t, "vi")
	var opened struct{ Page string }
	c.post(t, c.url("9190")+"/sandbox/transactions", strings.TrimSuffix(payment, "}")+`,"successURL":"`+c.url("9181")+`/galaxypay/result"}`).decode(t, &opened)
	b.visit(c.url("9190") + opened.Page)
	b.click("#sandbox button[value=success]")
	b.see("h1", "Đã nhận được kết quả")
	b.picture("shop-down")
	b.wantAccessible(axe)
}

var shownPages = []shownPage{
	{"shop, empty", func(_ *testing.T, c *caddyServer, b browser) { b.visit(c.url("9182") + "/") }},
	{"dashboard, empty", func(_ *testing.T, c *caddyServer, b browser) {
		b.visit(c.url("9190") + "/")
		b.see("#live.on")
	}},
	{"card", visitPayment("/pay", "")},
	{"card, refused", func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		visitPayment("/pay", "")(t, c, b)
		b.fill("[name=cardNumber]", "4111111111111111")
		b.fill("[name=cardHolderName]", "NGUYEN VAN A")
		b.fill("[name=cardExpireDate]", "03/07")
		b.click("#card button")
		b.see("[role=alert]")
	}},
	{"international card", func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		visitPayment("/payWithOption", "")(t, c, b)
		b.click("a[data-method=INTERNATIONAL]")
		b.see("[name=cardVerificationValue]")
	}},
	{"one-time password, wrong", func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		visitPayment("/pay", "")(t, c, b)
		b.fillInCard("9704000000000018")
		b.click("#card button")
		b.fill("#otp input", "wrong")
		b.click("#otp button")
		b.see("[role=alert]")
	}},
	{"choice of a method", visitPayment("/payWithOption", "")},
	{"QR code", visitPayment("/payWithQR", `,"sourceType":"QRPAY"`)},
	{"stored card", visitTokenPayment},
	{"payer of a link", func(_ *testing.T, c *caddyServer, b browser) {
		b.buy(c, "link")
		b.click("a.link")
		b.see("#payer")
	}},
	{"paid", visitEnded("complete")},
	{"failed", visitEnded("fail")},
	{"expired", visitEnded("expire")},
	{"unknown payment", func(_ *testing.T, c *caddyServer, b browser) { b.visit(c.url("9190") + "/pay/1") }},
	{"order", func(_ *testing.T, c *caddyServer, b browser) {
		b.buy(c, "link")
		b.click("#live summary")
		b.see("#live details[open]")
	}},
	{"order, modal window", func(_ *testing.T, c *caddyServer, b browser) {
		b.buy(c, "modal")
		b.see("#galaxy-pay-upc-popup iframe")
	}},
	{"result", func(_ *testing.T, c *caddyServer, b browser) { b.comeBack(c) }},
	{"order, paid", func(_ *testing.T, c *caddyServer, b browser) {
		b.comeBack(c)
		b.click("a.main")
		b.see("#live .badge.paid")
		b.openAll("#live details")
	}},
	{"order of a story", func(_ *testing.T, c *caddyServer, b browser) {
		b.play(c, "replay")
		b.openAll("#live details")
	}},
	{"order of a story, disputed", func(_ *testing.T, c *caddyServer, b browser) { b.playDispute(c) }},
	{"shop, with orders and a callback of another shop", func(_ *testing.T, c *caddyServer, b browser) {
		b.visit(c.url("9182") + "/")
		b.openAll("details")
	}},
	{"unknown order", func(_ *testing.T, c *caddyServer, b browser) { b.visit(c.url("9182") + "/orders/1") }},
	{"dashboard, a payment", func(_ *testing.T, c *caddyServer, b browser) {
		b.visit(c.url("9190") + "/")
		b.click("#transactions .row")
		b.see("#detail .wire")
		b.openAll("details")
	}},
	{"dashboard, requests without a transaction", func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		c.post(t, c.url("9190")+"/api/v1/transaction/pay", "nonsense")
		b.visit(c.url("9190") + "/#unassigned")
		b.see("#detail .wire")
		b.openAll("details")
	}},
	{"dashboard, without scripts", func(_ *testing.T, c *caddyServer, b browser) {
		b.runScripts(false)
		b.visit(c.url("9190") + "/")
		b.see("#transactions table")
		b.runScripts(true) // for the pages after this one
	}},
	{"callback refused", func(_ *testing.T, c *caddyServer, b browser) {
		b.visit(c.url("9181") + "/galaxypay/result?data=eyJ9&signature=00")
		b.see("small", "signature_invalid")
	}},
}

// visitPayment opens a payment through the sidecar, and its page.
func visitPayment(operation, more string) func(*testing.T, *caddyServer, browser) {
	return func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		t.Helper()
		b.visit(c.open(t, operation, more))
		b.see("#countdown")
	}
}

// visitEnded ends a payment by the control API and opens its page.
func visitEnded(by string) func(*testing.T, *caddyServer, browser) {
	return func(t *testing.T, c *caddyServer, b browser) {
		t.Helper()
		t.Helper()
		page := c.open(t, "/pay", "")
		c.post(t, c.url("9190")+"/sandbox/transactions/"+path.Base(page)+"/"+by, "")
		b.visit(page)
		b.see(".sign")
	}
}

// visitTokenPayment opens a payment with a stored card, and its page.
func visitTokenPayment(t *testing.T, c *caddyServer, b browser) {
	t.Helper()
	var stored struct{ Token string }
	c.post(t, c.url("9180")+"/createToken", `{"paymentMethod":"INTERNATIONAL","cardNumber":"4012000033330026",`+
		`"cardHolderName":"NGUYEN VAN A","cardExpireDate":"01/39","cardVerificationValue":"100"}`).decode(t, &stored)
	body := strings.Replace(payment, `"DOMESTIC"`, `"INTERNATIONAL","token":"`+stored.Token+`"`, 1)
	var opened struct{ Endpoint string }
	answer := c.post(t, c.url("9180")+"/payWithToken", body)
	if answer.status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", answer.status, answer.body)
	}
	answer.decode(t, &opened)
	b.visit(opened.Endpoint)
	b.see("#known")
}

// comeBack pays for an order and comes back to the shop with the result.
func (b browser) comeBack(c *caddyServer) {
	b.Helper()
	b.buy(c, "redirect")
	b.click("#sandbox button[value=success]")
	b.see(".badge")
}

// playDispute plays the story of a genuine message about another amount, to where its order is disputed.
func (b browser) playDispute(c *caddyServer) {
	b.Helper()
	b.play(c, "dispute")
	b.click("#live a.main")
	b.click("#sandbox button[value=success]")
	b.click("a.main")
	b.see("#live .alarm")
}

// openAll unfolds every element at the selector.
func (b browser) openAll(selector string) {
	b.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelectorAll("`+selector+`").forEach(d => d.open = true), true`))
	if err != nil {
		b.Fatal(err)
	}
}
