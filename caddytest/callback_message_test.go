package caddytest

import (
	"net/http"
	"strings"
	"testing"
)

// Messages reach the app byte for byte, whatever they hold, with the payment status that the
// contract gives them.
func TestCallbackMessagesAndPaymentStatus(t *testing.T) {
	data := func(fields string) string {
		return `{"requestID":"1","responseCode":"200","responseData":{"orderNo":"1",` + fields + `}}`
	}
	tests := []struct {
		name    string
		message string
		status  string
	}{
		// Paid.
		{"numbers instead of strings", `{"requestID":1,"responseDateTime":20260102030405,"responseCode":200,"responseData":{"transactionID":2601,"transactionStatus":200,"orderAmount":109000}}`, "paid"},
		{"apiVersion 2", data(`"transactionID":"2601","transactionStatus":"200","transactionDescription":"Success","paymentMethod":"DOMESTIC","sourceType":"SACOMBANK"`), "paid"},
		{"stage SUCCESSFUL", data(`"transactionStatus":"200","transactionStage":"SUCCESSFUL"`), "paid"},
		{"tokenization", data(`"orderID":"A-1","tokenization":{"accountBrand":"NAPAS","accountNumber":"970400xxxxxx0018","token":"000100000000000000000000000000000000","status":"200","message":"Success"}`), "paid"},
		{"Payment Link", `{"requestId":"cd80bae6","responseDateTime":"20260102030405","responseCode":"200","responseMessage":"Success","responseData":{"orderNo":"PL1","orderReference":"R-7","orderAmount":"50000","extraData":{"fullName":"Trần Văn Ơn","phone":"0912345678"}}}`, "paid"},
		{"no responseData", `{"responseCode":"200"}`, "failed"},
		{"no payment named", `{"responseCode":"200","responseData":{"transactionID":"","orderID":null,"transactionStatus":"200"}}`, "failed"},
		{"responseData null", `{"responseCode":"200","responseData":null}`, "failed"},

		// Passed on byte for byte.
		{"amount 12.50", data(`"orderAmount":12.50`), "paid"},
		{"amount 1e5", data(`"orderAmount":1e5,"big":12345678901234567890.000`), "paid"},
		{"order and white space", "{ \"z\" : 1 ,\t\"responseCode\":\"200\",\n\"a\":[ ] , \"responseData\" : { \"orderID\" : 1 } }", "paid"},
		{"escapes", data(`"orderDescription":"\u0110\u01a1n h\u00e0ng \/ \u003cb\u003e \"x\" \\"`), "paid"},
		{"lone surrogate", data(`"orderDescription":"Cà phê \ud83d"`), "paid"},
		{"emoji", data(`"orderDescription":"Cà phê ☕ 🧋"`), "paid"},
		{"Vietnamese, composed", data(`"orderDescription":"Nguyễn Thị Ánh Tuyết, phường Đakao, áo dài lụa – ượ ẵ Ỷ"`), "paid"},
		{"Vietnamese, decomposed", data(`"orderDescription":"Nguye` + "\u0302\u0303" + `n"`), "paid"},
		{"placeholders of Caddy", data(`"orderDescription":"{http.request.host} {env.HOME} {$HOME}"`), "paid"},
		{"HTML", data(`"orderDescription":"<script>alert(1)</script> & 'x'"`), "paid"},

		// Signed, and not paid.
		{"responseCode 200, transactionStatus 499", data(`"transactionStatus":"499"`), "cancelled"},
		{"responseCode 200, transactionStatus 499 as number", data(`"transactionStatus":499`), "cancelled"},
		{"responseCode 200, transactionStatus 408", data(`"transactionStatus":"408"`), "expired"},
		{"responseCode 200, transactionStatus 505", data(`"transactionStatus":"505"`), "failed"},
		{"responseCode 200, stage FAILURE", data(`"transactionStage":"FAILURE"`), "failed"},
		{"transactionStatus 200, stage FAILURE", data(`"transactionStatus":"200","transactionStage":"FAILURE"`), "failed"},
		{"transactionStatus 200, stage PROCESSING", data(`"transactionStatus":"200","transactionStage":"PROCESSING"`), "pending"},
		{"transactionStatus empty, stage INIT", data(`"transactionStatus":"","transactionStage":"INIT"`), "pending"},
		{"responseData in a string, transactionStatus 499", `{"responseCode":"200","responseData":"{\"transactionStatus\":\"499\"}"}`, "cancelled"},
		{"responseCode 499", `{"responseCode":"499","responseData":{}}`, "cancelled"},
		{"responseCode 499 as number", `{"responseCode":499,"responseData":{}}`, "cancelled"},
		{"responseCode 408", `{"responseCode":"408","responseData":{}}`, "expired"},
		{"responseCode 505", `{"responseCode":"505","responseData":{}}`, "failed"},
		{"responseCode 505, transactionStatus 200", `{"responseCode":"505","responseData":{"transactionStatus":"200"}}`, "failed"},
		{"responseCode 00", `{"responseCode":"00","responseData":{}}`, "failed"},
		{"responseCode with a blank", `{"responseCode":"200 ","responseData":{}}`, "failed"},
		{"responseCode 2000", `{"responseCode":"2000","responseData":{}}`, "failed"},
		{"responseCode true", `{"responseCode":true,"responseData":{}}`, "failed"},
		{"responseCode null", `{"responseCode":null,"responseData":{}}`, "failed"},
		{"responseCode in a list", `{"responseCode":["200"],"responseData":{}}`, "failed"},
		{"no responseCode", `{"responseData":{"transactionStatus":"200","transactionStage":"SUCCESSFUL"}}`, "failed"},
		{"another spelling of responseCode", `{"ResponseCode":"200","responseData":{"orderID":"1"}}`, "failed"},
		{"responseCode further inside", `{"responseData":{"responseCode":"200"}}`, "failed"},
		{"empty object", `{}`, "failed"},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range []way{ipnJSON, resultQuery} {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				m := signedMessage(test.message, sandboxSalt)
				way.send(t, c, m)
				way.wantInApp(t, app, test.status, test.message, m)
			})
		}
	}
}

// The merchant's own query parameters reach the app as they were written. Ours do not, whether they
// held the message or not.
func TestCallbackQueryParameters(t *testing.T) {
	m := signedMessage(paidMessage, sandboxSalt)
	tests := []struct {
		name  string
		query string // DATA and SIGNATURE are replaced by the message's
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
			a := c.get(t, c.url("9181")+"/galaxypay/result?"+fill(test.query))
			if a.status != http.StatusOK {
				t.Fatalf("HTTP %d: %s", a.status, a.body)
			}
			provenCallback{target: "/galaxypay/result" + test.want, kind: "result", status: "paid", message: paidMessage, from: m}.check(t, app.only(t))
		})
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			t.Run("POST "+path+" "+test.name, func(t *testing.T) {
				// The query of a POST is not the message, even if its signature is right.
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
	t.Run("a message in the query of a POST is not a message", func(t *testing.T) {
		for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
			c.post(t, c.url("9181")+path+"?"+m.form(), "{}").wantCallbackRefused(t, http.StatusBadRequest, "callback_malformed")
		}
		app.wantNothing(t)
	})
}

// The path stays as it is, escapes included.
func TestCallbackPathStays(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	for _, suffix := range []string{"", "/", "/3235", "/%C4%91%C6%A1n", "/a%2Fb", "/a%20b"} {
		t.Run("suffix "+suffix, func(t *testing.T) {
			c.post(t, c.url("9181")+"/galaxypay/ipn"+suffix, m.json()).wantIPNStatus(t, "200")
			if got, want := app.only(t).target, "/galaxypay/ipn"+suffix; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
		})
	}
}

// The app gets the browser's cookies and languages, and the browser gets the app's page.
func TestCallbackResultIsTheAppsPage(t *testing.T) {
	app := newApp(t)
	app.answers(answering(http.StatusAccepted, "<h1>Cảm ơn</h1>", "Set-Cookie", "seen=1", "X-Page", "thanks"))
	c := start(t, callbackSite(app, ""))
	for _, way := range resultWays {
		t.Run(way.name, func(t *testing.T) {
			a := way.send(t, c, signedMessage(paidMessage, sandboxSalt), "Cookie", "session=7", "Accept", "text/html", "Accept-Language", "vi")
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

// The log of a callback names the message by its ids, also in the spelling of Payment Links, and
// holds nothing else of its content.
func TestCallbackLog(t *testing.T) {
	app := newApp(t)
	c := start(t, strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\nlog", 1))
	m := signedMessage(`{"requestId":"link-7","responseCode":"200","responseData":{"orderNo":"link-order","tokenization":{"token":"canary-token","accountNumber":"970400xxxxxx0018"}}}`, sandboxSalt)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
	ipnForm.send(t, c, m).wantIPNStatus(t, "200")
	app.answers(answering(http.StatusInternalServerError, "canary-answer"))
	ipnJSON.send(t, c, m).wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
	forged := callback{m.data, strings.Repeat("0", 64)}
	ipnJSON.send(t, c, forged).wantCallbackRefused(t, http.StatusForbidden, "signature_invalid")
	c.stop()

	lines := c.logLines(t, "callback")
	if len(lines) != 3 {
		t.Fatalf("%d log lines for 3 proven callbacks", len(lines))
	}
	for _, line := range lines {
		if line["request_id"] != "link-7" || line["delivery_id"] != m.deliveryID() || line["payment_status"] != "paid" ||
			line["merchant"] != "default" || line["kind"] != "ipn" {
			t.Errorf("log line %v", line)
		}
	}
	if refused := c.logLines(t, "callback refused"); len(refused) != 1 || refused[0]["code"] != "signature_invalid" {
		t.Errorf("log lines of the refusal: %v", refused)
	}
	for _, secret := range []string{"canary-", "970400xxxxxx0018", m.data, m.signature, forged.signature, sandboxSalt} {
		if strings.Contains(c.logs(t), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
