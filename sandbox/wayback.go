package sandbox

import (
	"html/template"
	"net/http"
	"strings"
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
	Letter  sealed
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
	letter := seal(said, h.salt)
	if h.Result == resultByPost && strings.HasPrefix(address.Scheme, "http") {
		return &wayBack{http.MethodPost, safe(address.String()), letter}
	}
	return &wayBack{http.MethodGet, safe(letter.addTo(*address)), letter}
}

// safe lets an address onto a page whatever its scheme: reader.link has refused those of
// which a browser makes more than a visit.
func safe(address string) template.URL { return template.URL(address) } //nolint:gosec // G203: see above
