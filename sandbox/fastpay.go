package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// charged is the responseData of fastPay. Its table is in no document that can be read;
// the names are those of a query.
type charged struct {
	TransactionID          string `json:"transactionID"`
	TransactionStatus      string `json:"transactionStatus"`
	TransactionDescription string `json:"transactionDescription"`
}

// fastPay charges a card at once, with no page for the customer. A stored card and the
// published test cards succeed, every other card fails its authentication; the gateway has
// published no card that fails. As with a query, responseCode says that the request was
// carried out and transactionStatus what became of the payment.
//
// The IPN follows the answer, so that the app knows the transactionID when it comes. Only a fault sends it before.
func (o *operations) fastPay(r *http.Request, c call) reply {
	data := c.data.withSource()
	wanted, err := o.readPayment(data)
	if err != nil {
		return conclude(o.ledger.Refuse(c.requestID, err))
	}
	chosen := ledger.Failure
	if number, given := data.value("cardNumber"); !given || card.IsTestCard(number) {
		chosen = ledger.Success
	}
	t, err := o.ledger.Charge(c.requestID, wanted, chosen)
	if err != nil {
		return conclude(err)
	}
	result := t.Outcome.Result()
	answer := done(charged{t.ID, result.Status, result.Description})
	announce := func() { o.ipns.announce(r.Context(), t) }
	if faults, _ := fault.Named(t.Faults...); faults.Early() {
		announce()
		return answer
	}
	answer.then = announce
	return answer
}

// withSource says where the card data comes from where the merchant did not: the page of
// fastPay calls sourceOfFund optional and required in one cell. What one of the two
// sources does not use is dropped.
func (f fields) withSource() fields {
	source := f.sourceOfFund()
	data := fields{"sourceOfFund": []byte(`"` + source + `"`)}
	unused := map[string]string{"TOKEN": "cardNumber", "CARD": "token"}[source]
	for name, value := range f {
		if name != unused && name != "sourceOfFund" {
			data[name] = value
		}
	}
	return data
}

func (f fields) sourceOfFund() string {
	source, _ := f.value("sourceOfFund")
	if source == "TOKEN" || source != "CARD" && f.has("token") {
		return "TOKEN"
	}
	return "CARD"
}
