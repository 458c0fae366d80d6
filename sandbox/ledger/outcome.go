package ledger

import (
	"cmp"
	"slices"
)

// Outcome is what became of a payment; empty while that is open.
type Outcome string

// The first five can be chosen on the payment page; a payment that is not settled in time
// expires by itself too. The others are made of success: a payment is authorised first
// where the merchant wants to capture by itself, and the merchant can void it then.
const (
	Success    Outcome = "success"
	Refused    Outcome = "refused" // by the bank
	Failure    Outcome = "failure" // of the authentication
	Cancelled  Outcome = "cancel"
	Expired    Outcome = "expired"
	Authorised Outcome = "authorised"
	Voided     Outcome = "voided"
)

// Outcomes are all of them.
func Outcomes() []Outcome {
	return []Outcome{Success, Refused, Failure, Cancelled, Expired, Authorised, Voided}
}

// CanBeChosen reports whether an outcome can be chosen on the payment page.
func (o Outcome) CanBeChosen() bool {
	return slices.Contains([]Outcome{Success, Refused, Failure, Cancelled, Expired}, o)
}

// Result is how an outcome reads in the gateway's words.
type Result struct {
	Status      string // a response code; empty while the payment is open
	Message     string // responseMessage of callbacks
	Description string // transactionDescription; callbacks have room for 20 characters
}

// results holds the wording of the gateway's samples where there is one: open, success
// and cancel. What it says to a failed payment is not published; 505, authentication
// failed, is what a card that fails 3-D Secure gets, and, since there is no better code, what a
// card gets that the bank refuses. There is none for voided either: 499 is the one for a
// payment that was given up.
var results = map[Outcome]Result{
	"":         {"", "", "Transaction is not completed."},
	Success:    {"200", "Transaction is successful.", "Success"},
	Failure:    {"505", "Authentication failed", "Payment failed"},
	Cancelled:  {"499", "Canceled by user", "Canceled by user"},
	Refused:    {"505", "Refused by the bank", "Refused by the bank"},
	Authorised: {"200", "Transaction is successful.", "Authorised"},
	Voided:     {"499", "Voided by merchant", "Voided by merchant"},
	Expired:    {"408", "Transaction is expired.", "Transaction expired"},
}

// Result returns the outcome in the gateway's words.
func (o Outcome) Result() Result { return results[o] }

// decided is the outcome of the customer's choice.
func (t Transaction) decided(chosen Outcome) Outcome {
	if chosen == Success && t.Hold {
		return Authorised
	}
	return chosen
}

// Standing is where the payment is now. Callbacks carry the outcome instead, which is what
// they told the first time.
func (t Transaction) Standing() Outcome { return cmp.Or(t.Afterwards, t.Outcome) }

// The stages of the query operation. The documents name them without a word on when each
// begins: here a transaction is processing from the moment the customer sees its page.
const (
	StageInit       = "INIT"
	StageProcessing = "PROCESSING"
	StageSuccessful = "SUCCESSFUL"
	StageFailure    = "FAILURE"
)

// Stage is the stage of the transaction.
//
// An authorised payment is SUCCESSFUL before it is captured. The documents have no code for
// it, so its callbacks say 200, and a query must not contradict them; the gateway's page
// on capturing speaks of a successful transaction too. transactionDescription says the
// difference.
func (t Transaction) Stage() string {
	switch t.Standing() {
	case Success, Authorised:
		return StageSuccessful
	case "":
		if t.Seen {
			return StageProcessing
		}
		return StageInit
	}
	return StageFailure
}
