package demoshop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

const (
	// maxForm is ample for the fields of the shop's forms.
	maxForm = 4 << 10
	// maxFaults is the longest list of faults.
	maxFaults = 1 << 10
)

// vietnam is UTC+7 the whole year, the time zone of orderDateTime.
var vietnam = time.FixedZone("UTC+7", 7*60*60)

// common are the fields that all three operations have.
type common struct {
	OrderID          string       `json:"orderID"`
	OrderAmount      int64        `json:"orderAmount"`
	OrderCurrency    string       `json:"orderCurrency"`
	OrderDescription string       `json:"orderDescription"`
	Language         language.Tag `json:"language"`
	ExtraData        *extra       `json:"extraData,omitempty"`
}

// extra names faults for the sandbox. The gateway has no such field.
type extra struct {
	SandboxFault []string `json:"sandboxFault"`
}

type payFields struct {
	common
	APIVersion    string `json:"apiVersion,omitempty"`
	OrderDateTime string `json:"orderDateTime"`
	PaymentMethod string `json:"paymentMethod"`
}

type checkoutFields struct {
	payFields
	OrderNetAmount      int64  `json:"orderNetAmount"`
	OrderFeeAmount      int64  `json:"orderFeeAmount"`
	OrderDiscountAmount int64  `json:"orderDiscountAmount"`
	IPNURL              string `json:"ipnURL"`
}

type linkFields struct {
	common
	OrderName      string   `json:"orderName"`
	ExpiryDuration int      `json:"expiryDuration"`
	ExpiryUnit     string   `json:"expiryUnit"`
	PaymentMethods []string `json:"paymentMethods"`
	PaymentFields  []string `json:"paymentFields"`
}

// operations are the ways to pay, by the operation that opens each.
var operations = map[string]string{"redirect": "pay", "modal": "checkout", "link": "createPaymentLink"}

// requestData is the body of the call. It names no address for callbacks where the
// sidecar's defaults add them.
func (h *Handler) requestData(o order) any {
	all := common{
		OrderID:          o.id,
		OrderAmount:      o.product.price,
		OrderCurrency:    currency,
		OrderDescription: o.product.name.Vi,
		Language:         o.language,
	}
	if len(o.faults) > 0 {
		all.ExtraData = &extra{SandboxFault: o.faults}
	}
	payment := payFields{common: all, APIVersion: "2", OrderDateTime: o.madeAt.In(vietnam).Format("20060102150405"), PaymentMethod: "DOMESTIC"}
	switch o.way {
	case "modal":
		payment.APIVersion = "" // checkout has none
		return checkoutFields{payFields: payment, OrderNetAmount: o.product.price, IPNURL: h.ipnURL}
	case "link":
		return linkFields{
			common:         all,
			OrderName:      o.product.name.Vi,
			ExpiryDuration: 1,
			ExpiryUnit:     "DAY",
			PaymentMethods: []string{"QRPAY", "MOMO"},
			PaymentFields:  []string{"fullname", "email"},
		}
	}
	return payment
}

// buy makes an order and opens its payment. A redirect goes on to the gateway's page, all
// the rest to the page of the order.
func (h *Handler) buy(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	wanted, way, _ := strings.Cut(r.PostFormValue("buy"), " ") // one button says both
	i := slices.IndexFunc(goods, func(p product) bool { return p.id == wanted })
	fault := strings.Join(r.PostForm["fault"], " ")
	if i < 0 || operations[way] == "" || len(fault) > maxFaults {
		http.Error(w, "There is no such product or way to pay.", http.StatusBadRequest)
		return
	}
	o := newOrder(r, goods[i], way)
	o.faults = strings.FieldsFunc(fault, func(c rune) bool { return c == ',' || c == ' ' })
	h.orders.add(o)
	h.pay(r.Context(), o.id)
	opened, found := h.orders.find(o.id)
	if found && way == "redirect" && opened.state == pending && opened.endpoint != "" {
		http.Redirect(w, r, opened.endpoint, http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/orders/"+o.id, http.StatusSeeOther)
}

// newOrder makes an order for the customer who sent this request. Its id is one that no shop had before.
func newOrder(r *http.Request, p product, way string) *order {
	return &order{
		id:       "DH-" + rand.Text()[:12],
		product:  p,
		way:      way,
		language: language.Of(r),
		home:     "http://" + r.Host,
		madeAt:   time.Now(),
		state:    opening,
	}
}

// pay opens the payment, and where that ends in doubt clears the doubt up first.
func (h *Handler) pay(ctx context.Context, id string) {
	if h.open(ctx, id) == unknown {
		h.clearUp(ctx, id)
	}
}

// open calls the gateway for the payment, and does what the outcome allows. Where the page of an earlier call
// is lost, no customer can have paid on it: then the payment has a new key.
func (h *Handler) open(ctx context.Context, id string) outcome {
	o, found := h.orders.find(id)
	if !found {
		return notSent
	}
	a := h.call(ctx, o, operations[o.way], h.requestData(o), o.key())
	judged := a.outcome()
	if judged == rejected && a.problem().Code == "page_lost" {
		h.orders.change(id, func(o *order) { o.attempt++ })
		return h.open(ctx, id)
	}
	h.orders.change(id, func(o *order) {
		switch judged {
		case ok:
			o.opened(whereToPay(a.body))
		case notSent:
			o.becomes(notOpened)
		case rejected:
			o.becomes(notOpened)
		case unknown:
			if a.problem().Code == "transaction_duplicate" {
				o.becomes(pending) // the first request with this key counts
				return
			}
			o.becomes(unclear)
		}
	})
	return judged
}

// clearUp finds out about a payment that may or may not be open, before anything else is
// done. Query asks by the transactionID. Where the answer with the transactionID is what
// was lost, the same request under the same key does it: the gateway carries it out at
// most once, and says so (transaction_duplicate) if it was the first time. The fault is
// left out then, as if the trouble had passed.
func (h *Handler) clearUp(ctx context.Context, id string) {
	o, found := h.orders.change(id, func(o *order) {
		if o.transactionID == "" {
			o.faults = nil
		}
	})
	switch {
	case !found || !o.canAsk():
	case o.transactionID == "":
		h.open(ctx, id)
	default:
		h.query(ctx, o)
	}
}

// query finds out from the gateway where the payment stands. The order is left as it is: it ends by
// the IPN alone, so that there is one place in the shop which hands out goods.
func (h *Handler) query(ctx context.Context, o order) {
	a := h.call(ctx, o, "query", map[string]string{"transactionID": o.transactionID}, "")
	if a.outcome() != ok {
		return
	}
	h.orders.change(o.id, func(o *order) {
		o.told = a.header.Get("Galaxypay-Payment-Status")
		o.becomes(pending)
	})
}

// askGateway is the customer's button, and what the page does when the modal window says
// that it is done: what a browser says about a payment proves nothing.
func (h *Handler) askGateway(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, found := h.orders.find(id); !found {
		h.showMissing(w, r)
		return
	}
	h.clearUp(r.Context(), id)
	http.Redirect(w, r, "/orders/"+id, http.StatusSeeOther)
}

// repeat sends the call of an order once more, with all that it said the first time, as a customer does who
// presses twice, or an app that lost the answer. The order is left as it is.
func (h *Handler) repeat(w http.ResponseWriter, r *http.Request) {
	o, found := h.orders.find(r.PathValue("id"))
	if !found {
		h.showMissing(w, r)
		return
	}
	if o.canRepeat() {
		h.call(r.Context(), o, operations[o.way], h.requestData(o), o.key())
	}
	http.Redirect(w, r, "/orders/"+o.id, http.StatusSeeOther)
}

// whereToPay reads the answer of the three operations. An address that is none of the
// web's is not a place to send a customer to.
func whereToPay(body []byte) (transactionID, endpoint string) {
	var data struct {
		TransactionID scalar `json:"transactionID"`
		Endpoint      string `json:"endpoint"`
		OrderNo       scalar `json:"orderNo"`
		ShortLink     string `json:"shortLink"`
	}
	_ = json.Unmarshal(body, &data)
	transactionID, endpoint = string(data.TransactionID), data.Endpoint
	if data.OrderNo != "" {
		transactionID, endpoint = string(data.OrderNo), data.ShortLink
	}
	if _, err := address(endpoint); err != nil {
		return transactionID, ""
	}
	return transactionID, endpoint
}
