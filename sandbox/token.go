package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxTokensListed is how many stored cards queryTokens lists.
const maxTokensListed = 100

// createToken stores a card without a payment. The field of the answer that holds the
// token is in no document that can be read; it is named here as in the IPN.
func (o *operations) createToken(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	account := read.account(read.optional("paymentMethod"), read.optional("sourceType"))
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	t, err := o.ledger.CreateToken(c.requestID, *account)
	if err != nil {
		return conclude(err)
	}
	return done(struct {
		card.Account
		Token string `json:"token"`
	}{t.Account, t.Value})
}

// deleteToken ends a token by its value.
func (o *operations) deleteToken(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	value := read.required("token")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(o.ledger.EndToken(c.requestID, func(t ledger.Token) bool { return t.Value == value }))
}

// removeToken ends a token by its value, or for a customer by its tokenID. The first is
// how an older guide has it, the second what the list of a customer's tokens suggests.
func (o *operations) removeToken(r *http.Request, c call) reply {
	if c.data.has("token") {
		return o.deleteToken(r, c)
	}
	read := reader{fields: c.data}
	read.required("customerToken")
	id := read.required("tokenID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(o.ledger.EndToken(c.requestID, func(t ledger.Token) bool { return t.ID == id }))
}

// linkedCard is a row of queryTokens.
type linkedCard struct {
	TokenID string `json:"tokenID"`
	card.Account
}

// queryTokens lists the newest of a customer's cards. A customerToken comes from a login
// that the sandbox does not have, so every one of them is accepted and means the same
// customer, who owns all cards.
func (o *operations) queryTokens(*http.Request, call) reply {
	cards := []linkedCard{}
	for _, t := range o.ledger.Tokens(maxTokensListed) {
		cards = append(cards, linkedCard{TokenID: t.ID, Account: t.Account})
	}
	return done(struct {
		CustomerID   string       `json:"customerID"`
		CustomerName string       `json:"customerName"`
		Tokens       []linkedCard `json:"tokens"`
	}{"1", "NGUYEN VAN A", cards})
}
