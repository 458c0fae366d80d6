package desk

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// querySelection reads which events a request is about from its query.
func querySelection(r *http.Request) (inbox.Filter, error) {
	parameters, err := queryParameters(r)
	if err != nil {
		return inbox.Filter{}, apiError(http.StatusBadRequest, err)
	}
	f, err := selection(parameters)
	if err != nil {
		return inbox.Filter{}, apiError(http.StatusBadRequest, err)
	}
	return f, nil
}

func queryParameters(r *http.Request) (url.Values, error) {
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the query string is malformed")
	}
	return parameters, nil
}

// selection turns parameters into a filter. What is unknown, empty or given twice is an
// error: a slip in a filter must not become a replay of everything.
func selection(parameters url.Values) (inbox.Filter, error) {
	var f inbox.Filter
	for name, values := range parameters {
		if len(values) != 1 || values[0] == "" {
			return inbox.Filter{}, fmt.Errorf("%s: expected one value", name)
		}
		if err := selectBy(&f, name, values[0]); err != nil {
			return inbox.Filter{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func selectBy(f *inbox.Filter, name, value string) (err error) {
	switch name {
	case "id":
		f.ID = strings.ToLower(value)
	case "queue":
		f.Merchant = value
		if strings.Contains(value, " ") { // with the address of its gateway
			f.Queue, f.Merchant = value, ""
		}
	case "order":
		f.OrderID = value
	case "transaction":
		f.Transaction = value
	case "request":
		f.RequestID = value
	case "state":
		f.State = inbox.State(value)
		err = oneOf(f.State, inbox.States())
	case "payment_status":
		f.PaymentStatus = value
		err = oneOf(value, inbox.PaymentStatuses())
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
		err = errors.New("unknown; known are id, queue, order, transaction, request, state, payment_status, since, until and limit")
	}
	return err
}

func oneOf[S ~string](value S, all []S) error {
	if slices.Contains(all, value) {
		return nil
	}
	return fmt.Errorf("unknown value %q; known are %v", value, all)
}

func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("expected a time such as 2026-12-31T00:00:00+07:00")
	}
	return at, nil
}
