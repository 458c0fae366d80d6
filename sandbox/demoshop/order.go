package demoshop

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// state is the state of an order.
type state string

const (
	opening   state = "opening"   // the call to the gateway is under way
	pending   state = "pending"   // the gateway has the payment; the IPN will say how it ends
	unclear   state = "unclear"   // it may have the payment
	notOpened state = "notOpened" // it does not have it, and no money moved

	// The ends, in the words of Galaxypay-Payment-Status.
	paid      state = "paid"
	failed    state = "failed"
	cancelled state = "cancelled"
	expired   state = "expired"

	// What a message can say besides with a ledger, and no order becomes.
	authorized state = "authorized" // the amount is held, and not collected
	disputed   state = "disputed"   // it does not fit what was signed
	none       state = "none"       // it is about a refund, a void or a capture
)

// ended reports whether an IPN has said how the payment ended.
func (s state) ended() bool { return slices.Contains([]state{paid, failed, cancelled, expired}, s) }

// product is something the shop sells. Prices are the server's, never the browser's.
type product struct {
	id    string
	icon  string // path of an SVG, 48 wide and high
	name  language.Text
	price int64 // VND
}

var goods = []product{
	{"coffee", "M14 16h20l-3 26H17zM12 10h24v6H12zM26 10l4-8M16 27h16", language.Both("Iced milk coffee", "Cà phê sữa đá"), 29_000},
	{"bread", "M6 34c-3-5 20-28 32-26 7 2 4 11-2 16S9 39 6 34zM14 25l5 6M21 18l5 6M29 12l4 6", language.Both("Grilled pork bánh mì", "Bánh mì thịt nướng"), 45_000},
	{"dress", "M19 5h10l9 7-4 7-4-3v10l6 17H12l6-17V16l-4 3-4-7zM20 5l4 5 4-5M24 26v17", language.Both("Silk áo dài", "Áo dài lụa tơ tằm"), 1_890_000},
}

// currency is that of every price.
const currency = "VND"

// order is a customer's order. The same order is never paid for twice: a call that is repeated has the
// same Idempotency-Key.
type order struct {
	id       string
	product  product
	way      string // redirect, modal or link
	faults   []string
	language language.Tag
	home     string // where the customer sees the shop
	madeAt   time.Time

	attempt       int // 0: the first
	state         state
	transactionID string // orderNo of a payment link
	endpoint      string // where the customer pays
	told          string // the payment status in the last answer to a query
	handedOut     int    // how often the goods were handed out: once at most
	review        bool   // a proven IPN came with another amount than the order's
	disputed      bool   // a proven message came that does not fit what the sidecar has signed
	story         string // id of the story that is played with it; empty: none
	exchanges     []exchange
	dropped       int // exchanges that are forgotten
}

// key names the payment of this order to the gateway. A refund would have another, and so has another try after the
// sidecar has said that the first one is lost.
func (o *order) key() string { return o.id + "-pay-" + strconv.Itoa(o.attempt+1) }

// exchange is a message that the shop sent or got, and the answer to it.
type exchange struct {
	Number       int
	Call         bool // the shop's, to the sidecar; else a callback, to the shop
	Title        string
	At           time.Time
	Header       []string
	Body         string
	Status       int // 0: no answer
	AnswerHeader []string
	Answer       string
	Failure      string // why there is no answer
	Outcome      string // of a call
	IPNStatus    string // the shop's word on an IPN
}

// maxExchanges is how many messages of an order are kept.
const maxExchanges = 30

func (o *order) note(e exchange) {
	e.Number = o.dropped + len(o.exchanges) + 1
	o.exchanges = append(o.exchanges, e)
	if len(o.exchanges) > maxExchanges {
		o.exchanges = slices.Delete(o.exchanges, 0, 1)
		o.dropped++
	}
}

// opened notes that the gateway has the payment. An IPN may have been faster.
func (o *order) opened(transactionID, endpoint string) {
	o.transactionID, o.endpoint = transactionID, endpoint
	o.becomes(pending)
}

// becomes notes what the answer to a call said, which never changes what an IPN has said.
func (o *order) becomes(s state) {
	if !o.state.ended() {
		o.state = s
	}
}

// canAsk reports whether the gateway can say something about the order. An order that has ended, or
// was never opened, is not sent again for want of a transactionID.
func (o *order) canAsk() bool {
	return o.transactionID != "" || o.state == unclear || o.state == pending
}

// canRepeat reports whether there is a call to send once more, to see what the ledger makes of it.
func (o *order) canRepeat() bool { return o.endpoint != "" }

// headerLines are the headers worth showing: those that a message is understood by.
func headerLines(header http.Header) []string {
	var lines []string
	for name, values := range header {
		if strings.HasPrefix(name, "Galaxypay-") || name == "Content-Type" || name == "Idempotency-Key" {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return lines
}

// maxShown is how much of a message is kept.
const maxShown = 8 << 10

// readable is a message for people, cut where it is long.
func readable(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		b.Reset()
		b.Write(body)
	}
	text := b.String()
	if len(text) > maxShown {
		end := maxShown
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
