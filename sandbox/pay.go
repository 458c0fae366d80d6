package sandbox

import (
	"context"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// pay opens a transaction and answers with the address of its payment page. Every
// operation that sends the customer to such a page is served here: they differ in what
// the customer is offered there, not in how the payment goes on.
func (o *operations) pay(r *http.Request, c call) reply {
	return o.open(r, c, func(*ledger.Payment) {})
}

// open reads a payment, adapts it to its operation and opens it.
func (o *operations) open(r *http.Request, c call, adapt func(*ledger.Payment)) reply {
	wanted, err := o.readPayment(c.data)
	if err != nil {
		return conclude(o.ledger.Refuse(c.requestID, err))
	}
	adapt(&wanted)
	t, err := o.ledger.Open(c.requestID, wanted)
	if err != nil {
		return conclude(err)
	}
	o.payEarly(r.Context(), t)
	return done(opened{TransactionID: t.ID, Endpoint: pageOf(r, t)})
}

// payEarly pays a transaction that was just opened, and sends its IPN, if a fault wants both to be over
// before the answer.
func (o *operations) payEarly(ctx context.Context, t ledger.Transaction) {
	faults, _ := fault.Named(t.Faults...)
	if !faults.Early() {
		return
	}
	if settled, first, _ := o.ledger.Settle(t.ID, ledger.Success, ledger.Payer{}); first {
		o.ipns.announce(ctx, settled)
	}
}

// opened is the responseData of a payment that has a page. The table of checkout can be
// read up to endpoint only; it is taken to be that of the others.
type opened struct {
	TransactionID string `json:"transactionID"`
	Endpoint      string `json:"endpoint"`
	QRCode        string `json:"qrCode,omitempty"`
}

// payWithQR is pay with a QR code besides. The documents do not say what the code contains:
// here it is the address of the payment page, so a phone that scans it can pay.
func (o *operations) payWithQR(r *http.Request, c call) reply {
	if currency, _ := c.data.text("orderCurrency"); currency != "VND" {
		return refused(codeBadRequest, "orderCurrency must be VND for a QR code")
	}
	answer := o.pay(r, c)
	if data, ok := answer.data.(opened); ok {
		data.QRCode = data.Endpoint
		answer.data = data
	}
	return answer
}

// readPayment reads the fields of requestData that a payment is made of. The
// catalogue has nothing against them.
func (o *operations) readPayment(data fields) (ledger.Payment, error) {
	read := reader{fields: data}
	currency := read.optional("orderCurrency")
	text, amount := read.amount("orderAmount", currency)
	p := ledger.Payment{
		Order: ledger.Order{
			ID:          read.optional("orderID"),
			Number:      read.optional("orderNumber"),
			Amount:      text,
			Currency:    currency,
			DateTime:    read.optional("orderDateTime"),
			Description: read.optional("orderDescription"),
		},
		Amount:     amount,
		Hold:       !read.flag("isAutoCapture", true),
		Life:       o.expiry,
		APIVersion: read.optional("apiVersion"),
		Method:     read.optional("paymentMethod"),
		Source:     read.optional("sourceType"),
		Language:   read.optional("language"),
		SuccessURL: read.browserAddress("successURL"),
		FailureURL: read.browserAddress("failureURL"),
		CancelURL:  read.browserAddress("cancelURL"),
		IPNURL:     read.address("ipnURL"),
		Faults:     read.faults().Names(),
	}
	p.StoreCard = read.optional("apiOperation") == "PAY_WITH_CREATE_TOKEN"
	p.Card = o.readCard(&read, p)
	if p.Method == "" && p.Card == nil {
		p.Offer(ledger.Methods())
	}
	return p, read.err
}

// readCard finds the card that is paid with: the stored one, the one in the request, or
// none, which leaves it to the payment page. A token that is deleted after this
// still pays, since the documents do not say that it must not.
func (o *operations) readCard(read *reader, p ledger.Payment) *card.Account {
	switch read.optional("sourceOfFund") {
	case "TOKEN":
		t, alive := o.ledger.Token(read.required("token"))
		if !alive {
			read.refuse(ledger.ErrNoToken)
		}
		return &t.Account
	case "CARD":
		return read.account(p.Method, p.Source)
	}
	return nil
}

// pageOf is the address of the page on which a payment is paid.
func pageOf(r *http.Request, t ledger.Transaction) string {
	return origin(r) + "/pay/" + t.ID
}

// origin is where the caller reached the sandbox. The customer's browser is sent to the
// same place, so it must be able to reach it under that name too.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
