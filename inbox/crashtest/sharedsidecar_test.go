//go:build linux

package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// speed is how much faster the clock of sidecars that share an inbox runs: a lease of a minute
// is over after a second.
const speed = 60

// sharing makes a child one of several sidecars on one database. It takes callbacks over
// HTTP, until its input ends.
type sharing struct {
	Where string `json:"where"`
	// Began is when the clock that all these sidecars share began.
	Began time.Time `json:"began"`
	// App is the address that callbacks are delivered to. The sidecar also reports to it what
	// happens to them, each time before it goes on.
	App string `json:"app"`
	// Sidecar is the number of this sidecar.
	Sidecar int `json:"sidecar"`
}

// now is in microseconds, as PostgreSQL stores times: the stored lease is exactly the one that
// was asked for.
func (s sharing) now() time.Time {
	return s.Began.Add(speed * time.Since(s.Began)).Truncate(time.Microsecond)
}

func (s sharing) after(d time.Duration) <-chan time.Time { return time.After(d / speed) }

// sharedSidecar is a sidecar that shares its inbox.
type sharedSidecar struct {
	inbox.Store // the real one
	sharing

	mu     sync.Mutex
	claims map[string]inbox.Lease // by Record.Lease
}

func (s sharing) work(ctx context.Context, reports io.Writer) error {
	store, err := openUndamaged(ctx, "postgres", s.Where)
	if err != nil {
		return fmt.Errorf("opening the inbox: %w", err)
	}
	this := &sharedSidecar{Store: store, sharing: s, claims: map[string]inbox.Lease{}}
	engine := inbox.NewEngine(this, inbox.Clock{Now: s.now, After: s.after})
	member := engine.Join(inbox.Settings{Queues: []inbox.Queue{{
		Name:         queue,
		Deliver:      this.deliver,
		AnswerWithin: time.Second,
		Retry:        []time.Duration{time.Second, time.Second, time.Second},
	}}})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: receiveCallbacks(member), ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // it ends with the process
	if _, err := fmt.Fprintf(reports, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return errors.Join(server.Close(), engine.Close())
}

// receiveCallbacks is the handler at which callbacks arrive.
func receiveCallbacks(member *inbox.Member) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c callback
		if err := readJSON(r.Body, &c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := member.Arrive(r.Context(), c.event())
		if err == nil && answer.Status != "200" {
			err = fmt.Errorf("%v is answered %v", c, answer)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

// deliver hands a callback to the app, with the lease of its claim.
func (s *sharedSidecar) deliver(ctx context.Context, r inbox.Record, _ int) inbox.Result {
	if err := errors.Join(s.report(ctx, "claimed", r), s.report(ctx, "deliver", r)); err != nil {
		return inbox.Result{Reason: err.Error()}
	}
	return inbox.Result{Delivered: true, Answer: inbox.Answer{Status: "200"}}
}

// report posts what happens to a record, and waits for the app's answer.
func (s *sharedSidecar) report(ctx context.Context, what string, r inbox.Record) error {
	c, err := callbackOf(r)
	if err != nil {
		what = "altered"
	}
	claim := s.claimOf(r)
	body, err := json.Marshal(attempt{Sidecar: s.Sidecar, Callback: c, Lease: r.Lease, From: claim.Now, Until: claim.Until})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.App+"/"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the app answered %s", answer.Status)
	}
	return nil
}

func (s *sharedSidecar) claimOf(r inbox.Record) inbox.Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims[r.Lease]
}

// noteClaim stores the lease under which a record was claimed.
func (s *sharedSidecar) noteClaim(r inbox.Record, lease inbox.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims[r.Lease] = lease
}

// Arrive reports an event that is new.
func (s *sharedSidecar) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (inbox.Record, bool, error) {
	r, isNew, err := s.Store.Arrive(ctx, e, lease)
	if err != nil {
		return r, isNew, err
	}
	s.noteClaim(r, lease)
	if !isNew {
		return r, isNew, nil
	}
	return r, isNew, s.report(ctx, "arrived", r)
}

// Claim implements inbox.Store.
func (s *sharedSidecar) Claim(ctx context.Context, queues []string, lease inbox.Lease, limit int) ([]inbox.Record, error) {
	records, err := s.Store.Claim(ctx, queues, lease, limit)
	for _, r := range records {
		s.noteClaim(r, lease)
	}
	return records, err
}

// Settle reports that a delivery is stored, or that the store refused it.
func (s *sharedSidecar) Settle(ctx context.Context, r inbox.Record, settlement inbox.Settlement) (inbox.State, error) {
	state, err := s.Store.Settle(ctx, r, settlement)
	switch {
	case errors.Is(err, inbox.ErrLeaseLost):
		return state, errors.Join(err, s.report(ctx, "refused", r))
	case err == nil && state == inbox.Delivered:
		return state, s.report(ctx, "settled", r)
	}
	return state, err
}
