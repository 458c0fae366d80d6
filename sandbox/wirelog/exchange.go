package wirelog

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// Kind is the kind of an exchange.
type Kind string

// The app calls the gateway, the gateway sends the app an IPN, and the gateway sends the
// customer's browser to the app.
const (
	Request  Kind = "request"
	IPN      Kind = "ipn"
	Redirect Kind = "redirect"
)

// Exchange is one message and its answer as they went over the wire. It is not changed
// once it is in a log.
type Exchange struct {
	Kind      Kind      `json:"kind"`
	At        time.Time `json:"at"`
	Operation string    `json:"operation,omitempty"`
	RequestID string    `json:"requestID,omitempty"`
	Attempt   int       `json:"attempt,omitempty"` // of an IPN, from 1
	Method    string    `json:"method"`
	Address   string    `json:"address"` // a path for a request, else a URL
	Headers   []Header  `json:"headers,omitempty"`
	Body      *Content  `json:"body,omitempty"`
	Message   *Content  `json:"message,omitempty"` // the message inside of a callback
	Signature string    `json:"signature,omitempty"`
	Verdict   Verdict   `json:"verdict,omitempty"` // on the signature
	Faults    []string  `json:"faults,omitempty"`
	Answer    *Answer   `json:"answer,omitempty"` // nil: a redirect, which has none

	data string // of a callback: the text that is signed
}

// Answer is the answer to a message.
type Answer struct {
	Status    int      `json:"status,omitempty"` // 0: there was no answer
	Headers   []Header `json:"headers,omitempty"`
	Signature string   `json:"signature,omitempty"`
	Body      *Content `json:"body,omitempty"`
	Broken    bool     `json:"broken,omitempty"`  // the connection broke off
	Failure   string   `json:"failure,omitempty"` // why there is no answer
}

// NewIPN is the exchange of an IPN. A callback without data means that none was sent.
func NewIPN(at time.Time, address *url.URL, sent message.Callback, salt string) Exchange {
	e := Exchange{Kind: IPN, At: at, Method: http.MethodPost, Address: WithoutValues(*address)}
	if sent.Data == "" {
		return e
	}
	e.Headers = []Header{{"Content-Type", "application/json"}}
	body := message.Encode(sent)
	e.Body = NewContent(body, len(body))
	e.open(sent, salt)
	return e
}

// NewRedirect is the exchange of a result on its way through the customer's browser.
func NewRedirect(at time.Time, method, address string, sent message.Callback, salt string) Exchange {
	e := Exchange{Kind: Redirect, At: at, Method: method, Address: address}
	e.open(sent, salt)
	return e
}

// open shows the message inside of a callback.
func (e *Exchange) open(sent message.Callback, salt string) {
	text := sent.Text()
	e.Message = NewContent(text, len(text))
	e.data, e.Signature = sent.Data, sent.Signature
	e.Verdict = judge([]byte(sent.Data), salt, sent.Signature)
}

// SignedText is the text that the sender hashed, as far as it is kept; the word <salt>
// takes the place of the salt.
func (e Exchange) SignedText() string {
	switch {
	case e.Kind != Request:
		return e.data + "<salt>"
	case e.Body == nil || e.Body.Base64:
		return ""
	case e.Body.Cut:
		return e.Body.Text + "…<salt>"
	}
	return e.Body.Text + "<salt>"
}

// size is about how much memory an exchange takes.
func (e Exchange) size() int {
	n := 1<<10 + len(e.Address) + len(e.data)
	for _, c := range []*Content{e.Body, e.Message} {
		n += c.size()
	}
	if e.Answer != nil {
		n += e.Answer.Body.size()
	}
	return n
}

// WithoutValues leaves the values out of an address's query: they may be private to the
// merchant, who recognises the address without them.
func WithoutValues(address url.URL) string {
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
