package caddytest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// shopText is the description that the shops in testdata/apps order with. It is also
// longer in bytes than in characters, and its Base64 knows plus signs and slashes.
const shopText = "Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕"

// shops are one and the same little app in several languages.
var shops = []struct {
	name    string
	program string
	args    []string
}{
	{"PHP", "php", []string{"-d", "display_errors=stderr", "-S", "127.0.0.1:0", "testdata/apps/shop.php"}},
	{"Python", "python3", []string{"testdata/apps/shop.py"}},
	{"Node", "node", []string{"testdata/apps/shop.js"}},
}

// Whole payments, from the app's plain JSON to the IPN and the page for the customer,
// with apps that know nothing of keys, salts and hashes.
func TestPaymentWithApps(t *testing.T) {
	for _, shop := range shops {
		t.Run(shop.name, func(t *testing.T) {
			program := requireProgram(t, shop.program)

			c := startSites(t, "9180", "9181", "9190")
			app := startProgram(t, []string{"SIDECAR=" + c.url("9180"), "STATE=" + t.TempDir()}, program, shop.args...)
			c.mustLoad(t, paymentSites{
				app:         strings.TrimPrefix(app, "http://"),
				resultQuery: "?shop=%C4%90%C3%A0+L%E1%BA%A1t",
			}.caddyfile(c))

			for _, end := range []struct{ pressed, status, callback string }{
				{"success", "paid", "result"},
				{"failure", "failed", "result"},
				{"cancel", "cancelled", "cancel"},
			} {
				t.Run(end.status, func(t *testing.T) {
					payInShop(t, c, app, end.pressed, end.status, end.callback)
				})
			}
		})
	}
}

// payInShop orders something, presses a button on the payment page, and looks at
// everything that the app then knows.
func payInShop(t *testing.T, c *caddyServer, app, pressed, status, callback string) {
	t.Helper()
	order := "order-" + pressed
	bought := fetchJSON(t, c, http.MethodPost, app+"/buy/"+order)
	if bought["transactionID"] == "" || !strings.HasPrefix(bought["endpoint"], c.url("9190")+"/pay/") {
		t.Fatalf("the app got %v for its order", bought)
	}

	// The customer.
	page := c.get(t, bought["endpoint"])
	if !strings.Contains(html.UnescapeString(page.body), shopText) {
		t.Errorf("the payment page does not show the order: %s", page.body)
	}
	button := c.postForm(t, bought["endpoint"], url.Values{"outcome": {pressed}}.Encode())
	if button.status != http.StatusSeeOther {
		t.Fatalf("HTTP %d from the payment page: %s", button.status, button.body)
	}

	// The gateway told the app before it let the customer go.
	known := fetchJSON(t, c, http.MethodGet, app+"/orders/"+order)
	if known["status"] != status || known["description"] != shopText {
		t.Errorf("the app knows %q of the order, want %q and %q", known, status, shopText)
	}
	settled := html.UnescapeString(c.get(t, bought["endpoint"]).body)
	if !strings.Contains(settled, `{"ipnStatus":"200","ipnDescription":"Đã cập nhật đơn hàng"}`) {
		t.Errorf("the gateway was not told that the app has taken the IPN: %s", settled)
	}

	// The customer is back in the shop.
	result := c.get(t, button.header.Get("Location"), "Accept", "text/html")
	want := fmt.Sprintf("<p>%s: %s %s, Đà Lạt</p>", shopText, callback, status)
	if result.status != http.StatusOK || result.body != want {
		t.Errorf("HTTP %d, the customer sees %q, want %q", result.status, result.body, want)
	}

	// Asked again, the gateway says the same.
	if got := fetchJSON(t, c, http.MethodPost, app+"/check/"+order); got["status"] != status || got["description"] != shopText {
		t.Errorf("the query says %q, want %q and %q", got, status, shopText)
	}

	// What the app has to say to an IPN reaches the gateway in its words.
	again := func(order string) httpAnswer {
		return c.post(t, c.url("9181")+"/galaxypay/ipn", signedMessage(`{"requestID":"1","responseCode":"200","responseData":{"orderID":"`+order+`","orderDescription":"x"}}`, sandboxSalt).json())
	}
	if got := again(order).wantIPNStatus(t, "409"); got != "Đơn hàng đã xong" {
		t.Errorf("description %q", got)
	}
	if got := again("unheard-of").wantIPNStatus(t, "404"); got != "Không có đơn hàng này" {
		t.Errorf("description %q", got)
	}
	if got := fetchJSON(t, c, http.MethodGet, app+"/orders/"+order); got["status"] != status {
		t.Errorf("after a second IPN the order is %q, want %q", got["status"], status)
	}
}

// fetchJSON returns the text fields of a JSON answer.
func fetchJSON(t *testing.T, c *caddyServer, method, address string) map[string]string {
	t.Helper()
	a := c.do(t, method, address, nil)
	fields := make(map[string]string)
	if err := json.Unmarshal([]byte(a.body), &fields); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s %s: HTTP %d, %v: %s", method, address, a.status, err, a.body)
	}
	return fields
}
