package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/local"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
)

func init() {
	caddy.RegisterModule(new(Page))
	httpcaddyfile.RegisterHandlerDirective("galaxypay_desk", parsePage)
	// Before the handlers that an app is reached through, so that its path is answered in a site with an app too. Caddy's
	// basic_auth comes before it.
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_desk", httpcaddyfile.Before, "respond")
}

// Page is the page for the person on call. It shows the story of an order, and what a person must look into; it has an
// event delivered again, and the gateway asked. It answers every path that it gets.
//
// It answers callers in Allow, users that an authentication handler of Caddy's has let in, and callers on a unix socket.
type Page struct {
	// Who may use the page without a password: IP addresses, CIDR ranges, or private_ranges. Default: loopback only.
	Allow []string `json:"allow,omitempty"`

	// The names of the site, without a port, under which the page is shown. Default: localhost, names below it, and IP
	// addresses only. Under another name, a page of another site could read this one.
	Hosts []string `json:"hosts,omitempty"`

	// Show the messages of events. Card numbers, tokens, and what is known of the payer are masked. Default: false.
	Messages bool `json:"messages,omitempty"`

	users   allow.List
	app     App
	tickets *tickets
	log     *zap.Logger
}

// pageTimeout bounds how long the store may take for a page.
const pageTimeout = 15 * time.Second

// CaddyModule returns the Caddy module information.
func (*Page) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_desk",
		New: func() caddy.Module { return new(Page) },
	}
}

// Provision checks the options and finds the app.
func (p *Page) Provision(ctx caddy.Context) error {
	var err error
	if p.users, err = allow.Parse(p.Allow); err != nil {
		return err
	}
	for _, name := range p.Hosts {
		if name == "" || !strings.EqualFold(name, local.Name(name)) {
			return errors.New("hosts: expected names without a port, such as desk.example.com")
		}
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	p.app, p.tickets, p.log = app.(App), newTickets(), ctx.Logger()
	return nil
}

// ServeHTTP answers with the page.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	v := newView(r)
	if err := p.check(r); err != nil {
		return v.fail(w, err)
	}
	if r.Method == http.MethodPost {
		return p.act(w, r, v)
	}
	if v.get("script") == "live" {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		return respond.Whole(w, http.StatusOK, "text/javascript; charset=utf-8", liveScript)
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	if err := p.fill(r.WithContext(ctx), v); err != nil {
		return v.fail(w, err)
	}
	return v.write(w, http.StatusOK)
}

// refusal is why a request gets no page.
type refusal struct {
	status int
	text   string // key of pageTexts
}

// Error implements error.
func (e refusal) Error() string { return pageTexts[e.text].En }

// check refuses what must not see the page, or press its buttons.
func (p *Page) check(r *http.Request) error {
	switch {
	case !p.isOwnHost(r.Host):
		return refusal{http.StatusMisdirectedRequest, "wrongHost"}
	case !p.users.Includes(r) && signedIn(r) == "":
		return refusal{http.StatusForbidden, "wrongCaller"}
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return refusal{http.StatusMethodNotAllowed, "wrongMethod"}
	case !isFromOwnPage(r):
		return refusal{http.StatusForbidden, "wrongOrigin"}
	}
	return nil
}

func (p *Page) isOwnHost(host string) bool {
	return local.IsHost(host) || slices.ContainsFunc(p.Hosts, func(own string) bool { return strings.EqualFold(own, local.Name(host)) })
}

// isFromOwnPage is false for what a page of another site has sent. A link to the page may be followed from everywhere.
func isFromOwnPage(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !local.IsOrigin(origin, r.Host) {
			return false
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		isLink := r.Method != http.MethodPost && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
		if site != "same-origin" && site != "none" && !isLink {
			return false
		}
	}
	return true
}

// signedIn is the user that a handler of Caddy's, such as basic_auth, has let in; "": none has.
func signedIn(r *http.Request) string {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	user, _ := replacer.GetString("http.auth.user.id")
	return user
}

// fill looks up what the address of the page names.
func (p *Page) fill(r *http.Request, v *view) error {
	m, err := inboxOf(p.app)
	if err != nil {
		return err
	}
	v.hasMessages = p.Messages
	switch {
	case v.get("ask") != "":
		return p.ask(r, m, v)
	case v.get("event") != "":
		return v.showEvent(r, m)
	case v.get("id") != "":
		return v.showStory(r, m)
	case v.get("list") != "":
		return v.showList(r, m)
	}
	return nil
}

// messageOf is the event's message without what must not be seen; "" where it was dropped.
func messageOf(m *inbox.Member, record inbox.Record) (string, error) {
	if len(record.Message) == 0 {
		return "", nil
	}
	message, err := m.Message(record.Event)
	if err != nil {
		return "", err
	}
	return masked(message)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Page)(nil)
	_ caddyhttp.MiddlewareHandler = (*Page)(nil)
)
