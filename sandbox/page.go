package sandbox

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/webpage"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(webpage.New().ParseFS(pageFiles, "pages/*.html"))

// page is what the templates show.
type page struct {
	Nonce     string // lets the page's own style and script through its security policy
	Title     string // what this page is, in front of the sandbox's name; empty: no more than that
	Language  language.Tag
	Text      map[string]string
	Dashboard map[string]string // the texts of the dashboard
	Payment   paymentView
	Framed    bool // a page of the merchant's may put it into a frame
	Step      stepView
	Complaint string
	Back      *redirect // nil: the merchant named no address
	Payments  []paymentView
	MaxListed int  // how many of them the dashboard lists
	Live      bool // its script calls the sandbox
}

func newPage(tag language.Tag) page {
	return page{Nonce: rand.Text(), Language: tag, Text: language.Texts(tag, pageTexts)}
}

// writePage sends a page that loads nothing, runs nothing but its own script and is stored
// nowhere. There is no form-action in its policy: browsers apply that to the redirect
// after a form too, and the form's whole purpose is a redirect to the merchant's site.
//
// No other site may put it into a frame and lead the customer's clicks there. Payments of
// the operation checkout are made for a frame: every site may have theirs, because the
// gateway does not know which one will.
func writePage(w http.ResponseWriter, status int, name string, p page) {
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
	w.WriteHeader(status)
	// All that is left to fail is the connection to the browser.
	_ = pages.ExecuteTemplate(w, name, p)
}
