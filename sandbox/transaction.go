package sandbox

import (
	"net/url"
	"time"
)

// order is the merchant's side of a payment, repeated in every message about it.
type order struct {
	ID          string `json:"orderID"`
	Number      string `json:"orderNumber,omitempty"`
	Amount      string `json:"orderAmount"`
	Currency    string `json:"orderCurrency"`
	DateTime    string `json:"orderDateTime"`
	Description string `json:"orderDescription"`
}

// payment is what a merchant asked for.
type payment struct {
	order
	apiVersion string
	method     string
	source     string
	language   string
	successURL *url.URL // nil, like the others, where the merchant named none
	failureURL *url.URL
	cancelURL  *url.URL
	ipnURL     *url.URL
}

// transaction is a payment and what became of it.
type transaction struct {
	payment
	id        string
	requestID string // of the request that opened it; callbacks repeat it
	openedAt  time.Time
	seen      bool // the customer has been on the payment page
	outcome   outcome
	settledAt time.Time
	delivery  delivery
	announced chan struct{} // closed when the app has been told of the outcome
}

// outcome is what the customer chose on the payment page; empty while that is open.
type outcome string

const (
	success outcome = "success"
	failure outcome = "failure"
	cancel  outcome = "cancel"
)

// result is how an outcome reads in the gateway's words.
type result struct {
	status      string // a response code; empty while the payment is open
	message     string // responseMessage of callbacks
	description string // transactionDescription; callbacks have room for 20 characters
}

// results holds the wording of the gateway's samples where there is one: open, success
// and cancel. What it says to a failed payment is not published; 505, authentication
// failed, is what a card that fails 3-D Secure gets.
var results = map[outcome]result{
	"":      {"", "", "Transaction is not completed."},
	success: {"200", "Transaction is successful.", "Success"},
	failure: {"505", "Authentication failed", "Payment failed"},
	cancel:  {"499", "Canceled by user", "Canceled by user"},
}

func (t transaction) result() result { return results[t.outcome] }

// stage is one of the four of the query operation. The documents name them without a
// word on when each begins: here a transaction is PROCESSING from the moment the customer
// sees its page.
func (t transaction) stage() string {
	switch {
	case t.outcome == success:
		return "SUCCESSFUL"
	case t.outcome != "":
		return "FAILURE"
	case t.seen:
		return "PROCESSING"
	}
	return "INIT"
}

// returnURL is where the merchant wants the browser after this outcome; nil: nowhere.
func (t transaction) returnURL() *url.URL {
	addresses := map[outcome]*url.URL{success: t.successURL, failure: t.failureURL, cancel: t.cancelURL}
	return addresses[t.outcome]
}
