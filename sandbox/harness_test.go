package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// hash is the formula of the documents, written down a second time so that the tests do
// not ask the code under test whether it is right.
func hash(text, salt string) string {
	sum := sha256.Sum256([]byte(text + salt))
	return hex.EncodeToString(sum[:])
}

// gateway is a running sandbox and a merchant of it.
type gateway struct {
	*testing.T
	url       string
	apiKey    string
	salt      string
	logs      *observer.ObservedLogs
	transport http.RoundTripper
	network   *network // nil: the machine's own
}

// form is the header of a browser that sends a form.
var form = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// serve runs a handler on a free port for the duration of the test.
func serve(t *testing.T, h *Handler) gateway {
	t.Helper()
	logs := provision(t, h)
	return gateway{
		T: t, url: listen(t, handle(t, h)), apiKey: h.apiKey, salt: h.api.salt, logs: logs, transport: newTransport(t),
	}
}

// inBubble runs a test with a clock of its own. It goes on when the test sleeps, and at no
// other time: nothing in the test waits for a socket.
func inBubble(t *testing.T, h *Handler, test func(g gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		logs := provision(t, h)
		h.ipns.client.Transport = n
		test(gateway{
			T: t, url: n.listen(handle(t, h)), apiKey: h.apiKey, salt: h.api.salt, logs: logs, transport: n, network: n,
		})
	})
}

// provision makes a handler ready for the duration of the test, and observes its log.
func provision(t *testing.T, h *Handler) *observer.ObservedLogs {
	t.Helper()
	ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(release)
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	core, logs := observer.New(zap.DebugLevel)
	h.setLogger(zap.New(core))
	return logs
}

func handle(t *testing.T, h *Handler) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.ServeHTTP(w, r, nil); err != nil {
			t.Error(err)
		}
	}
}

func newTransport(t *testing.T) *http.Transport {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// exchange sends a request as it is and follows no redirect.
func (g gateway) exchange(method, path, body string, header http.Header) *http.Response {
	g.Helper()
	response, err := g.try(g.Context(), method, path, body, header)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { response.Body.Close() })
	return response
}

// try is exchange for goroutines that must not end the test.
func (g gateway) try(ctx context.Context, method, path, body string, header http.Header) (*http.Response, error) {
	address := path
	if strings.HasPrefix(path, "/") {
		address = g.url + path
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	return g.transport.RoundTrip(request)
}

// post sends a body that is signed as the merchant's.
func (g gateway) post(path, body string) *http.Response {
	g.Helper()
	return g.exchange(http.MethodPost, path, body, g.signed(body))
}

func (g gateway) signed(body string) http.Header {
	return http.Header{
		"Content-Type": {"application/json"},
		"Apikey":       {g.apiKey},
		"Signature":    {hash(body, g.salt)},
	}
}

// answered is an answer of the gateway's API.
type answered struct {
	RequestID        string
	ResponseDateTime string
	ResponseCode     string
	ResponseMessage  string
	ResponseData     values
}

// values are the members of responseData, objects and arrays among them as JSON. Anything
// else has to be a string.
type values map[string]string

func (v *values) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	*v = make(values)
	for name, member := range members {
		value := string(member)
		if member[0] != '{' && member[0] != '[' {
			if err := json.Unmarshal(member, &value); err != nil {
				return err
			}
		}
		(*v)[name] = value
	}
	return nil
}

// ask posts a body and demands that the answer is proven.
func (g gateway) ask(path, body string) answered {
	g.Helper()
	response := g.post(path, body)
	text := read(g.T, response)
	if response.StatusCode != http.StatusOK {
		g.Fatalf("HTTP %d: %s", response.StatusCode, text)
	}
	if got, want := response.Header.Get("signature"), hash(text, g.salt); got != want {
		g.Fatalf("answer signed %q, want %q", got, want)
	}
	return decode[answered](g.T, text)
}

// envelope wraps requestData under the given id.
func envelope(requestID, requestData string) string {
	return `{"requestID":"` + requestID + `","requestDateTime":"20260102030405","requestData":` + requestData + `}`
}

// purchase is the requestData of a payment, with more members; those of a usual name take
// its place.
func purchase(more string) string {
	return override(`{"apiOperation":"PAY","orderID":"A-1","orderNumber":205249008064,"orderAmount":12.50,"orderCurrency":"USD",`+
		`"orderDateTime":20260102030405,"orderDescription":"Cà phê <sữa> & đá","paymentMethod":"DOMESTIC"}`, more)
}

// override appends members, which start with a comma, to an object that does not have them
// already.
func override(object, more string) string {
	added, malformed := rawjson.Members([]byte("{" + strings.TrimPrefix(more, ",") + "}"))
	if malformed != nil {
		panic(malformed.Fault + " in " + rawjson.Fault(more))
	}
	usual, malformed := rawjson.Members([]byte(object))
	if malformed != nil {
		panic(malformed.Fault + " in " + rawjson.Fault(object))
	}
	var members []string
	for _, m := range usual {
		if rawjson.Find(added, string(m.Name)) == nil {
			members = append(members, `"`+string(m.Name)+`":`+string(m.Value))
		}
	}
	return "{" + strings.Join(members, ",") + more + "}"
}

// pay opens a payment and returns the id and the page of the transaction.
func (g gateway) pay(more string) (transactionID, page string) {
	g.Helper()
	answer := g.ask("/api/v1/transaction/pay", envelope("pay-1", purchase(more)))
	if answer.ResponseCode != "200" {
		g.Fatalf("payment refused: %s %s", answer.ResponseCode, answer.ResponseMessage)
	}
	return answer.ResponseData["transactionID"], answer.ResponseData["endpoint"]
}

// query queries a transaction.
func (g gateway) query(transactionID string) answered {
	g.Helper()
	return g.ask("/api/v1/transaction/query", envelope("query-1", `{"transactionID":"`+transactionID+`"}`))
}

// open shows the payment page, as the customer sees it.
func (g gateway) open(page string, header http.Header) (text string, response *http.Response) {
	g.Helper()
	response = g.exchange(http.MethodGet, page, "", header)
	return read(g.T, response), response
}

// press sends the form of the payment page.
func (g gateway) press(page, outcome string) *http.Response {
	g.Helper()
	return g.exchange(http.MethodPost, page, "outcome="+outcome, form)
}

// returned is the message with which the browser is redirected, proven.
func (g gateway) returned(response *http.Response) (m answered, address *url.URL) {
	g.Helper()
	if response.StatusCode != http.StatusSeeOther {
		g.Fatalf("HTTP %d, want a redirect: %s", response.StatusCode, read(g.T, response))
	}
	address, err := response.Location()
	if err != nil {
		g.Fatal(err)
	}
	if strings.ContainsAny(address.RawQuery, "+ ") {
		g.Errorf("query %q is not percent-encoded", address.RawQuery)
	}
	query := address.Query()
	return g.unseal(query.Get("data"), query.Get("signature")), address
}

// unseal proves and opens a callback.
func (g gateway) unseal(data, signature string) answered {
	g.Helper()
	if want := hash(data, g.salt); signature != want {
		g.Fatalf("callback signed %q, want %q", signature, want)
	}
	text, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		g.Fatal(err)
	}
	return decode[answered](g.T, string(text))
}

// app receives IPNs on a free port and answers each with status and body.
func (g gateway) app(status int, body string) (ipnURL string, received <-chan answered) {
	g.Helper()
	messages := make(chan answered, 10)
	ipnURL = g.listen(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			g.Errorf("IPN is %s %s, %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		sealed := decode[map[string]string](g.T, string(sent))
		messages <- g.unseal(sealed["data"], sealed["signature"])
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	return ipnURL, messages
}

// listen serves for the duration of the test.
func (g gateway) listen(serve http.HandlerFunc) (address string) {
	g.Helper()
	if g.network != nil {
		return g.network.listen(serve)
	}
	return listen(g.T, serve)
}

// listen serves on a free port for the duration of the test.
func listen(t *testing.T, serve http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return server.URL
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}
