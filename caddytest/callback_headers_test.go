package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// forgedMarks are headers with which an outsider could try to say that an order is
// paid. CGI and its kin fold hyphens, underscores and dots into one.
var forgedMarks = []struct {
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
	{"a mark that we do not have", []string{"Galaxypay-Verified", "true"}},
	{"empty", []string{"Galaxypay-Payment-Status", ""}},
	{"named in Connection", []string{"Connection", "Galaxypay-Payment-Status, Galaxypay-Callback, Content-Type, Content-Length"}},
	{"an upgrade", []string{"Connection", "Upgrade, Galaxypay-Payment-Status", "Upgrade", "websocket"}},
	{"named as a trailer", []string{"TE", "trailers, Galaxypay-Payment-Status"}},
}

// No header that an outsider sets can be taken for a mark of ours, and none can make
// one of ours disappear.
func TestCallbackHeadersCannotBeForged(t *testing.T) {
	// By default Caddy itself drops names with underscores and dots. These options let
	// them in, and then they are ours to drop.
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
			for _, forged := range forgedMarks {
				for _, way := range ways {
					t.Run(forged.name+", "+way.name, func(t *testing.T) {
						if a := way.deliver(t, c, m, forged.header...); a.status != http.StatusOK {
							t.Errorf("HTTP %d: %s", a.status, a.body)
						}
						want := provenCallback{target: way.path(), kind: "ipn", status: "cancelled", message: cancelledMessage, from: m}
						if way.kind == "result" {
							want.kind = "cancel"
						}
						want.check(t, app.only(t))
					})
				}
			}
		})
	}
}

// The options of the test above do let such headers in, else it would prove nothing.
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
	exchange(t, c, http.MethodGet, c.url("9181")+"/", nil, "galaxypay_payment_status", "paid", "galaxypay.callback", "ipn")
	got := app.only(t).header
	if got.Get("Galaxypay_payment_status") != "paid" || got.Get("Galaxypay.callback") != "ipn" {
		t.Errorf("the app got %v", got)
	}
}

// A site that hands the app all its other addresses, too, keeps marks off them with one
// line, which takes nothing from the proven messages.
func TestCallbackHeadersCannotBeForgedElsewhere(t *testing.T) {
	app := newApp(t)
	site := strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\nrequest_header -Galaxypay-*\nhandle {\nreverse_proxy "+app.address+"\n}", 1)
	c := start(t, strings.ReplaceAll(strings.ReplaceAll(site, "ipn* {", "ipn {"), "result* {", "result {"))
	for _, path := range []string{"/", "/galaxypay/ipn/", "/galaxypay/ipn/index.php", "/galaxypay/result/", "/galaxypay"} {
		for _, forged := range forgedMarks {
			t.Run(path+", "+forged.name, func(t *testing.T) {
				exchange(t, c, http.MethodPost, c.url("9181")+path, strings.NewReader(paidMessage), forged.header...)
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
			way.deliver(t, c, m)
			provenCallback{target: way.path(), kind: way.kind, status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
		})
	}
}

// A mark in a trailer comes after the message was read, and goes nowhere.
func TestCallbackHeadersCannotBeForgedInTrailers(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(cancelledMessage, sandboxSalt)
	for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
		t.Run(path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181")+path, struct{ io.Reader }{strings.NewReader(m.json())})
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Trailer = http.Header{"Galaxypay-Payment-Status": {"paid"}, "X-Other": {"1"}}
			response, err := c.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
			got := app.only(t)
			if len(got.trailer) != 0 {
				t.Errorf("the app got the trailer %v", got.trailer)
			}
			want := provenCallback{target: path, kind: "ipn", status: "cancelled", message: cancelledMessage, from: m}
			if path == "/galaxypay/result" {
				want.kind = "cancel"
			}
			want.check(t, got)
		})
	}
}

// Headers that described the body as it came would be lies about the one that the app
// gets.
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
	ways[0].deliver(t, c, m, header...).wantIPNStatus(t, "200")
	got := app.only(t)
	provenCallback{target: "/galaxypay/ipn", kind: "ipn", status: "paid", message: paidMessage, from: m}.check(t, got)
	for _, name := range names {
		if value := got.header.Get(name); value != "" {
			t.Errorf("the app got %s: %s", name, value)
		}
	}
}

// What is behind need not be a proxy: everything in Caddy sees the message and not the
// request that brought it.
func TestCallbackHandlersSeeTheMessage(t *testing.T) {
	c := start(t, `
		{
			galaxypay {
				environment sandbox
			}
		}
		http://:9181 {
			handle /galaxypay/result {
				galaxypay_result
				respond "{http.request.method} {http.request.uri} {http.request.header.Content-Type} {http.request.header.Content-Length} {http.request.body}"
			}
		}`)
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range ways[2:] {
		t.Run(way.name, func(t *testing.T) {
			want := fmt.Sprintf("POST /galaxypay/result application/json %d %s", len(paidMessage), paidMessage)
			if a := way.deliver(t, c, m); a.body != want {
				t.Errorf("%q, want %q", a.body, want)
			}
		})
	}
}
