package sandbox

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is what the templates show.
type page struct {
	Nonce     string // lets the page's own style and script through its security policy
	Text      *text
	Payment   paymentView
	Framed    bool // a page of the merchant's may put it into a frame
	Step      stepView
	Complaint string
	Back      *wayBack // nil: the merchant named no address
	Payments  []paymentView
	Live      bool // its script asks the sandbox for more
}

// paymentView is a transaction in the reader's language.
type paymentView struct {
	ID        string
	Title     string     // of the page while the payment is open
	Questions []question // what the payer of a link is asked for
	Order     order
	Amount    string // readable, with its currency
	Stage     string
	Good      bool // paid, or held for capture
	Happened  string
	IPN       string
	IPNAnswer string
	Told      string // the status, once the app has been told of it
}

// stepView is what an open payment waits for.
type stepView struct {
	Due         string // the time of expiry
	Left        string // until then
	LeftSeconds int
	Method      string
	MethodName  string
	Methods     []choice // offered; empty: there is nothing to choose
	Cards       []card.TestCard
	Card        card.TestCard // fills the form
	Paying      *card.Account // the card that is paid with
	OTP         string
	QR          template.URL
}

// choice is a method that the page offers.
type choice struct{ Method, Name string }

// question is an input of the payment form.
type question struct{ Name, Label string }

// writePage sends a page that loads nothing, runs nothing but its own script and is stored
// nowhere. There is no form-action in its policy: browsers apply that to the redirect
// after a form too, and the form's whole purpose is a redirect to the merchant's site.
//
// No other site may put it into a frame and lead the customer's clicks there. Payments of
// the operation checkout are made for a frame: every site may have theirs, because the
// gateway is not told which one will.
func writePage(w http.ResponseWriter, status int, name string, p page) {
	p.Nonce = rand.Text()
	ancestors := "'none'"
	if p.Framed {
		ancestors = "*"
	}
	more := ""
	if p.Live {
		more = "; connect-src 'self'; form-action 'none'"
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy",
		"default-src 'none'; img-src data:; style-src 'nonce-"+p.Nonce+"'; script-src 'nonce-"+p.Nonce+"'; base-uri 'none'; frame-ancestors "+ancestors+more)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// All that is left to fail is the connection to the browser.
	_ = pages.ExecuteTemplate(w, name, p)
}
