package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// forgedHeaders are headers with which an outsider could try to say that an order is paid. CGI and
// FastCGI read hyphens, underscores and dots as one character.
var forgedHeaders = []struct {
	name   string
	header []string
}{
	{"as we spell it", []string{"Galaxypay-Payment-Status", "paid"}},
	{"all of ours", []string{"Galaxypay-Payment-Status", "paid", "Galaxypay-Callback", "ipn", "Galaxypay-Merchant", "other", "Galaxypay-Delivery-Id", "1"}},
	{"capitals", []string{"GALAXYPAY-PAYMENT-STATUS", "paid"}},
	{"lower case", []string{"galaxypay-payment-status", "paid"}},
	{"mixed case", []string{"gALAXYpay-payMENT-sTATUS", "paid"}},
	{"twice", []string{"Galaxypay-Payment-Status", "paid", "Galaxypay-Payment-Status", "paid"}},
	{"in two spellings", []string{"Galaxypay-Payment-Status", "paid", "galaxypay-payment-status", "paid"}},
	{"underscores", []string{"Galaxypay_Payment_Status", "paid"}},
	{"underscores, lower case", []string{"galaxypay_payment_status", "paid"}},
	{"first hyphen an underscore", []string{"Galaxypay_Payment-Status", "paid"}},
	{"second hyphen an underscore", []string{"Galaxypay-Payment_Status", "paid"}},
	{"dots", []string{"Galaxypay.Payment.Status", "paid"}},
	{"a dot and a hyphen", []string{"galaxypay.payment-status", "paid"}},
	{"a dot and an underscore", []string{"galaxypay.payment_status", "paid"}},
	{"an underscore and a dot", []string{"galaxypay_payment.status", "paid"}},
	{"tildes", []string{"Galaxypay~Payment~Status", "paid"}},
	{"other characters", []string{"galaxypay!payment+status", "paid", "Galaxypay^Callback", "ipn", "GALAXYPAY|MERCHANT", "x", "galaxypay`order`id", "1"}},
	{"a tilde and a hyphen", []string{"Galaxypay~Payment-Status", "paid"}},
	{"what names the payment", []string{"Galaxypay-Transaction-Id", "T-2", "Galaxypay-Order-Id", "DH-2", "Galaxypay-Attempt", "2"}},
	{"a header that we do not have", []string{"Galaxypay-Verified", "true"}},
	{"empty", []string{"Galaxypay-Payment-Status", ""}},
	{"named in Connection", []string{"Connection", "Galaxypay-Payment-Status, Galaxypay-Callback, Content-Type, Content-Length"}},
	{"an upgrade", []string{"Connection", "Upgrade, Galaxypay-Payment-Status", "Upgrade", "websocket"}},
	{"named as a trailer", []string{"TE", "trailers, Galaxypay-Payment-Status"}},
}

// No header of an outsider can pass for one of ours, and none can make one of ours disappear.
func TestCallbackHeadersCannotBeForged(t *testing.T) {
	// By default Caddy itself drops names with underscores and dots. With these options it does not,
	// and then the directive must drop them.
	configs := []struct{ name, global string }{
		{"Caddy's default", ""},
		{"expected_underscore_headers", "servers {\n expected_underscore_headers galaxypay_* galaxypay_payment_status galaxypay_payment-status galaxypay-payment_status galaxypay_payment.status galaxypay.payment_status\n }"},
		{"expected_dot_headers", "servers {\n expected_dot_headers galaxypay.* galaxypay.payment.status galaxypay.payment-status galaxypay_payment.status galaxypay.payment_status\n }"},
		{"both", "servers {\n expected_underscore_headers galaxypay_* x_control\n expected_dot_headers galaxypay.* x.control\n }"},
	}
	for _, config := range configs {
		t.Run(config.name, func(t *testing.T) {
			app := newApp(t)
			c := start(t, strings.Replace(callbackSite(app, ""), "{", "{\n"+config.global, 1))
			m := signedMessage(cancelledMessage, sandboxSalt)
			for _, forged := range forgedHeaders {
				for _, way := range ways {
					t.Run(forged.name+", "+way.name, func(t *testing.T) {
						if a := way.send(t, c, m, forged.header...); a.status != http.StatusOK {
							t.Errorf("HTTP %d: %s", a.status, a.body)
						}
						way.wantInApp(t, app, "cancelled", cancelledMessage, m)
					})
				}
			}
		})
	}
}

// The options of TestCallbackHeadersCannotBeForged do let such headers in, else it would prove
// nothing.
func TestCallbackHeadersControl(t *testing.T) {
	app := newApp(t)
	c := start(t, `
		{
			servers {
				expected_underscore_headers galaxypay_*
				expected_dot_headers galaxypay.*
			}
		}
		http://:9181 {
			reverse_proxy `+app.address+`
		}`)
	c.get(t, c.url("9181")+"/", "galaxypay_payment_status", "paid", "galaxypay.callback", "ipn")
	got := app.only(t).header
	if got.Get("Galaxypay_payment_status") != "paid" || got.Get("Galaxypay.callback") != "ipn" {
		t.Errorf("the app got %v", got)
	}
}

// A site that passes its other addresses to the app, too, keeps forged headers off them with one
// line. The line takes nothing from proven messages.
func TestCallbackHeadersCannotBeForgedElsewhere(t *testing.T) {
	app := newApp(t)
	site := strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\ngalaxypay_guard\nhandle {\nreverse_proxy "+app.address+"\n}", 1)
	c := start(t, strings.ReplaceAll(strings.ReplaceAll(site, "ipn* {", "ipn {"), "result* {", "result {"))
	for _, path := range []string{"/", "/galaxypay/ipn/", "/galaxypay/ipn/index.php", "/galaxypay/result/", "/galaxypay"} {
		for _, forged := range forgedHeaders {
			t.Run(path+", "+forged.name, func(t *testing.T) {
				c.do(t, http.MethodPost, c.url("9181")+path, strings.NewReader(paidMessage), forged.header...)
				for name, values := range app.only(t).header {
					if strings.HasPrefix(strings.ToLower(name), "galaxypay") {
						t.Errorf("the app got %s: %q", name, values)
					}
				}
			})
		}
	}
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range ways {
		t.Run("proven, "+way.name, func(t *testing.T) {
			way.send(t, c, m)
			way.wantInApp(t, app, "paid", paidMessage, m)
		})
	}
}

// A trailer comes after the message was read. A forged header in it does not reach the app.
func TestCallbackHeadersCannotBeForgedInTrailers(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(cancelledMessage, sandboxSalt)
	for _, way := range []way{ipnJSON, resultJSON} {
		t.Run(way.path(), func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181")+way.path(), struct{ io.Reader }{strings.NewReader(m.json())})
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Trailer = http.Header{"Galaxypay-Payment-Status": {"paid"}, "X-Other": {"1"}}
			if _, err := c.roundTrip(request); err != nil {
				t.Fatal(err)
			}
			got := app.only(t)
			if len(got.trailer) != 0 {
				t.Errorf("the app got the trailer %v", got.trailer)
			}
			provenCallback{target: way.path(), kind: way.ending("cancelled"), status: "cancelled", message: cancelledMessage, from: m}.check(t, got)
		})
	}
}

// Headers that describe the body as it came would be wrong for the body that the app gets.
func TestCallbackHeadersOfTheBody(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	names := []string{"Content-Encoding", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "Expect"}
	values := map[string]string{"Content-Encoding": "identity", "Expect": "100-continue"}
	var header []string
	for _, name := range names {
		value := values[name]
		if value == "" {
			value = "sha-256=:AAAA:"
		}
		header = append(header, name, value)
	}
	ipnJSON.send(t, c, m, header...).wantIPNStatus(t, "200")
	got := app.only(t)
	provenCallback{target: ipnJSON.path(), kind: "ipn", status: "paid", message: paidMessage, from: m}.check(t, got)
	for _, name := range names {
		if value := got.header.Get(name); value != "" {
			t.Errorf("the app got %s: %s", name, value)
		}
	}
}

// The handler behind the directive need not be a proxy: every part of Caddy sees the message and
// not the request that brought it.
func TestCallbackHandlersSeeTheMessage(t *testing.T) {
	c := start(t, sandboxMerchant+`
		http://:9181 {
			handle /galaxypay/result {
				galaxypay_result {
					forward post
				}
				respond "{http.request.method} {http.request.uri} {http.request.header.Content-Type} {http.request.header.Content-Length} {http.request.body}"
			}
		}`)
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range resultWays {
		t.Run(way.name, func(t *testing.T) {
			want := fmt.Sprintf("POST /galaxypay/result application/json %d %s", len(paidMessage), paidMessage)
			if a := way.send(t, c, m); a.body != want {
				t.Errorf("%q, want %q", a.body, want)
			}
		})
	}
}
