package caddytest

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
)

// shopText is the description of the orders in the shops of examples/. It is longer in bytes than in
// characters, and its Base64 has plus signs and slashes.
const shopText = "Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕"

// shops are the same small app in several languages.
var shops = []struct {
	name    string
	program string
	args    []string
}{
	{"PHP", "php", []string{"-d", "display_errors=stderr", "-S", "127.0.0.1:0", "../examples/php/shop.php"}},
	{"Python", "python3", []string{"../examples/python/shop.py"}},
	{"Node", "node", []string{"../examples/node/shop.js"}},
}

// Apps without keys, salts and hashes take whole payments: from plain JSON to the IPN and the page for
// the customer.
func TestPaymentWithApps(t *testing.T) {
	for _, shop := range shops {
		t.Run(shop.name, func(t *testing.T) {
			s := newExampleShop(t, requireProgram(t, shop.program), shop.args...)
			for _, end := range []struct{ pressed, status, callback string }{
				{"success", "paid", "result"},
				{"failure", "failed", "result"},
				{"cancel", "cancelled", "cancel"},
			} {
				t.Run(end.status, func(t *testing.T) { s.pay(t, end.pressed, end.status, end.callback) })
			}
		})
	}
}

// Each of the shops keeps the rules that its README lists, whatever proven IPNs arrive.
func TestExampleShopsKeepTheRules(t *testing.T) {
	const taken, mismatch, done = "Đã cập nhật đơn hàng", "Số tiền không khớp, cần người kiểm tra", "Đơn hàng đã xong"
	const whole = `"orderAmount":"109000.00","orderCurrency":"VND"`
	type step struct{ code, fields, ipnStatus, description string }
	for _, shop := range shops {
		t.Run(shop.name, func(t *testing.T) {
			s := newExampleShop(t, requireProgram(t, shop.program), shop.args...)
			for name, test := range map[string]struct {
				steps     []step
				status    string
				handedOut int
			}{
				"twice":              {[]step{{"200", whole, "200", taken}, {"200", whole, "409", done}}, "paid", 1},
				"late failure":       {[]step{{"200", whole, "200", taken}, {"499", whole, "409", done}}, "paid", 1},
				"paid after expired": {[]step{{"408", whole, "200", taken}, {"200", whole, "200", taken}}, "paid", 1},
				"lower amount":       {[]step{{"200", `"orderAmount":"1090","orderCurrency":"VND"`, "200", mismatch}}, "disputed", 0},
				"other currency":     {[]step{{"200", `"orderAmount":"109000","orderCurrency":"USD"`, "200", mismatch}}, "disputed", 0},
				"no amount":          {[]step{{"200", `"x":1`, "200", mismatch}}, "disputed", 0},
				"amount as a number": {[]step{{"200", `"orderAmount":109000,"orderCurrency":"VND"`, "200", taken}}, "paid", 1},
			} {
				t.Run(name, func(t *testing.T) {
					order := "rule-" + strings.ReplaceAll(name, " ", "-")
					s.fetch(t, http.MethodPost, "/buy/"+order)
					for i, step := range test.steps {
						if got := s.ipn(t, step.code, order, step.fields).wantIPNStatus(t, step.ipnStatus); got != step.description {
							t.Errorf("IPN %d is answered with %q, want %q", i+1, got, step.description)
						}
					}
					if got := s.fetch(t, http.MethodGet, "/orders/"+order); got.Status != test.status || got.HandedOut != test.handedOut {
						t.Errorf("the order is %s, goods handed out: %d; want %s and %d", got.Status, got.HandedOut, test.status, test.handedOut)
					}
				})
			}
		})
	}
}

// exampleShop is a shop that runs, with its sidecar and the sandbox.
type exampleShop struct {
	*caddyServer
	address string
}

func newExampleShop(t *testing.T, program string, args ...string) exampleShop {
	t.Helper()
	c := startSites(t, "9180", "9181", "9190")
	address := startProgram(t, []string{"GALAXYPAY_URL=" + c.url("9180"), "STATE=" + t.TempDir()}, program, args...)
	c.mustLoad(t, paymentSites{
		app:         strings.TrimPrefix(address, "http://"),
		resultQuery: "?shop=%C4%90%C3%A0+L%E1%BA%A1t",
	}.caddyfile(c))
	return exampleShop{c, address}
}

// shopAnswer is all that the shop answers with, whatever it was asked.
type shopAnswer struct {
	TransactionID, Endpoint string // of a payment that it has opened
	Status, Description     string // of an order
	HandedOut               int
}

func (s exampleShop) fetch(t *testing.T, method, path string) (answer shopAnswer) {
	t.Helper()
	s.do(t, method, s.address+path, nil).decode(t, &answer)
	return answer
}

// ipn sends an IPN about an order, with these fields.
func (s exampleShop) ipn(t *testing.T, code, order, fields string) httpAnswer {
	t.Helper()
	message := fmt.Sprintf(`{"requestID":"1","responseCode":%q,"responseData":{"orderID":%q,"orderDescription":"x",%s}}`, code, order, fields)
	return s.post(t, s.url("9181")+"/galaxypay/ipn", signedMessage(message, sandboxSalt).json())
}

// pay orders something, presses a button on the payment page, and checks everything that the shop then
// has.
func (s exampleShop) pay(t *testing.T, pressed, status, callback string) {
	t.Helper()
	order := "order-" + pressed
	bought := s.fetch(t, http.MethodPost, "/buy/"+order)
	if bought.TransactionID == "" || !strings.HasPrefix(bought.Endpoint, s.url("9190")+"/pay/") {
		t.Fatalf("the shop got %+v for its order", bought)
	}

	// The customer.
	page := s.get(t, bought.Endpoint)
	if !strings.Contains(html.UnescapeString(page.body), shopText) {
		t.Errorf("the payment page does not show the order: %s", page.body)
	}
	button := s.postForm(t, bought.Endpoint, "outcome="+pressed)
	button.wantStatus(t, http.StatusSeeOther)

	// The gateway sends the IPN before it redirects the customer.
	s.wantOrder(t, order, status)
	settled := html.UnescapeString(s.get(t, bought.Endpoint).body)
	if !strings.Contains(settled, `{"ipnStatus":"200","ipnDescription":"Đã cập nhật đơn hàng"}`) {
		t.Errorf("the gateway did not get the shop's answer to the IPN: %s", settled)
	}

	// The customer is back in the shop.
	result := s.get(t, button.header.Get("Location"), "Accept", "text/html")
	want := fmt.Sprintf("<p>%s: %s %s, Đà Lạt</p>", shopText, callback, status)
	if result.status != http.StatusOK || result.body != want {
		t.Errorf("HTTP %d, the customer sees %q, want %q", result.status, result.body, want)
	}

	// The query gives the same status.
	if got := s.fetch(t, http.MethodPost, "/check/"+order); got.Status != status || got.Description != shopText {
		t.Errorf("the query gives %q and %q, want %q and %q", got.Status, got.Description, status, shopText)
	}
	s.repeatIPN(t, order, status)
	s.wantOrder(t, order, status)
}

// wantOrder checks an order, and that goods were handed out only if it is paid.
func (s exampleShop) wantOrder(t *testing.T, order, status string) {
	t.Helper()
	want := shopAnswer{Status: status, Description: shopText}
	if status == "paid" {
		want.HandedOut = 1
	}
	got := s.fetch(t, http.MethodGet, "/orders/"+order)
	got.TransactionID = ""
	if got != want {
		t.Errorf("the order is %+v, want %+v", got, want)
	}
}

// repeatIPN checks that the gateway gets the shop's own words about an order that is done, and about
// one that it does not know.
func (s exampleShop) repeatIPN(t *testing.T, order, status string) {
	t.Helper()
	code := map[string]string{"paid": "200", "failed": "505", "cancelled": "499"}[status]
	if got := s.ipn(t, code, order, `"x":1`).wantIPNStatus(t, "409"); got != "Đơn hàng đã xong" {
		t.Errorf("description %q", got)
	}
	if got := s.ipn(t, code, "unheard-of", `"x":1`).wantIPNStatus(t, "404"); got != "Không có đơn hàng này" {
		t.Errorf("description %q", got)
	}
}
