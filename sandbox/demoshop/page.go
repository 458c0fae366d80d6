package demoshop

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/local"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed pages/shop.js
var script []byte

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"dong": dong,
	"hour": func(t time.Time) string { return t.In(vietnam).Format("15:04:05") },
}).ParseFS(pageFiles, "pages/*.html"))

// dong writes an amount as Vietnamese readers know it: 1.890.000 ₫.
func dong(amount int64) string {
	digits := strconv.FormatInt(amount, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return digits + " ₫"
}

// page is what the templates show.
type page struct {
	Title       string // what this page is, in front of the shop's name; empty: no more than that
	Nonce       string // lets the page's own style and script through its security policy
	Language    language.Tag
	Text        map[string]string
	Goods       []item
	Orders      []orderView
	Unassigned  []exchange
	Faults      []faultGroup
	Stories     []storyView
	Order       orderView
	Status      string // of a result callback, in words
	Callback    callbackView
	ModalScript string
	Dashboard   string
}

// item is a product in the reader's language.
type item struct {
	ID, Icon, Name string
	Price          int64
}

// faultGroup is a part of the list of faults, in the reader's language.
type faultGroup struct {
	Title  string
	Faults []faultView
}

type faultView struct{ Name, About string }

func viewFaults(in language.Tag) []faultGroup {
	group := func(title language.Text, faults fault.Faults) faultGroup {
		g := faultGroup{Title: title.In(in)}
		for _, f := range faults {
			g.Faults = append(g.Faults, faultView{f.Name, f.About.In(in)})
		}
		return g
	}
	all := fault.All()
	return []faultGroup{
		group(faultsOfAnswers, all.OfAnswers()), group(faultsOfIPNs, all.OfIPNs()), group(faultsOfResults, all.OfResults()),
		group(faultsOfQueries, all.OfQueries()),
	}
}

// orderView is an order in the reader's language.
type orderView struct {
	ID, Name      string
	Price         int64
	Way           string
	State         string
	StateName     string
	StateAbout    string
	Told          string
	TransactionID string
	Endpoint      string
	Home          string
	Open          bool // can still be paid
	CanAsk        bool
	Lost          bool // the gateway has it, but where it is paid was lost with an answer
	Modal         bool
	Link          bool
	CanRepeat     bool
	Review        bool
	Disputed      bool
	Story         storyView // without an id: none
	HandedOut     int
	Exchanges     []exchange
	Dropped       int
}

func viewOrder(o order, in language.Tag) orderView {
	open := o.endpoint != "" && !o.state.ended()
	return orderView{
		ID:            o.id,
		Name:          o.product.name.In(in),
		Price:         o.product.price,
		Way:           wayTexts[o.way].In(in),
		State:         string(o.state),
		StateName:     stateTexts[o.state].In(in),
		StateAbout:    aboutTexts[o.state].In(in),
		Told:          o.told,
		TransactionID: o.transactionID,
		Endpoint:      o.endpoint,
		Home:          o.home,
		Open:          open,
		CanAsk:        o.canAsk(),
		Lost:          o.state == pending && o.endpoint == "",
		Modal:         o.way == "modal",
		Link:          o.way == "link",
		CanRepeat:     o.canRepeat(),
		Review:        o.review,
		Disputed:      o.disputed,
		Story:         viewStory(o.story, in),
		HandedOut:     o.handedOut,
		Exchanges:     o.exchanges,
		Dropped:       o.dropped,
	}
}

// callbackView is what a result page says of its message, in the reader's language.
type callbackView struct{ State, StateName, OrderID, Amount string }

func viewCallback(c callback, o order, in language.Tag) callbackView {
	said := c.status
	if said == disputed || said == authorized {
		said = pending // the customer may have paid
	}
	if _, known := resultTexts[said]; !known {
		said = failed
	}
	return callbackView{State: string(said), StateName: stateTexts[said].In(in), OrderID: string(c.Data.OrderID), Amount: c.amount(o)}
}

// amount is the price of the order. An order that is not the shop's has what the message says.
func (c callback) amount(o order) string {
	if o.id != "" {
		return dong(o.product.price)
	}
	amount := plain(c.Data.Amount)
	whole, fraction, _ := strings.Cut(amount, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && c.Data.Currency == currency && strings.Trim(fraction, "0") == "" {
		return dong(n)
	}
	return strings.TrimSpace(amount + " " + short(c.Data.Currency))
}

func (h *Handler) newPage(r *http.Request) page {
	in := language.Of(r)
	return page{Nonce: rand.Text(), Language: in, Text: textsOfPages(in), Dashboard: h.gateway + "/"}
}

// newOrderPage has the order's state in its title, so that a page with an error says so there.
func (h *Handler) newOrderPage(r *http.Request, o order) page {
	p := h.newPage(r)
	p.Order = viewOrder(o, p.Language)
	p.Title = p.Text["Order"] + " " + o.id + ": " + p.Order.StateName
	return p
}

func (h *Handler) showGoods(w http.ResponseWriter, r *http.Request) {
	p := h.newPage(r)
	for _, g := range goods {
		p.Goods = append(p.Goods, item{g.id, g.icon, g.name.In(p.Language), g.price})
	}
	for _, o := range h.orders.newest() {
		p.Orders = append(p.Orders, viewOrder(o, p.Language))
	}
	p.Unassigned, p.Faults = h.orders.unassignedCallbacks(), viewFaults(p.Language)
	p.Stories = viewStories(p.Language)
	writePage(w, http.StatusOK, "goods.html", p, policy{})
}

func (h *Handler) showOrder(w http.ResponseWriter, r *http.Request) {
	o, found := h.orders.find(r.PathValue("id"))
	if !found {
		h.showMissing(w, r)
		return
	}
	p := h.newOrderPage(r, o)
	var allow policy
	if o.way == "modal" && o.endpoint != "" {
		p.ModalScript = h.modalScript
		allow.script, allow.frame = h.gateway, h.gateway
		if endpoint, err := address(o.endpoint); err == nil {
			allow.frame = origin(endpoint)
		}
	}
	writePage(w, http.StatusOK, "order.html", p, allow)
}

// showLive is the part of the order's page that changes.
func (h *Handler) showLive(w http.ResponseWriter, r *http.Request) {
	o, found := h.orders.find(r.PathValue("id"))
	if !found {
		h.showMissing(w, r)
		return
	}
	writePage(w, http.StatusOK, "live", h.newOrderPage(r, o), policy{})
}

func (h *Handler) showMissing(w http.ResponseWriter, r *http.Request) {
	p := h.newPage(r)
	p.Title = p.Text["NoOrder"]
	writePage(w, http.StatusNotFound, "missing.html", p, policy{})
}

// showResult is the page that the customer comes back to. The way to the order is an
// absolute address, because this page is shown at the address of the callbacks. Programs
// get one line.
func (h *Handler) showResult(w http.ResponseWriter, r *http.Request, c callback, o order) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "Payment status: %s\n", c.status)
		return
	}
	p := h.newPage(r)
	p.Callback = viewCallback(c, o, p.Language)
	p.Status = resultTexts[state(p.Callback.State)].In(p.Language)
	p.Title = p.Status
	if o.id != "" {
		p.Order = viewOrder(o, p.Language)
	}
	writePage(w, http.StatusOK, "result.html", p, policy{})
}

func serveScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(script)
}

// policy is what a page may load besides what is its own: origins.
type policy struct{ script, frame string }

// writePage sends a page that is stored nowhere. There is no form-action in its policy:
// browsers apply that to the redirect after a form too, which goes to the gateway.
func writePage(w http.ResponseWriter, status int, name string, p page, allow policy) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, p); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	nonce := "'nonce-" + p.Nonce + "'"
	directives := "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'; style-src " + nonce +
		"; script-src " + nonce
	if allow.script != "" {
		directives += " " + allow.script
	}
	if allow.frame != "" {
		directives += "; frame-src " + allow.frame
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", directives)
	header.Set("Content-Language", string(p.Language))
	header.Set("Cache-Control", "no-store")
	// Not no-referrer, which makes browsers call the origin of the shop's own forms null.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// ownSite answers programs, which send no Origin, and of all web pages the shop's own. A
// name that a stranger owns and that leads to this machine is another site's: see local.IsHost.
func ownSite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !local.IsHost(r.Host) {
			http.Error(w, "The shop is at localhost and at IP addresses only.", http.StatusMisdirectedRequest)
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			if !local.IsOrigin(origin, r.Host) {
				http.Error(w, "This form is not the shop's own.", http.StatusForbidden)
				return
			}
		}
		next(w, r)
	}
}
