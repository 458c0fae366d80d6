package ledger

import (
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// The methods without a card; those with one are card.Domestic and card.International.
const (
	Wallet = "WALLET"
	QRPay  = "QRPAY"
)

// Methods are those that the payment page offers where the merchant named none, in the
// page's order.
func Methods() []string { return []string{card.Domestic, card.International, Wallet, QRPay} }

// usualSource is the bank or card scheme of a customer whose merchant left it
// open. Where a merchant names another method, it has to name the source too.
var usualSource = map[string]string{card.Domestic: card.UsualBank, card.International: "VISA", Wallet: "MOMO", QRPay: "QRPAY"}

// Offer leaves the method to the customer, if there is anything to choose.
func (p *Payment) Offer(methods []string) {
	if len(methods) == 1 {
		p.Method = methods[0]
		return
	}
	p.Offers = methods
}

// choose takes another of the offered methods. The empty one goes back to the choice.
func (t *Transaction) choose(method string) {
	if method == t.Method || len(t.Offers) == 0 {
		return
	}
	if method == "" || slices.Contains(t.Offers, method) {
		t.Method, t.Card = method, nil
	}
}

// SourceType is the bank, card scheme or provider, which the customer chose where the
// merchant left it open.
func (t Transaction) SourceType() string {
	switch {
	case t.Source != "":
		return t.Source
	case t.Method == card.International && t.Card != nil:
		return t.Card.Brand
	}
	return usualSource[t.Method]
}
