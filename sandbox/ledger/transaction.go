package ledger

import (
	"cmp"
	"math/big"
	"net/url"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// Order is the merchant's side of a payment, repeated in every message about it.
type Order struct {
	ID          string `json:"orderID"`
	Number      string `json:"orderNumber,omitempty"`
	Amount      string `json:"orderAmount"` // in the merchant's own spelling
	Currency    string `json:"orderCurrency"`
	DateTime    string `json:"orderDateTime"`
	Description string `json:"orderDescription"`
}

// Payment is what a merchant asked for.
type Payment struct {
	Order      Order
	Amount     *big.Rat // orderAmount as a number
	Offers     []string // methods to choose from on the page; empty: the merchant named the method or the card
	Modal      bool     // opened by the operation checkout, for a page of the merchant's to frame
	Hold       bool     // isAutoCapture is false; the tables give it to international cards only, here it holds for all
	APIVersion string
	Method     string
	StoreCard  bool          // apiOperation is PAY_WITH_CREATE_TOKEN
	Card       *card.Account // the card that is paid with
	Source     string        // sourceType; empty: the merchant left it open
	Language   string
	SuccessURL *url.URL // nil, like the others, where the merchant named none
	FailureURL *url.URL
	CancelURL  *url.URL
	IPNURL     *url.URL
	Life       time.Duration // how long it can be paid
	Link       *Link         // nil: not a payment link
	Faults     []string      // names
}

// Link is what makes a payment a payment link.
type Link struct {
	Name string   // shown to the payer
	Asks []string // paymentFields
}

// Transaction is a payment and what became of it.
type Transaction struct {
	Payment
	ID         string
	RequestID  string // of the request that opened it; callbacks repeat it
	OpenedAt   time.Time
	ExpiresAt  time.Time
	Seen       bool   // the customer has been on the payment page
	ShownIn    string // the language that the customer switched the page to; empty: none
	Identified bool   // the payer of a link has typed the details, or skipped them
	WrongOTPs  int
	Outcome    Outcome
	SettledAt  time.Time
	Afterwards Outcome  // what the merchant made of an authorised payment
	Refunded   *big.Rat // the sum of all refunds; nil: none
	Payer      Payer    // what the payer of a link typed
	Stored     *Token   // the card, where the payment stored it
	Delivery   Delivery // of the latest IPN
	Attempts   int      // how many IPNs were sent
	Wire       wirelog.Log
	Announced  chan struct{} // closed when the app has got the IPN of the outcome, or cannot get it
}

// Delivery is how an app took an IPN.
type Delivery struct {
	Status  int    // HTTP status; 0: there was no answer
	Answer  string // the beginning of the body
	Failure string // why there was no answer
}

// Visit is what the address of the payment page asks for.
type Visit struct {
	Language string  // another language; empty: none
	Method   *string // another method, empty to choose again; nil: the page as it is
}

// visit notes that the customer works on the payment. Wrong one-time passwords stay
// counted whatever the customer chooses.
func (t *Transaction) visit(v Visit) {
	t.Seen = true
	t.ShownIn = cmp.Or(v.Language, t.ShownIn)
	if v.Method != nil && t.Outcome == "" {
		t.choose(*v.Method)
	}
}

// Lapse ends an open payment if its time is over, and reports whether this call did.
func (t *Transaction) Lapse(now time.Time) bool {
	if t.Outcome != "" || now.Before(t.ExpiresAt) {
		return false
	}
	t.Outcome, t.SettledAt = Expired, now
	return true
}

// storesCard reports whether success makes a token. The integration guide 3.6.1 limits that
// to the methods with a card; a payment without a method has one chosen on its page.
func (p Payment) storesCard() bool {
	return p.StoreCard && (p.Method == "" || p.Method == card.Domestic || p.Method == card.International)
}

// usedCard is the card that is paid with, or a usual one where the customer skipped the
// form.
func (p Payment) usedCard() card.Account {
	return *cmp.Or(p.Card, card.UsualAccount(p.Method, p.Source))
}
