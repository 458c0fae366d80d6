package fault

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// Redirect is the result on its way through the customer's browser to the app.
type Redirect struct {
	Callback message.Callback
	Escape   func(string) string // how a value is written into a query

	salt string
}

// Redirect seals a message for the browser and lets these faults strike.
func (f Faults) Redirect(m any, salt string) *Redirect {
	r := &Redirect{Callback: message.Seal(m, salt), Escape: url.QueryEscape, salt: salt}
	for _, one := range f {
		if one.redirect != nil {
			one.redirect(r)
		}
	}
	return r
}

// rewrite changes the message, and signs it as it is then.
func (r *Redirect) rewrite(by func(text []byte) []byte) {
	r.Callback.Data = base64.StdEncoding.EncodeToString(by(r.Callback.Text()))
	r.Callback.Signature = message.Sign([]byte(r.Callback.Data), r.salt)
}

func resultOfOtherOrder(r *Redirect) { r.rewrite(otherOrder) }

func resultOfOtherAmount(r *Redirect) { r.rewrite(otherAmount) }

func resultOfOtherCurrency(r *Redirect) { r.rewrite(otherCurrency) }

// rawPlus makes a + in Base64, and leaves it as it is in a query.
func rawPlus(r *Redirect) {
	r.rewrite(withPlus)
	r.Escape = func(value string) string {
		return strings.ReplaceAll(url.QueryEscape(value), "%2B", "+")
	}
}
