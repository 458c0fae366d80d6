package sandbox

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// verdict is what is to be said of a signature.
type verdict string

const (
	signedRight   verdict = "right"
	signatureGone verdict = "missing"
	signedWrong   verdict = "wrong"
	unknownCaller verdict = "unknown apiKey"
)

var verdicts = map[string]verdict{
	"": signedRight, unsigned: signatureGone, wronglySigned: signedWrong, noKey: unknownCaller, unknownKey: unknownCaller,
}

// overheard is an exchange with the gateway's API while it goes on. It sees the answer as
// the last one before the connection does, with all that faults have made of it.
type overheard struct {
	http.ResponseWriter
	handler  *Handler
	exchange exchange
	call     call
	answer   heard
	written  []byte // the beginning of the answer's body
	length   int
	kept     bool
}

func (h *Handler) overhear(w http.ResponseWriter, r *http.Request) *overheard {
	return &overheard{ResponseWriter: w, handler: h, exchange: exchange{
		Kind:      kindRequest,
		At:        h.now(),
		Method:    r.Method,
		Address:   clip(r.URL.Path),
		Headers:   keepHeaders(r.Header),
		Signature: clip(r.Header.Get("signature")),
	}}
}

func (x *overheard) readBody(body []byte) { x.exchange.Body = keepRequestBody(body) }

func (x *overheard) judge(doubt string) { x.exchange.Verdict = verdicts[doubt] }

// recognise takes the call for what it is. What is not proven to be the merchant's is not
// recognised, and is kept with the strangers.
func (x *overheard) recognise(c call, op *operation.Operation) {
	x.call = c
	x.exchange.RequestID = c.requestID
	x.exchange.Faults = names(c.faults, func(f fault) bool { return f.early != nil || f.code != "" || f.spoil != nil })
	if op != nil {
		x.exchange.Operation = op.Name
	}
}

func names(faults []fault, strikes func(fault) bool) (names []string) {
	for _, f := range faults {
		if strikes(f) {
			names = append(names, f.name)
		}
	}
	return names
}

// WriteHeader notes the head of the answer.
func (x *overheard) WriteHeader(status int) {
	if x.answer.Status == 0 {
		x.answer.Status = status
		x.answer.Headers = keepHeaders(x.Header())
		x.answer.Signature = signatureIn(x.Header())
	}
	x.ResponseWriter.WriteHeader(status)
}

// signatureIn reads the header as it is spelled on the wire, which Get would not find.
func signatureIn(head http.Header) string {
	return strings.Join(head["signature"], ", ") //nolint:staticcheck // SA1008: the spelling is meant
}

// Write notes what of the body went out.
func (x *overheard) Write(piece []byte) (int, error) {
	if x.answer.Status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(piece)
	x.length += n
	x.written = append(x.written, piece[:min(n, maxKeptBody-len(x.written))]...)
	return n, err
}

// Unwrap leads http.ResponseController to the connection.
func (x *overheard) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// keep ends the exchange, at the latest when a fault breaks the connection. Only the first
// call counts.
func (x *overheard) keep() {
	if x.kept {
		return
	}
	x.kept = true
	if x.length > 0 {
		x.answer.Body = keepBody(x.written, x.length)
	}
	promised, err := strconv.Atoi(x.Header().Get("Content-Length"))
	x.answer.Broken = x.answer.Status == 0 || err == nil && x.length < promised
	x.exchange.Answer = &x.answer
	id, _ := x.call.data.value("transactionID")
	x.handler.ledger.keep(id, x.call.requestID, x.exchange)
}

// overhearIPN is the exchange of an IPN.
func (t transaction) overhearIPN(d delivery, salt string) exchange {
	e := exchange{
		Kind:    kindIPN,
		At:      d.at,
		Method:  http.MethodPost,
		Address: withoutValues(*t.ipnURL),
		Faults:  names(t.faults, func(f fault) bool { return f.misroute != nil }),
		Answer:  &heard{Status: d.status, Failure: d.failure},
	}
	if d.status != 0 {
		e.Answer.Body = keepBody([]byte(d.answer), len(d.answer))
		e.Answer.Body.Cut = len(d.answer) >= maxIPNAnswer
	}
	if d.letter.Data == "" {
		return e
	}
	e.Headers = []header{{"Content-Type", "application/json"}}
	body := message.Encode(d.letter)
	e.Body = keepBody(body, len(body))
	e.open(d.letter, salt)
	return e
}

// keepRedirect keeps that the customer's browser is sent to the app.
func (h *Handler) keepRedirect(t transaction, back *wayBack) {
	e := exchange{Kind: kindRedirect, At: h.now(), Method: back.Method, Address: string(back.Address)}
	e.open(back.Letter, h.salt)
	h.ledger.keep(t.id, "", e)
}

// open shows what a callback says.
func (e *exchange) open(s message.Callback, salt string) {
	text := s.Text()
	e.Message = keepBody(text, len(text))
	e.data, e.Signature = s.Data, s.Signature
	e.Verdict = judge([]byte(s.Data), salt, s.Signature)
}

func judge(text []byte, salt, signature string) verdict {
	switch {
	case signature == "":
		return signatureGone
	case !message.Verify(text, salt, signature):
		return signedWrong
	}
	return signedRight
}

// withoutValues leaves the values out of an address's query: they may be private to the
// merchant, who recognises the address without them.
func withoutValues(address url.URL) string {
	pairs := strings.Split(address.RawQuery, "&")
	for i, pair := range pairs {
		if name, _, valued := strings.Cut(pair, "="); valued {
			pairs[i] = name + "=…"
		} else if pair != "" {
			pairs[i] = "…"
		}
	}
	address.RawQuery = strings.Join(pairs, "&")
	return clip(address.Redacted())
}
