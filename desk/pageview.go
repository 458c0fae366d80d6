package desk

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/webpage"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

//go:embed pages/desk.html
var pageFiles embed.FS

//go:embed pages/live.js
var liveScript []byte

var deskPage = template.Must(webpage.New().ParseFS(pageFiles, "pages/desk.html"))

// view is what the template shows.
type view struct {
	Nonce    string // lets the page's own style through its security policy
	Language language.Tag
	Text     map[string]string
	Lists    []listName

	Problem string // why there is nothing to see
	Detail  string // of Problem, in English
	Done    string // what was done
	Books   []string
	Story   *story
	List    *list
	Event   *eventView
	Ask     *question

	given       url.Values
	hasMessages bool
}

func newView(r *http.Request) *view {
	tag := language.Wanted(r)
	return &view{
		Nonce: rand.Text(), Language: tag, Text: language.Texts(tag, pageTexts), Lists: listNames, given: r.URL.Query(),
	}
}

// get is a parameter of the page's address.
func (v *view) get(name string) string { return v.given.Get(name) }

// Given is get for the template.
func (v *view) Given(name string) string { return v.get(name) }

// To is the address of a page with these parameters, names and values in turn. The language stays.
func (v *view) To(pairs ...string) string {
	to := make(url.Values)
	if language.Is(v.get("language")) {
		to.Set("language", v.get("language"))
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			to.Set(pairs[i], pairs[i+1])
		}
	}
	return "?" + to.Encode()
}

// Here is the address of this page.
func (v *view) Here() string { return v.In(v.get("language")) }

// In is the address of this page in a language.
func (v *view) In(language string) string {
	var pairs []string
	for _, kept := range []string{"id", "list", "event", "merchant"} {
		pairs = append(pairs, kept, v.get(kept))
	}
	return v.To(append(pairs, "language", language)...)
}

// IsStill reports whether the page may be kept up to date: it shows something, and asks nothing.
func (v *view) IsStill() bool { return v.Story != nil || v.List != nil || v.Event != nil }

// vietnam is the zone of the page, as that of a report.
var vietnam = time.FixedZone(reportZone, 7*60*60)

// Moment shows a time to people.
func (v *view) Moment(at time.Time) string {
	return at.In(vietnam).Format("2006-01-02 15:04:05 -07:00")
}

// Machine shows a time to programs.
func (v *view) Machine(at time.Time) string { return at.UTC().Format(momentFormat) }

// Word is a status, a state or an outcome in the language of the page.
func (v *view) Word(of any) string {
	key := fmt.Sprint(of)
	if text, ok := pageWords[key]; ok {
		return text.In(v.Language)
	}
	return key
}

// Tone is a class of the style: how a status, a state or an outcome looks.
func (v *view) Tone(of any) string {
	switch fmt.Sprint(of) {
	case "paid", "delivered", "accepted":
		return "good"
	case "dead", "disputed", "failed", "rejected":
		return "bad"
	case "unknown", "silent", "abandoned", "at_work", "pending":
		return "warn"
	}
	return ""
}

// Short is the beginning of the id of an event.
func (v *view) Short(id string) string { return shortened(id) }

// Name is what a line of a story is about.
func (v *view) Name(l line) string {
	if l.Kind == lineCallback || l.Kind == lineDelivery {
		return shortened(l.Of)
	}
	return l.Of
}

// With lets a template inside the page see one thing, and the page.
func (v *view) With(of any) map[string]any { return map[string]any{"View": v, "Of": of} }

// CanAsk reports whether the gateway can be asked about a payment.
func (v *view) CanAsk(p payment) bool { return p.Status != "" && len(p.Transactions) > 0 }

// CanReplay reports whether an event may be delivered again. An overtaken one would undo what the app knows.
func (v *view) CanReplay(state inbox.State) bool { return state != inbox.Overtaken }

// LineOf is a line of a story in the language of the page.
func (v *view) LineOf(l line) string {
	if v.Language == language.Vietnamese && l.vi != "" {
		return l.vi
	}
	return l.Text
}

// Reason is the last error of an event in the language of the page.
func (v *view) Reason(text string) string {
	if v.Language == language.Vietnamese {
		return reasonIn(text)
	}
	return text
}

// fail shows why there is no page.
func (v *view) fail(w http.ResponseWriter, err error) error {
	status := http.StatusInternalServerError
	if api, ok := errors.AsType[caddy.APIError](err); ok {
		status, err = api.HTTPStatus, api.Err
	}
	if books, ok := errors.AsType[severalBooksError](err); ok {
		v.Books = books
	}
	v.Problem, v.Detail = v.explain(err)
	if refused, ok := errors.AsType[refusal](err); ok {
		status = refused.status
		v.given, v.Lists = url.Values{"language": {v.get("language")}}, nil
	}
	return v.write(w, status)
}

// explain says what an error means, and gives its own text where that says more.
func (v *view) explain(err error) (text, detail string) {
	if refused, ok := errors.AsType[refusal](err); ok {
		return v.Text[refused.text], ""
	}
	if _, ok := errors.AsType[severalBooksError](err); ok {
		return v.Text["severalBooks"], ""
	}
	for known, key := range map[error]string{
		errNoStory: "noStory", ErrNoInbox: "noStore", errNoLedger: "noStore", ErrNoAsker: "noAsker", ledger.ErrNoPayment: "noStory",
		ledger.ErrAsking: "asking", ledger.ErrBusy: "asking", ledger.ErrNotAskable: "notAskable",
	} {
		if errors.Is(err, known) {
			return v.Text[key], ""
		}
	}
	return v.Text["failed"], printable(err.Error())
}

// write sends a page that loads and runs nothing but its own script, and is stored nowhere. No site may put it into a
// frame, and lead the operator's clicks there.
func (v *view) write(w http.ResponseWriter, status int) error {
	var body bytes.Buffer
	if err := deskPage.ExecuteTemplate(&body, "desk.html", v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+"'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send no Origin that counts
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Language", string(v.Language))
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST")
	}
	return respond.Whole(w, status, "text/html; charset=utf-8", body.Bytes())
}
