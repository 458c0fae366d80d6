package sandboxtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// order is the requestData of a payment.
func order(ipnURL string) map[string]any {
	return map[string]any{
		"apiOperation": "PAY", "orderID": "A-1", "orderNumber": "205249008064", "orderAmount": "12.50", "orderCurrency": "USD",
		"orderDateTime": "20260102030405", "orderDescription": "Cà phê sữa đá", "paymentMethod": "DOMESTIC", "ipnURL": ipnURL,
		"successURL": "http://shop.example/", "failureURL": "http://shop.example/", "cancelURL": "http://shop.example/",
	}
}

// pay signs a payment as the gateway's documents say, and opens it.
func pay(t *testing.T, s *sandboxtest.Server, requestData any) (transactionID string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"requestID": "pay-1", "requestDateTime": "20260102030405", "requestData": requestData,
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/transaction/pay", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(string(body) + s.Salt))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("apiKey", s.APIKey)
	request.Header.Set("signature", hex.EncodeToString(sum[:]))
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		ResponseData struct{ TransactionID string }
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.ResponseData.TransactionID == "" {
		t.Fatalf("answer %s, %v", text, err)
	}
	return answer.ResponseData.TransactionID
}

func newApp(t *testing.T) (ipnURL string, received <-chan string) {
	t.Helper()
	ipns := make(chan string, 10)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		ipns <- string(text)
	}))
	t.Cleanup(app.Close)
	return app.URL, ipns
}

// A whole payment: signed by the app, paid by the test, told to the app.
func TestPayment(t *testing.T) {
	s := sandboxtest.New(t)
	ipnURL, ipns := newApp(t)
	id := pay(t, s, order(ipnURL))
	paid, err := s.Complete(id)
	if err != nil || paid.ID != id || paid.Outcome != "success" || paid.IPN.State != "answered" || paid.IPN.Attempts != 1 {
		t.Fatalf("%+v, %v", paid, err)
	}
	if len(ipns) != 1 {
		t.Errorf("%d IPNs", len(ipns))
	}
	if _, err := s.Complete(id); err == nil || !strings.Contains(err.Error(), "HTTP 409") {
		t.Errorf("a second time: %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	s := sandboxtest.New(t)
	for want, settle := range map[string]func(id string) (sandboxtest.Transaction, error){
		"failure": func(id string) (sandboxtest.Transaction, error) { return s.Fail(id, "") },
		"refused": func(id string) (sandboxtest.Transaction, error) { return s.Fail(id, "refused") },
		"cancel":  s.Cancel,
		"expired": s.Expire,
	} {
		t.Run(want, func(t *testing.T) {
			opened, err := s.Open(order(""))
			if err != nil || opened.OrderID != "A-1" || opened.Amount != "12.50" || opened.Stage != "INIT" {
				t.Fatalf("%+v, %v", opened, err)
			}
			if settled, err := settle(opened.ID); err != nil || settled.Outcome != want {
				t.Errorf("%+v, %v", settled, err)
			}
		})
	}
	if all, err := s.Transactions(); err != nil || len(all) != 4 {
		t.Errorf("%d transactions, %v", len(all), err)
	}
}

func TestMoney(t *testing.T) {
	s := sandboxtest.New(t)
	held := order("")
	held["isAutoCapture"] = false
	open := func() string {
		t.Helper()
		opened, err := s.Open(held)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Complete(opened.ID); err != nil {
			t.Fatal(err)
		}
		return opened.ID
	}
	captured := open()
	if got, err := s.Capture(captured); err != nil || got.Outcome != "success" {
		t.Errorf("captured: %+v, %v", got, err)
	}
	if got, err := s.Refund(captured, "2.50"); err != nil || got.Refunded != "2.5" {
		t.Errorf("refunded: %+v, %v", got, err)
	}
	if got, err := s.Refund(captured, ""); err != nil || got.Refunded != "12.5" {
		t.Errorf("refunded: %+v, %v", got, err)
	}
	if got, err := s.Void(open()); err != nil || got.Outcome != "voided" {
		t.Errorf("voided: %+v, %v", got, err)
	}
}

func TestFaultsAndResend(t *testing.T) {
	s := sandboxtest.New(t)
	ipnURL, ipns := newApp(t)
	if err := s.SetFaults("no_such_fault"); err == nil {
		t.Error("an unknown fault was set")
	}
	if err := s.SetFaults("ipn_lost"); err != nil {
		t.Fatal(err)
	}
	id := pay(t, s, order(ipnURL))
	if paid, err := s.Complete(id); err != nil || paid.IPN.State != "failed" || len(ipns) != 0 {
		t.Errorf("%d IPNs, %+v, %v", len(ipns), paid, err)
	}
	if err := s.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if sent, err := s.ResendIPN(id); err != nil || sent.IPN.State != "answered" || len(ipns) != 1 {
		t.Errorf("%d IPNs, %+v, %v", len(ipns), sent, err)
	}
}

func TestAdvanceAndReset(t *testing.T) {
	s := sandboxtest.New(t)
	id := pay(t, s, order(""))
	now, err := s.Advance(time.Hour)
	if err != nil || time.Until(now) < 59*time.Minute {
		t.Errorf("it is %s, %v", now, err)
	}
	if got, err := s.Transaction(id); err != nil || got.Outcome != "expired" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	pay(t, s, order("")) // under the same requestID
}

func TestServersShareNothing(t *testing.T) {
	first, second := sandboxtest.New(t), sandboxtest.New(t)
	if _, err := second.Complete(pay(t, first, order(""))); err == nil || !strings.Contains(err.Error(), "HTTP 404") {
		t.Errorf("the other server knows the payment: %v", err)
	}
}
