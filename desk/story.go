package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// Bounds of a story: calls, events, and names that these are looked for by.
const (
	mostCalls  = 100
	mostEvents = 500
	mostNames  = 300
)

// story is all that is known of an order: its calls, their callbacks, and what came of each. Nothing that is sealed is in it.
type story struct {
	Merchant string    `json:"merchant"`
	Gateway  string    `json:"gateway"`
	Payments []payment `json:"payments"`
	Events   []told    `json:"events"`
	Lines    []line    `json:"lines"`
	More     bool      `json:"more"` // there is more than the bounds allow
}

var errNoStory = errors.New("the ledger has no call with this requestID, orderID or transactionID, and the inbox no event")

// showStory shows the order of one name.
func showStory(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	within, given, err := selectPayments(r, "id")
	if err != nil {
		return err
	}
	if given["id"] == "" || within != (ledger.Filter{Book: within.Book, Merchant: within.Merchant}) {
		return apiError(http.StatusBadRequest, errors.New("expected id, a requestID, orderID or transactionID; only merchant may be added"))
	}
	s, err := gather(r.Context(), m, within, given["id"])
	if err != nil {
		return err
	}
	return writeJSON(w, s)
}

// gather collects the story of what has a name.
func gather(ctx context.Context, m *inbox.Member, within ledger.Filter, name string) (story, error) {
	payments, err := paymentsOf(m)
	if err != nil {
		return story{}, err
	}
	g := &gathering{
		ctx: ctx, payments: payments, inbox: m.Engine().Store(), within: within,
		calls: make(map[uint64]ledger.Payment), events: make(map[uint64]inbox.Record),
		asked: make(map[ledger.Filter]bool),
	}
	book, err := g.begin(name)
	if err != nil {
		return story{}, err
	}
	if err := g.extend(book); err != nil {
		return story{}, apiError(http.StatusInternalServerError, err)
	}
	return g.story(book), nil
}

// gathering collects the calls and the events of an order, by Seq.
type gathering struct {
	ctx      context.Context
	payments ledger.Store
	inbox    inbox.Store
	within   ledger.Filter // a book, or a merchant
	calls    map[uint64]ledger.Payment
	events   map[uint64]inbox.Record
	asked    map[ledger.Filter]bool
	isCut    bool
}

// begin finds what has a name, and returns the one book that it is in.
func (g *gathering) begin(name string) (book string, err error) {
	if err := g.addNamed(name); err != nil {
		return "", apiError(http.StatusInternalServerError, err)
	}
	if len(g.calls)+len(g.events) == 0 { // a whole name comes before those that begin so
		if err := g.addCalls(ledger.Filter{RequestStart: name}); err != nil {
			return "", apiError(http.StatusInternalServerError, err)
		}
		if err := g.onlyOne(); err != nil {
			return "", err
		}
	}
	books := g.books()
	switch len(books) {
	case 0:
		return "", apiError(http.StatusNotFound, errNoStory)
	case 1:
		return books[0], nil
	}
	return "", apiError(http.StatusConflict, severalBooksError(books))
}

// severalBooksError is the error of a name that several books have.
type severalBooksError []string

// Error implements error.
func (e severalBooksError) Error() string {
	return "several merchants, or gateways of one, have this name; add merchant to choose one: " + named(e)
}

// addNamed adds what has a name.
func (g *gathering) addNamed(name string) error {
	for _, f := range []ledger.Filter{{RequestID: name}, {OrderID: name}, {Transaction: name}} {
		if err := errors.Join(g.addCalls(f), g.addEvents(f)); err != nil {
			return err
		}
	}
	return nil
}

// onlyOne refuses the beginning of several requestIDs.
func (g *gathering) onlyOne() error {
	var ids []string
	for _, c := range g.calls {
		ids = append(ids, c.RequestID)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) > 1 {
		return apiError(http.StatusConflict, fmt.Errorf("several calls have a requestID that begins so; give more of it: %s", named(ids)))
	}
	return nil
}

func (g *gathering) books() []string {
	books := make(map[string]bool)
	for _, c := range g.calls {
		books[c.Book] = true
	}
	for _, e := range g.events {
		books[e.Queue] = true
	}
	return slices.Sorted(maps.Keys(books))
}

// extend adds what belongs to the calls, until there is nothing more: calls of one order, calls about one transaction, and the
// events of each. What only an event says is not followed: a disputed one may name the order of another customer.
func (g *gathering) extend(book string) error {
	g.within = ledger.Filter{Book: book}
	for {
		names := g.names()
		if len(names) == 0 {
			return nil
		}
		for _, f := range names {
			if len(g.asked) == mostNames {
				g.isCut = true
				return nil
			}
			g.asked[f] = true
			if err := errors.Join(g.addCalls(f), g.addEvents(f)); err != nil {
				return err
			}
		}
	}
}

// names are those of the calls that nothing was looked for by so far.
func (g *gathering) names() (names []ledger.Filter) {
	add := func(f ledger.Filter) {
		if f != (ledger.Filter{}) && !g.asked[f] && !slices.Contains(names, f) {
			names = append(names, f)
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(g.calls)) {
		c := g.calls[seq]
		add(ledger.Filter{RequestID: c.RequestID})
		add(ledger.Filter{OrderID: c.OrderID})
		for _, transaction := range append(slices.Clip(c.Transactions), c.About) {
			add(ledger.Filter{Transaction: transaction})
		}
	}
	return names
}

// addCalls adds the calls that a filter picks.
func (g *gathering) addCalls(f ledger.Filter) error {
	f.Book, f.Merchant = g.within.Book, g.within.Merchant
	return collect(g.payments.Payments(g.ctx, f), g.calls, mostCalls, &g.isCut, func(p *ledger.Payment) uint64 { return p.Seq })
}

// addEvents adds the events that a filter of calls picks, by its names.
func (g *gathering) addEvents(f ledger.Filter) error {
	events := g.inbox.List(g.ctx, inbox.Filter{
		Queue: g.within.Book, Merchant: g.within.Merchant, RequestID: f.RequestID, OrderID: f.OrderID, Transaction: f.Transaction,
	})
	return collect(withoutMessages(events), g.events, mostEvents, &g.isCut, func(r *inbox.Record) uint64 { return r.Seq })
}

// withoutMessages drops the messages: many of them take much memory.
func withoutMessages(events iter.Seq2[inbox.Record, error]) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		for r, err := range events {
			r.Message = nil
			if !yield(r, err) {
				return
			}
		}
	}
}

// collect adds records to those that there are, up to a number. IsCut is set if there are more.
func collect[T any](records iter.Seq2[T, error], to map[uint64]T, most int, isCut *bool, seq func(*T) uint64) error {
	for record, err := range records {
		if err != nil {
			return err
		}
		if _, ok := to[seq(&record)]; !ok && len(to) == most {
			*isCut = true
			return nil
		}
		to[seq(&record)] = record
	}
	return nil
}

// story puts what was collected in order.
func (g *gathering) story(book string) story {
	merchant, gateway, _ := strings.Cut(book, " ")
	s := story{Merchant: merchant, Gateway: gateway, Payments: []payment{}, Events: []told{}, More: g.isCut}
	for _, seq := range slices.Sorted(maps.Keys(g.calls)) {
		c := g.calls[seq]
		s.Payments = append(s.Payments, shown(c))
		s.Lines = append(s.Lines, linesOfCall(&c)...)
	}
	for _, seq := range slices.Sorted(maps.Keys(g.events)) {
		e := g.events[seq]
		s.Events = append(s.Events, tellOf(&e))
		s.Lines = append(s.Lines, linesOfEvent(&e)...)
	}
	slices.SortStableFunc(s.Lines, compareLines)
	return s
}
