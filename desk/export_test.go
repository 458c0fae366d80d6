package desk

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// failingStore lists one event, and then fails.
type failingStore struct{ inbox.Store }

func (failingStore) Wake() <-chan struct{} { return nil }

func (failingStore) Clock(_ context.Context, now time.Time) (time.Time, error) { return now, nil }

func (failingStore) Close() error { return nil }

func (failingStore) List(context.Context, inbox.Filter) iter.Seq2[inbox.Record, error] {
	return func(yield func(inbox.Record, error) bool) {
		if yield(inbox.Record{Event: inbox.Event{ID: "1", Message: []byte("{}")}}, nil) {
			yield(inbox.Record{}, errors.New("the disk failed"))
		}
	}
}

// An export that breaks off must not look complete.
func TestExportBreaksOff(t *testing.T) {
	engine := inbox.NewEngine(failingStore{}, inbox.SystemClock)
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	member := engine.Join(inbox.Settings{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := exportEvents(w, r, member); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("exported %q", text)
	}
}
