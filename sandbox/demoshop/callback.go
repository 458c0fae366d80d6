package demoshop

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// maxCallback is the sidecar's default for the largest callback.
const maxCallback = 64 << 10

// message is what the shop reads of a callback.
type message struct {
	Data struct {
		OrderID       scalar `json:"orderID"`
		OrderNo       scalar `json:"orderNo"` // of a payment link
		TransactionID scalar `json:"transactionID"`
		Amount        scalar `json:"orderAmount"`
		Currency      scalar `json:"orderCurrency"`
	} `json:"responseData"`
}

// scalar is a text or a number, which mean the same in the gateway's messages.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(text []byte) error {
	var number json.Number
	var quoted string
	switch {
	case json.Unmarshal(text, &quoted) == nil:
		*s = scalar(quoted)
	case json.Unmarshal(text, &number) == nil:
		*s = scalar(number)
	default:
		return errors.New("neither text nor number")
	}
	return nil
}

// callback is a message that the sidecar has proven and handed on.
type callback struct {
	message
	method string
	kind   string // ipn, result, cancel, or query: what the gateway answered to a query of the sidecar's own
	status state  // what Galaxypay-Payment-Status says
	header http.Header
	body   []byte
	at     time.Time
}

// readCallback reads what galaxypay_ipn and galaxypay_result hand on. The header is
// theirs: without it the request came to the shop by another way, and proves nothing.
func readCallback(w http.ResponseWriter, r *http.Request) (callback, bool) {
	c := callback{
		method: r.Method,
		kind:   r.Header.Get("Galaxypay-Callback"),
		status: state(r.Header.Get("Galaxypay-Payment-Status")),
		header: r.Header,
		at:     time.Now(),
	}
	if c.kind == "" || c.status == "" {
		http.Error(w, "This request did not come through galaxypay_ipn or galaxypay_result.", http.StatusForbidden)
		return c, false
	}
	if c.method != http.MethodPost { // a result that is the visit of a page has headers alone
		c.Data.OrderID = named(r.Header, "Galaxypay-Order-Id")
		c.Data.TransactionID = named(r.Header, "Galaxypay-Transaction-Id")
		return c, true
	}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback)); err != nil {
		http.Error(w, "The body could not be read to its end.", http.StatusBadRequest)
		return c, false
	}
	if json.Unmarshal(c.body, &c.message) != nil {
		http.Error(w, "The body is not a callback.", http.StatusBadRequest)
		return c, false
	}
	return c, true
}

// named reads a header of the sidecar that names something. It is percent-encoded.
func named(header http.Header, name string) scalar {
	text, err := url.PathUnescape(header.Get(name))
	if err != nil {
		return ""
	}
	return scalar(text)
}

// takeIPN is the one place where orders end. It always answers in the gateway's words,
// so that no IPN comes again for a reason that will not go away. An order that the shop does not have is one: orders are kept
// before they are paid, so it will not come later. An app that writes its orders later answers 404, and an inbox tries again.
func (h *Handler) takeIPN(w http.ResponseWriter, r *http.Request) {
	c, ok := readCallback(w, r)
	if !ok {
		return
	}
	// What a query has brought is worth as much as an IPN. Both come from a server: where there is an Origin, a web page has made them.
	if c.kind != "ipn" && c.kind != "query" || r.Header["Origin"] != nil {
		http.Error(w, "This is the address of IPNs.", http.StatusForbidden)
		return
	}
	said := ipnAnswer{"200", "the shop has no such order: a person will look at it"}
	e := c.exchange(http.StatusOK)
	_, found := h.orders.change(h.orders.named(c.message), func(o *order) {
		said = o.take(c)
		e.Answer, e.IPNStatus = readable(encode(said)), said.Status
		o.note(e)
	})
	if !found {
		e.Answer, e.IPNStatus = readable(encode(said)), said.Status
		h.orders.noteUnassigned(e)
	}
	h.logger.Info("IPN taken", c.fields(zap.String("ipn_status", said.Status))...)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(said))
}

// ipnAnswer is the answer to the gateway.
type ipnAnswer struct {
	Status      string `json:"ipnStatus"`
	Description string `json:"ipnDescription"`
}

// take lets an IPN change the order. Messages come twice, late and in any order: a paid
// order stays paid whatever comes after, and the goods are handed out once. The money of
// an order that had failed before can still arrive.
func (o *order) take(c callback) ipnAnswer {
	if o.transactionID == "" {
		o.transactionID = string(c.Data.TransactionID)
	}
	switch {
	case c.status == disputed:
		o.disputed = true
		return ipnAnswer{"200", "the message does not fit the order: a person will look at it"}
	case c.status == none:
		return ipnAnswer{"200", "the order stays as it is"}
	case o.state == paid, o.state.ended() && c.status != paid:
		return ipnAnswer{"409", "the order was finished before"}
	case c.status == pending, c.status == authorized:
		return ipnAnswer{"200", "the order goes on waiting"}
	case c.status == paid && !o.costs(c.message):
		o.review = true
		return ipnAnswer{"200", "the amount is not the order's: a person will look at it"}
	case c.status == paid:
		o.state, o.review = paid, false
		o.handedOut++
		return ipnAnswer{"200", "the goods are on their way"}
	case c.status.ended():
		o.state = c.status
		return ipnAnswer{"200", "the order is closed"}
	}
	o.state = failed // a status that the shop does not know is not a payment
	return ipnAnswer{"200", "the order is closed"}
}

// costs compares the message with the order: a proven message is authentic, which does
// not make it complete. Messages of payment links have no currency.
func (o *order) costs(m message) bool {
	amount, ok := new(big.Rat).SetString(plain(m.Data.Amount))
	if !ok || amount.Cmp(new(big.Rat).SetInt64(o.product.price)) != 0 {
		return false
	}
	return m.Data.Currency == currency || m.Data.Currency == "" && m.Data.OrderNo != ""
}

// plain is the amount if it is a plain decimal, else "". Fractions and exponents are
// numbers to package big, and no amounts.
func plain(s scalar) string {
	if len(s) > 20 || strings.Trim(string(s), "0123456789.") != "" {
		return ""
	}
	return string(s)
}

// takeResult shows the customer how it went. The browser brings this message, as often and
// as late as it likes: it ends no order and hands out nothing. Where the IPN has not come
// before the customer, the gateway is asked.
func (h *Handler) takeResult(w http.ResponseWriter, r *http.Request) {
	c, ok := readCallback(w, r)
	if !ok {
		return
	}
	e := c.exchange(http.StatusOK)
	o, found := h.orders.change(h.orders.named(c.message), func(o *order) {
		if o.transactionID == "" {
			o.transactionID = string(c.Data.TransactionID)
		}
		o.note(e)
	})
	if !found {
		h.orders.noteUnassigned(e)
	}
	h.logger.Info("result taken", c.fields()...)
	if found && !o.state.ended() && o.transactionID != "" {
		h.query(r.Context(), o)
		o, _ = h.orders.find(o.id)
	}
	h.showResult(w, r, c, o)
}

func (c callback) exchange(status int) exchange {
	return exchange{
		Title:  c.method + " /galaxypay/" + c.address(),
		At:     c.at,
		Header: headerLines(c.header),
		Body:   readable(c.body),
		Status: status,
	}
}

func (c callback) address() string {
	if c.kind == "ipn" || c.kind == "query" {
		return "ipn"
	}
	return "result"
}

// fields is what the log says of a callback: enough to follow a payment, and nothing of
// its customer.
func (c callback) fields(more ...zap.Field) []zap.Field {
	return append([]zap.Field{
		zap.String("callback", c.kind),
		zap.String("payment_status", string(c.status)),
		zap.String("order_id", short(c.Data.OrderID)),
		zap.String("transaction_id", short(c.Data.TransactionID)),
	}, more...)
}

// short bounds a text of the message's; ids have 50 characters at most.
func short(s scalar) string {
	if len(s) > 50 {
		return "(" + strconv.Itoa(len(s)) + " bytes)"
	}
	return string(s)
}
