package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Bounds of a list.
const (
	defaultListed = 100
	maxListed     = 10_000
)

// entry is an event as people see it. Its message takes the place of the stored one.
type entry struct {
	inbox.Record
	Message      json.RawMessage `json:"message,omitempty"`
	MessageError string          `json:"messageError,omitempty"` // why there is no message
}

// withMessage is the entry of a record with its message. An event whose message cannot be
// decrypted is still shown: its other members help to find the key.
func withMessage(m *inbox.Member, r inbox.Record) entry {
	message, err := m.Message(r.Event)
	r.Answer = m.Answer(r)
	switch {
	case err != nil:
		return entry{Record: r, MessageError: err.Error()}
	case !json.Valid(message):
		return entry{Record: r, MessageError: "the message is not JSON"}
	}
	return entry{Record: r, Message: message}
}

func listEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := querySelection(r)
	if err != nil {
		return err
	}
	if f.Limit == 0 {
		f.Limit = defaultListed
	}
	limit := min(f.Limit, maxListed)
	f.Limit = limit + 1
	answer := struct {
		Events []entry `json:"events"`
		More   bool    `json:"more"` // there are events beyond the limit
	}{Events: []entry{}}
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err != nil {
			return apiError(http.StatusInternalServerError, err)
		}
		if len(answer.Events) == limit {
			answer.More = true
			break
		}
		record.Message, record.Answer = nil, m.Answer(record) // a long list of messages takes much memory
		answer.Events = append(answer.Events, entry{Record: record})
	}
	return writeJSON(w, answer)
}

func showEvent(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := querySelection(r)
	if err != nil {
		return err
	}
	if f.ID == "" || f != (inbox.Filter{ID: f.ID, Queue: f.Queue, Merchant: f.Merchant}) {
		return apiError(http.StatusBadRequest, errors.New("expected the id of one event, or its beginning; only queue may be added"))
	}
	if len(f.ID) < lengthOfID {
		f.ID, f.IDPrefix = "", f.ID
	}
	record, err := findEvent(r, m, f)
	if err != nil {
		return err
	}
	return writeJSON(w, withMessage(m, record))
}

// lengthOfID is that of a SHA-256 in hex.
const lengthOfID = 64

// findEvent returns the one event that a filter with an id, or its beginning, picks.
func findEvent(r *http.Request, m *inbox.Member, f inbox.Filter) (found inbox.Record, err error) {
	f.Limit = mostNamed + 1
	var ids, queues []string
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err != nil {
			return found, apiError(http.StatusInternalServerError, err)
		}
		found = record
		ids, queues = append(ids, record.ID), append(queues, record.Queue)
	}
	switch {
	case len(ids) == 0:
		return found, apiError(http.StatusNotFound, errors.New("no such event in the inbox"))
	case len(ids) == 1:
		return found, nil
	case len(slices.Compact(slices.Sorted(slices.Values(ids)))) == 1:
		return found, apiError(http.StatusConflict, fmt.Errorf("several merchants, or gateways of one, have an event of this id; add queue to choose one: %s", named(queues)))
	}
	return found, apiError(http.StatusConflict, fmt.Errorf("several events have an id that begins so; give more of it: %s", named(ids)))
}

// mostNamed is how many of several things an error names.
const mostNamed = 10

func named(list []string) string {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	if len(list) > mostNamed {
		return strings.Join(list[:mostNamed], ", ") + ", ..."
	}
	return strings.Join(list, ", ")
}

func countEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	if r.URL.RawQuery != "" {
		return apiError(http.StatusBadRequest, errors.New("expected no parameters"))
	}
	stats, err := m.Engine().Store().Stats(r.Context())
	if err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, stats)
}
