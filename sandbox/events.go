package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// heartbeat keeps a silent stream open in proxies, and finds out who is gone.
const heartbeat = 15 * time.Second

// patience is how long a reader may leave an event unread. A reader that does not read would
// keep the stream waiting, and that the shutdown of the server.
const patience = time.Second

// watchServer ends the streams when the server that the handler belongs to begins to shut
// down. It waits for its requests then, so a stream that ended only with its reader would
// keep it waiting for good.
func (h *Handler) watchServer(ctx caddy.Context) {
	h.running, h.stop = context.WithCancel(ctx)
	if server, inside := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); inside {
		server.RegisterOnShutdown(h.stop)
	}
}

// streamEvents tells which transactions change, as server-sent events, until the reader
// leaves or the server shuts down.
func (h *Handler) streamEvents(w http.ResponseWriter, r *http.Request) {
	l, err := h.ledger.audience.join()
	if err != nil {
		writeProblem(w, http.StatusServiceUnavailable, "streams_exhausted", fmt.Sprintf("there are %d streams of events already", maxListeners))
		return
	}
	defer h.ledger.audience.leave(l)
	wire := http.NewResponseController(w)
	hurry := func() { _ = wire.SetWriteDeadline(time.Now().Add(patience)) }
	defer hurry() // for the end of the stream

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	hurry()
	_, err = fmt.Fprint(w, "retry: 1000\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err == nil && wire.Flush() == nil {
		select {
		case <-h.running.Done():
			return
		case <-r.Context().Done():
			return
		case <-beat.C:
			hurry()
			_, err = fmt.Fprint(w, ": still here\n\n")
		case <-l.bell:
			hurry()
			err = writeEvents(w, h.ledger.audience.take(l))
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
