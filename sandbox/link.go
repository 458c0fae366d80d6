package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxLinkLife bounds how long a link can live; the gateway's own bound is not documented.
const maxLinkLife = 10 * 365 * 24 * time.Hour

// createPaymentLink opens a payment that any person with the link can pay. It goes on like
// every other one: it has the same page, it ends with the payer's first choice, and its
// orderNo is the transactionID for query and refund, because the documents give none.
func (o *operations) createPaymentLink(r *http.Request, c call) reply {
	wanted, err := readLink(c.data, o.ledger.Now())
	if err != nil {
		return refused(codeBadRequest, err.Error())
	}
	t, err := o.ledger.Open(c.requestID, wanted)
	if err != nil {
		return conclude(err)
	}
	o.payEarly(r.Context(), t)
	return done(struct {
		OrderNo   string `json:"orderNo"`
		ShortLink string `json:"shortLink"`
	}{t.ID, pageOf(r, t)})
}

// readLink reads the fields of a payment link. An older version of its page has no
// currency; there it can only have been VND.
func readLink(data fields, now time.Time) (ledger.Payment, error) {
	read := reader{fields: data}
	currency := cmp.Or(read.optional("orderCurrency"), "VND")
	text, amount := read.amount("orderAmount", currency)
	p := ledger.Payment{
		Order: ledger.Order{
			ID:          read.required("orderID"),
			Amount:      text,
			Currency:    currency,
			DateTime:    message.Stamp(now),
			Description: read.required("orderDescription"),
		},
		Amount:   amount,
		Language: read.optional("language"),
		IPNURL:   read.address("ipnURL"),
		Faults:   read.faults().Names(),
		Life:     read.linkLife(),
		Link: &ledger.Link{
			Name: read.required("orderName"),
			Asks: read.payerFields(),
		},
	}
	p.Offer(methodsOf(read.list("paymentMethods")))
	return p, read.err
}

// payerFields takes the payer details that the page shall ask for. The documents know four
// and do not say whether there are others; those are left out.
func (r *reader) payerFields() []string {
	wanted := r.list("paymentFields")
	return slices.DeleteFunc(ledger.PayerFields(), func(name string) bool {
		return !slices.Contains(wanted, name)
	})
}

// linkLife takes how long the link lives: expiryDuration, or paymentDays as in an older
// version of the page.
func (r *reader) linkLife() time.Duration {
	unit := map[string]time.Duration{"HOUR": time.Hour, "MINUTE": time.Minute}[r.optional("expiryUnit")]
	unit = cmp.Or(unit, 24*time.Hour)
	field := "expiryDuration"
	if !r.fields.has(field) {
		field, unit = "paymentDays", 24*time.Hour
	}
	n, err := strconv.Atoi(r.required(field))
	if err != nil || n < 1 || n > int(maxLinkLife/unit) {
		r.fail(field, "is not a number from 1 to ten years")
		return 0
	}
	return time.Duration(n) * unit
}

// methodOfProvider is what the providers of a payment link's paymentMethods offer.
var methodOfProvider = map[string]string{
	"NAPAS": card.Domestic, "MPGS": card.International, "QRPAY": ledger.QRPay,
	"MOMO": ledger.Wallet, "ZALOPAY": ledger.Wallet, "GALAXYPAY": ledger.Wallet,
}

// methodsOf are the methods of a link, in the page's order. The documents do not say which
// other providers there are; a link with none that is known offers everything.
func methodsOf(providers []string) []string {
	offered := slices.DeleteFunc(ledger.Methods(), func(method string) bool {
		return !slices.ContainsFunc(providers, func(p string) bool { return methodOfProvider[p] == method })
	})
	if len(offered) == 0 {
		return ledger.Methods()
	}
	return offered
}
