package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// heartbeat keeps a silent stream open in proxies, and finds out which readers are gone.
const heartbeat = 15 * time.Second

// readTimeout is how long a reader may leave an event unread. A reader that does not read would
// keep the stream waiting, and that the shutdown of the server.
const readTimeout = time.Second

// dashboardStream sends the ids of the transactions that change, to the dashboard or to a program.
type dashboardStream struct {
	ledger  *ledger.Ledger
	running context.Context // ends when the server begins to shut down
}

// serve sends those ids as server-sent events, until the reader leaves or
// the server shuts down.
func (s dashboardStream) serve(w http.ResponseWriter, r *http.Request) {
	subscription, err := s.ledger.Subscribe()
	if err != nil {
		writeProblem(w, http.StatusServiceUnavailable, "streams_exhausted", fmt.Sprintf("there are %d streams of events already", ledger.MaxSubscriptions))
		return
	}
	defer subscription.Close()
	connection := http.NewResponseController(w)
	limit := func() { _ = connection.SetWriteDeadline(time.Now().Add(readTimeout)) }
	defer limit() // for the end of the stream

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	limit()
	_, err = fmt.Fprint(w, "retry: 1000\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err == nil && connection.Flush() == nil {
		select {
		case <-s.running.Done():
			return
		case <-r.Context().Done():
			return
		case <-beat.C:
			limit()
			_, err = fmt.Fprint(w, ": still here\n\n")
		case <-subscription.Changed():
			limit()
			err = writeEvents(w, subscription.Read())
		}
	}
}

func writeEvents(w http.ResponseWriter, ids []string) error {
	for _, id := range ids {
		event := message.Encode(struct {
			ID string `json:"id"`
		}{id})
		if _, err := fmt.Fprintf(w, "data: %s\n\n", event); err != nil {
			return err
		}
	}
	return nil
}
