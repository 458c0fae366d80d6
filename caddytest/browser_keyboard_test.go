package caddytest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// is waits until an expression of JavaScript is true on the page, or on the page after it.
func (b browser) is(expression string) {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(time.Second)))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			b.Fatalf("%s: %v; the browser shows %s", expression, err, b.shown())
		}
	}
}

// press presses a key where the focus is.
func (b browser) press(key string) {
	b.Helper()
	b.do(chromedp.KeyEvent(key))
}

const modalWindow = "#galaxy-pay-upc-popup"

// The modal window is a dialog with a name. It has the focus while it is open, and Esc closes it, also
// where the payment page in it has the focus. Then the focus is back where it was.
func TestBrowserModalKeyboard(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.buy(c, "modal")
	b.see(modalWindow)
	b.is(`document.querySelector("` + modalWindow + `").matches("dialog:modal[aria-label='Pay with Galaxy Pay']")`)
	b.is(`document.querySelector("` + modalWindow + `").contains(document.activeElement)`)
	b.press(kb.Escape)
	b.gone(modalWindow)
	b.is(`document.activeElement.id === "open-modal"`)

	b.press(kb.Enter)
	b.see(modalWindow)
	b.inside(modalWindow + " iframe").click("[name=cardNumber]")
	b.is(`document.activeElement.nodeName === "IFRAME"`)
	b.press(kb.Escape)
	b.gone(modalWindow)
	b.is(`document.activeElement.id === "open-modal"`)

	b.press(kb.Enter)
	b.inside(modalWindow + " iframe").click("#sandbox button[value=success]")
	b.gone(modalWindow)
	b.see("#live .badge.paid")
	b.is(`document.activeElement.id === "live"`) // the way to the payment is gone
}

// On a phone the button that closes the modal window covers nothing of the payment page.
func TestBrowserModalOnAPhone(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.resize(phone)
	b.buy(c, "modal")
	b.see(modalWindow)
	b.is(`((close, frame) => close.bottom <= frame.top && frame.bottom <= innerHeight && frame.height > 600)(` +
		`...["button", "iframe"].map(at => document.querySelector("` + modalWindow + ` > " + at).getBoundingClientRect()))`)
}

// The order's page says in its title how the order stands.
func TestBrowserOrderTitle(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.buy(c, "link")
	b.is(`document.title.endsWith(": Waiting for the payment · Demo shop")`)
	var list struct{ Transactions []struct{ ID string } }
	c.get(t, c.url("9190")+"/sandbox/transactions").decode(t, &list)
	c.post(t, c.url("9190")+"/sandbox/transactions/"+list.Transactions[0].ID+"/complete", "")
	b.is(`document.title.endsWith(": Paid · Demo shop")`)
	c.setFaults(t, `"answer_code_401"`)
	b.buy(c, "link")
	b.is(`document.title.endsWith(": Not opened · Demo shop")`)
}

// Without JavaScript, and without the gateway's script, the way to the payment is a link.
func TestBrowserModalWithoutScripts(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.runScripts(false)
	b.buy(c, "modal")
	b.click("#open-modal")
	b.see("#card", "Card number")
	b.click("#sandbox button[value=success]")
	b.see("h1", "successful")
}

// A page with an error says so in its title. The input that is wrong has the focus and names its error.
func TestBrowserErrorOfAForm(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.visit(c.open(t, "/pay", ""))
	b.is(`document.title === "Card details · Domestic card (NAPAS) · Galaxy Pay sandbox"`)
	b.fill("[name=cardNumber]", "4111111111111111")
	b.fill("[name=cardHolderName]", "NGUYEN VAN A")
	b.fill("[name=cardExpireDate]", "03/07")
	b.click("#card button")
	b.is(`document.title === "Error: Card details · Domestic card (NAPAS) · Galaxy Pay sandbox"`)
	b.is(`document.activeElement.matches("[name=cardNumber][aria-invalid=true]")`)
	b.is(`document.getElementById(document.activeElement.getAttribute("aria-describedby")).innerText.includes("published test card")`)
	b.is(`document.querySelectorAll("[aria-invalid]").length === 1`)
}

// The order's page follows the order. What it shows already stays as it was: unfolded, and with the focus.
func TestBrowserOrderKeepsFocus(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.buy(c, "link")
	b.click("#live summary")
	b.is(`document.activeElement.matches("#exchange-1 > summary")`)
	var list struct{ Transactions []struct{ ID string } }
	c.get(t, c.url("9190")+"/sandbox/transactions").decode(t, &list)
	c.post(t, c.url("9190")+"/sandbox/transactions/"+list.Transactions[0].ID+"/complete", "")
	b.see("#live .badge.paid")
	b.see("#exchange-2")
	b.is(`document.activeElement.matches("#exchange-1[open] > summary")`)
}

// The dashboard shows what happens without moving what a person looks at.
func TestBrowserDashboardStaysStill(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	for range 20 {
		c.open(t, "/pay", "")
	}
	page := c.open(t, "/pay", "")
	id := page[strings.LastIndex(page, "/")+1:]
	for range 20 {
		c.open(t, "/pay", "")
	}
	for name, v := range map[string]viewport{"desktop": desktop, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			b.resize(v)
			b.visit("about:blank")
			b.visit(c.url("9190") + "/")
			row := `document.getElementById("row-` + id + `")`
			b.is(row)
			b.is(`(` + row + `.focus(), ` + row + `.scrollIntoView({block: "center"}), true)`)
			b.is(`(globalThis.top0 = ` + row + `.getBoundingClientRect().top, globalThis.rows = document.querySelectorAll(".row").length, true)`)
			for range 3 {
				c.open(t, "/pay", "")
			}
			b.is(`document.querySelectorAll(".row").length === rows + 3`)
			b.is(`document.activeElement === ` + row)
			b.is(`Math.abs(` + row + `.getBoundingClientRect().top - top0) < 2`)
		})
	}
}

// An event about the payment that is shown leaves focus, selection and what is unfolded.
func TestBrowserDashboardKeepsFocus(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	page := c.open(t, "/pay", "")
	id := page[strings.LastIndex(page, "/")+1:]
	b.visit(c.url("9190") + "/#" + id)
	b.click("#detail .wire .half details summary")
	b.is(`document.activeElement.matches(".wire .half details[open] > summary")`)
	b.is(`(getSelection().selectAllChildren(document.querySelector("#detail .facts dd")), true)`)
	c.post(t, c.url("9190")+"/sandbox/transactions/"+id+"/complete", "")
	b.see("#detail .wire.ipn")
	b.see("#row-"+chromedp.CSS(id), "paid")
	b.is(`document.activeElement.matches(".wire .half details[open] > summary")`)
	b.is(`getSelection().toString() === "ORDER-1"`)
	b.is(`document.title === "ORDER-1 · Galaxy Pay sandbox"`)

	b.is(`(document.getElementById("do-refund").focus(), true)`)
	b.press(kb.Enter)
	b.see("#detail .facts", "Refunded")
	b.is(`document.activeElement.id === "detail"`) // the button is gone
}

// On a narrow screen list and payment take each other's place, and the focus goes with them.
func TestBrowserDashboardFocusOnAPhone(t *testing.T) {
	c := startExample(t)
	b := openBrowser(t, "en")
	b.resize(phone)
	c.open(t, "/pay", "")
	b.visit(c.url("9190") + "/")
	b.click("#transactions .row")
	b.is(`document.activeElement.id === "detail"`)
	b.click("#back")
	b.is(`document.activeElement.matches("#transactions .row")`)
}
