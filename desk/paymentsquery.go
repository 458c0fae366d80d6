package desk

import (
	"errors"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// queryPayment asks the gateway about a payment now.
func queryPayment(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, _, err := selectPayments(r)
	if err != nil {
		return err
	}
	p, err := findOne(r, m, f)
	if err != nil {
		return err
	}
	app, err := runningApp()
	if err != nil {
		return err
	}
	answer, err := app.Ask(p.Book, p.RequestID)
	if err != nil {
		return apiError(statusOfQuery(err), err)
	}
	return writeJSON(w, struct {
		Said    string  `json:"said"`
		Order   string  `json:"order,omitempty"`
		Payment payment `json:"payment"`
	}{answer.Said, answer.Order, shown(answer.Payment)})
}

// statusOfQuery is the HTTP status of a question that has failed.
func statusOfQuery(err error) int {
	_, isUnanswered := errors.AsType[NoAnswerError](err)
	switch {
	case isUnanswered:
		return http.StatusBadGateway
	case errors.Is(err, ledger.ErrNoPayment):
		return http.StatusNotFound
	case errors.Is(err, ledger.ErrNotAskable), errors.Is(err, ErrNoAsker):
		return http.StatusConflict
	case errors.Is(err, ledger.ErrAsking), errors.Is(err, ledger.ErrBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
