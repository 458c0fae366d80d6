package desk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

const (
	// usualWait and longestWait are how long a request waits for events.
	usualWait, longestWait = 25 * time.Second, time.Minute
	// lookInterval is how often the store is read for a request that waits: other sidecars write to it too.
	lookInterval = 500 * time.Millisecond
	// mostWaiting bounds the requests that wait at the same time, and mostTaken the events of an answer.
	mostWaiting, mostTaken = 16, 100
	// mayBeLate is how long an event may take from its arrival until it can be read. A sidecar gives a store up sooner.
	mayBeLate = 20 * time.Second
)

// waiting has a value for each request that waits.
var waiting = make(chan struct{}, mostWaiting)

// waited are the events that arrived after a cursor.
type waited struct {
	Events []sentEvent `json:"events"`
	// Cursor is the number of the last event that was told of.
	Cursor uint64 `json:"cursor"`
}

// sentEvent is an event with the bytes of its message, which JSON would not keep.
type sentEvent struct {
	entry
	MessageBytes []byte `json:"messageBytes,omitempty"`
}

// waitForEvents answers as soon as there are events after the cursor, or when the time is over.
func waitForEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	parameters, err := queryParameters(r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	wait, err := waitOf(parameters)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	select {
	case waiting <- struct{}{}:
		defer func() { <-waiting }()
	default:
		return apiError(http.StatusServiceUnavailable, errors.New("too many requests wait for events; try again later"))
	}
	cursor, err := cursorOf(r.Context(), m.Engine().Store(), parameters.Get("after"))
	if err != nil {
		return err
	}
	answer, err := awaitEvents(r.Context(), m, cursor, wait)
	if err != nil {
		return apiError(http.StatusServiceUnavailable, err)
	}
	return writeJSON(w, answer)
}

// waitOf reads how long to wait, and refuses parameters that there are not.
func waitOf(parameters url.Values) (time.Duration, error) {
	for name, values := range parameters {
		if name != "after" && name != "seconds" || len(values) != 1 || values[0] == "" {
			return 0, errors.New("expected after, a cursor or a time, and seconds, each with one value")
		}
	}
	if !parameters.Has("seconds") {
		return usualWait, nil
	}
	seconds, err := strconv.Atoi(parameters.Get("seconds"))
	if err != nil || seconds < 0 || seconds > int(longestWait/time.Second) {
		return 0, errors.New("seconds: expected a number from 0 to 60")
	}
	return time.Duration(seconds) * time.Second, nil
}

// cursorOf reads a cursor: a number, a time, or "" for now.
func cursorOf(ctx context.Context, s inbox.Store, text string) (uint64, error) {
	if text == "" {
		return lastEvent(ctx, s)
	}
	if cursor, err := strconv.ParseUint(text, 10, 63); err == nil {
		return cursor, nil
	}
	since, err := parseTime(text)
	if err != nil {
		return 0, apiError(http.StatusBadRequest, errors.New("after: expected the cursor of an answer, or a time such as 2026-12-31T00:00:00+07:00"))
	}
	first, err := firstEvent(ctx, s, inbox.Filter{Since: since})
	if err != nil || first.Seq > 0 {
		return max(first.Seq, 1) - 1, err
	}
	return lastEvent(ctx, s)
}

// firstEvent is the first one that a filter picks; its Seq is 0 where there is none.
func firstEvent(ctx context.Context, s inbox.Store, f inbox.Filter) (first inbox.Record, err error) {
	f.Limit = 1
	for record, err := range s.List(ctx, f) {
		if err != nil {
			return first, apiError(http.StatusServiceUnavailable, err)
		}
		first = record
	}
	return first, nil
}

// lastEvent is the number of the last event, 0 where there is none. A store lists from the first one on, so it is searched for
// by halves.
func lastEvent(ctx context.Context, s inbox.Store) (uint64, error) {
	last, beyond := uint64(0), uint64(1)<<62
	for last < beyond {
		next, err := firstEvent(ctx, s, inbox.Filter{After: last + (beyond-last)/2})
		if err != nil {
			return 0, err
		}
		if next.Seq > 0 {
			last = next.Seq
			continue
		}
		beyond = last + (beyond-last)/2
	}
	next, err := firstEvent(ctx, s, inbox.Filter{After: last})
	return max(last, next.Seq), err
}

// awaitEvents looks for events until there are some, or the time, the request or the configuration ends.
func awaitEvents(ctx context.Context, m *inbox.Member, cursor uint64, wait time.Duration) (waited, error) {
	configuration := caddy.ActiveContext()
	ctx, cancel := context.WithTimeout(ctx, wait+usualWait) // the last look may take longer than the wait
	defer cancel()
	over := time.After(wait)
	pace := time.NewTicker(lookInterval)
	defer pace.Stop()
	show := func(r inbox.Record) entry { return withMessage(m, r) }
	for {
		answer, err := eventsAfter(ctx, m.Engine().Store(), show, cursor, time.Now())
		if err != nil || len(answer.Events) > 0 {
			return answer, err
		}
		select {
		case <-pace.C:
			continue
		case <-over:
		case <-ctx.Done():
		case <-configuration.Done(): // and with it perhaps the store
		}
		return answer, nil
	}
}

// eventsAfter returns the events behind a cursor. Sidecars that share a store take numbers before they commit, so behind a
// number that is missing there may still come an event with it: what follows waits until it cannot come any more.
func eventsAfter(ctx context.Context, s inbox.Store, show func(inbox.Record) entry, cursor uint64, now time.Time) (waited, error) {
	answer := waited{Events: []sentEvent{}, Cursor: cursor}
	for record, err := range s.List(ctx, inbox.Filter{After: cursor, Limit: mostTaken}) {
		if err != nil {
			return waited{}, err
		}
		if record.Seq != answer.Cursor+1 && now.Sub(record.ReceivedAt) < mayBeLate {
			break
		}
		shown := show(record)
		message := shown.Message
		shown.Message, shown.Event.Message = nil, nil
		answer.Events = append(answer.Events, sentEvent{shown, message})
		answer.Cursor = record.Seq
	}
	return answer, nil
}
