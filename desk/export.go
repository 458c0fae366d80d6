package desk

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func exportEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := querySelection(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := newStream(w, "an export of the inbox")
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err == nil {
			out.keepOpen()
			err = out.encoder.Encode(withMessage(m, record))
		}
		out.must(err)
	}
	return nil
}
