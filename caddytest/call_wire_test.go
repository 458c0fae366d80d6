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
)

// Whatever the app sends along, the gateway gets these headers and no others.
func TestCallHeadersOnTheWire(t *testing.T) {
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
		t.Errorf("a part of the caller's headers is in the body: %s", got.body)
	}
}

// A base_url may have a path, for a gateway behind a prefix.
func TestCallBaseURLWithPath(t *testing.T) {
	g := newGateway(t)
	merchant := strings.Replace(g.merchant(t), g.url, g.url+"/prefix/", 1)
	s := sidecar{start(t, sidecarConfig(merchant)), g}
	s.call(t, "/query", `{"transactionID":"1"}`).wantOK(t, paid)
	if got, want := g.only(t).path(), "/prefix/api/v1/transaction/query"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

// publishedRequests are the gateway's published requests with their signatures, from its PDFs v3.5
// to v3.6.1 and v3.0 to v3.4. utf8 is our own, computed outside of this project's code.
var publishedRequests = []struct{ name, body, signature string }{
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

func TestCallVectorsOfRequests(t *testing.T) {
	s := newSidecar(t, "validate off")
	for i, v := range publishedRequests {
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

// The other two vectors are not requests, but can be replies: the same object in two layouts. Only
// the bytes that are hashed differ.
func TestCallVectorsOfReplies(t *testing.T) {
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
				s.gateway.replies(func(*call) []byte {
					return httpResponse(http.StatusOK, sent, "signature", signatures[signed])
				})
				code := "response_signature_invalid"
				if sent == signed {
					code = "response_code_unexpected" // proven, and without a responseCode
				}
				s.call(t, "/pay", publishedRequests[2].body).wantProblem(t, http.StatusBadGateway, code, "unknown")
			})
		}
	}
}

// Most of the gateway's merchants use PHP. Its json_encode writes \/ and \u followed by hex digits,
// and its own hash function is the judge here.
func TestCallFromPHP(t *testing.T) {
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
