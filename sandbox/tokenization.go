package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// tokenization is what an IPN tells about the card that was stored with a payment (the
// gateway's page "Result & IPN Callback"). The values of status are not documented; here
// it is a response code.
type tokenization struct {
	card.Account
	Token   string `json:"token"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// createToken stores a card without a payment. The field of the answer that holds the
// token is in no document that can be read; it is named here as in the IPN.
func (h *Handler) createToken(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	stored := read.card(read.optional("paymentMethod"), read.optional("sourceType"))
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	t, err := h.ledger.createToken(c.requestID, *stored)
	if err != nil {
		return conclude(err)
	}
	return done(struct {
		card.Account
		Token string `json:"token"`
	}{t.Account, t.value})
}

// deleteToken ends a token by its value.
func (h *Handler) deleteToken(_ *http.Request, c call) reply {
	read := reader{fields: c.data}
	value := read.required("token")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(h.ledger.endToken(c.requestID, func(t token) bool { return t.value == value }))
}

// removeToken ends a token by its value, or for a customer by its tokenID. The first is
// how an older guide has it, the second what the list of a customer's tokens suggests.
func (h *Handler) removeToken(r *http.Request, c call) reply {
	if c.data.has("token") {
		return h.deleteToken(r, c)
	}
	read := reader{fields: c.data}
	read.required("customerToken")
	id := read.required("tokenID")
	if read.err != nil {
		return refused(codeBadRequest, read.err.Error())
	}
	return conclude(h.ledger.endToken(c.requestID, func(t token) bool { return t.id == id }))
}

// linkedCard is a row of queryTokens.
type linkedCard struct {
	TokenID string `json:"tokenID"`
	card.Account
}

// queryTokens lists the newest of a customer's cards. A customerToken comes from a login
// that the sandbox does not have, so every one of them is taken and stands for the same
// customer, who owns all cards.
func (h *Handler) queryTokens(*http.Request, call) reply {
	cards := []linkedCard{}
	for _, t := range h.ledger.livingTokens(listed) {
		cards = append(cards, linkedCard{TokenID: t.id, Account: t.Account})
	}
	return done(struct {
		CustomerID   string       `json:"customerID"`
		CustomerName string       `json:"customerName"`
		Tokens       []linkedCard `json:"tokens"`
	}{"1", "NGUYEN VAN A", cards})
}
