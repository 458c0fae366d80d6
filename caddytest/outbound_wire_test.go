package caddytest

import (
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The gateway's published requests with their signatures: its PDFs v3.5 to v3.6.1 and
// v3.0 to v3.4. utf8 is a vector of our own, computed outside of this project's code.
var vectors = []struct{ name, body, signature string }{
	{
		name:      "request-current",
		body:      `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}}`,
		signature: "b4b7cb5596680bb343f399922fc32e63fd69191c573e83c0383fd734531eab03",
	},
	{
		name:      "request-v3.0",
		body:      `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","cardType":"atm","bank":"970437","otp":"on","request":"purchase","token":"","language":"vi"}}`,
		signature: "ca1421b4227600b2ef1803d9401625a36e8e37fe8ef285268ce02192a954d7e9",
	},
	{
		name:      "utf8",
		body:      `{"requestID":"1","requestDateTime":"20240101000000","requestData":{"orderDescription":"Hồ Chí Minh"}}`,
		signature: "2286f6540987546da52a389c0a2a50b96aa5c4a12570c6a82432b2245699765b",
	},
}

func TestVectorsOfRequests(t *testing.T) {
	s := newSidecar(t, "validate off")
	for i, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			// The key must not change the caller's own requestID.
			s.call(t, "/pay", v.body, "Idempotency-Key", "another-id").wantOK(t, paid)
			got := s.gateway.calls()[i]
			if got.body != v.body {
				t.Errorf("the gateway got\n%s, want\n%s", got.body, v.body)
			}
			if got.value("signature") != v.signature {
				t.Errorf("signature %s, want %s", got.value("signature"), v.signature)
			}
		})
	}
}

// The other two vectors are no requests, but serve as answers: the same object in two
// layouts, told apart by nothing but the bytes that are hashed.
func TestVectorsOfAnswers(t *testing.T) {
	const (
		pretty  = "{\n  \"requestID\": \"1\"\n}"
		compact = `{"requestID":"1"}`
	)
	signatures := map[string]string{
		pretty:  "689e0559e1cba2391c1307e94333f103203d518cf440ce9da0ce8326a275d4d5",
		compact: "60ed813f0af862cd8a7f31c372b51a91d6d26676f190c00a69b26675cb77a965",
	}
	s := newSidecar(t, "validate off")
	for _, sent := range []string{pretty, compact} {
		for _, signed := range []string{pretty, compact} {
			t.Run(fmt.Sprintf("%d bytes signed as %d", len(sent), len(signed)), func(t *testing.T) {
				s.gateway.answers(func(*call) []byte {
					return httpAnswer(http.StatusOK, sent, "signature", signatures[signed])
				})
				code := "response_signature_invalid"
				if sent == signed {
					code = "response_code_unexpected" // proven, and without a responseCode
				}
				s.call(t, "/pay", vectors[2].body).wantProblem(t, http.StatusBadGateway, code, "unknown")
			})
		}
	}
}

// wrapped is the only shape that an envelope of the sidecar's has: requestID,
// requestDateTime, requestData.
var wrapped = regexp.MustCompile(`(?s)^\{"requestID":"([A-Za-z0-9-]{1,50})","requestDateTime":"([0-9]{14})","requestData":(\{.*\})\}$`)

var hex32 = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestEnvelope(t *testing.T) {
	s := newSidecar(t, "validate off")
	before := time.Now().Truncate(time.Second)
	a := s.call(t, "/pay", payment)
	after := time.Now()
	a.wantOK(t, paid)

	got := s.gateway.only(t)
	m := wrapped.FindStringSubmatch(got.body)
	if m == nil {
		t.Fatalf("the gateway got %s", got.body)
	}
	if !hex32.MatchString(m[1]) {
		t.Errorf("requestID %q, want 32 hex digits", m[1])
	}
	if id := a.header.Get("Galaxypay-Request-Id"); id != m[1] {
		t.Errorf("Galaxypay-Request-Id %q, want %q", id, m[1])
	}
	sent, err := time.ParseInLocation("20060102150405", m[2], time.FixedZone("", 7*60*60))
	if err != nil || sent.Before(before) || sent.After(after) {
		t.Errorf("requestDateTime %s is %v (%v), want between %v and %v", m[2], sent, err, before, after)
	}
	if want := strings.TrimSuffix(payment, "}") + `,"apiOperation":"PAY"}`; m[3] != want {
		t.Errorf("requestData %s, want %s", m[3], want)
	}
	for name, want := range map[string]string{
		"Galaxypay-Operation":      "pay",
		"Galaxypay-Response-Code":  "200",
		"Galaxypay-Merchant":       "default",
		"Galaxypay-Payment-Status": "", // a payment page was opened, nothing is paid
		"Galaxypay-Verified":       "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Two calls must never share a requestID: the gateway would take the second for the
// first.
func TestRequestIDsDiffer(t *testing.T) {
	s := newSidecar(t)
	seen := make(map[string]bool)
	for range 50 {
		seen[s.call(t, "/pay", payment).header.Get("Galaxypay-Request-Id")] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d requestIDs for 50 calls", len(seen))
	}
}

// Whatever the app sends along, the gateway gets these headers and no others.
func TestHeadersOnTheWire(t *testing.T) {
	s := newSidecar(t)
	s.call(t, "/pay?apiKey=query-canary", payment,
		"Cookie", "session=caller-canary",
		"Authorization", "Bearer caller-canary",
		"Proxy-Authorization", "Basic caller-canary",
		"X-Forwarded-For", "192.0.2.7",
		"X-Real-IP", "192.0.2.7",
		"X-Canary", "caller-canary",
		"Forwarded", "for=192.0.2.7",
		"Via", "1.1 caller-canary",
		"Accept", "text/caller-canary",
		"Accept-Encoding", "br",
		"Accept-Language", "vi",
		"User-Agent", "caller-canary",
		"Referer", "https://caller-canary.example/",
		"Idempotency-Key", "order-1",
		"X-Idempotency-Key", "caller-canary",
		"apikey", "caller-canary",
		"Signature", "caller-canary",
		"Galaxypay-Merchant", "caller-canary",
		"Galaxypay-Verified", "caller-canary",
		"Traceparent", "00-caller-canary-01",
		"Te", "trailers",
	).wantOK(t, paid)

	got := s.gateway.only(t)
	if got.line != "POST /api/v1/transaction/pay HTTP/1.1" {
		t.Errorf("request line %q", got.line)
	}
	if agent := got.value("User-Agent"); !regexp.MustCompile(`^galaxypay-sidecar/\S+$`).MatchString(agent) {
		t.Errorf("User-Agent %q", agent)
	}
	want := []line{
		{"Accept", "application/json"},
		{"Accept-Encoding", "gzip"},
		{"Content-Length", strconv.Itoa(len(got.body))},
		{"Content-Type", "application/json"},
		{"Host", strings.TrimPrefix(s.gateway.url, "http://")},
		{"User-Agent", got.value("User-Agent")},
		{"apiKey", testAPIKey},
		{"signature", sign(got.body, testSalt)},
	}
	slices.SortFunc(got.header, func(a, b line) int { return strings.Compare(a.name, b.name) })
	if !slices.Equal(got.header, want) {
		t.Errorf("headers\n%q, want\n%q", got.header, want)
	}
	if strings.Contains(got.body, "canary") {
		t.Errorf("something of the caller's headers is in the body: %s", got.body)
	}
}

// A base_url may hold a path, for a gateway behind a prefix.
func TestBaseURLWithPath(t *testing.T) {
	g := newGateway(t)
	merchant := strings.Replace(g.merchant(t), g.url, g.url+"/prefix/", 1)
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	s.call(t, "/query", `{"transactionID":"1"}`).wantOK(t, paid)
	if got, want := g.only(t).path(), "/prefix/api/v1/transaction/query"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

// What the app posts is what the gateway gets, byte for byte. Every one of these is
// changed by some JSON library on the way through decoding and encoding.
func TestBodiesStayAsTheyAre(t *testing.T) {
	bodies := map[string]string{
		"trailing zero":             `{"orderAmount":12.50}`,
		"exponent":                  `{"orderAmount":1e3,"b":1E+2,"c":-0.0}`,
		"integer beyond float64":    `{"orderNumber":9007199254740993}`,
		"number of 80 digits":       `{"orderNumber":` + strings.Repeat("1234567890", 8) + `}`,
		"escaped slash":             `{"ipnURL":"https:\/\/shop.example\/ipn"}`,
		"escaped Vietnamese":        `{"orderDescription":"V\u1ea1n Ph\u00FAc"}`,
		"Vietnamese":                `{"orderDescription":"Vạn Phúc"}`,
		"HTML":                      `{"orderDescription":"<b>&amp;</b>"}`,
		"escaped HTML":              `{"orderDescription":"\u003cb\u003e"}`,
		"U+2028 and U+2029":         "{\"orderDescription\":\"a\u2028b\u2029c\"}",
		"U+FFFD and emoji":          `{"orderDescription":"� 💳 \ud83d\udcb3"}`,
		"DEL and other controls":    "{\"orderDescription\":\"\x7f\\u0000\\u001f\\b\\f\"}",
		"CRLF":                      "{\r\n\"orderID\":\"1\",\r\n\"orderAmount\":1\r\n}",
		"tabs":                      "{\t\"orderID\"\t:\t\"1\"\t}",
		"indentation":               "{\n  \"orderID\": \"1\",\n  \"extraData\": {\n    \"a\": [ 1, 2 ]\n  }\n}",
		"blank after the last one":  `{"orderID":"1" }`,
		"key order":                 `{"z":1,"a":2,"m":{"y":1,"b":2}}`,
		"null, booleans and arrays": `{"a":null,"b":true,"c":[],"d":{},"e":[{"f":false}]}`,
		"empty key":                 `{"":1}`,
		"keys that differ in case":  `{"a":1,"A":2}`,
		"same key in two objects":   `{"a":{"k":1},"b":{"k":2},"k":3}`,
		"lone surrogates":           `{"orderDescription":"\ud83d","b":"\udcb3x","c":"\udcb3\ud83d"}`,
		"depth 50":                  strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50),
		"nested requestData object": `{"extraData":{"requestID":"1","requestDateTime":"20240101000000","requestData":{"a":1}}}`,
		"requestData in a string":   `{"orderDescription":"\"requestData\":{\"a\":1}"}`,
		"requestData is text":       `{"requestData":"{}"}`,
		"requestData is an array":   `{"requestData":[{}]}`,
		"requestData is null":       `{"requestData":null}`,
		"requestdata in lower case": `{"requestdata":{}}`,
		"placeholders":              `{"orderDescription":"{env.HOME} {http.request.uri} {$HOME}"}`,
	}
	s := newSidecar(t, "validate off")
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			// query has no fixed fields, so nothing at all may be added.
			s.call(t, "/query", body).wantOK(t, paid)
			calls := s.gateway.calls()
			got := calls[len(calls)-1]
			if data := got.requestData(t); data != body {
				t.Errorf("requestData\n%q, want\n%q", data, body)
			}
			if got.value("signature") != sign(got.body, testSalt) {
				t.Error("the signature does not fit the bytes sent")
			}
		})
	}
}

// Blanks around the object are no part of it; fields are added inside its brace.
func TestAddedFields(t *testing.T) {
	s := newSidecar(t, "validate off")
	for name, test := range map[string]struct{ body, want string }{
		"empty object":       {"{}", `{"apiOperation":"PAY"}`},
		"empty with a blank": {"{ }", `{ "apiOperation":"PAY"}`},
		"blanks around":      {" \t\r\n{\"a\":1}\r\n ", `{"a":1,"apiOperation":"PAY"}`},
		"line end inside":    {"{\"a\":1\n}", "{\"a\":1\n,\"apiOperation\":\"PAY\"}"},
		"given":              {`{"apiOperation":"PAY"}`, `{"apiOperation":"PAY"}`},
		"given, escaped":     {`{"api\u004fperation":"P\u0041Y"}`, `{"api\u004fperation":"P\u0041Y"}`},
		"given deeper only":  {`{"a":{"apiOperation":"X"}}`, `{"a":{"apiOperation":"X"},"apiOperation":"PAY"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.call(t, "/pay", test.body).wantOK(t, paid)
			calls := s.gateway.calls()
			if got := calls[len(calls)-1].requestData(t); got != test.want {
				t.Errorf("requestData %q, want %q", got, test.want)
			}
		})
	}
}

// A top-level requestData object, however its name is spelled, makes an envelope.
func TestOwnEnvelopes(t *testing.T) {
	s := newSidecar(t, "validate off", "defaults {", "ipnURL https://shop.example/ipn", "}")
	for name, body := range map[string]string{
		"plain":           `{"requestID":"a-1","requestDateTime":"20240101000000","requestData":{"orderID":"1"}}`,
		"other order":     `{"requestData":{"orderID":"1"},"requestDateTime":20240101000000,"requestID":"a-1"}`,
		"escaped name":    `{"requestID":"a-1","requestDateTime":"1","request\u0044ata":{"orderID":"1"}}`,
		"numeric id":      `{"requestID":17,"requestDateTime":"20240101000000","requestData":{}}`,
		"indented":        "{\n \"requestID\" : \"a-1\",\n \"requestDateTime\" : \"1\",\n \"requestData\" : {\r\n }\n}",
		"white space":     "\r\n {\"requestID\":\"a-1\",\"requestDateTime\":\"1\",\"requestData\":{}} \n",
		"further members": `{"requestID":"a-1","requestDateTime":"1","requestData":{},"more":[1.0]}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "/pay", body)
			a.wantOK(t, paid)
			calls := s.gateway.calls()
			got := calls[len(calls)-1]
			if got.body != body {
				t.Errorf("the gateway got %q, want %q", got.body, body)
			}
			if got.value("signature") != sign(body, testSalt) {
				t.Error("the signature does not fit the bytes sent")
			}
			if id := a.header.Get("Galaxypay-Request-Id"); id != "a-1" && id != "17" {
				t.Errorf("Galaxypay-Request-Id %q", id)
			}
		})
	}
	for name, body := range map[string]string{
		"no requestID":              `{"requestDateTime":"20240101000000","requestData":{}}`,
		"empty requestID":           `{"requestID":"","requestDateTime":"20240101000000","requestData":{}}`,
		"requestID is an object":    `{"requestID":{},"requestDateTime":"20240101000000","requestData":{}}`,
		"requestID with a line end": `{"requestID":"a\r\nX-Injected: 1","requestDateTime":"20240101000000","requestData":{}}`,
		"no requestDateTime":        `{"requestID":"a-1","requestData":{}}`,
		"null requestDateTime":      `{"requestID":"a-1","requestDateTime":null,"requestData":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, p := s.refused(t, "/pay", body)
			if p.Status != http.StatusBadRequest || p.Code != "body_invalid" {
				t.Errorf("HTTP %d %s, want 400 body_invalid", p.Status, p.Code)
			}
		})
	}
}

// What two parsers could read in two ways is signed by nobody. The detail names the
// byte where the trouble is, and nothing of the text.
func TestBodiesRefused(t *testing.T) {
	const anywhere = -1
	s := newSidecar(t)
	for name, test := range map[string]struct {
		body   string
		offset int // of the byte that the detail names
	}{
		"duplicate key":           {`{"canary":1,"canary":2}`, 12},
		"duplicate key, nested":   {`{"a":{"canary":1,"b":2,"canary":3}}`, 23},
		"duplicate key, in array": {`{"a":[{"b":1,"b":2}]}`, 13},
		"duplicate key, escaped":  {`{"canary":1,"c\u0061nary":2}`, 12},
		"duplicate in envelope":   {`{"requestID":"1","requestDateTime":"1","requestData":{"a":1,"a":2}}`, 60},
		"duplicate requestData":   {`{"requestID":"1","requestDateTime":"1","requestData":{},"requestData":{}}`, 56},
		"raw bad UTF-8":           {"{\"a\":\"canary\xff\"}", 12},
		"Latin-1":                 {"{\"a\":\"Ph\xfac\"}", 8},
		"encoded surrogate":       {"{\"a\":\"\xed\xa0\x80\"}", 6},
		"overlong encoding":       {"{\"a\":\"\xc0\xaf\"}", 6},
		"cut character":           {"{\"a\":\"\xe1\xba\"}", 6},
		"bad UTF-8 in a key":      {"{\"\xff\":1}", 2},
		"two objects":             {`{"a":1}{"a":1}`, 7},
		"trailing comma":          {`{"a":1},`, 7},
		"trailing text":           {"{\"a\":1}\ncanary", 8},
		"trailing NUL":            {"{\"a\":1}\x00", 7},
		"empty":                   {"", anywhere},
		"blanks":                  {" \t\r\n ", anywhere},
		"BOM":                     {"\xef\xbb\xbf{}", 0},
		"array":                   {`[{"a":1}]`, 0},
		"string":                  {`"canary"`, 0},
		"number":                  {`1`, 0},
		"null":                    {` null`, 1},
		"truncated":               {`{"a":"canary`, anywhere},
		"brace only":              {`{`, anywhere},
		"truncated after a comma": {`{"a":1,`, anywhere},
		"comma at the end":        {`{"a":1,}`, anywhere},
		"NaN":                     {`{"a":NaN}`, 5},
		"Infinity":                {`{"a":Infinity}`, 5},
		"leading zero":            {`{"a":01}`, anywhere},
		"plus sign":               {`{"a":+1}`, 5},
		"single quotes":           {`{'a':'canary'}`, 1},
		"bare key":                {`{a:1}`, 1},
		"comment":                 {`{/* canary */"a":1}`, 1},
		"line comment":            {"{\"a\":1}// canary", 7},
		"raw line end in string":  {"{\"a\":\"x\ny\"}", 7},
		"unknown escape":          {`{"a":"\x41"}`, anywhere},
		"missing colon":           {`{"a" 1}`, anywhere},
		"form":                    {`orderID=1`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, p := s.refused(t, "/pay", test.body)
			if p.Status != http.StatusBadRequest || p.Code != "body_invalid" {
				t.Errorf("HTTP %d %s, want 400 body_invalid", p.Status, p.Code)
			}
			if test.offset != anywhere && !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, test.offset)).MatchString(p.Detail) {
				t.Errorf("detail %q does not name byte %d", p.Detail, test.offset)
			}
			if strings.Contains(a.body, "canary") {
				t.Errorf("the problem quotes the body: %s", a.body)
			}
			if got := a.header.Get("Galaxypay-Operation"); got != "pay" {
				t.Errorf("Galaxypay-Operation %q, want pay, on every answer", got)
			}
		})
	}
}

// PHP is what most of the gateway's merchants run. Its json_encode writes \/ and
// \u followed by hex digits, and its own hash function is the judge here.
func TestAppInPHP(t *testing.T) {
	php := requireProgram(t, "php")
	s := newSidecar(t, "validate off")
	const app = `
		$body = json_encode(["orderID" => "1", "orderDescription" => "Hồ Chí Minh <b>", "ipnURL" => "https://shop.example/ipn", "orderAmount" => 0.1]);
		$answer = file_get_contents($argv[1], false, stream_context_create(["http" => [
			"method" => "POST", "header" => "Content-Type: application/json\r\n", "content" => $body]]));
		echo $body, "\n", $answer, "\n";`
	//nolint:gosec // the program is PHP, and the script is above
	out, err := exec.CommandContext(t.Context(), php, "-r", app, "--", s.url("9180")+"/query").Output()
	if err != nil {
		t.Fatal(err)
	}
	posted, answer, _ := strings.Cut(string(out), "\n")
	if answer != paid+"\n" {
		t.Errorf("PHP got %s", answer)
	}
	got := s.gateway.only(t)
	if data := got.requestData(t); data != posted || !strings.Contains(data, `\/`) {
		t.Errorf("requestData %s, PHP posted %s", data, posted)
	}
	//nolint:gosec // the same
	hash := exec.CommandContext(t.Context(), php, "-r", `echo hash("sha256", stream_get_contents(STDIN).$argv[1]);`, "--", testSalt)
	hash.Stdin = strings.NewReader(got.body)
	digest, err := hash.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got.value("signature") != string(digest) {
		t.Errorf("signature %s, PHP's hash is %s", got.value("signature"), digest)
	}
}
