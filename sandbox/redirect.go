package sandbox

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// The ways in which the browser brings the result to the app. The gateway uses both; when
// it uses which is not documented.
const (
	resultByGet  = "get"
	resultByPost = "post"
)

// redirector takes the customer's browser to the app.
type redirector struct {
	ledger *ledger.Ledger
	salt   string
	byPost bool
}

// redirect is how the browser gets to the app.
type redirect struct {
	Method   string
	Address  template.URL // with the callback in its query, if the method is GET
	Callback message.Callback
}

// of takes the browser to the app together with the signed result; nil where the merchant
// named no address. An app's own scheme takes no form.
func (d redirector) of(t ledger.Transaction) *redirect {
	address := returnURL(t)
	if address == nil {
		return nil
	}
	faults, _ := fault.Named(t.Faults...)
	result := faults.Redirect(browserMessage(t), d.salt)
	if d.byPost && strings.HasPrefix(address.Scheme, "http") {
		return &redirect{http.MethodPost, safe(address.String()), result.Callback}
	}
	return &redirect{http.MethodGet, safe(inQueryOf(*address, result)), result.Callback}
}

// keep keeps that the browser was sent to the app.
func (d redirector) keep(t ledger.Transaction, back *redirect) {
	d.ledger.Keep(t.ID, "", wirelog.NewRedirect(d.ledger.Now(), back.Method, string(back.Address), back.Callback, d.salt))
}

// returnURL is where the merchant wants the browser after this outcome; nil: nowhere. An
// expired payment has no address of its own and takes that of a failed one.
func returnURL(t ledger.Transaction) *url.URL {
	switch t.Outcome {
	case ledger.Success, ledger.Authorised:
		return t.SuccessURL
	case ledger.Failure, ledger.Refused, ledger.Expired:
		return t.FailureURL
	case ledger.Cancelled:
		return t.CancelURL
	}
	return nil
}

// inQueryOf appends the callback to the query of an address, which stays as the merchant
// wrote it. Base64 knows +, / and =, so both values are percent-encoded: an unescaped +
// would arrive as a space.
func inQueryOf(address url.URL, result *fault.Redirect) string {
	if address.RawQuery != "" {
		address.RawQuery += "&"
	}
	address.RawQuery += "data=" + result.Escape(result.Callback.Data) + "&signature=" + result.Escape(result.Callback.Signature)
	return address.String()
}

// safe lets an address onto a page whatever its scheme: reader.browserAddress has refused
// those of which a browser makes more than a visit.
func safe(address string) template.URL { return template.URL(address) } //nolint:gosec // G203: see above
