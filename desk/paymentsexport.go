package desk

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// The formats of an export.
const (
	formatJSON = "json"
	formatCSV  = "csv"
)

// exportPayments writes one payment on each line, in the order in which they were made.
func exportPayments(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, given, err := selectPayments(r, "format")
	if err != nil {
		return err
	}
	payments, err := paymentsOf(m)
	if err != nil {
		return err
	}
	out := newStream(w, "an export of the ledger")
	var write func(p ledger.Payment) error
	switch given["format"] {
	case "", formatJSON:
		w.Header().Set("Content-Type", "application/jsonl")
		write = func(p ledger.Payment) error { return out.encoder.Encode(shown(p)) }
	case formatCSV:
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		out.row(paymentColumns)
		write = func(p ledger.Payment) error { return out.table.Write(paymentCells(p)) }
	default:
		return apiError(http.StatusBadRequest, fmt.Errorf("format: unknown value %q; known are %s and %s", given["format"], formatJSON, formatCSV))
	}
	for p, err := range payments.Payments(r.Context(), f) {
		if err == nil {
			out.keepOpen()
			err = write(p)
		}
		out.must(err)
	}
	out.end()
	return nil
}

// paymentColumns are the header of an export as CSV.
var paymentColumns = []string{
	"merchant", "operation", "orderID", "requestID", "transactionIDs", "amount", "currency", "paymentStatus", "outcome", "code",
	"recordedAt", "endedAt", "paymentStatusAt", "aboutTransactionID", "gateway",
}

func paymentCells(p ledger.Payment) []string {
	one := shown(p)
	return []string{
		cell(one.Merchant), cell(p.Operation), cell(p.OrderID), cell(p.RequestID), cell(strings.Join(p.Transactions, " ")),
		amountCell(p.Amount), cell(p.Currency), cell(string(p.Status)), cell(string(p.Outcome)), cell(p.Code),
		timeCell(p.RecordedAt), timeCell(p.EndedAt), timeCell(p.StatusAt), cell(p.About), cell(one.Gateway),
	}
}

// timeCell is a time by RFC 3339, in UTC; "" for none.
func timeCell(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
