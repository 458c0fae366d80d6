package sandbox

import "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"

// account takes the card data of a request that the catalogue has
// nothing against, and keeps what may be kept of it.
func (r *reader) account(method, source string) *card.Account {
	number := r.required("cardNumber")
	name := r.optional("cardHolderName")
	if !card.IsNumber(number) {
		r.fail("cardNumber", "is not a card number")
		return nil
	}
	return card.NewAccount(number, name, method, source)
}
