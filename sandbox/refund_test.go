package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// step is a request for an operation on a transaction and the answer to it.
type step struct {
	operation string
	id        string // requestID; empty: one of its own
	data      string // members besides transactionID
	code      string
	message   string
}

// walk takes the steps one after the other.
func (g gateway) walk(transactionID string, steps []step) {
	g.Helper()
	for i, s := range steps {
		id := s.id
		if id == "" {
			id = fmt.Sprint("step-", i)
		}
		answer := g.ask("/api/v1/transaction/"+s.operation, envelope(id, `{"transactionID":"`+transactionID+`"`+s.data+`}`))
		if answer.ResponseCode != s.code || answer.ResponseMessage != s.message {
			g.Errorf("step %d, %s %s: %s %s, want %s %s", i, s.operation, s.data, answer.ResponseCode, answer.ResponseMessage, s.code, s.message)
		}
		if answer.ResponseData != nil {
			g.Errorf("step %d carries data %v", i, answer.ResponseData)
		}
	}
}

// back is the members of a refund.
func back(amount, currency string) string {
	return `,"orderID":"R-1","orderAmount":` + amount + `,"orderCurrency":"` + currency + `","orderDateTime":20260102030405,"orderDescription":"returned"`
}

const (
	repeated     = "a request with this requestID has been carried out"
	notPaid      = "the payment was not successful"
	tooMuch      = "orderAmount is more than what is left of the payment"
	notCaptured  = "the payment is not captured: void it instead"
	notHeld      = "the payment is not authorised"
	heldNoLonger = "the payment is captured already"
	givenUp      = "the payment is voided already"
)

func TestCaptureVoidRefund(t *testing.T) {
	for name, test := range map[string]struct {
		request string
		outcome string // empty: the customer has not decided
		steps   []step
		stage   string
		status  string
		text    string
	}{
		"open": {"", "", []step{
			{"capture", "", "", "400", notHeld}, {"void", "", "", "400", notHeld}, {"refund", "", back("1", "USD"), "400", notPaid},
		}, "INIT", "", "Transaction is not completed."},
		"failed": {`,"isAutoCapture":false`, "failure", []step{
			{"capture", "", "", "400", notHeld}, {"void", "", "", "400", notHeld}, {"refund", "", back("1", "USD"), "400", notPaid},
		}, "FAILURE", "505", "Payment failed"},
		"captured by itself": {"", "success", []step{
			{"capture", "", "", "400", heldNoLonger}, {"void", "", "", "400", heldNoLonger},
		}, "SUCCESSFUL", "200", "Success"},
		"told to capture by itself": {`,"isAutoCapture":"true"`, "success", []step{
			{"capture", "", "", "400", heldNoLonger},
		}, "SUCCESSFUL", "200", "Success"},
		"authorised": {`,"isAutoCapture":false`, "success", []step{
			{"refund", "", back("1", "USD"), "400", notCaptured},
		}, "SUCCESSFUL", "200", "Authorised"},
		"captured": {`,"isAutoCapture":"false"`, "success", []step{
			{"capture", "c", "", "200", "Success"}, {"capture", "c", "", "409", repeated}, {"capture", "", "", "400", heldNoLonger},
			{"void", "", "", "400", heldNoLonger}, {"refund", "", back("12.5", "USD"), "200", "Success"},
		}, "SUCCESSFUL", "200", "Success"},
		"voided": {`,"isAutoCapture":false`, "success", []step{
			{"void", "v", "", "200", "Success"}, {"void", "v", "", "409", repeated}, {"void", "", "", "400", givenUp},
			{"capture", "", "", "400", givenUp}, {"refund", "", back("1", "USD"), "400", notPaid},
		}, "FAILURE", "499", "Voided by merchant"},
		"refunded in parts": {"", "success", []step{
			{"refund", "", back("12.51", "USD"), "400", tooMuch},
			{"refund", "a", back("0.1", "USD"), "200", "Success"},
			{"refund", "b", back("0.2", "USD"), "200", "Success"},
			{"refund", "c", back("12.21", "USD"), "400", tooMuch},
			{"refund", "c", back(`"12.20"`, "USD"), "200", "Success"},
			{"refund", "c", back("12.2", "USD"), "409", repeated},
			{"refund", "", back("0.01", "USD"), "400", tooMuch},
		}, "SUCCESSFUL", "200", "Success"},
		"refunds that are refused": {"", "success", []step{
			{"refund", "", back("1", "VND"), "400", "orderCurrency is not that of the payment"},
			{"refund", "", back("0", "USD"), "400", "orderAmount must be more than 0"},
			{"refund", "", back("-1", "USD"), "400", "orderAmount " + notAmount},
			{"refund", "", back(`"1/3"`, "USD"), "400", "orderAmount " + notAmount},
			{"refund", "", back(`"1e999999999"`, "USD"), "400", "orderAmount " + notAmount},
			{"refund", "", `,"orderID":"R-1"`, "400", "orderAmount is missing"},
			{"refund", "", back("12.50", "USD"), "200", "Success"},
		}, "SUCCESSFUL", "200", "Success"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, page := g.pay(test.request)
			if test.outcome != "" {
				g.press(page, test.outcome)
			}
			g.walk(id, test.steps)
			g.wantStanding(id, test.stage, test.status, test.text)
		})
	}
}

// Callbacks say what happened at that time, whatever the merchant did since.
func TestCallbackOfAuthorisedPayment(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	id, page := g.pay(`,"isAutoCapture":false,"apiVersion":2,"ipnURL":"` + ipnURL + `","successURL":"http://shop.example/success"`)
	before, _ := g.returned(g.press(page, "success"))
	ipn := one(t, ipns)
	g.walk(id, []step{{"void", "", "", "200", "Success"}})
	after, _ := g.returned(g.press(page, "success"))
	for kind, m := range map[string]answered{"IPN": ipn, "before": before, "after": after} {
		if m.ResponseCode != "200" || m.ResponseData["transactionDescription"] != "Authorised" {
			t.Errorf("%s: %+v", kind, m)
		}
	}
	if len(ipns) != 0 {
		t.Error("the void sent an IPN")
	}
}

func TestRefundsAtOnceStayWithinThePayment(t *testing.T) {
	g := serve(t, new(Handler))
	id, page := g.pay("")
	g.press(page, "success")
	codes := make(chan string, 30)
	var refunds sync.WaitGroup
	for i := range cap(codes) {
		refunds.Go(func() {
			body := envelope(fmt.Sprint("refund-", i), `{"transactionID":"`+id+`"`+back("1", "USD")+`}`)
			response, err := g.try(t.Context(), http.MethodPost, "/api/v1/transaction/refund", body, g.signed(body))
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			codes <- decode[answered](t, read(t, response)).ResponseCode
		})
	}
	refunds.Wait()
	close(codes)
	counted := make(map[string]int)
	for code := range codes {
		counted[code]++
	}
	if counted["200"] != 12 || counted["400"] != 18 {
		t.Errorf("answers %v, want 12 times 200", counted)
	}
}

func TestRefundWithinOneYear(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		id, page := g.pay("")
		g.press(page, "success")
		paid := time.Now()
		time.Sleep(paid.AddDate(1, 0, 0).Sub(paid))
		g.walk(id, []step{{"refund", "on the last day", back("1", "USD"), "200", "Success"}})
		time.Sleep(time.Second)
		g.walk(id, []step{{"refund", "too late", back("1", "USD"), "400", "the payment is more than one year old"}})
	})
}
