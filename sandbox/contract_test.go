package sandbox_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
)

// These tests know the sandbox as a merchant knows the gateway: by its documents, over
// HTTP, with the published salt. Nothing here is signed or proven by code of the project.

// proof is the documents' formula.
func proof(text string) string {
	sum := sha256.Sum256([]byte(text + "GO@2021"))
	return hex.EncodeToString(sum[:])
}

// object is a JSON object.
type object map[string]any

// with returns the object with other members besides, or instead.
func (o object) with(more object) object {
	all := maps.Clone(o)
	maps.Copy(all, more)
	return all
}

// said is a message of the gateway.
type said struct {
	RequestID       string
	ResponseCode    string
	ResponseMessage string
	ResponseData    object
}

func (s said) text(field string) string {
	text, _ := s.ResponseData[field].(string)
	return text
}

// shop is a merchant with an app that takes IPNs, and a gateway of its own.
type shop struct {
	*testing.T
	gateway string
	client  *http.Client
	ipnURL  string
	ipns    chan letter
	sent    int // requests, for their ids
}

// letter is an IPN that the app has proven.
type letter struct {
	body string
	said
}

func openShop(t *testing.T, gateway *sandbox.Handler) *shop {
	t.Helper()
	ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(release)
	if err := gateway.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gateway.Cleanup() })
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	s := &shop{T: t, ipns: make(chan letter, 100), client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.gateway = listen(t, func(w http.ResponseWriter, r *http.Request) { _ = gateway.ServeHTTP(w, r, nil) })
	s.ipnURL = listen(t, s.takeIPN) + "/ipn"
	return s
}

func listen(t *testing.T, serve http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *shop) takeIPN(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sealed struct{ Data, Signature string }
	if err != nil || json.Unmarshal(body, &sealed) != nil {
		s.Errorf("IPN %s, %v", body, err)
	}
	m, err := unseal(sealed.Data, sealed.Signature)
	if err != nil {
		s.Error(err)
	}
	s.ipns <- letter{string(body), m}
	_, _ = io.WriteString(w, `{"ipnStatus":"200","ipnDescription":"OK"}`)
}

// unseal proves and opens a callback.
func unseal(data, signature string) (m said, err error) {
	if proof(data) != signature {
		return m, fmt.Errorf("callback %s is signed %s", data, signature)
	}
	text, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

// ipn waits for the next IPN.
func (s *shop) ipn() letter {
	s.Helper()
	select {
	case m := <-s.ipns:
		return m
	case <-time.After(30 * time.Second):
		s.Fatal("no IPN within thirty seconds")
	}
	return letter{}
}

// post sends a body and returns the answer's text.
func (s *shop) post(path, body string, header map[string]string) (text string, response *http.Response, err error) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(s.Context()), http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err = s.client.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return string(read), response, err
}

// envelope wraps requestData.
func envelope(requestID string, data object) string {
	body, _ := json.Marshal(object{"requestID": requestID, "requestDateTime": "20260102030405", "requestData": data})
	return string(body)
}

// send posts a signed request and proves the answer.
func (s *shop) send(path, requestID string, data object) (m said, err error) {
	body := envelope(requestID, data)
	text, response, err := s.post(s.gateway+path, body, map[string]string{
		"Content-Type": "application/json", "apiKey": "sandbox", "signature": proof(body),
	})
	if err != nil {
		return m, err
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("signature") != proof(text) {
		return m, fmt.Errorf("HTTP %d, signed %q: %s", response.StatusCode, response.Header.Get("signature"), text)
	}
	return m, json.Unmarshal([]byte(text), &m)
}

// ask is send under an id of its own.
func (s *shop) ask(path string, data object) said {
	s.Helper()
	s.sent++
	return s.askAs(fmt.Sprint("request-", s.sent), path, data)
}

func (s *shop) askAs(requestID, path string, data object) said {
	s.Helper()
	m, err := s.send(path, requestID, data)
	if err != nil {
		s.Fatal(err)
	}
	if m.RequestID != requestID {
		s.Errorf("answer %+v to %s", m, requestID)
	}
	return m
}

// want asks and demands this responseCode.
func (s *shop) want(code, path string, data object) said {
	s.Helper()
	m := s.ask(path, data)
	if m.ResponseCode != code {
		s.Errorf("%s %v: answer %+v, want %s", path, data, m, code)
	}
	return m
}

// press sends the form of a payment page.
func (s *shop) press(page, outcome string) *http.Response {
	s.Helper()
	text, response, err := s.post(page, "outcome="+outcome, map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		s.Fatalf("%v: %s", err, text)
	}
	return response
}

// standing is the stage and the status of a query.
func (s *shop) standing(id string) string {
	s.Helper()
	m := s.want("200", query, object{"transactionID": id})
	return m.text("transactionStage") + " " + m.text("transactionStatus")
}

// opened opens a payment.
func (s *shop) opened(more object) (id, page string) {
	s.Helper()
	m := s.want("200", pay, cardPayment.with(object{"ipnURL": s.ipnURL}).with(more))
	return m.text("transactionID"), m.text("endpoint")
}

// paid opens a payment and pays it.
func (s *shop) paid(more object) (id string) {
	s.Helper()
	id, page := s.opened(more)
	s.press(page, "success")
	s.ipn()
	return id
}

const (
	pay         = "/api/v1/transaction/pay"
	query       = "/api/v1/transaction/query"
	refund      = "/api/v1/transaction/refund"
	capture     = "/api/v1/transaction/capture"
	void        = "/api/v1/transaction/void"
	createToken = "/api/v1/tokenization/createToken"
	deleteToken = "/api/v1/tokenization/deleteToken"
	removeToken = "/api/v1/tokenization/removeToken"
	queryTokens = "/api/v1/tokenization/queryTokens"
)

var (
	order = object{
		"orderID": "A-1", "orderNumber": 205249008064, "orderAmount": 100000, "orderCurrency": "VND",
		"orderDateTime": "20260102030405", "orderDescription": "Cà phê <sữa> & đá",
	}
	cardPayment  = order.with(object{"apiOperation": "PAY", "paymentMethod": "INTERNATIONAL"})
	tokenPayment = cardPayment.with(object{"sourceOfFund": "TOKEN"})
	card         = object{
		"paymentMethod": "INTERNATIONAL",
		"cardNumber":    "5506922400634930", "cardHolderName": "NGUYEN VAN A", "cardExpireDate": "01/39", "cardVerificationValue": "100",
	}
	hold = object{"isAutoCapture": false}
)

const (
	orderFields = " orderID orderAmount orderCurrency orderDateTime orderDescription "
	pageFields  = "transactionID endpoint"
)

func (s *shop) newToken() object {
	s.Helper()
	return object{"token": s.want("200", createToken, card).text("token")}
}

func (s *shop) payment(more object) object { return object{"transactionID": s.paid(more)} }

// conversation is an operation as its documents have it.
type conversation struct {
	path     string
	data     func(*shop) object
	required string // without which it is refused
	answers  string // with which it answers
	again    string // what it answers under the same requestID
}

func only(o object) func(*shop) object { return func(*shop) object { return o } }

var conversations = map[string]conversation{
	"pay":                {pay, only(cardPayment), "apiOperation paymentMethod" + orderFields, pageFields, "409"},
	"payWithCreateToken": {pay, only(cardPayment.with(object{"apiOperation": "PAY_WITH_CREATE_TOKEN"})), "apiOperation paymentMethod" + orderFields, pageFields, "409"},
	"payWithToken":       {pay, func(s *shop) object { return tokenPayment.with(s.newToken()) }, "apiOperation paymentMethod token" + orderFields, pageFields, "409"},
	"payWithOption":      {"/api/v1/transaction/payWithOption", only(order.with(object{"apiOperation": "PAY"})), "apiOperation" + orderFields, pageFields, "409"},
	"payWithQR": {"/api/v1/transaction/payWithQR", only(cardPayment.with(object{"paymentMethod": "QRPAY", "sourceType": "QRPAY"})),
		"apiOperation paymentMethod sourceType" + orderFields, pageFields + " qrCode", "409"},
	"checkout": {"/api/v1/transaction/checkout", only(order.with(object{"orderNetAmount": 100000, "orderFeeAmount": 0, "orderDiscountAmount": 0, "paymentMethod": "DOMESTIC"})),
		"orderNetAmount orderFeeAmount orderDiscountAmount paymentMethod" + orderFields, pageFields, "409"},
	"createPaymentLink": {"/api/v1/transaction/createPaymentLink", only(object{
		"orderID": "L-1", "orderName": "Trà", "orderAmount": 100000, "orderCurrency": "VND", "orderDescription": "Trà",
		"expiryDuration": 3, "expiryUnit": "DAY", "paymentMethods": []string{"QRPAY", "MOMO"}, "paymentFields": []string{"email"},
	}), "orderID orderName orderAmount orderDescription expiryDuration paymentMethods paymentFields", "orderNo shortLink", "409"},
	"fastPay": {pay, only(order.with(card).with(object{"apiOperation": "FAST_PAY", "sourceOfFund": "CARD"})),
		"apiOperation paymentMethod cardNumber" + orderFields, "transactionID transactionStatus", "409"},
	"createToken": {createToken, only(card), "paymentMethod cardNumber cardHolderName cardExpireDate cardVerificationValue", "token accountNumber", "409"},
	"deleteToken": {deleteToken, (*shop).newToken, "token", "", "409"},
	"removeToken": {removeToken, (*shop).newToken, "token", "", "409"},
	"queryTokens": {queryTokens, only(object{"customerToken": "C-1"}), "customerToken", "customerID customerName", "200"},
	"query":       {query, func(s *shop) object { return s.payment(nil) }, "transactionID", "transactionID transactionStage transactionStatus orderID orderAmount", "200"},
	"refund":      {refund, func(s *shop) object { return order.with(s.payment(nil)) }, "transactionID" + orderFields, "", "409"},
	"capture":     {capture, func(s *shop) object { return s.payment(hold) }, "transactionID", "", "409"},
	"void":        {void, func(s *shop) object { return s.payment(hold) }, "transactionID", "", "409"},
}

func TestOperations(t *testing.T) {
	for _, name := range operation.Names() {
		c, known := conversations[name]
		if !known {
			t.Errorf("%s is not tried", name)
		}
		t.Run(name, func(t *testing.T) {
			s := openShop(t, new(sandbox.Handler))
			data := c.data(s)
			s.refusesStrangers(c.path, data)
			s.refusesWithout(strings.Fields(c.required), c.path, data)
			answer := s.askAs("once", c.path, data)
			if answer.ResponseCode != "200" {
				t.Fatalf("answer %+v", answer)
			}
			for field := range strings.FieldsSeq(c.answers) {
				if answer.text(field) == "" {
					t.Errorf("%s is missing in %v", field, answer.ResponseData)
				}
			}
			if again := s.askAs("once", c.path, data); again.ResponseCode != c.again {
				t.Errorf("repeated: %+v, want %s", again, c.again)
			}
		})
	}
}

func (s *shop) refusesWithout(fields []string, path string, data object) {
	s.Helper()
	for _, field := range fields {
		without := maps.Clone(data)
		delete(without, field)
		if m := s.want("400", path, without); !strings.HasPrefix(m.ResponseMessage, field+" ") {
			s.Errorf("without %s: %+v", field, m)
		}
	}
}

func (s *shop) refusesStrangers(path string, data object) {
	s.Helper()
	body := envelope("strange", data)
	for name, header := range map[string]map[string]string{
		"other apiKey":    {"apiKey": "stranger", "signature": proof(body)},
		"other signature": {"apiKey": "sandbox", "signature": proof(body + " ")},
		"no signature":    {"apiKey": "sandbox"},
		"no apiKey":       {"signature": proof(body)},
	} {
		text, response, err := s.post(s.gateway+path, body, header)
		if err != nil {
			s.Fatal(err)
		}
		if signature, signed := response.Header["Signature"]; signed || response.StatusCode != http.StatusUnauthorized || !strings.Contains(text, `"responseCode":"401"`) {
			s.Errorf("%s: HTTP %d, signed %q: %s", name, response.StatusCode, signature, text)
		}
	}
}

func TestLifeOfAPayment(t *testing.T) {
	s := openShop(t, new(sandbox.Handler))
	opened := s.askAs("pay-1", pay, cardPayment.with(object{"ipnURL": s.ipnURL, "successURL": "https://shop.example/paid?basket=7"}))
	id, page := opened.text("transactionID"), opened.text("endpoint")
	if got := s.standing(id); got != "INIT " {
		t.Errorf("before the page: %s", got)
	}
	address, err := s.press(page, "success").Location()
	if err != nil || address.Host != "shop.example" || address.Query().Get("basket") != "7" {
		t.Fatalf("redirected to %v, %v", address, err)
	}
	returned, err := unseal(address.Query().Get("data"), address.Query().Get("signature"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, m := range map[string]said{"IPN": s.ipn().said, "redirect": returned} {
		if m.RequestID != "pay-1" || m.ResponseCode != "200" || m.text("transactionID") != id || m.text("orderID") != "A-1" ||
			m.text("orderAmount") != "100000" || m.text("orderDescription") != "Cà phê <sữa> & đá" {
			t.Errorf("%s: %+v", kind, m)
		}
	}
	if got := s.standing(id); got != "SUCCESSFUL 200" {
		t.Errorf("after the page: %s", got)
	}
	for _, step := range []struct {
		amount any
		code   string
	}{{"100001", "400"}, {30000, "200"}, {"69999", "200"}, {2, "400"}, {"1.00", "200"}, {1, "400"}} {
		s.want(step.code, refund, order.with(object{"transactionID": id, "orderAmount": step.amount}))
	}
}

func TestEndings(t *testing.T) {
	for outcome, want := range map[string]string{"success": "SUCCESSFUL 200", "failure": "FAILURE 505", "cancel": "FAILURE 499"} {
		t.Run(outcome, func(t *testing.T) {
			s := openShop(t, new(sandbox.Handler))
			id, page := s.opened(nil)
			s.press(page, outcome)
			ipn := s.ipn()
			if got := s.standing(id); got != want || !strings.HasSuffix(want, " "+ipn.ResponseCode) {
				t.Errorf("standing %s, IPN %+v, want %s", got, ipn, want)
			}
			if outcome != "success" {
				s.want("400", refund, order.with(object{"transactionID": id}))
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		s := openShop(t, &sandbox.Handler{Expiry: 1})
		id, page := s.opened(nil)
		if got := s.standing(id); got != "FAILURE 408" {
			t.Errorf("standing %s", got)
		}
		if ipn := s.ipn(); ipn.ResponseCode != "408" || ipn.text("transactionID") != id {
			t.Errorf("IPN %+v", ipn)
		}
		s.press(page, "success")
		if got := s.standing(id); got != "FAILURE 408" || len(s.ipns) != 0 {
			t.Errorf("paid when it was too late: %s, %d IPNs", got, len(s.ipns))
		}
	})
}

func TestAuthorisedPayment(t *testing.T) {
	type step struct{ code, path string }
	for name, test := range map[string]struct {
		steps    []step
		standing string
	}{
		"captured": {[]step{{"400", refund}, {"200", capture}, {"400", capture}, {"400", void}, {"200", refund}}, "SUCCESSFUL 200"},
		"voided":   {[]step{{"200", void}, {"400", void}, {"400", capture}, {"400", refund}}, "FAILURE 499"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, new(sandbox.Handler))
			data := order.with(s.payment(hold))
			for _, step := range test.steps {
				s.want(step.code, step.path, data)
			}
			if got := s.standing(data["transactionID"].(string)); got != test.standing {
				t.Errorf("standing %s, want %s", got, test.standing)
			}
		})
	}
	t.Run("not held", func(t *testing.T) {
		s := openShop(t, new(sandbox.Handler))
		data := s.payment(nil)
		s.want("400", capture, data)
		s.want("400", void, data)
	})
}

func TestStoredCard(t *testing.T) {
	s := openShop(t, new(sandbox.Handler))
	_, page := s.opened(object{"apiOperation": "PAY_WITH_CREATE_TOKEN"})
	s.press(page, "success")
	tokenization, _ := s.ipn().ResponseData["tokenization"].(map[string]any)
	stored := object{"token": tokenization["token"]}
	s.want("200", pay, tokenPayment.with(stored))
	if m := s.want("200", pay, tokenPayment.with(stored).with(object{"apiOperation": "FAST_PAY"})); m.text("transactionStatus") != "200" {
		t.Errorf("fast pay %+v", m)
	}
	s.want("200", deleteToken, stored)
	s.want("400", pay, tokenPayment.with(stored))
	s.want("400", pay, tokenPayment.with(stored).with(object{"apiOperation": "FAST_PAY"}))
	s.want("400", deleteToken, stored)

	other := s.newToken()
	cards, _ := s.want("200", queryTokens, object{"customerToken": "C-1"}).ResponseData["tokens"].([]any)
	if len(cards) != 1 {
		t.Fatalf("cards %v", cards)
	}
	listed, _ := cards[0].(map[string]any)
	s.want("200", removeToken, object{"customerToken": "C-1", "tokenID": listed["tokenID"]})
	s.want("400", pay, tokenPayment.with(other))
}

// The whole request is the sample of integration guide 3.6.1, signature included.
func TestPublishedRequest(t *testing.T) {
	const (
		body      = `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}}`
		signature = "b4b7cb5596680bb343f399922fc32e63fd69191c573e83c0383fd734531eab03"
	)
	s := openShop(t, new(sandbox.Handler))
	for text, want := range map[string]int{body: http.StatusOK, strings.Replace(body, "100000", "100001", 1): http.StatusUnauthorized} {
		_, response, err := s.post(s.gateway+pay, text, map[string]string{"apiKey": "sandbox", "signature": signature})
		if err != nil || response.StatusCode != want {
			t.Errorf("%v, %v, want HTTP %d", response, err, want)
		}
	}
}

// phpPays is a shop in PHP: it signs, sends, and proves the answer.
const phpPays = `
$body = stream_get_contents(STDIN);
$headers = ["Content-Type: application/json", "apiKey: sandbox", "signature: " . hash("sha256", $body . "GO@2021")];
$answer = file_get_contents($argv[1], false, stream_context_create(["http" => ["method" => "POST", "header" => $headers, "content" => $body]]));
foreach ($http_response_header as $line) {
	if ($line === "signature: " . hash("sha256", $answer . "GO@2021")) {
		echo json_decode($answer)->responseData->endpoint;
	}
}`

// phpTakesIPN proves an IPN.
const phpTakesIPN = `
$ipn = json_decode(stream_get_contents(STDIN));
if (hash_equals(hash("sha256", $ipn->data . "GO@2021"), $ipn->signature)) {
	echo json_decode(base64_decode($ipn->data))->responseData->transactionID;
}`

func TestShopInPHP(t *testing.T) {
	php := need(t, "php")
	s := openShop(t, new(sandbox.Handler))
	page := run(t, php, envelope("php-1", cardPayment.with(object{"ipnURL": s.ipnURL})), phpPays, s.gateway+pay)
	address, err := url.Parse(page)
	if err != nil || !strings.HasPrefix(address.Path, "/pay/") {
		t.Fatalf("PHP did not prove the answer: %q, %v", page, err)
	}
	s.press(page, "success")
	if id := run(t, php, s.ipn().body, phpTakesIPN); "/pay/"+id != address.Path {
		t.Errorf("PHP did not prove the IPN: %q, want that of %s", id, page)
	}
}

func run(t *testing.T, php, input, script string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), php, slices.Concat([]string{"-n", "-d", "allow_url_fopen=1", "-r", script, "--"}, arguments)...) //nolint:gosec // G204: the program found by need, and scripts of this file
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return string(output)
}

// need finds a program that may be absent.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("%s is not installed, and REQUIRE_ALL=1", program)
	}
	t.Skipf("%s is not installed: a shop in it is not tried", program)
	return ""
}
