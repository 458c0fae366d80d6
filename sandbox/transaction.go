package sandbox

import (
	"cmp"
	"math/big"
	"net/url"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
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
	amount     *big.Rat // orderAmount as a number
	offers     []string // methods to choose from on the page; empty: the merchant named the method or the card
	modal      bool     // opened by the operation checkout, for a page of the merchant's to frame
	hold       bool     // isAutoCapture is false; the tables give it to international cards only, here it holds for all
	apiVersion string
	method     string
	storeCard  bool          // apiOperation is PAY_WITH_CREATE_TOKEN
	card       *card.Account // the card that is paid with
	source     string
	language   string
	successURL *url.URL // nil, like the others, where the merchant named none
	failureURL *url.URL
	cancelURL  *url.URL
	ipnURL     *url.URL
	life       time.Duration // how long it can be paid
	link       *link         // nil: not a payment link
	faults     []fault
}

// transaction is a payment and what became of it.
type transaction struct {
	payment
	id         string
	requestID  string // of the request that opened it; callbacks repeat it
	openedAt   time.Time
	expiresAt  time.Time
	seen       bool   // the customer has been on the payment page
	shownIn    string // the language that the customer switched the page to
	identified bool   // the payer of a link has been asked for details
	wrongOTPs  int
	outcome    outcome
	settledAt  time.Time
	afterwards outcome  // what the merchant made of an authorised payment
	refunded   *big.Rat // the sum of all refunds; nil: none
	payer      payer    // what the payer of a link typed
	stored     *token   // the card, where the payment stored it
	delivery   delivery // of the latest IPN
	attempts   int      // how many IPNs were sent
	wire       wirelog.Log
	announced  chan struct{} // closed when the app has been told of the outcome
}

// storesCard tells whether success makes a token. The integration guide 3.6.1 limits that
// to the methods with a card; a payment without a method has one chosen on its page.
func (p payment) storesCard() bool {
	return p.storeCard && (p.method == "" || p.method == card.Domestic || p.method == card.International)
}

// outcome is what became of a payment; empty while that is open.
type outcome string

// The first five are what can be chosen on the payment page, where a payment that nobody
// settles expires by itself too. The others are made of success: it is authorised first
// where the merchant wants to capture by itself, and the merchant can void it then.
const (
	success    outcome = "success"
	declined   outcome = "refused" // by the bank
	failure    outcome = "failure" // of the authentication
	cancel     outcome = "cancel"
	expired    outcome = "expired"
	authorised outcome = "authorised"
	voided     outcome = "voided"
)

// selectable tells whether an outcome can be chosen.
func (o outcome) selectable() bool {
	switch o {
	case success, declined, failure, cancel, expired:
		return true
	}
	return false
}

// decided is the outcome of the customer's choice.
func (t transaction) decided(chosen outcome) outcome {
	if chosen == success && t.hold {
		return authorised
	}
	return chosen
}

// standing is where the payment is now. Callbacks tell the outcome instead, which is what
// they told the first time.
func (t transaction) standing() outcome { return cmp.Or(t.afterwards, t.outcome) }

// result is how an outcome reads in the gateway's words.
type result struct {
	status      string // a response code; empty while the payment is open
	message     string // responseMessage of callbacks
	description string // transactionDescription; callbacks have room for 20 characters
}

// results holds the wording of the gateway's samples where there is one: open, success
// and cancel. What it says to a failed payment is not published; 505, authentication
// failed, is what a card that fails 3-D Secure gets, and in want of another code what a
// card gets that the bank refuses. There is none for voided either: 499 is the one for a
// payment that was given up.
var results = map[outcome]result{
	"":      {"", "", "Transaction is not completed."},
	success: {"200", "Transaction is successful.", "Success"},
	failure: {"505", "Authentication failed", "Payment failed"},
	cancel:  {"499", "Canceled by user", "Canceled by user"},

	declined: {"505", "Refused by the bank", "Refused by the bank"},

	authorised: {"200", "Transaction is successful.", "Authorised"},
	voided:     {"499", "Voided by merchant", "Voided by merchant"},
	expired:    {"408", "Transaction is expired.", "Transaction expired"},
}

func (t transaction) result() result { return results[t.outcome] }

// stage is one of the four of the query operation. The documents name them without a
// word on when each begins: here a transaction is PROCESSING from the moment the customer
// sees its page.
//
// An authorised payment is SUCCESSFUL before it is captured. The documents have no code for
// it, so its callbacks say 200, and a query must not contradict them; the gateway's page
// on capturing speaks of a successful transaction too. transactionDescription tells the
// difference.
func (t transaction) stage() string {
	switch t.standing() {
	case success, authorised:
		return "SUCCESSFUL"
	case "":
		if t.seen {
			return "PROCESSING"
		}
		return "INIT"
	}
	return "FAILURE"
}

// returnURL is where the merchant wants the browser after this outcome; nil: nowhere. An
// expired payment has no address of its own and takes that of a failed one.
func (t transaction) returnURL() *url.URL {
	addresses := map[outcome]*url.URL{
		success: t.successURL, authorised: t.successURL,
		failure: t.failureURL, declined: t.failureURL, expired: t.failureURL,
		cancel: t.cancelURL,
	}
	return addresses[t.outcome]
}
