package caddytest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// These tests do what a newcomer does with Caddyfile.example: open the shop, pay, look at the order. The
// browser is a real one, and so is everything behind the pages.

// A customer pays in the shop by card, with a one-time password.
func TestBrowserPaysByRedirect(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "vi")
	b.visit(c.url("9182") + "/")
	b.see("html[lang=vi] h1", "Mua")
	b.picture("shop")
	b.click(`button[value$=" redirect"]`)

	b.see("html[lang=vi] h2", "Thẻ")
	b.picture("pay-card")
	b.payByCard()

	b.see("body", "Cảm ơn bạn", "Đã thanh toán", "29.000 ₫")
	b.picture("result")
	b.click("a.main")
	b.see(".badge.paid", "Đã thanh toán")
	b.see("#handed-out", "1")
	b.see("#live", "/galaxypay/ipn", "ipnStatus 200", "/galaxypay/result", "POST /pay")
	b.picture("order")
}

// buy buys the first thing in the shop in this way: redirect, modal or link.
func (b browser) buy(c *caddyServer, way string) {
	b.Helper()
	b.visit(c.url("9182") + "/")
	b.click(chromedp.CSS(`button[value$=" ` + way + `"]`))
}

// play begins a story of the shop.
func (b browser) play(c *caddyServer, story string) {
	b.Helper()
	b.visit(c.url("9182") + "/")
	b.click(chromedp.CSS(`form[action="/stories/` + story + `"] button`))
	b.see("#story ol li")
}

// The stories of the shop are played in both languages, from the shop's page to what is to be looked at.
func TestBrowserStories(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.play(c, "replay")
	b.see("#story", "The same call twice", "Galaxypay-Replayed: true")
	b.click(`button[formaction$="/repeat"]`)
	b.see("#exchange-2", "POST /pay", "HTTP 200")
	b.openAll("#live details")
	b.see("#exchange-2", "Galaxypay-Replayed: true", "Galaxypay-Payment-Status: open")
	b.picture("story")

	b.playDispute(c)
	b.see("#live .alarm", "does not fit the call")
	b.see("#live .badge.paid", "Paid") // by the sidecar's own query
	b.see("#handed-out", "1")

	vi := openBrowser(t, "vi")
	vi.play(c, "reconciliation")
	vi.see("#story", "IPN không bao giờ đến")
	vi.click("#live a.main")
	vi.click("#sandbox button[value=success]")
	vi.click("a.main")
	vi.see("#live .badge.paid", "Đã thanh toán")
	vi.openAll("#live details")
	vi.see("#live", "Galaxypay-Callback: query")
}

// fillInCard chooses a published test card, and waits for the page with its form filled in.
func (b browser) fillInCard(number string) {
	b.Helper()
	b.click(chromedp.CSS(`a[data-card="` + number + `"]`))
	b.see(chromedp.CSS(`[name=cardNumber][value="` + number + `"]`))
}

// payByCard pays with the published domestic test card, from the form to the password.
func (b browser) payByCard() {
	b.Helper()
	b.fillInCard("9704000000000018")
	b.click("#card button")
	b.see("#otp", "OTP")
	b.picture("pay-otp")
	b.fill("#otp input", "otp")
	b.click("#otp button")
}

// The pages are in English, too, and change the language on request. A wrong card and a wrong password are
// refused.
func TestBrowserEnglish(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9182") + "/")
	b.see("html[lang=en] h1", "Buy something")
	b.click(`button[value$=" redirect"]`)
	b.see("html[lang=en] h2", "Card details")
	b.click("#language a[lang=vi]")
	b.see("html[lang=vi] h2", "Thẻ")
	b.click("#language a[lang=en]")
	b.fill("[name=cardNumber]", "4111111111111111")
	b.fill("[name=cardHolderName]", "NGUYEN VAN A")
	b.fill("[name=cardExpireDate]", "03/07")
	b.click("#card button")
	b.see("[role=alert]", "published test card")
	b.fillInCard("9704000000000018")
	b.click("#card button")
	b.fill("#otp input", "wrong")
	b.click("#otp button")
	b.see("[role=alert]", "password is wrong")
	b.fill("#otp input", "otp")
	b.click("#otp button")
	b.see(".badge.paid", "Paid")
}

// A payment ends in every other way by the buttons of the page.
func TestBrowserOutcomes(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for pressed, status := range map[string]string{
		"refused": "failed", "failure": "failed", "cancel": "cancelled", "success": "paid",
	} {
		t.Run(pressed, func(t *testing.T) {
			b := b.of(t)
			b.buy(c, "redirect")
			b.click(chromedp.CSS(`#sandbox button[value=` + pressed + `]`))
			b.see(chromedp.CSS(".badge." + status))
			b.click("a.main")
			b.see(chromedp.CSS("#live .badge." + status))
		})
	}
}

// An unfinished payment expires by the button, and when its time is over.
func TestBrowserExpiry(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.open(t, "/pay", ""))
	b.see("#countdown", "1")
	b.click("#sandbox button[value=expired]")
	b.see("h1", "expired")
	b.picture("pay-expired")

	left := c.open(t, "/pay", "")
	b.visit(left)
	b.see("#countdown", "1")
	c.post(t, c.url("9190")+"/sandbox/clock", `{"advance":"16m"}`)
	b.visit(left)
	b.see("h1", "expired")
}

// open opens a payment through the sidecar, with further fields, and returns its page.
func (c *caddyServer) open(t *testing.T, path, more string) string {
	t.Helper()
	body := strings.TrimSuffix(payment, "}") + more + "}"
	switch path {
	case "/payWithOption":
		body = strings.Replace(body, `"paymentMethod":"DOMESTIC"`, `"apiOperation":"PAY"`, 1)
	case "/payWithQR":
		body = strings.NewReplacer("DOMESTIC", "QRPAY", `12.50,"orderCurrency":"USD"`, `12500,"orderCurrency":"VND"`).Replace(body)
	}
	var data struct{ Endpoint string }
	c.post(t, c.url("9180")+path, body).decode(t, &data)
	return data.Endpoint
}

// The customer chooses a payment method on the page, and pays with each of them.
func TestBrowserChoosesMethod(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for method, pay := range map[string]func(browser){
		"DOMESTIC": browser.payByCard,
		"INTERNATIONAL": func(b browser) {
			b.fillInCard("4012000033330026") // has no password
			b.click("#card button")
		},
		"WALLET": func(b browser) { b.click("#app button") },
		"QRPAY": func(b browser) {
			b.see("#qr")
			b.picture("pay-qr")
			b.click("#app button")
		},
	} {
		t.Run(method, func(t *testing.T) {
			b := b.of(t)
			b.visit(c.open(t, "/payWithOption", ""))
			b.see(".choices", "QR", "Domestic", "International")
			b.picture("pay-methods")
			b.click(chromedp.CSS(`a[data-method=` + method + `]`))
			pay(b)
			b.see(".badge.paid")
		})
	}
}

// A payment by QR code shows the code at once, as a picture that the browser can draw.
func TestBrowserQR(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "vi")
	b.visit(c.open(t, "/payWithQR", `,"sourceType":"QRPAY"`))
	b.see("#qr")
	width, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelector("#qr").naturalWidth`))
	if err != nil || width < 100 {
		t.Errorf("the QR code is %d pixels wide, %v", width, err)
	}
}

// A customer pays in the modal window, after closing and opening it again.
func TestBrowserPaysInModal(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.buy(c, "modal")
	b.see("#galaxy-pay-sdk #galaxy-pay-upc-popup")
	b.picture("modal")

	b.click("#galaxy-pay-upc-popup > button")
	b.gone("#galaxy-pay-upc-popup")
	b.click("#open-modal")
	page := b.inside("#galaxy-pay-upc-popup iframe")
	page.payByCard()
	b.gone("#galaxy-pay-upc-popup")
	b.see(".badge.paid", "Paid")
	b.see("#live", "POST /query")
}

// A customer pays by a payment link.
func TestBrowserPaysLink(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.buy(c, "link")
	b.click("a.link")
	b.fill("[name=fullname]", "Nguyễn Thị Ánh")
	b.fill("[name=email]", "anh@example.com")
	b.click("#payer button")
	b.click("a[data-method=QRPAY]")
	b.click("#app button")
	b.see("h1", "successful")

	b.visit(c.url("9182") + "/")
	b.see(".badge.paid", "Paid")
}

// The pages fit a narrow screen.
func TestBrowserPhone(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "vi")
	b.resize(phone)
	for name, address := range map[string]string{
		"shop":      c.url("9182") + "/",
		"payment":   c.open(t, "/pay", ""),
		"options":   c.open(t, "/payWithOption", ""),
		"QR":        c.open(t, "/payWithQR", `,"sourceType":"QRPAY"`),
		"dashboard": c.url("9190") + "/",
	} {
		b.visit(address)
		b.see("body")
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		if err != nil || wide > int(phone.width) {
			t.Errorf("%s is %d pixels wide, on a screen of %d; %v", name, wide, phone.width, err)
		}
	}
}
