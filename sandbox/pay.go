package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// pay opens a transaction and answers with the address of its payment page. Every
// operation that sends the customer to such a page is served here: they differ in what
// the customer is offered there, not in how the payment goes on.
func (h *Handler) pay(r *http.Request, c call) reply {
	return h.open(r, c, func(*payment) {})
}

// open reads a payment, adapts it to its operation and opens it.
func (h *Handler) open(r *http.Request, c call, adapt func(*payment)) reply {
	wanted, err := h.readPayment(c.data)
	if err != nil {
		return h.refuseOnce(c, err)
	}
	adapt(&wanted)
	t, err := h.ledger.open(c.requestID, wanted, h.ledger.now())
	if err != nil {
		return conclude(err)
	}
	return done(opened{TransactionID: t.id, Endpoint: pageOf(r, t)})
}

// refuseOnce refuses a request that cannot be carried out, unless it was carried out before:
// its token may have ended since, and its app must not take a payment for refused that was
// made.
func (h *Handler) refuseOnce(c call, reason error) reply {
	return conclude(h.ledger.once(c.requestID, func() error { return reason }))
}

// opened is the responseData of a payment that has a page. The table of checkout can be
// read up to endpoint only; it is taken to be that of the others.
type opened struct {
	TransactionID string `json:"transactionID"`
	Endpoint      string `json:"endpoint"`
	QRCode        string `json:"qrCode,omitempty"`
}

// payWithQR is pay with a QR code besides. The documents do not tell what the code says:
// here it is the address of the payment page, so a phone that scans it can pay.
func (h *Handler) payWithQR(r *http.Request, c call) reply {
	if currency, _ := c.data.text("orderCurrency"); currency != "VND" {
		return refused(codeBadRequest, "orderCurrency must be VND for a QR code")
	}
	answer := h.pay(r, c)
	if data, ok := answer.data.(opened); ok {
		data.QRCode = data.Endpoint
		answer.data = data
	}
	return answer
}

// readPayment reads the fields of requestData that a payment is made of. The
// catalogue has nothing against them.
func (h *Handler) readPayment(data fields) (payment, error) {
	read := reader{fields: data}
	text, amount := read.amount("orderAmount")
	p := payment{
		order: order{
			ID:          read.optional("orderID"),
			Number:      read.optional("orderNumber"),
			Amount:      text,
			Currency:    read.optional("orderCurrency"),
			DateTime:    read.optional("orderDateTime"),
			Description: read.optional("orderDescription"),
		},
		amount:     amount,
		hold:       !read.flag("isAutoCapture", true),
		life:       h.expiry,
		apiVersion: read.optional("apiVersion"),
		method:     read.optional("paymentMethod"),
		source:     read.optional("sourceType"),
		language:   read.optional("language"),
		successURL: read.link("successURL"),
		failureURL: read.link("failureURL"),
		cancelURL:  read.link("cancelURL"),
		ipnURL:     read.address("ipnURL"),
		faults:     read.faults(),
	}
	p.storeCard = read.optional("apiOperation") == "PAY_WITH_CREATE_TOKEN"
	p.card = h.readCard(&read, p)
	if p.method == "" && p.card == nil {
		p.offer(pageMethods)
	}
	return p, read.err
}

// readCard finds the card that is paid with: the stored one, the one in the request, or
// none, which leaves it to the payment page. A token that is deleted after this
// still pays, since the documents do not say that it must not.
func (h *Handler) readCard(read *reader, p payment) *card.Account {
	switch read.optional("sourceOfFund") {
	case "TOKEN":
		t, alive := h.ledger.living(read.required("token"))
		if !alive {
			read.refuse(errNoToken)
		}
		return &t.Account
	case "CARD":
		return read.card(p.method, p.source)
	}
	return nil
}

// pageOf is the address of the page on which a payment is paid.
func pageOf(r *http.Request, t transaction) string {
	return origin(r) + "/pay/" + t.id
}

// origin is where the caller reached the sandbox. The customer's browser is sent to the
// same place, so it must be able to reach it under that name too.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
