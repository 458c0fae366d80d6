package galaxypay

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/unanswered"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

func init() {
	caddy.RegisterModule(Guard{})
}

// callbackHeaders say to the app what a proven callback means. No outsider can set them:
// removeCallbackHeaders takes away what came in their place.
type callbackHeaders struct {
	callback      string // ipn, result or cancel
	merchant      string
	paymentStatus string
	deliveryID    string
	transaction   string       // transactionID or, of a payment link, orderNo; "" and no header where it has neither
	order         string       // orderID or, of a payment link, orderNo; "" and no header where it has neither
	match         ledger.Order // whether it fits what was signed; "" and no header without a ledger
	operation     string       // of the call that it is about; "" and no header where none is known
	confirmed     string       // whether the gateway has confirmed it on asking; "" and no header where it was not asked
	attempt       int          // counts from 1 where the callback comes out of the inbox; else 0, and no header
}

func (c callbackHeaders) set(h http.Header) {
	h.Set("Galaxypay-Callback", c.callback)
	h.Set("Galaxypay-Merchant", c.merchant)
	h.Set("Galaxypay-Payment-Status", c.paymentStatus)
	h.Set("Galaxypay-Delivery-Id", c.deliveryID)
	setName(h, "Galaxypay-Transaction-Id", c.transaction)
	setName(h, "Galaxypay-Order-Id", c.order)
	if c.match != "" {
		h.Set("Galaxypay-Order", string(c.match))
	}
	if c.operation != "" {
		h.Set("Galaxypay-Operation", c.operation)
	}
	if c.confirmed != "" {
		h.Set("Galaxypay-Confirmed", c.confirmed)
	}
	if c.attempt > 0 {
		h.Set("Galaxypay-Attempt", strconv.Itoa(c.attempt))
	}
}

// setName sets a header to a name out of the message. One that is longer than the inbox keeps is left out
// with an inbox and without: some servers refuse long headers.
func setName(h http.Header, header, name string) {
	if name != "" && len(name) <= inbox.MaxName {
		h.Set(header, percentEncoded(name))
	}
}

// percentEncoded writes % and every byte that is no printable ASCII character as %XX: an orderID may hold anything, line ends
// too, and what an app decodes must be what was signed.
func percentEncoded(text string) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c == '%' || c < 0x21 || c > 0x7e {
			b.WriteByte('%')
			b.WriteByte(hexadecimal[c>>4])
			b.WriteByte(hexadecimal[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// removeCallbackHeaders deletes every header that could be taken for one of ours: an
// outsider who sets Galaxypay-Payment-Status: paid must not be believed. CGI and
// FastCGI write underscores for hyphens, and lighttpd for every character that is
// no letter or digit.
func removeCallbackHeaders(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.Map(folded, name), "galaxypay_") {
			delete(h, name)
		}
	}
}

// folded is a character of a header's name as servers pass it on, in lower case.
func folded(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return r
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	}
	return '_'
}

// Guard removes the headers and trailers from requests that could be taken for those that [IPN] and [Result] set.
// It belongs into every site whose app goes by them, since the app may be reached past the paths of callbacks.
// Behind IPN and Result it does nothing: what they have set stays. It does not belong into a site that a
// sidecar elsewhere sends callbacks to.
type Guard struct{}

// CaddyModule returns the Caddy module information.
func (Guard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_guard",
		New: func() caddy.Module { return new(Guard) },
	}
}

// Provision puts a guard before the error routes of the server: Caddy sends some requests there before any route
// of a site, such as one with an empty Host.
func (Guard) Provision(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server.Errors == nil || !unanswered.IsProvisioning(server) {
		return nil // a guard of error routes: their list is at work, and not to be replaced
	}
	routes := server.Errors.Routes
	if len(routes) == 0 || len(routes[0].Handlers) > 0 && isGuard(routes[0].Handlers[0]) {
		return nil
	}
	guard := caddyhttp.Route{Handlers: []caddyhttp.MiddlewareHandler{Guard{}}}
	server.Errors.Routes = append(caddyhttp.RouteList{guard}, routes...)
	return nil
}

func isGuard(handler caddyhttp.MiddlewareHandler) bool {
	switch handler.(type) {
	case Guard, *Guard:
		return true
	}
	return false
}

// ServeHTTP takes the headers away, also for handle_errors, which gets the same request.
func (Guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if isProven(r) {
		return next.ServeHTTP(w, r)
	}
	removeCallbackHeaders(r.Header)
	removeCallbackHeaders(r.Trailer)
	if r.Body != nil && r.ContentLength < 0 {
		r.Body = &trailerGuard{r.Body, r}
	}
	return next.ServeHTTP(w, r)
}

// trailerGuard removes what comes in the trailer, which is read with the end of the body.
type trailerGuard struct {
	io.ReadCloser
	r *http.Request
}

// Read implements io.Reader.
func (t *trailerGuard) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		removeCallbackHeaders(t.r.Trailer)
	}
	return n, err
}

// provenMark is the value of a variable of the request. Its type is not exported, so that no configuration can set it.
type provenMark struct{}

const provenVariable = "galaxypay.proven"

// markProven says of a request that its callback headers are ours. The variables of a request stay with it, in handle_errors too.
func markProven(r *http.Request) { caddyhttp.SetVar(r.Context(), provenVariable, provenMark{}) }

func isProven(r *http.Request) bool {
	_, ok := caddyhttp.GetVar(r.Context(), provenVariable).(provenMark)
	return ok
}

// Interface guards
var (
	_ caddy.Provisioner           = Guard{}
	_ caddyhttp.MiddlewareHandler = Guard{}
)
