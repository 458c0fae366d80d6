package sandbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

func TestStrangersAreRefusedUnsigned(t *testing.T) {
	body := envelope("pay-1", purchase(""))
	proof := hash(body, defaultSalt)
	for name, test := range map[string]struct {
		apiKey, signature string
		want              string
	}{
		"no key":                {"", proof, "header apiKey is missing"},
		"other key":             {"Sandbox", proof, "unknown apiKey"},
		"no signature":          {"sandbox", "", "header signature is missing"},
		"other salt":            {"sandbox", hash(body, "pepper"), "signature does not match the body"},
		"other body":            {"sandbox", hash(body+"\n", defaultSalt), "signature does not match the body"},
		"not a signature":       {"sandbox", "signature", "signature does not match the body"},
		"neither key nor proof": {"", "", "header apiKey is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			response := g.exchange("POST", "/api/v1/transaction/pay", body, http.Header{
				"Apikey": {test.apiKey}, "Signature": {test.signature},
			})
			answer := decode[answered](t, read(t, response))
			if response.StatusCode != http.StatusUnauthorized || response.Header.Get("signature") != "" {
				t.Errorf("HTTP %d, signature %q", response.StatusCode, response.Header.Get("signature"))
			}
			if answer.ResponseCode != "401" || answer.ResponseMessage != test.want || answer.RequestID != "pay-1" {
				t.Errorf("answer %+v", answer)
			}
			if logged := g.logs.FilterMessage("request refused").All(); len(logged) != 1 || logged[0].ContextMap()["reason"] != test.want {
				t.Errorf("logged %v", logged)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	without := func(field string) string {
		return regexp.MustCompile(`"`+field+`":("[^"]*"|[0-9.]+),`).ReplaceAllString(purchase(`,"end":"end"`), "")
	}
	with := func(field, value string) string {
		return regexp.MustCompile(`"`+field+`":("[^"]*"|[0-9.]+)`).ReplaceAllString(purchase(""), `"`+field+`":`+value)
	}
	pay, query := "/api/v1/transaction/pay", "/api/v1/transaction/query"
	for name, test := range map[string]struct{ path, body, want string }{
		"no body":                {pay, "", "the body is not one JSON object in UTF-8"},
		"null":                   {pay, "null", "the body is not one JSON object in UTF-8"},
		"array":                  {pay, "[]", "the body is not one JSON object in UTF-8"},
		"two objects":            {pay, "{}{}", "the body is not one JSON object in UTF-8"},
		"Latin-1":                {pay, "{\"requestID\":\"\xe9\"}", "the body is not one JSON object in UTF-8"},
		"requestID":              {pay, `{"requestDateTime":"20260102030405","requestData":{}}`, "requestID is missing"},
		"requestID in capitals":  {pay, `{"REQUESTID":"1","requestDateTime":"20260102030405","requestData":{}}`, "requestID is missing"},
		"requestID too long":     {pay, envelope(strings.Repeat("1", 51), purchase("")), "requestID is longer than 50 characters"},
		"requestDateTime":        {pay, `{"requestID":"1","requestData":{}}`, "requestDateTime is missing"},
		"requestDateTime ISO":    {pay, `{"requestID":"1","requestDateTime":"2026-01-02T03:04:05","requestData":{}}`, "requestDateTime is not a date and time as yyyyMMddHHmmss"},
		"requestData":            {pay, `{"requestID":"1","requestDateTime":"20260102030405"}`, "requestData is missing or not an object"},
		"requestData null":       {pay, envelope("1", "null"), "requestData is missing or not an object"},
		"requestData text":       {pay, envelope("1", `"{}"`), "requestData is missing or not an object"},
		"orderID":                {pay, envelope("1", without("orderID")), "orderID is missing"},
		"orderID null":           {pay, envelope("1", with("orderID", `null`)), "orderID is missing"},
		"orderID empty":          {pay, envelope("1", with("orderID", `""`)), "orderID is missing"},
		"orderID object":         {pay, envelope("1", with("orderID", `{}`)), "orderID is neither a string nor a number"},
		"orderAmount":            {pay, envelope("1", without("orderAmount")), "orderAmount is missing"},
		"orderCurrency":          {pay, envelope("1", strings.Replace(without("orderCurrency"), "12.50", "12", 1)), "orderCurrency is missing"},
		"orderDateTime":          {pay, envelope("1", without("orderDateTime")), "orderDateTime is missing"},
		"orderDescription":       {pay, envelope("1", without("orderDescription")), "orderDescription is missing"},
		"apiOperation":           {pay, envelope("1", with("apiOperation", `""`)), "apiOperation is missing"},
		"apiOperation unknown":   {pay, envelope("1", with("apiOperation", `"PAYOUT"`)), "this address does not accept this apiOperation"},
		"fast pay without card":  {pay, envelope("1", with("apiOperation", `"FAST_PAY"`)), "cardNumber is missing"},
		"token":                  {pay, envelope("1", purchase(`,"sourceOfFund":"TOKEN"`)), "token is missing"},
		"checkout":               {"/api/v1/transaction/checkout", envelope("1", without("orderID")), "orderID is missing"},
		"payWithOption":          {"/api/v1/transaction/payWithOption", envelope("1", without("orderID")), "orderID is missing"},
		"QR code in dollars":     {"/api/v1/transaction/payWithQR", envelope("1", purchase(`,"paymentMethod":"QRPAY","sourceType":"QRPAY"`)), "orderCurrency must be VND for a QR code"},
		"payWithQR":              {"/api/v1/transaction/payWithQR", envelope("1", purchase(`,"paymentMethod":"QRPAY"`)), "sourceType is missing"},
		"ipnURL with a file":     {pay, envelope("1", purchase(`,"ipnURL":"file:///etc/passwd"`)), "ipnURL is not an http or https URL"},
		"successURL with script": {pay, envelope("1", purchase(`,"successURL":"javascript:alert(1)"`)), "successURL is not an absolute address"},
		"failureURL relative":    {pay, envelope("1", purchase(`,"failureURL":"/result"`)), "failureURL is not an absolute address"},
		"cancelURL without host": {pay, envelope("1", purchase(`,"cancelURL":"http:///result"`)), "cancelURL is not an absolute address"},
		"cancelURL too long":     {pay, envelope("1", purchase(`,"cancelURL":"http://a/`+strings.Repeat("b", 500)+`"`)), "cancelURL is longer than 500 characters"},
		"transactionID":          {query, envelope("1", `{}`), "transactionID is missing"},
		"transactionID unknown":  {query, envelope("1", `{"transactionID":"1"}`), "transactionID is unknown"},
		"other operation":        {"/api/v1/transaction/transfer", envelope("1", `{}`), "operation not available in this sandbox"},
		"amount in words":        {pay, envelope("1", with("orderAmount", `"ten"`)), "orderAmount " + notAmount},
		"amount negative":        {pay, envelope("1", with("orderAmount", `"-1"`)), "orderAmount " + notAmount},
		"isAutoCapture":          {pay, envelope("1", purchase(`,"isAutoCapture":"no"`)), "isAutoCapture is not one of true, false"},
		"wallet without name":    {pay, envelope("1", with("paymentMethod", `"WALLET"`)), "sourceType is missing"},
		"card without number":    {pay, envelope("1", purchase(`,"sourceOfFund":"CARD"`)), "cardNumber is missing"},
		"capture of nothing":     {"/api/v1/transaction/capture", envelope("1", `{}`), "transactionID is missing"},
		"void of unknown":        {"/api/v1/transaction/void", envelope("1", `{"transactionID":"1"}`), "transactionID is unknown"},
		"other tree":             {"/api/v1/tokenization/renewToken", `{}`, "operation not available in this sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask(test.path, test.body)
			if answer.ResponseCode != "400" || answer.ResponseMessage != test.want {
				t.Errorf("answer %+v, want 400 %s", answer, test.want)
			}
			if answer.ResponseData != nil {
				t.Errorf("refusal carries data %v", answer.ResponseData)
			}
		})
	}
}

// The documents demand one type of body; its parameters are free, and so is its case.
func TestContentType(t *testing.T) {
	for content, want := range map[string]string{
		"application/json":                  "200",
		"Application/JSON; charset=utf-8":   "200",
		"application/x-www-form-urlencoded": "400",
		"text/plain":                        "400",
		"application/json; charset":         "400",
		"":                                  "200",
	} {
		t.Run(content, func(t *testing.T) {
			g := serve(t, new(Handler))
			body := envelope("pay-1", purchase(""))
			header := g.signed(body)
			header.Set("Content-Type", content)
			answer := decode[answered](t, read(t, g.exchange(http.MethodPost, "/api/v1/transaction/pay", body, header)))
			if answer.ResponseCode != want || want == "400" && answer.ResponseMessage != "header Content-Type is not application/json" {
				t.Errorf("answer %+v", answer)
			}
		})
	}
}

func TestEveryOperationOfTheCatalogue(t *testing.T) {
	for _, name := range operation.Names() {
		if byName[name] == nil {
			t.Errorf("%s is not carried out", name)
		}
	}
}

func TestRepeatedRequestID(t *testing.T) {
	g := serve(t, new(Handler))
	steps := []struct{ name, body, want string }{
		{"refused first", envelope("again", `{"orderID":"A-1"}`), "400"},
		{"corrected under the same id", envelope("again", purchase("")), "200"},
		{"repeated", envelope("again", purchase("")), "409"},
		{"another order under the same id", envelope("again", purchase(`,"language":"vi"`)), "409"},
		{"another id", envelope("another", purchase("")), "200"},
	}
	for _, step := range steps {
		if answer := g.ask("/api/v1/transaction/pay", step.body); answer.ResponseCode != step.want {
			t.Errorf("%s: %s %s, want %s", step.name, answer.ResponseCode, answer.ResponseMessage, step.want)
		}
	}
}

func TestPayAnswer(t *testing.T) {
	for operation, more := range map[string]string{
		"pay": "", "payWithOption": "", "payWithQR": `,"orderAmount":12500,"orderCurrency":"VND","paymentMethod":"QRPAY","sourceType":"QRPAY"`,
		"checkout": `,"orderNetAmount":12.50,"orderFeeAmount":0,"orderDiscountAmount":"0"`,
	} {
		t.Run(operation, func(t *testing.T) {
			g := serve(t, new(Handler))
			before := time.Now().Add(-time.Second)
			answer := g.ask("/api/v1/transaction/"+operation, envelope("pay-1", purchase(more)))
			if answer.RequestID != "pay-1" || answer.ResponseCode != "200" || answer.ResponseMessage != "Success" {
				t.Errorf("answer %+v", answer)
			}
			zone := time.FixedZone("Ho Chi Minh City", 7*3600)
			at, err := time.ParseInLocation("20060102150405", answer.ResponseDateTime, zone)
			if err != nil || at.Before(before) || at.After(time.Now()) {
				t.Errorf("responseDateTime %s, %v", answer.ResponseDateTime, err)
			}
			id := answer.ResponseData["transactionID"]
			if !regexp.MustCompile(`^\d{25}$`).MatchString(id) {
				t.Errorf("transactionID %s", id)
			}
			if endpoint := answer.ResponseData["endpoint"]; endpoint != g.url+"/pay/"+id {
				t.Errorf("endpoint %s", endpoint)
			}
		})
	}
}

func TestTextIsRepeatedAsItWas(t *testing.T) {
	g := serve(t, new(Handler))
	id, _ := g.pay("")
	response := g.post("/api/v1/transaction/query", envelope("query-1", `{"transactionID":"`+id+`"}`))
	text := read(t, response)
	for _, want := range []string{`"orderAmount":"12.50"`, `"orderDescription":"Cà phê <sữa> & đá"`, `"orderDateTime":"20260102030405"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
}

// Reading a header does not show how it was spelled, so this looks at the wire.
func TestSignatureHeaderIsLowerCase(t *testing.T) {
	recorder := httptest.NewRecorder()
	a := &api{ledger: ledger.New()}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	a.answer(wirelog.NewRecorder(recorder, r, time.Now(), a.ledger.Keep), r, call{}, refused("400", "no"))
	var wire strings.Builder
	if err := recorder.Header().Write(&wire); err != nil || !strings.Contains(wire.String(), "\r\nsignature: ") {
		t.Errorf("header %s, %v", wire.String(), err)
	}
}

func TestBrokenBodyIsRefused(t *testing.T) {
	recorder := httptest.NewRecorder()
	body := iotest.ErrReader(io.ErrUnexpectedEOF)
	(&api{ledger: ledger.New()}).serve(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/transaction/pay", body))
	if recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), "body_invalid") {
		t.Errorf("HTTP %d: %s", recorder.Code, recorder.Body)
	}
}

func TestOriginFollowsTheConnection(t *testing.T) {
	for address, want := range map[string]string{
		"http://localhost:9190/api/v1/transaction/pay":   "http://localhost:9190",
		"https://sandbox.example/api/v1/transaction/pay": "https://sandbox.example",
	} {
		if got := origin(httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)); got != want {
			t.Errorf("origin %s, want %s", got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	g := serve(t, new(Handler))
	for name, test := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		code               string
	}{
		"body too large":      {"POST", "/api/v1/transaction/pay", strings.Repeat(" ", 256<<10+1), nil, 413, "body_too_large"},
		"largest body":        {"POST", "/api/v1/transaction/pay", strings.Repeat(" ", 256<<10), nil, 401, ""},
		"from a web page":     {"POST", "/api/v1/transaction/pay", "{}", http.Header{"Origin": {"http://shop.example"}}, 403, "caller_not_allowed"},
		"API read":            {"GET", "/api/v1/transaction/pay", "", nil, 404, "not_found"},
		"other API":           {"POST", "/api/v2/transaction/pay", "{}", nil, 404, "not_found"},
		"other page":          {"GET", "/favicon.ico", "", nil, 404, "not_found"},
		"post to the list":    {"POST", "/", "", nil, 404, "not_found"},
		"delete of a payment": {"DELETE", "/pay/1", "", nil, 404, "not_found"},
		"no outcome":          {"POST", "/pay/1", "", nil, 400, "outcome_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			response := g.exchange(test.method, test.path, test.body, test.header)
			if response.StatusCode != test.status {
				t.Errorf("HTTP %d, want %d", response.StatusCode, test.status)
			}
			if problem := decode[struct{ Code string }](t, read(t, response)); problem.Code != test.code {
				t.Errorf("code %q, want %q", problem.Code, test.code)
			}
			if response.Header.Get("signature") != "" {
				t.Error("a problem is signed")
			}
		})
	}
}

func TestOtherPeersAreRefused(t *testing.T) {
	g := serve(t, &Handler{Allow: []string{"203.0.113.0/24"}})
	for _, path := range []string{"/", "/pay/1", "/api/v1/transaction/pay"} {
		response := g.post(path, "{}")
		problem := decode[struct{ Code string }](t, read(t, response))
		if response.StatusCode != http.StatusForbidden || problem.Code != "caller_not_allowed" {
			t.Errorf("%s: HTTP %d, code %s", path, response.StatusCode, problem.Code)
		}
	}
}

// Published samples: integration guides 3.0 to 3.6.1, salt GO@2021.
const (
	requestCurrent     = `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}}`
	requestCurrentSign = "b4b7cb5596680bb343f399922fc32e63fd69191c573e83c0383fd734531eab03"
	requestV30         = `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","cardType":"atm","bank":"970437","otp":"on","request":"purchase","token":"","language":"vi"}}`
	requestV30Sign     = "ca1421b4227600b2ef1803d9401625a36e8e37fe8ef285268ce02192a954d7e9"
)

// The samples are sent as they are in the documents, with their own signatures.
func TestPublishedRequestsArePayments(t *testing.T) {
	for name, vector := range map[string]struct{ body, signature, code string }{
		"request-current": {requestCurrent, requestCurrentSign, "200"},
		// Proven, but from a guide that knew no apiOperation.
		"request-v3.0": {requestV30, requestV30Sign, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			response := g.exchange("POST", "/api/v1/transaction/pay", vector.body, map[string][]string{
				"Content-Type": {"application/json"}, "Apikey": {"sandbox"}, "Signature": {vector.signature},
			})
			answer := decode[answered](t, read(t, response))
			if answer.ResponseCode != vector.code || answer.RequestID != "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3" {
				t.Errorf("answer %+v", answer)
			}
			if vector.code != "200" {
				return
			}
			standing := g.query(answer.ResponseData["transactionID"]).ResponseData
			if standing["orderNumber"] != "205249008064" || standing["orderAmount"] != "100000" {
				t.Errorf("standing %v", standing)
			}
		})
	}
}
