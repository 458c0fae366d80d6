package desk

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// listName is a list of what a person must look into, and a key of pageTexts.
type listName string

// The lists: two of events, and three of calls.
const (
	listDead      listName = "dead"
	listDisputed  listName = "disputed"
	listUnknown   listName = "unknown"
	listSilent    listName = "silent"
	listAbandoned listName = "abandoned"
)

var listNames = []listName{listDead, listDisputed, listUnknown, listSilent, listAbandoned}

// list is one of them, up to defaultListed: events with the oldest first, calls with the newest first.
type list struct {
	Name     listName
	Events   []eventView
	Payments []payment
	More     bool
}

// eventView is an event on the page.
type eventView struct {
	told
	Queue   string
	Message string
	IsShown bool // the option messages is on
}

// StoryName is a name by which the story of the event is found.
func (e eventView) StoryName() string { return cmp.Or(e.RequestID, e.OrderID, e.Transaction) }

// Views are the events of a story.
func (s *story) Views() (views []eventView) {
	for _, e := range s.Events {
		views = append(views, eventView{told: e, Queue: s.Merchant + " " + s.Gateway})
	}
	return views
}

func viewEvent(record inbox.Record) eventView {
	return eventView{told: tellOf(&record), Queue: record.Queue}
}

// showStory shows the order of one name.
func (v *view) showStory(r *http.Request, m *inbox.Member) error {
	name := v.get("id")
	if len(name) > inbox.MaxName {
		return apiError(http.StatusNotFound, errNoStory)
	}
	var within ledger.Filter
	if merchant := v.get("merchant"); merchant != "" {
		if err := selectPaymentsBy(&within, "merchant", merchant); err != nil {
			return err
		}
	}
	s, err := gather(r.Context(), m, within, name)
	v.Story = &s
	if err != nil {
		v.Story = nil
	}
	return err
}

// showList shows one of the lists.
func (v *view) showList(r *http.Request, m *inbox.Member) error {
	l := &list{Name: listName(v.get("list"))}
	if !slices.Contains(listNames, l.Name) {
		return apiError(http.StatusNotFound, errors.New("expected list to be dead, disputed, unknown, silent or abandoned"))
	}
	var err error
	switch l.Name {
	case listDead:
		err = l.addEvents(r, m, inbox.Filter{State: inbox.Dead})
	case listDisputed:
		err = l.addEvents(r, m, inbox.Filter{PaymentStatus: string(ledger.Disputed)})
	case listUnknown:
		err = l.addPayments(r, m, ledger.Filter{Outcome: ledger.Unknown})
	case listSilent:
		err = l.addPayments(r, m, ledger.Filter{Status: ledger.Silent})
	case listAbandoned:
		err = l.addPayments(r, m, ledger.Filter{Status: ledger.Abandoned})
	}
	if err == nil {
		v.List = l
	}
	return err
}

func (l *list) addEvents(r *http.Request, m *inbox.Member, f inbox.Filter) error {
	f.Limit = defaultListed + 1
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err != nil {
			return apiError(http.StatusInternalServerError, err)
		}
		if len(l.Events) == defaultListed {
			l.More = true
			return nil
		}
		l.Events = append(l.Events, viewEvent(record))
	}
	return nil
}

func (l *list) addPayments(r *http.Request, m *inbox.Member, f ledger.Filter) error {
	f.NewestFirst, f.Limit = true, defaultListed+1
	found, err := find(r, m, f)
	l.More = len(found) > defaultListed
	l.Payments = found[:min(len(found), defaultListed)]
	return err
}

// eventNamed is the one event that the address of the page names.
func (v *view) eventNamed(r *http.Request, m *inbox.Member) (inbox.Record, error) {
	f := inbox.Filter{ID: v.get("event"), Queue: v.get("merchant")}
	if f.Queue == "" || len(f.ID) != lengthOfID {
		return inbox.Record{}, apiError(http.StatusNotFound, fmt.Errorf("expected event, an id of %d characters, and merchant, its name and its gateway", lengthOfID))
	}
	return findEvent(r, m, f)
}

// showEvent shows one event, with its message if the option messages is on.
func (v *view) showEvent(r *http.Request, m *inbox.Member) error {
	record, err := v.eventNamed(r, m)
	if err != nil {
		return err
	}
	e := viewEvent(record)
	if v.hasMessages {
		e.IsShown = true
		e.Message, err = messageOf(m, record)
	}
	if err != nil {
		return err
	}
	v.Event = &e
	return nil
}
