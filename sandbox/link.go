package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// maxLinkLife bounds how long a link can live; the gateway's own bound is not documented.
const maxLinkLife = 10 * 365 * 24 * time.Hour

// link is what makes a payment a payment link.
type link struct {
	name string   // shown to the payer
	asks []string // paymentFields
}

// createPaymentLink opens a payment that anybody with the link can pay. It goes on like
// every other one: it has the same page, it ends with the payer's first choice, and its
// orderNo is the transactionID for query and refund, because the documents give none.
func (h *Handler) createPaymentLink(r *http.Request, c call) reply {
	wanted, err := readLink(c.data, h.ledger.now())
	if err != nil {
		return refused(codeBadRequest, err.Error())
	}
	t, err := h.ledger.open(c.requestID, wanted, h.ledger.now())
	if err != nil {
		return conclude(err)
	}
	return done(struct {
		OrderNo   string `json:"orderNo"`
		ShortLink string `json:"shortLink"`
	}{t.id, pageOf(r, t)})
}

// readLink reads the fields of a payment link. An older version of its page has no
// currency; there it can only have been VND.
func readLink(data fields, now time.Time) (payment, error) {
	read := reader{fields: data}
	text, amount := read.amount("orderAmount")
	p := payment{
		order: order{
			ID:          read.required("orderID"),
			Amount:      text,
			Currency:    cmp.Or(read.optional("orderCurrency"), "VND"),
			DateTime:    message.Stamp(now),
			Description: read.required("orderDescription"),
		},
		amount:   amount,
		language: read.optional("language"),
		ipnURL:   read.address("ipnURL"),
		faults:   read.faults(),
		life:     read.linkLife(),
		link: &link{
			name: read.required("orderName"),
			asks: read.questions(),
		},
	}
	p.offer(offeredBy(read.list("paymentMethods")))
	return p, read.err
}

// questions takes the payer details that the page shall ask for. The documents know four
// and do not say whether there are others; those are left out.
func (r *reader) questions() []string {
	wanted := r.list("paymentFields")
	return slices.DeleteFunc(slices.Clone(payerFields), func(name string) bool {
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

// linkMessage is the IPN of a payment link (the gateway's page "Payment Link IPN"): its
// envelope spells requestId. Its orderReference is left out, because no field of the
// request is known to be it.
type linkMessage struct {
	RequestID        string   `json:"requestId"`
	ResponseDateTime string   `json:"responseDateTime"`
	ResponseCode     string   `json:"responseCode"`
	ResponseMessage  string   `json:"responseMessage"`
	ResponseData     linkPaid `json:"responseData"`
}

type linkPaid struct {
	OrderNo     string `json:"orderNo"`
	OrderAmount string `json:"orderAmount"`
	ExtraData   payer  `json:"extraData,omitzero"`
}

func (t transaction) linkMessage() linkMessage {
	return linkMessage{
		RequestID:        t.requestID,
		ResponseDateTime: message.Stamp(t.settledAt),
		ResponseCode:     t.result().status,
		ResponseMessage:  t.result().message,
		ResponseData:     linkPaid{OrderNo: t.id, OrderAmount: t.Amount, ExtraData: t.payer},
	}
}
