package desk

import (
	"errors"
	"fmt"
	"net/http"
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

// paymentSelection is which payments a request is about. Merchant is its name; "" for all.
type paymentSelection struct {
	ledger.Filter
	merchant string
}

func selectPayments(r *http.Request) (paymentSelection, error) {
	parameters, err := queryParameters(r)
	if err != nil {
		return paymentSelection{}, apiError(http.StatusBadRequest, err)
	}
	var s paymentSelection
	for name, values := range parameters {
		if len(values) != 1 || values[0] == "" {
			return s, apiError(http.StatusBadRequest, fmt.Errorf("%s: expected one value", name))
		}
		if err := s.selectBy(name, values[0]); err != nil {
			return s, apiError(http.StatusBadRequest, fmt.Errorf("%s: %w", name, err))
		}
	}
	return s, nil
}

func (s *paymentSelection) selectBy(name, value string) (err error) {
	switch name {
	case "merchant":
		s.merchant = value
	case "order":
		s.OrderID = value
	case "transaction":
		s.Transaction = value
	case "request":
		s.RequestID = value
	case "operation":
		s.Operation = value
	case "outcome":
		s.Outcome = ledger.Outcome(value)
		err = oneOf(s.Outcome, ledger.Outcomes())
	case "payment_status":
		s.Status = ledger.Status(value)
		err = oneOf(s.Status, ledger.Statuses())
	case "since":
		s.Since, err = parseTime(value)
	case "until":
		s.Until, err = parseTime(value)
	case "limit":
		s.Limit, err = strconv.Atoi(value)
		if err != nil || s.Limit < 1 {
			err = errors.New("expected a number above zero")
		}
	default:
		err = errors.New("unknown; known are merchant, order, transaction, request, operation, outcome, payment_status, since, until and limit")
	}
	return err
}

// listPayments shows the newest first.
func listPayments(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	s, err := selectPayments(r)
	if err != nil {
		return err
	}
	limit := s.Limit
	if limit == 0 {
		limit = defaultListed
	}
	limit = min(limit, maxListed)
	s.NewestFirst, s.Limit = true, 0 // the merchant is looked at here
	found, err := find(r, m, s, limit+1)
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

// find returns up to limit payments.
func find(r *http.Request, m *inbox.Member, s paymentSelection, limit int) ([]payment, error) {
	payments, err := paymentsOf(m)
	if err != nil {
		return nil, err
	}
	found := []payment{}
	for p, err := range payments.Payments(r.Context(), s.Filter) {
		if err != nil {
			return nil, apiError(http.StatusInternalServerError, err)
		}
		if one := shown(p); s.merchant == "" || s.merchant == one.Merchant {
			found = append(found, one)
		}
		if len(found) == limit {
			break
		}
	}
	return found, nil
}

func showPayment(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	s, err := selectPayments(r)
	if err != nil {
		return err
	}
	p, err := findOne(r, m, s)
	if err != nil {
		return err
	}
	return writeJSON(w, p)
}

// findOne returns the one payment of a requestID, or of the beginning of one.
func findOne(r *http.Request, m *inbox.Member, s paymentSelection) (payment, error) {
	if s.RequestID == "" || s.Filter != (ledger.Filter{RequestID: s.RequestID}) {
		return payment{}, apiError(http.StatusBadRequest, errors.New("expected request, the requestID of one call; only merchant may be added"))
	}
	found, err := find(r, m, s, 2)
	if err == nil && len(found) == 0 { // a whole requestID comes before those that begin so
		s.RequestID, s.RequestStart = "", s.RequestID
		found, err = find(r, m, s, mostNamed+1)
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
		return payment{}, apiError(http.StatusConflict, errors.New("several merchants, or gateways of one, have a call with this requestID; add merchant to choose one"))
	}
	return found[0], nil
}

// settlePayment ends the unknown outcome of a call by the word of an operator.
func settlePayment(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	parameters, err := queryParameters(r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	as, reason := ledger.Outcome(parameters.Get("as")), parameters.Get("reason")
	parameters.Del("as")
	parameters.Del("reason")
	r.URL.RawQuery = parameters.Encode()
	s, err := selectPayments(r)
	if err != nil {
		return err
	}
	p, err := findOne(r, m, s)
	if err != nil {
		return err
	}
	payments, err := paymentsOf(m)
	if err != nil {
		return err
	}
	settled, err := ledger.Settle(r.Context(), payments, p.Book, p.RequestID, as, reason)
	if err != nil {
		return apiError(http.StatusConflict, err)
	}
	return writeJSON(w, shown(settled))
}
