package desk

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// payment is a record of the ledger as the API shows it.
type payment struct {
	Merchant string `json:"merchant"`
	Gateway  string `json:"gateway"`
	ledger.Payment
	// History is what has happened to it, the oldest first.
	History []string `json:"history,omitempty"`
}

func shown(p ledger.Payment) payment {
	merchant, gateway, _ := strings.Cut(p.Book, " ")
	return payment{merchant, gateway, p, p.History}
}

// withPayments is what a store implements that has a ledger.
type withPayments interface{ Payments() ledger.Store }

var errNoLedger = errors.New("the running configuration has no ledger; it needs a store in the global option galaxypay")

func paymentsOf(m *inbox.Member) (ledger.Store, error) {
	s, ok := m.Engine().Store().(withPayments)
	if !ok {
		return nil, apiError(http.StatusNotFound, errNoLedger)
	}
	return s.Payments(), nil
}

// selectPayments reads which payments a request is about, and the values of the parameters that it has beside: each is
// optional, and has one value.
func selectPayments(r *http.Request, beside ...string) (f ledger.Filter, others map[string]string, err error) {
	parameters, err := queryParameters(r)
	if err != nil {
		return f, nil, apiError(http.StatusBadRequest, err)
	}
	others = make(map[string]string)
	for name, values := range parameters {
		if len(values) != 1 || values[0] == "" {
			return f, nil, apiError(http.StatusBadRequest, fmt.Errorf("%s: expected one value", name))
		}
		if slices.Contains(beside, name) {
			others[name] = values[0]
			continue
		}
		if err := selectPaymentsBy(&f, name, values[0]); err != nil {
			return f, nil, apiError(http.StatusBadRequest, fmt.Errorf("%s: %w", name, err))
		}
	}
	return f, others, nil
}

func selectPaymentsBy(f *ledger.Filter, name, value string) (err error) {
	switch name {
	case "merchant":
		f.Merchant = value
		if strings.Contains(value, " ") { // with the address of its gateway
			f.Book, f.Merchant = value, ""
		}
	case "order":
		f.OrderID = value
	case "transaction":
		f.Transaction = value
	case "request":
		f.RequestID = value
	case "operation":
		f.Operation = value
	case "outcome":
		f.Outcome = ledger.Outcome(value)
		err = oneOf(f.Outcome, ledger.Outcomes())
	case "payment_status":
		f.Status = ledger.Status(value)
		err = oneOf(f.Status, ledger.Statuses())
	case "since":
		f.Since, err = parseTime(value)
	case "until":
		f.Until, err = parseTime(value)
	case "limit":
		f.Limit, err = strconv.Atoi(value)
		if err != nil || f.Limit < 1 {
			err = errors.New("expected a number above zero")
		}
	default:
		err = errors.New("unknown; known are merchant, order, transaction, request, operation, outcome, payment_status, since, until and limit")
	}
	return err
}

// listPayments shows the newest first.
func listPayments(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	s, _, err := selectPayments(r)
	if err != nil {
		return err
	}
	limit := s.Limit
	if limit == 0 {
		limit = defaultListed
	}
	limit = min(limit, maxListed)
	s.NewestFirst, s.Limit = true, limit+1
	found, err := find(r, m, s)
	if err != nil {
		return err
	}
	answer := struct {
		Payments []payment `json:"payments"`
		More     bool      `json:"more"`
	}{found, len(found) > limit}
	answer.Payments = found[:min(limit, len(found))]
	return writeJSON(w, answer)
}

// find returns the payments that a filter picks.
func find(r *http.Request, m *inbox.Member, f ledger.Filter) ([]payment, error) {
	payments, err := paymentsOf(m)
	if err != nil {
		return nil, err
	}
	found := []payment{}
	for p, err := range payments.Payments(r.Context(), f) {
		if err != nil {
			return nil, apiError(http.StatusInternalServerError, err)
		}
		found = append(found, shown(p))
	}
	return found, nil
}

// findOne returns the one payment of a requestID, or of the beginning of one.
func findOne(r *http.Request, m *inbox.Member, f ledger.Filter) (payment, error) {
	if f.RequestID == "" || f != (ledger.Filter{RequestID: f.RequestID, Book: f.Book, Merchant: f.Merchant}) {
		return payment{}, apiError(http.StatusBadRequest, errors.New("expected request, the requestID of one call; only merchant may be added"))
	}
	f.Limit = 2
	found, err := find(r, m, f)
	if err == nil && len(found) == 0 { // a whole requestID comes before those that begin so
		f.RequestID, f.RequestStart, f.Limit = "", f.RequestID, mostNamed+1
		found, err = find(r, m, f)
	}
	switch {
	case err != nil:
		return payment{}, err
	case len(found) == 0:
		return payment{}, apiError(http.StatusNotFound, ledger.ErrNoPayment)
	case len(found) > 1 && found[0].RequestID != found[1].RequestID:
		var ids []string
		for _, p := range found {
			ids = append(ids, p.RequestID)
		}
		return payment{}, apiError(http.StatusConflict, fmt.Errorf("several calls have a requestID that begins so; give more of it: %s", named(ids)))
	case len(found) > 1:
		return payment{}, apiError(http.StatusConflict, fmt.Errorf("several merchants, or gateways of one, have a call with this requestID; add merchant to choose one: %s", named([]string{found[0].Book, found[1].Book})))
	}
	return found[0], nil
}

// settlePayment ends the unknown outcome of a call by the word of an operator.
func settlePayment(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, said, err := selectPayments(r, "as", "reason")
	if err != nil {
		return err
	}
	p, err := findOne(r, m, f)
	if err != nil {
		return err
	}
	payments, err := paymentsOf(m)
	if err != nil {
		return err
	}
	settled, err := ledger.Settle(r.Context(), payments, p.Book, p.RequestID, ledger.Outcome(said["as"]), said["reason"])
	if err != nil {
		return apiError(http.StatusConflict, err)
	}
	return writeJSON(w, shown(settled))
}
