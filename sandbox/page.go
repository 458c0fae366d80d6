package sandbox

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is what the templates show.
type page struct {
	Nonce    string // lets the page's own style through its security policy
	Text     *text
	Payment  paymentView
	Back     template.URL // address of the app, with the signed result
	Payments []paymentView
}

// paymentView is a transaction in the reader's language.
type paymentView struct {
	ID        string
	Title     string     // of the page while the payment is open
	Questions []question // what the payer of a link is asked for
	Order     order
	Stage     string
	Happened  string
	IPN       string
	IPNAnswer string
}

// question is an input of the payment form.
type question struct{ Name, Label string }

// writePage sends a page that loads nothing, runs nothing and is stored nowhere. There is
// no form-action in its policy: browsers apply that to the redirect after a form too,
// and the form's whole purpose is a redirect to the merchant's site.
func writePage(w http.ResponseWriter, status int, name string, p page) {
	p.Nonce = rand.Text()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'nonce-"+p.Nonce+"'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// All that is left to fail is the connection to the browser.
	_ = pages.ExecuteTemplate(w, name, p)
}
