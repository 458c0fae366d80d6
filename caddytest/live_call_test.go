package caddytest

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// calledAnswer is what a call prints with --json.
type calledAnswer struct {
	HTTPStatus                                                  int
	Operation, Merchant, RequestID, ResponseCode, PaymentStatus string
	Replayed                                                    bool

	Data struct{ TransactionID, Endpoint, OrderID, Code, Outcome string }
}

// A payment is opened, asked about, paid and given back by commands alone.
func TestPayQueryRefund(t *testing.T) {
	s := newSandboxShop(t, "")
	to := []string{"--to", s.url("9180"), "--json"}
	do := func(t *testing.T, code int, args ...string) (a calledAnswer) {
		t.Helper()
		run := runGalaxypay(t, "", append(args, to...)...)
		run.wantCode(t, code)
		run.decode(t, &a)
		if a.Operation != args[0] || a.Merchant != "default" || a.RequestID == "" {
			t.Errorf("%v: %+v", args, a)
		}
		return a
	}
	paid := do(t, 0, "pay", "--order", "ORDER-1", "--amount", "109000", "--description", "Cà phê <1>", "--set", "sourceType=970437", "--key", "ORDER-1-pay-1")
	id := paid.Data.TransactionID
	if id == "" || paid.Data.Endpoint == "" || paid.RequestID != "ORDER-1-pay-1" {
		t.Fatalf("%+v", paid)
	}
	if a := do(t, 0, "query", "--transaction", id); a.PaymentStatus != "pending" || a.Data.OrderID != "ORDER-1" {
		t.Errorf("%+v", a)
	}
	s.customerEnds(t, id, "success")
	if a := do(t, 0, "query", "--transaction", id); a.PaymentStatus != "paid" {
		t.Errorf("%+v", a)
	}
	do(t, 0, "refund", "--transaction", id, "--order", "ORDER-1-refund", "--amount", "9000")
	// The gateway refuses more than was paid; the code says no, and the reason is on standard error.
	refused := runGalaxypay(t, "", append([]string{"refund", "--transaction", id, "--order", "ORDER-1-refund-2", "--amount", "109000"}, to...)...)
	refused.wantCode(t, 1)
	if !strings.Contains(refused.stderr, "rejected") || !strings.Contains(refused.stdout, `"outcome":"rejected"`) {
		t.Errorf("%+v", refused)
	}
}

// In a pipe, standard output has the gateway's answer alone.
func TestPayForPeople(t *testing.T) {
	s := newSandboxShop(t, "")
	run := finish(t, "", galaxypayCommand(t, []string{"GALAXYPAY_URL=" + s.url("9180") + "/"}, "pay", "--order", "ORDER-1", "--amount", "109000", "--set", "sourceType=970437"))
	run.wantCode(t, 0)
	if !strings.HasPrefix(run.stdout, `{"transactionID":"`) || strings.Count(run.stdout, "\n") != 1 {
		t.Errorf("printed %q", run.stdout)
	}
	if !regexp.MustCompile(`^Idempotency-Key: [0-9a-f]{32}\nmerchant=default requestID=[0-9a-f]{32} responseCode=200\n$`).MatchString(run.stderr) {
		t.Errorf("standard error %q", run.stderr)
	}
}

// The code tells a clear no from an unknown outcome.
func TestCallRefused(t *testing.T) {
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := map[string]int{"not_sent": 422, "rejected": 402, "unknown": 504, "not_sent_yet": 503}[r.Header.Get("Idempotency-Key")]
		outcome, _ := strings.CutSuffix(r.Header.Get("Idempotency-Key"), "_yet")
		answering(status, `{"title":"T","detail":"D","code":"c","outcome":"`+outcome+`","errors":[{"field":"orderAmount","detail":"F"}]}`)(w, r)
	}))
	t.Cleanup(sidecar.Close)
	for key, code := range map[string]int{"not_sent": 1, "rejected": 1, "unknown": 3, "not_sent_yet": 3} {
		run := runGalaxypay(t, "", "pay", "--order", "1", "--amount", "1", "--key", key, "--to", sidecar.URL)
		run.wantError(t, code, "T: D; orderAmount: F (c, "+strings.TrimSuffix(key, "_yet")+")")
	}
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	runGalaxypay(t, "", "query", "--transaction", "1", "--to", web.URL).wantError(t, 3, "is no sidecar")
	runGalaxypay(t, "", "pay", "--order", "1", "--amount", "1", "--to", "http://"+freeAddress(t)).wantError(t, 3, "repeat it with --key")
	runGalaxypay(t, "", "query", "--transaction", "1", "--to", "http://"+freeAddress(t), "--lang", "vi").wantError(t, 3, "Lỗi: không có trả lời")
}

func TestCallWrongUsage(t *testing.T) {
	app := newApp(t)
	to := "http://" + app.address
	runGalaxypay(t, "", "pay", "--order", "1", "--to", to).wantError(t, 2, "--amount is missing")
	runGalaxypay(t, "", "query", "--to", to).wantError(t, 2, "--transaction is missing")
	runGalaxypay(t, "", "refund", "--transaction", "1", "--order", "1", "--to", to).wantError(t, 2, "--amount is missing")
	runGalaxypay(t, "", "query", "DH-1", "--to", to).wantError(t, 2, "see --help")
	runGalaxypay(t, "", "pay", "--order", "1", "--amount", "1", "--to", "shop").wantError(t, 2, "--to: expected an address")
	runGalaxypay(t, "", "pay", "--order", "1", "--amount", "1", "--set", "sourcetype=1", "--to", to).wantError(t, 2, "did you mean sourceType?")
	run := runGalaxypay(t, "", "pay", "--order", "1", "--amount", "1", "--set", "cardNumber=9704000000000018", "--to", to)
	run.wantError(t, 2, "--set cardNumber: expected {env.NAME}, @file")
	if strings.Contains(run.stderr, "970400") {
		t.Errorf("the card is printed: %s", run.stderr)
	}
	app.wantNothing(t)
}
