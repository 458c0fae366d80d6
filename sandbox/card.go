package sandbox

import "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"

// card takes the card data of a request that the catalogue has
// nothing against.
func (r *reader) card(method, source string) *card.Account {
	number := r.required("cardNumber")
	name := r.optional("cardHolderName")
	if !card.IsNumber(number) {
		r.fail("cardNumber", "is not a card number")
		return nil
	}
	return card.NewAccount(number, name, method, source)
}
