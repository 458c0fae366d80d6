package sandbox

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// The ways in which the browser brings the result to the app. The gateway uses both; when
// it uses which is not documented.
const (
	resultByGet  = "get"
	resultByPost = "post"
)

// wayBack is how the browser gets to the app.
type wayBack struct {
	Method  string
	Address template.URL // with the letter in its query, if the method is GET
	Letter  message.Callback

	salt   string
	escape func(string) string // of what goes into the query
}

// wayBack takes the browser to the app together with the signed result; nil where the
// merchant named no address. An app's own scheme takes no form.
func (h *Handler) wayBack(t transaction) *wayBack {
	address := t.returnURL()
	if address == nil {
		return nil
	}
	said := t.resultMessage()
	if t.outcome == cancel {
		said = t.cancelMessage()
	}
	w := &wayBack{Method: http.MethodGet, Letter: message.Seal(said, h.salt), salt: h.salt, escape: url.QueryEscape}
	for _, f := range t.faults {
		if f.mislead != nil {
			f.mislead(w)
		}
	}
	if h.Result == resultByPost && strings.HasPrefix(address.Scheme, "http") {
		w.Method, w.Address = http.MethodPost, safe(address.String())
		return w
	}
	w.Address = safe(w.inQueryOf(*address))
	return w
}

// inQueryOf appends the letter to the query of an address, which stays as the merchant
// wrote it. Base64 knows +, / and =, so both values are percent-encoded: an unescaped +
// would arrive as a space.
func (w *wayBack) inQueryOf(address url.URL) string {
	if address.RawQuery != "" {
		address.RawQuery += "&"
	}
	address.RawQuery += "data=" + w.escape(w.Letter.Data) + "&signature=" + w.escape(w.Letter.Signature)
	return address.String()
}

// loosenPlus makes a +, and leaves it as it is in a query.
func loosenPlus(w *wayBack) {
	w.Letter.Data = base64.StdEncoding.EncodeToString(withPlus(w.Letter.Text()))
	w.Letter.Signature = message.Sign([]byte(w.Letter.Data), w.salt)
	w.escape = func(value string) string {
		return strings.ReplaceAll(url.QueryEscape(value), "%2B", "+")
	}
}

// safe lets an address onto a page whatever its scheme: reader.link has refused those of
// which a browser makes more than a visit.
func safe(address string) template.URL { return template.URL(address) } //nolint:gosec // G203: see above
