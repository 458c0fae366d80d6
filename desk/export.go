package desk

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// exportStall is how long a reader of an export may take for one event.
const exportStall = time.Minute

func exportEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := querySelection(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	lines, connection := newEncoder(w), http.NewResponseController(w)
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err == nil {
			// A reader that stops must not keep the store busy for ever.
			_ = connection.SetWriteDeadline(time.Now().Add(exportStall))
			err = lines.Encode(withMessage(m, record))
		}
		if err != nil {
			// Some events are already sent. Only a broken connection shows the reader that
			// these are not all.
			caddy.Log().Named("admin.api").Error("an export of the inbox broke off", zap.Error(err))
			panic(http.ErrAbortHandler)
		}
	}
	return nil
}
