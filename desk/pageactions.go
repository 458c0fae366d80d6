package desk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// deed is what a button does.
type deed string

// The deeds.
const (
	deedReplay deed = "replay" // deliver an event again
	deedQuery  deed = "query"  // ask the gateway about a payment
)

// question is what the page asks before it does something.
type question struct {
	Deed  deed
	Book  string
	Of    string // the id of an event, or the requestID of a payment
	Name  string // a name by which its story is found
	Token string
	Event *eventView
	Call  *payment
}

// Bounds of tickets.
const (
	mostTickets  = 1000
	ticketsEndIn = 10 * time.Minute
)

// ticket is the right to do what was asked, once.
type ticket struct {
	question
	who string
	end time.Time
}

// tickets are those that are out, by token.
type tickets struct {
	mu  sync.Mutex
	out map[string]ticket
}

func newTickets() *tickets { return &tickets{out: make(map[string]ticket)} }

// issue returns the token of a new ticket. If too many are out, the one that ends first gives way.
func (t *tickets) issue(q question, who string, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.out) >= mostTickets {
		first := ""
		for token, other := range t.out {
			if first == "" || other.end.Before(t.out[first].end) {
				first = token
			}
		}
		delete(t.out, first)
	}
	token := rand.Text()
	t.out[token] = ticket{q, who, now.Add(ticketsEndIn)}
	return token
}

// use ends a ticket. It is good for the caller who was asked, and for some minutes.
func (t *tickets) use(token, who string, now time.Time) (question, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.out[token]
	if !ok || found.who != who {
		return question{}, false
	}
	delete(t.out, token)
	return found.question, now.Before(found.end)
}

// ask asks whether something is to be done.
func (p *Page) ask(r *http.Request, m *inbox.Member, v *view) error {
	q := question{Deed: deed(v.get("ask")), Book: v.get("merchant")}
	switch q.Deed {
	case deedReplay:
		record, err := v.eventNamed(r, m)
		if err != nil {
			return err
		}
		e := viewEvent(record)
		q.Of, q.Event, q.Name = record.ID, &e, e.StoryName()
	case deedQuery:
		found, err := findOne(r, m, ledger.Filter{Book: q.Book, RequestID: v.get("request")})
		if err != nil {
			return err
		}
		q.Of, q.Call, q.Name, q.Book = found.RequestID, &found, found.RequestID, found.Book
	default:
		return apiError(http.StatusNotFound, errors.New("expected ask to be replay or query"))
	}
	q.Token = p.tickets.issue(q, userOf(r), time.Now())
	v.Ask = &q
	return nil
}

// maxForm bounds the body of a button, in bytes.
const maxForm = 4 << 10

// act does what was asked, once.
func (p *Page) act(w http.ResponseWriter, r *http.Request, v *view) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return v.fail(w, refusal{http.StatusBadRequest, "wrongToken"})
	}
	who := userOf(r)
	q, ok := p.tickets.use(r.PostForm.Get("token"), who, time.Now())
	if !ok {
		return v.fail(w, refusal{http.StatusForbidden, "wrongToken"})
	}
	log := p.log.With(zap.String("who", who), zap.String("remote", r.RemoteAddr), zap.String("action", string(q.Deed)),
		zap.String("merchant", q.Book), zap.String("of", q.Of))
	log.Info("the desk begins what an operator has confirmed")
	said, err := p.do(r, v, &q)
	if err != nil {
		log.Info("the desk could not do what an operator has confirmed", zap.Error(err))
		return v.fail(w, err)
	}
	log.Info("the desk has done what an operator has confirmed", zap.String("result", said))
	v.Ask = nil
	v.given.Set("id", q.Name)
	v.given.Set("merchant", q.Book)
	return v.write(w, http.StatusOK)
}

// userOf is who presses a button, for the audit: a signed-in user, or an address.
func userOf(r *http.Request) string {
	if user := signedIn(r); user != "" {
		return "user " + user
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return "address " + host
	}
	return "unix socket"
}

// do does it. Said is what came of it, for the audit.
func (p *Page) do(r *http.Request, v *view, q *question) (said string, err error) {
	m, err := inboxOf(p.app)
	if err != nil {
		return "", err
	}
	if q.Deed == deedReplay {
		return v.replay(r, m, q)
	}
	answer, err := p.app.Ask(q.Book, q.Of)
	if err != nil {
		return "", apiError(statusOfQuery(err), err)
	}
	v.Done = fmt.Sprintf(v.Text["queried"], v.Word(string(answer.Payment.Status)))
	return "the gateway said " + answer.Said, nil
}

func (v *view) replay(r *http.Request, m *inbox.Member, q *question) (said string, err error) {
	if err := checkReplay(r, m, inbox.Filter{ID: q.Of, Queue: q.Book}); err != nil {
		return "", err
	}
	// Without ID, the store leaves alone what must not be the last word on a paid transaction.
	n, err := m.Engine().Replay(r.Context(), inbox.Filter{IDPrefix: q.Of, Queue: q.Book})
	if err != nil {
		return "", apiError(http.StatusInternalServerError, err)
	}
	v.Done = v.Text["replayed"]
	if n == 0 {
		v.Done = v.Text["notReplayed"]
	}
	return "events to be delivered again: " + strconv.Itoa(n), nil
}
