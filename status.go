package galaxypay

import (
	"cmp"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// PaymentStatus says what a proven message means for the order. Only "paid" may hand out goods.
type PaymentStatus = ledger.Status

// The payment statuses that a message alone can have, as the header Galaxypay-Payment-Status carries them. With a ledger
// there are more.
const (
	Paid      = ledger.Paid
	Cancelled = ledger.Cancelled
	Expired   = ledger.Expired
	Pending   = ledger.Pending
	Failed    = ledger.Failed
)

// payment is what a message of the gateway says about a payment: the three fields that
// decide, each as text, and which payment it is. Numbers and strings mean the same. A field
// that is present but null counts as empty, not as absent: absent fields are not held
// against a payment, so this is the safe side.
type payment struct {
	responseCode  string
	status        string // responseData.transactionStatus
	stage         string // responseData.transactionStage
	hasStatus     bool
	hasStage      bool
	ambiguous     bool   // a name that decides stands twice, in different letter case
	unreadable    bool   // there is a responseData, but it is not an object
	hasEndpoint   bool   // the customer has something left to do there
	transaction   string // transactionID or, of a payment link, orderNo; "" where it has neither
	order         string // orderID or, of a payment link, orderNo; "" where it has neither
	amount        string // orderAmount
	currency      string // orderCurrency
	method        string // paymentMethod
	isTransaction bool   // transaction is a transactionID
}

// isLink reports whether the message is about a payment link.
func (p *payment) isLink() bool { return p.transaction != "" && !p.isTransaction }

func paymentOf(e *envelope) payment {
	p := payment{responseCode: e.responseCode}
	data, err := rawjson.Members(e.data)
	if err != nil { // not an object: there is nothing to look into
		p.unreadable = e.data != nil
		return p
	}
	p.ambiguous = repeatedName(data, paymentNames) != ""
	status, stage := rawjson.Find(data, "transactionStatus"), rawjson.Find(data, "transactionStage")
	p.hasStatus, p.status = status != nil, statusText(status)
	p.hasStage, p.stage = stage != nil, statusText(stage)
	p.hasEndpoint = isGiven(rawjson.Find(data, "endpoint"))
	number := rawjson.Scalar(rawjson.Find(data, "orderNo"))
	transaction := rawjson.Scalar(rawjson.Find(data, "transactionID"))
	p.transaction, p.isTransaction = cmp.Or(transaction, number), transaction != ""
	p.amount = rawjson.Scalar(rawjson.Find(data, "orderAmount"))
	p.currency = rawjson.Scalar(rawjson.Find(data, "orderCurrency"))
	p.method = rawjson.Scalar(rawjson.Find(data, "paymentMethod"))
	p.order = cmp.Or(rawjson.Scalar(rawjson.Find(data, "orderID")), number)
	return p
}

// statusText keeps values that are neither text nor null from looking empty:
// an empty status means "not finished", a strange one means "not paid".
func statusText(value []byte) string {
	if text := rawjson.Scalar(value); text != "" || len(value) == 0 || value[0] == '"' || string(value) == "null" {
		return text
	}
	return "?"
}

// isGiven reports whether a field says something: null and "" do not.
func isGiven(value []byte) bool {
	return len(value) > 0 && string(value) != "null" && string(value) != `""`
}

// isNamed reports whether the message says which payment it is about.
func (p payment) isNamed() bool {
	return strings.TrimSpace(p.transaction) != "" || strings.TrimSpace(p.order) != ""
}

// judge decides the payment status of a callback.
//
// A responseCode of 200 alone is not enough: with apiVersion 2 the message also
// carries transactionStatus, and a signed message with responseCode 200 and
// transactionStatus 499 is not a payment. Nor is one whose responseData cannot be
// read, since what it holds may say no, or one that names neither a transaction nor
// an order: it is about nothing that could be paid.
func (p payment) judge() PaymentStatus {
	if p.responseCode == "200" && p.isNamed() && (!p.hasStatus || p.status == "200") && (!p.hasStage || p.stage == "SUCCESSFUL") {
		return Paid
	}
	if p.responseCode == "499" || p.status == "499" {
		return Cancelled
	}
	if p.responseCode == "408" || p.status == "408" {
		return Expired
	}
	if p.responseCode != "200" || p.stage == "FAILURE" {
		return Failed
	}
	if p.stage == "INIT" || p.stage == "PROCESSING" || p.hasStatus && p.status == "" {
		return Pending
	}
	return Failed
}

// judgeQuery decides for the answer to a query, where responseCode 200 says only
// that the query worked: without a word on the transaction nothing is known yet.
func (p payment) judgeQuery() PaymentStatus {
	if p.responseCode == "200" && !p.hasStatus && !p.hasStage {
		return Pending
	}
	return p.judge()
}

// judgeFastPay decides for the answer to a fast payment. With an endpoint and no status the
// bank wants to see the customer first: nothing is paid yet.
func (p payment) judgeFastPay() PaymentStatus {
	if p.responseCode == "200" && p.hasEndpoint && !p.hasStatus {
		return Pending
	}
	return p.judge()
}
