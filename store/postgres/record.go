package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// columns are what readRecord reads.
const columns = `r.seq, r.id, r.queue, r.transaction, r.request_id, r.payment_status, r.received_at, r.message,
	r.state, r.attempts, r.due, r.answer_status, r.answer_description, r.last_error, r.settled_at`

// readRecord reads a record without its lease.
func readRecord(row pgx.CollectableRow) (inbox.Record, error) {
	var r inbox.Record
	err := row.Scan(recordFields(&r)...)
	return r, err
}

// readLeased reads a record and, behind its columns, the lease that it has.
func readLeased(row pgx.CollectableRow) (inbox.Record, error) {
	var r inbox.Record
	var lease *string
	err := row.Scan(append(recordFields(&r), &lease)...)
	if lease != nil {
		r.Lease = *lease
	}
	return r, err
}

func recordFields(r *inbox.Record) []any {
	return []any{
		&r.Seq, &r.ID, &r.Queue, &r.Transaction, &r.RequestID, &r.PaymentStatus, (*timestamp)(&r.ReceivedAt), &r.Message,
		&r.State, &r.Attempts, (*timestamp)(&r.Due), &r.Answer.Status, &r.Answer.Description, &r.LastError, (*timestamp)(&r.SettledAt),
	}
}

// storable replaces what PostgreSQL refuses in a text: NUL and broken UTF-8. A message or an
// app's answer can hold either, and an event that was refused each time would be lost.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// nullable is a time as a parameter: null for the zero time.
func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// timestamp reads a time, null as the zero time.
type timestamp time.Time

// Scan implements sql.Scanner.
func (t *timestamp) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*t = timestamp{}
	case time.Time:
		*t = timestamp(value.UTC())
	default:
		return fmt.Errorf("expected a time, got %T", value)
	}
	return nil
}
