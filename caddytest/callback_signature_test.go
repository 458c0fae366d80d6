package caddytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// A signature that proves nothing is refused, in every way in which a callback arrives.
func TestCallbackWrongSignatureIsRefused(t *testing.T) {
	proven := signedMessage(paidMessage, sandboxSalt)
	digest := sha256.Sum256([]byte(proven.data + sandboxSalt))
	keyed := hmac.New(sha256.New, []byte(sandboxSalt))
	keyed.Write([]byte(proven.data))
	turned := hmac.New(sha256.New, []byte(proven.data))
	turned.Write([]byte(sandboxSalt))
	sum512 := sha512.Sum512([]byte(proven.data + sandboxSalt))
	flipped := "0" + proven.signature[1:]
	if flipped == proven.signature {
		flipped = "1" + proven.signature[1:]
	}
	signatures := map[string]string{
		"empty":                      "",
		"a blank":                    " ",
		"zeros":                      strings.Repeat("0", 64),
		"one digit wrong":            flipped,
		"truncated to half":          proven.signature[:32],
		"truncated by one":           proven.signature[:63],
		"one digit more":             proven.signature + "0",
		"given twice":                proven.signature + proven.signature,
		"blank behind":               proven.signature + " ",
		"not hexadecimal":            strings.Repeat("g", 64),
		"0x in front":                "0x" + proven.signature,
		"of the empty text":          sign("", ""),
		"without salt":               sign(proven.data, ""),
		"salt first":                 sign(sandboxSalt, proven.data),
		"separator between":          sign(proven.data+"&", sandboxSalt),
		"over the decoded JSON":      sign(paidMessage, sandboxSalt),
		"HMAC":                       hex.EncodeToString(keyed.Sum(nil)),
		"HMAC with the parts turned": hex.EncodeToString(turned.Sum(nil)),
		"Base64 digest":              base64.StdEncoding.EncodeToString(digest[:]),
		"SHA-512":                    hex.EncodeToString(sum512[:]),
		"of another merchant":        sign(proven.data, "another-salt-0123456789"),
		"of another message":         signedMessage(failedMessage, sandboxSalt).signature,
		"the word null":              "null",
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for name, signature := range signatures {
		for _, way := range ways {
			t.Run(name+", "+way.name, func(t *testing.T) {
				way.send(t, c, callback{proven.data, signature}).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
				app.wantNothing(t)
			})
		}
	}

	// Signed, then changed on its way.
	changed := map[string]string{
		"another message":  signedMessage(strings.Replace(paidMessage, "109000", "1", 1), sandboxSalt).data,
		"one letter":       "f" + proven.data[1:],
		"padding cut off":  strings.TrimRight(signedMessage(plusMessage, sandboxSalt).data, "="),
		"a blank in front": " " + proven.data,
		"more behind":      proven.data + "AAAA",
	}
	for name, data := range changed {
		for _, way := range ways {
			t.Run("data changed: "+name+", "+way.name, func(t *testing.T) {
				signature := proven.signature
				if name == "padding cut off" {
					signature = signedMessage(plusMessage, sandboxSalt).signature
				}
				way.send(t, c, callback{data, signature}).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
				app.wantNothing(t)
			})
		}
	}

	// Without a signature, or with one that is not a string.
	for _, signature := range []string{"null", "0", "200", "1.5", "true", "false", "{}", "[]", `["` + proven.signature + `"]`, `{"":"` + proven.signature + `"}`} {
		for _, way := range []way{ipnJSON, resultJSON} {
			t.Run("signature "+signature+", "+way.name, func(t *testing.T) {
				way.sendEncoded(t, c, `{"data":"`+proven.data+`","signature":`+signature+`}`).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
				app.wantNothing(t)
			})
		}
	}
	missing := func(way way) string {
		if way.contentType == "application/json" {
			return `{"data":"` + proven.data + `","Signature":"` + proven.signature + `"}`
		}
		return "data=" + proven.data + "&Signature=" + proven.signature
	}
	for _, way := range ways {
		t.Run("signature missing, "+way.name, func(t *testing.T) {
			way.sendEncoded(t, c, missing(way)).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
			app.wantNothing(t)
		})
		t.Run("signature in a header, "+way.name, func(t *testing.T) {
			way.sendEncoded(t, c, missing(way), "signature", proven.signature).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
			app.wantNothing(t)
		})
	}
}

// A previous salt verifies until it expires.
func TestCallbackPreviousSaltsVerify(t *testing.T) {
	salts := map[string]string{
		"CURRENT": "current-salt-0123456789", "PREVIOUS": "previous-salt-0123456789",
		"TIMELESS": "timeless-salt-0123456789", "EXPIRED": "expired-salt-0123456789",
	}
	for name, salt := range salts {
		t.Setenv(name+"_SALT", salt)
	}
	app := newApp(t)
	c := start(t, strings.Replace(callbackSite(app, ""), "environment sandbox", `
		environment uat
		api_key {env.CURRENT_SALT}
		salt {env.CURRENT_SALT}
		previous_salt {env.EXPIRED_SALT} until 2020-01-01T00:00:00+07:00
		previous_salt {env.PREVIOUS_SALT} until 2999-12-31T00:00:00+07:00
		previous_salt {env.TIMELESS_SALT}
		`, 1))
	for name, salt := range salts {
		for _, way := range ways {
			t.Run(name+", "+way.name, func(t *testing.T) {
				m := signedMessage(paidMessage, salt)
				a := way.send(t, c, m)
				if name == "EXPIRED" {
					a.wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
					app.wantNothing(t)
					return
				}
				way.wantInApp(t, app, "paid", paidMessage, m)
			})
		}
	}
	t.Run("the sandbox's", func(t *testing.T) {
		ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
		app.wantNothing(t)
	})
}

// Two merchants on one server: each address has its own salt and its own name in the headers.
func TestCallbackTwoMerchants(t *testing.T) {
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
				m := signedMessage(paidMessage, salt)
				path := "/galaxypay/ipn/" + receiver
				a := c.post(t, c.url("9181")+path, m.json())
				if signer != receiver {
					a.wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
					app.wantNothing(t)
					return
				}
				a.wantIPNStatus(t, "200")
				provenCallback{target: path, kind: "ipn", merchant: receiver, status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
			})
		}
	}
}

// publishedCallbacks are the callbacks in the gateway's integration guide 3.6.1, with their
// signatures and salt. The Base64 is copied from there; nothing here was computed.
var publishedCallbacks = []struct {
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
func TestCallbackPublishedVectors(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, vector := range publishedCallbacks {
		for _, way := range ways {
			t.Run(vector.name+" "+way.name, func(t *testing.T) {
				want := provenCallback{target: way.path(), kind: "ipn", status: vector.status, message: vector.message, from: vector.from}
				if way.kind == "result" {
					want.kind = vector.kind
				}
				for range 2 { // the same message has the same id, however often it comes
					a := way.send(t, c, vector.from)
					want.check(t, app.only(t))
					if way.kind == "ipn" {
						a.wantIPNStatus(t, "200")
					} else if a.status != http.StatusOK {
						t.Errorf("HTTP %d: %s", a.status, a.body)
					}
				}
			})
		}
	}
}
