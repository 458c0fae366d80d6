package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// published are the callbacks in the gateway's integration guide 3.6.1, with their own
// signatures and salt. The base64 is theirs; nothing here was computed.
var published = []struct {
	name    string
	from    callback
	message string
	status  string
	kind    string // where results go
}{
	{
		name: "callback-result",
		from: callback{
			data:      "eyJyZXF1ZXN0SUQiOiIxNDY1M2ZhMS0yZjY5LTRmNGYtOWQ0Yi0yNDBlMWJlYmJkZjMiLCJyZXNwb25zZURhdGVUaW1lIjoiMjAyMjA1MDYxMTM1MTciLCJyZXNwb25zZUNvZGUiOiIyMDAiLCJyZXNwb25zZU1lc3NhZ2UiOiJUcmFuc2FjdGlvbiBpcyBzdWNjZXNzZnVsLiIsInJlc3BvbnNlRGF0YSI6eyJ0cmFuc2FjdGlvbklEIjoiMjIwNTA2OTllNjVkOWE3MWQ1NDhlNmI2NzMyM2FlZjFhNDk0YWMiLCJ0cmFuc2FjdGlvbkRhdGVUaW1lIjoiMjAyMjA0MDUyMDIwMDAiLCJvcmRlcklEIjoiODg4Mjg5Iiwib3JkZXJOdW1iZXIiOiI4MjI2Mjg4OSIsIm9yZGVyQW1vdW50IjoiMTA5MDAwIiwib3JkZXJEZXNjcmlwdGlvbiI6IlNlY3VyZSBQYWdlIERlbW8iLCJvcmRlckN1cnJlbmN5IjoiVk5EIiwib3JkZXJEYXRlVGltZSI6IjIwMjIwNDA1MjAyMDAwIiwibGFuZ3VhZ2UiOiJ2aSJ9fQ==",
			signature: "4952cb18e6b136de4c15ecbae75ba1a758257684eb97a43f351e34bb12cede5f",
		},
		message: `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","responseDateTime":"20220506113517","responseCode":"200","responseMessage":"Transaction is successful.","responseData":{"transactionID":"22050699e65d9a71d548e6b67323aef1a494ac","transactionDateTime":"20220405202000","orderID":"888289","orderNumber":"82262889","orderAmount":"109000","orderDescription":"Secure Page Demo","orderCurrency":"VND","orderDateTime":"20220405202000","language":"vi"}}`,
		status:  "paid",
		kind:    "result",
	},
	{
		name: "callback-cancel",
		from: callback{
			data:      "eyJyZXF1ZXN0SUQiOiIxNDY1M2ZhMS0yZjY5LTRmNGYtOWQ0Yi0yNDBlMWJlYmJkZjMiLCJyZXNwb25zZURhdGVUaW1lIjoiMjAyMjA1MDYxMTM1MTciLCJyZXNwb25zZUNvZGUiOiI0OTkiLCJyZXNwb25zZU1lc3NhZ2UiOiJDYW5jZWxlZCBieSB1c2VyIiwicmVzcG9uc2VEYXRhIjp7InRyYW5zYWN0aW9uSUQiOiIyMjA1MDY5OWU2NWQ5YTcxZDU0OGU2YjY3MzIzYWVmMWE0OTRhYyIsInRyYW5zYWN0aW9uRGF0ZVRpbWUiOiIyMDIyMDUwNjExMzUxNyIsIm9yZGVySUQiOiI4ODgyODkiLCJvcmRlck51bWJlciI6IjgyMjYyODg5Iiwib3JkZXJBbW91bnQiOiIxMDkwMDAiLCJvcmRlckRlc2NyaXB0aW9uIjoiU2VjdXJlIFBhZ2UgRGVtbyIsIm9yZGVyQ3VycmVuY3kiOiJWTkQiLCJvcmRlckRhdGVUaW1lIjoiMjAyMjA0MDUyMDIwMDAiLCJsYW5ndWFnZSI6InZpIn19",
			signature: "be8d2d815d694037d7ec2d9f7ac645d7a6168b692af6b786c1d59da72cd93a5e",
		},
		message: `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","responseDateTime":"20220506113517","responseCode":"499","responseMessage":"Canceled by user","responseData":{"transactionID":"22050699e65d9a71d548e6b67323aef1a494ac","transactionDateTime":"20220506113517","orderID":"888289","orderNumber":"82262889","orderAmount":"109000","orderDescription":"Secure Page Demo","orderCurrency":"VND","orderDateTime":"20220405202000","language":"vi"}}`,
		status:  "cancelled",
		kind:    "cancel",
	},
}

// The gateway's own examples, in every way in which they can arrive.
func TestInboundPublishedVectors(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, vector := range published {
		for _, way := range ways {
			t.Run(vector.name+" "+way.name, func(t *testing.T) {
				want := trusted{target: way.path(), kind: "ipn", status: vector.status, message: vector.message, from: vector.from}
				if way.kind == "result" {
					want.kind = vector.kind
				}
				for range 2 { // the same message has the same id, however often it comes
					a := way.deliver(t, c, vector.from)
					want.check(t, app.only(t))
					if way.kind == "ipn" {
						a.confirmedAs(t, "200")
					} else if a.status != http.StatusOK {
						t.Errorf("HTTP %d: %s", a.status, a.body)
					}
				}
			})
		}
	}
}

// The merchant's own query parameters reach the app as he wrote them; ours do not,
// whether they carried the message or not.
func TestInboundQuery(t *testing.T) {
	m := sealed(paidMessage, sandboxSalt)
	tests := []struct {
		name  string
		query string // DATA and SIGNATURE stand for the message's
		want  string
	}{
		{"ours alone", "data=DATA&signature=SIGNATURE", ""},
		{"ours last", "shop=3235&data=DATA&signature=SIGNATURE", "?shop=3235"},
		{"ours first", "signature=SIGNATURE&data=DATA&shop=3235", "?shop=3235"},
		{"ours apart", "b=1&data=DATA&a=2&signature=SIGNATURE&c=3", "?b=1&a=2&c=3"},
		{"spelling", "z=%C3%A1+%c3%a1%20x&data=DATA&a&b=&signature=SIGNATURE&=e&a=1&a=2",
			"?z=%C3%A1+%c3%a1%20x&a&b=&=e&a=1&a=2"},
		{"names like ours", "Data=1&data=DATA&data2=2&xdata=3&signature=SIGNATURE&Signature=4&data%5B%5D=5",
			"?Data=1&data2=2&xdata=3&Signature=4&data%5B%5D=5"},
		{"our names percent-encoded", "a=1&d%61ta=DATA&%73ignature=SIGNATURE", "?a=1"},
		{"a semicolon", "a=1;b=2&data=DATA&signature=SIGNATURE", "?a=1;b=2"},
		{"a percent sign of the merchant's", "discount=100%&data=DATA&signature=SIGNATURE", "?discount=100%"},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	fill := func(query string) string {
		return strings.NewReplacer("DATA", strings.ReplaceAll(strings.ReplaceAll(m.data, "+", "%2B"), "=", "%3D"), "SIGNATURE", m.signature).Replace(query)
	}
	for _, test := range tests {
		t.Run("GET "+test.name, func(t *testing.T) {
			a := exchange(t, c, http.MethodGet, c.url("9181")+"/galaxypay/result?"+fill(test.query), nil)
			if a.status != http.StatusOK {
				t.Fatalf("HTTP %d: %s", a.status, a.body)
			}
			trusted{target: "/galaxypay/result" + test.want, kind: "result", status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
		})
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			t.Run("POST "+path+" "+test.name, func(t *testing.T) {
				// What a POST has in its query is not the message, even if it would verify.
				a := c.post(t, c.url("9181")+path+"?"+fill(test.query), m.json())
				if a.status != http.StatusOK {
					t.Fatalf("HTTP %d: %s", a.status, a.body)
				}
				got := app.only(t)
				if want := path + test.want; got.target != want {
					t.Errorf("target %s, want %s", got.target, want)
				}
			})
		}
	}
	t.Run("a message in the query of a POST is no message", func(t *testing.T) {
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			c.post(t, c.url("9181")+path+"?"+m.form(), "{}").refusedAs(t, http.StatusBadRequest, "callback_malformed")
		}
		app.untouched(t)
	})
}

// The address stays as it is, to the last escape.
func TestInboundPath(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := sealed(paidMessage, sandboxSalt)
	for _, suffix := range []string{"", "/", "/3235", "/%C4%91%C6%A1n", "/a%2Fb", "/a%20b"} {
		t.Run("suffix "+suffix, func(t *testing.T) {
			c.post(t, c.url("9181")+"/galaxypay/ipn"+suffix, m.json()).confirmedAs(t, "200")
			if got, want := app.only(t).target, "/galaxypay/ipn"+suffix; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
		})
	}
}

// What the customer's browser brings for the app, and what the app has for the
// browser, passes.
func TestInboundResultIsTheAppsPage(t *testing.T) {
	app := newApp(t)
	app.answers(saying(http.StatusAccepted, "<h1>Cảm ơn</h1>", "Set-Cookie", "seen=1", "X-Page", "thanks"))
	c := start(t, callbackSite(app, ""))
	for _, way := range ways[2:] {
		t.Run(way.name, func(t *testing.T) {
			a := way.deliver(t, c, sealed(paidMessage, sandboxSalt), "Cookie", "session=7", "Accept", "text/html", "Accept-Language", "vi")
			if a.status != http.StatusAccepted || a.body != "<h1>Cảm ơn</h1>" ||
				a.header.Get("Set-Cookie") != "seen=1" || a.header.Get("X-Page") != "thanks" {
				t.Errorf("HTTP %d, %v: %s", a.status, a.header, a.body)
			}
			if got := app.only(t).header; got.Get("Accept-Language") != "vi" || got.Get("Cookie") != "session=7" {
				t.Errorf("the app got %v", got)
			}
		})
	}
}

// Two merchants on one server: each address has its own salt and tells its own name.
func TestInboundTwoMerchants(t *testing.T) {
	t.Setenv("AIRLINE_KEY", "airline-key")
	t.Setenv("AIRLINE_SALT", "airline-salt-0123456789")
	t.Setenv("HOTEL_KEY", "hotel-key")
	t.Setenv("HOTEL_SALT", "hotel-salt-0123456789")
	app := newApp(t)
	c := start(t, `
		{
			galaxypay {
				merchant airline {
					environment uat
					api_key {env.AIRLINE_KEY}
					salt {env.AIRLINE_SALT}
				}
				merchant hotel {
					environment uat
					api_key {env.HOTEL_KEY}
					salt {env.HOTEL_SALT}
				}
			}
		}
		http://:9181 {
			handle /galaxypay/ipn/airline {
				galaxypay_ipn {
					merchant airline
				}
				reverse_proxy `+app.address+`
			}
			handle /galaxypay/ipn/hotel {
				galaxypay_ipn {
					merchant hotel
				}
				reverse_proxy `+app.address+`
			}
		}`)
	salts := map[string]string{"airline": "airline-salt-0123456789", "hotel": "hotel-salt-0123456789"}
	for signer, salt := range salts {
		for receiver := range salts {
			t.Run(signer+" at "+receiver, func(t *testing.T) {
				m := sealed(paidMessage, salt)
				path := "/galaxypay/ipn/" + receiver
				a := c.post(t, c.url("9181")+path, m.json())
				if signer != receiver {
					a.refusedAs(t, http.StatusForbidden, "signature_invalid")
					app.untouched(t)
					return
				}
				a.confirmedAs(t, "200")
				trusted{target: path, kind: "ipn", merchant: receiver, status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
			})
		}
	}
}
