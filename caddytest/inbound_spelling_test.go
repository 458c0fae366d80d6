package caddytest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// plusMessage gives Base64 with a plus sign, a slash and padding in it.
const plusMessage = `{"responseCode":"200","responseData":{"orderDescription":"Đơn 25 – cà phê ~~~???"}}`

// One and the same proven message, in every spelling in which it may arrive.
func TestInboundSpelling(t *testing.T) {
	m := sealed(plusMessage, sandboxSalt)
	if !strings.Contains(m.data, "+") || !strings.Contains(m.data, "/") || !strings.HasSuffix(m.data, "=") {
		t.Fatalf("this test needs +, / and = in %s", m.data)
	}
	ipnJSON, ipnForm, resultQuery, resultForm := ways[0], ways[1], ways[2], ways[3]
	raw := "data=" + m.data + "&signature=" + m.signature
	tests := []struct {
		name    string
		ways    []way
		encoded string
	}{
		{"properly encoded", []way{ipnForm, resultQuery, resultForm}, m.form()},
		{"lower-case escapes", []way{ipnForm, resultQuery, resultForm}, strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(m.form())},
		{"nothing encoded, so + is a space", []way{ipnForm, resultQuery, resultForm}, raw},
		{"+ become %20", []way{ipnForm, resultQuery, resultForm}, strings.ReplaceAll(raw, "+", "%20")},
		{"only the first + encoded", []way{ipnForm, resultQuery, resultForm}, strings.Replace(raw, "+", "%2B", 1)},
		{"signature first", []way{ipnForm, resultQuery, resultForm}, "signature=" + m.signature + "&" + "data=" + url.QueryEscape(m.data)},
		{"further fields", []way{ipnForm, resultForm}, "version=2&" + m.form() + "&x=1"},

		{"JSON", []way{ipnJSON}, m.json()},
		{"JSON with escapes", []way{ipnJSON}, strings.NewReplacer("+", `\u002B`, "/", `\/`, "=", `\u003d`).Replace(m.json())},
		{"JSON with escaped names", []way{ipnJSON}, strings.Replace(strings.Replace(m.json(), `"data"`, `"d\u0061ta"`, 1), `"signature"`, `"\u0073ignature"`, 1)},
		{"JSON with white space", []way{ipnJSON}, "\r\n { \"signature\" :\t" + jsonText(m.signature) + ",\n\"data\": " + jsonText(m.data) + " } \n"},
		{"JSON with further fields", []way{ipnJSON}, `{"version":2,"nested":{"data":"x","signature":[]},` + m.json()[1:]},
		{"JSON behind a BOM", []way{ipnJSON}, "\ufeff" + m.json()},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range test.ways {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				way.send(t, c, c.url("9181"), test.encoded)
				trusted{target: way.path(), kind: way.kind, status: "paid", message: plusMessage, from: m}.check(t, app.only(t))
			})
		}
	}

	contentTypes := []struct {
		name   string
		header []string
		body   string
	}{
		{"none", nil, m.json()},
		{"JSON with a charset", []string{"Content-Type", "application/json; charset=utf-8"}, m.json()},
		{"JSON in capitals", []string{"Content-Type", "Application/JSON"}, m.json()},
		{"form with a charset", []string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}, m.form()},
		{"identity encoding", []string{"Content-Type", "application/json", "Content-Encoding", "identity"}, m.json()},
	}
	for _, test := range contentTypes {
		t.Run("content type: "+test.name, func(t *testing.T) {
			exchange(t, c, http.MethodPost, c.url("9181")+"/galaxypay/ipn", strings.NewReader(test.body), test.header...).confirmedAs(t, "200")
			trusted{target: "/galaxypay/ipn", kind: "ipn", status: "paid", message: plusMessage, from: m}.check(t, app.only(t))
		})
	}
	t.Run("chunked", func(t *testing.T) {
		unknownLength := struct{ *strings.Reader }{strings.NewReader(m.json())}
		exchange(t, c, http.MethodPost, c.url("9181")+"/galaxypay/ipn", unknownLength, "Content-Type", "application/json").confirmedAs(t, "200")
		trusted{target: "/galaxypay/ipn", kind: "ipn", status: "paid", message: plusMessage, from: m}.check(t, app.only(t))
	})
}

// What the text of data and the signature may look like beyond the samples. The text
// is hashed as it is received, so an id belongs to one spelling.
func TestInboundDataAndSignature(t *testing.T) {
	// Of one length of the message in three, Base64 ends in =, in == or in neither.
	unpadded := func(message string) callback {
		padded := sealed(message, sandboxSalt)
		if !strings.HasSuffix(padded.data, "=") {
			t.Fatalf("this test needs padding in %s", padded.data)
		}
		return signedData(strings.TrimRight(padded.data, "="), sandboxSalt)
	}
	one := sealed(plusMessage, sandboxSalt)
	tests := []struct {
		name    string
		from    callback
		message string
	}{
		{"padding of one missing", unpadded(plusMessage), plusMessage},
		{"padding of two missing", unpadded(plusMessage + "  "), plusMessage + "  "},
		{"no padding needed", sealed(plusMessage+" ", sandboxSalt), plusMessage + " "},
		{"signature in capitals", callback{one.data, strings.ToUpper(one.signature)}, plusMessage},
		{"signature in both cases", callback{one.data, bothCases(one.signature)}, plusMessage},
		{"BOM inside data", sealed("\ufeff"+plusMessage, sandboxSalt), plusMessage},
		{"white space around the message", sealed("\r\n\t "+plusMessage+"\n", sandboxSalt), "\r\n\t " + plusMessage + "\n"},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range ways {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				way.deliver(t, c, test.from)
				trusted{target: way.path(), kind: way.kind, status: "paid", message: test.message, from: test.from}.check(t, app.only(t))
			})
		}
	}
}

// bothCases spells every other letter in capitals.
func bothCases(hexadecimal string) string {
	text := []byte(hexadecimal)
	for i := 0; i < len(text); i += 2 {
		text[i] = strings.ToUpper(string(text[i]))[0]
	}
	return string(text)
}

// The messages themselves reach the app to the byte, whatever they hold, and are
// judged as the contract says.
func TestInboundMessages(t *testing.T) {
	data := func(fields string) string {
		return `{"requestID":"1","responseCode":"200","responseData":{` + fields + `}}`
	}
	tests := []struct {
		name    string
		message string
		status  string
	}{
		// Paid.
		{"numbers instead of strings", `{"requestID":1,"responseDateTime":20260102030405,"responseCode":200,"responseData":{"transactionStatus":200,"orderAmount":109000}}`, "paid"},
		{"apiVersion 2", data(`"transactionID":"2601","transactionStatus":"200","transactionDescription":"Success","paymentMethod":"DOMESTIC","sourceType":"SACOMBANK"`), "paid"},
		{"stage SUCCESSFUL", data(`"transactionStatus":"200","transactionStage":"SUCCESSFUL"`), "paid"},
		{"tokenization", data(`"orderID":"A-1","tokenization":{"accountBrand":"NAPAS","accountNumber":"970400xxxxxx0018","token":"000100000000000000000000000000000000","status":"200","message":"Success"}`), "paid"},
		{"Payment Link", `{"requestId":"cd80bae6","responseDateTime":"20260102030405","responseCode":"200","responseMessage":"Success","responseData":{"orderNo":"PL1","orderReference":"R-7","orderAmount":"50000","extraData":{"fullName":"Trần Văn Ơn","phone":"0912345678"}}}`, "paid"},
		{"no responseData", `{"responseCode":"200"}`, "paid"},
		{"responseData null", `{"responseCode":"200","responseData":null}`, "paid"},

		// Kept to the byte.
		{"amount 12.50", data(`"orderAmount":12.50`), "paid"},
		{"amount 1e5", data(`"orderAmount":1e5,"big":12345678901234567890.000`), "paid"},
		{"order and white space", "{ \"z\" : 1 ,\t\"responseCode\":\"200\",\n\"a\":[ ] , \"responseData\" : { } }", "paid"},
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
		{"another spelling of responseCode", `{"ResponseCode":"200","responsecode":"200","responseData":{}}`, "failed"},
		{"responseCode further inside", `{"responseData":{"responseCode":"200"}}`, "failed"},
		{"empty object", `{}`, "failed"},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range []way{ways[0], ways[2]} {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				m := sealed(test.message, sandboxSalt)
				way.deliver(t, c, m)
				want := trusted{target: way.path(), kind: way.kind, status: test.status, message: test.message, from: m}
				if way.kind == "result" && test.status == "cancelled" {
					want.kind = "cancel"
				}
				want.check(t, app.only(t))
			})
		}
	}
}

// The log of a callback names the message by its ids, the Payment Link's other
// spelling included, and holds nothing of what it says.
func TestInboundLog(t *testing.T) {
	app := newApp(t)
	c := start(t, strings.Replace(callbackSite(app, ""), "http://:9181 {", "http://:9181 {\nlog", 1))
	m := sealed(`{"requestId":"link-7","responseCode":"200","responseData":{"orderNo":"canary-order","tokenization":{"token":"canary-token","accountNumber":"970400xxxxxx0018"}}}`, sandboxSalt)
	ways[0].deliver(t, c, m).confirmedAs(t, "200")
	ways[1].deliver(t, c, m).confirmedAs(t, "200")
	app.answers(saying(http.StatusInternalServerError, "canary-answer"))
	ways[0].deliver(t, c, m).refusedAs(t, http.StatusServiceUnavailable, "app_unavailable")
	forged := callback{m.data, strings.Repeat("0", 64)}
	ways[0].deliver(t, c, forged).refusedAs(t, http.StatusForbidden, "signature_invalid")
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
