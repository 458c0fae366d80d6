package operation

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"

// Effect is what carrying out an operation does, which decides whether a call of unknown
// outcome may be sent again. Operations that are not in the catalogue have none, and count as
// moving money.
type Effect string

// The effects.
const (
	Reads      Effect = "read"    // it changes nothing
	OpensPage  Effect = "page"    // it opens a page, or a link, where a customer can pay: nothing is charged until then
	Charges    Effect = "charge"  // it takes money from a card or a token that the request has
	Refunds    Effect = "refund"  // it gives money back
	Voids      Effect = "void"    // it cancels an authorized payment
	Captures   Effect = "capture" // it takes the money of an authorized payment
	KeepsCards Effect = "cards"   // it stores or removes a card, and moves no money
)

// chargingFields are those with which the gateway charges without a page for the customer.
var chargingFields = []string{"cardNumber", "token", "sourceOfFund"}

// EffectOf is the effect of a call with this requestData: a page becomes a charge where there
// is card data or a token in it.
func (o *Operation) EffectOf(data []Member) Effect {
	if o.Effect != OpensPage {
		return o.Effect
	}
	for _, name := range chargingFields {
		if !IsEmpty(rawjson.Find(data, name)) {
			return Charges
		}
	}
	return OpensPage
}

// MovesMoney reports whether carrying it out twice could charge or refund twice.
func (e Effect) MovesMoney() bool {
	return e != Reads && e != OpensPage && e != KeepsCards
}
