package caddytest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What a newcomer does with the example: open the shop, pay, look at the order. The browser
// is a real one, and so is all that stands behind the pages.

// In the shop a customer pays by card, with a one-time password.
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

	b.see("body", "Cảm ơn bạn", "paid")
	b.click("a.main")
	b.see(".badge.paid", "Đã thanh toán")
	b.see("#handed-out", "1")
	b.see("#live", "/galaxypay/ipn", "/galaxypay/result", "POST /pay")
	b.picture("order")
}

// payByCard takes the published domestic test card, from its form to the password.
func (b browser) payByCard() {
	b.Helper()
	b.click(`a[data-card="9704000000000018"]`)
	b.click("#card button")
	b.see("#otp", "OTP")
	b.picture("pay-otp")
	b.fill("#otp input", "otp")
	b.click("#otp button")
}

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
	b.click(`a[data-card="9704000000000018"]`)
	b.click("#card button")
	b.fill("#otp input", "wrong")
	b.click("#otp button")
	b.see("[role=alert]", "password is wrong")
	b.fill("#otp input", "otp")
	b.click("#otp button")
	b.see("body", "paid")
}

// Every other end of a payment, by the buttons of the page.
func TestBrowserOutcomes(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for pressed, status := range map[string]string{
		"refused": "failed", "failure": "failed", "cancel": "cancelled", "success": "paid",
	} {
		t.Run(pressed, func(t *testing.T) {
			b := b.of(t)
			b.visit(c.url("9182") + "/")
			b.click(`button[value$=" redirect"]`)
			b.click(chromedp.CSS(`#sandbox button[value=` + pressed + `]`))
			b.see(".badge", status)
			b.click("a.main")
			b.see(chromedp.CSS("#live .badge." + status))
		})
	}
}

// A payment that nobody finishes runs out: by the button, and when its time is over.
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

// open makes a payment through the sidecar, with one field more, and returns its page.
func (c *caddyServer) open(t *testing.T, path, more string) string {
	t.Helper()
	body := strings.TrimSuffix(payment, "}") + more + "}"
	switch path {
	case "/payWithOption":
		body = strings.Replace(body, `"paymentMethod":"DOMESTIC"`, `"apiOperation":"PAY"`, 1)
	case "/payWithQR":
		body = strings.Replace(body, "DOMESTIC", "QRPAY", 1)
	}
	opened := c.post(t, c.url("9180")+path, body)
	if opened.status != 200 {
		t.Fatalf("%s: HTTP %d: %s", path, opened.status, opened.body)
	}
	var data struct{ Endpoint string }
	if err := json.Unmarshal([]byte(opened.body), &data); err != nil {
		t.Fatal(err)
	}
	return data.Endpoint
}

func TestBrowserChoosesMethod(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for method, pay := range map[string]func(browser){
		"DOMESTIC": browser.payByCard,
		"INTERNATIONAL": func(b browser) {
			b.click(`a[data-card="4012000033330026"]`) // has no password
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
			b.see(".badge", "paid")
		})
	}
}

// A payment with a QR code shows one at once, as a picture that the browser can draw.
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

func TestBrowserPaysInModal(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9182") + "/")
	b.click(`button[value$=" modal"]`)
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

func TestBrowserPaysLink(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.url("9182") + "/")
	b.click(`button[value$=" link"]`)
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

// The pages of a payment hold on a narrow screen.
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
