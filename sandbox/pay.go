package sandbox

import (
	"net/http"
	"time"
)

// pay opens a transaction and answers with the address of its payment page. Every
// operation that sends the customer to such a page is served here: they differ in what
// the customer is offered there, not in how the payment goes on.
func (h *Handler) pay(r *http.Request, c call) reply {
	wanted, err := readPayment(c.data)
	if err != nil {
		return refused(codeBadRequest, err.Error())
	}
	t, fresh := h.ledger.open(c.requestID, wanted, time.Now())
	if !fresh {
		return refused(codeDuplicate, "a payment with this requestID exists")
	}
	return done(struct {
		TransactionID string `json:"transactionID"`
		Endpoint      string `json:"endpoint"`
	}{t.id, origin(r) + "/pay/" + t.id})
}

// readPayment reads the fields of requestData that a payment is made of. What is
// mandatory among them has been seen to.
func readPayment(data fields) (payment, error) {
	read := reader{fields: data}
	p := payment{
		order: order{
			ID:          read.optional("orderID", 50),
			Number:      read.optional("orderNumber", 20),
			Amount:      read.optional("orderAmount", 16),
			Currency:    read.optional("orderCurrency", 3),
			DateTime:    read.optional("orderDateTime", 14),
			Description: read.optional("orderDescription", 250),
		},
		apiVersion: read.optional("apiVersion", 5),
		method:     read.optional("paymentMethod", 20),
		source:     read.optional("sourceType", 20),
		language:   read.optional("language", 2),
		successURL: read.address("successURL"),
		failureURL: read.address("failureURL"),
		cancelURL:  read.address("cancelURL"),
		ipnURL:     read.address("ipnURL"),
	}
	return p, read.err
}

// origin is where the caller reached the sandbox. The customer's browser is sent to the
// same place, so it must be able to reach it under that name too.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
