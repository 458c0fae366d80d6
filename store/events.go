package store

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// EventColumns are the columns of the table galaxypay_events that make a record, in the order
// of EventFields. Both engines have them. Times are microseconds since 1970, as a bigint; NULL
// is the zero time. An engine adds columns of its own, such as the lease and
// ready_at: when Claim may take the record; NULL: it is final, or waits for another one.
const EventColumns = `seq, id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message,
	scheme, host, uri, remote_addr, traceparent, block, kind, state, attempts, due_at, answer_status, answer_description, last_error, settled_at, history`

// EventFields are pointers to the parts of a record, in the order of EventColumns. A row is
// read into them, and they are the values of the parameters when one is written.
// Their types are *uint64, *string, *inbox.State, *int, *[]byte, *Time and *Names.
func EventFields(r *inbox.Record) []any {
	return []any{
		&r.Seq, &r.ID, &r.Queue, &r.Transaction, &r.OrderID, &r.RequestID, &r.PaymentStatus, (*Time)(&r.ReceivedAt), &r.Message,
		&r.Request.Scheme, &r.Request.Host, &r.Request.URI, &r.Request.RemoteAddr, &r.Request.Traceparent, &r.Block, &r.Kind, &r.State, &r.Attempts, (*Time)(&r.Due),
		&r.Answer.Status, &r.Answer.Description, &r.LastError, (*Time)(&r.SettledAt), (*Names)(&r.History),
	}
}

// Time is a time as a column has it.
type Time time.Time

// Micros is a time as a column has it, and false for NULL.
func (t Time) Micros() (int64, bool) {
	at := time.Time(t)
	return at.UnixMicro(), !at.IsZero()
}

// TimeOf is the opposite of Micros.
func TimeOf(micros int64) Time { return Time(time.UnixMicro(micros).UTC()) }

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if micros, ok := t.Micros(); ok {
		return micros, nil
	}
	return nil, nil
}

// Scan implements sql.Scanner.
func (t *Time) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*t = Time{}
	case int64:
		*t = TimeOf(value)
	default:
		return fmt.Errorf("expected a time in microseconds, got %T", value)
	}
	return nil
}

// InboxView is the statement that makes the view galaxypay_inbox, which shows people the events
// with readable times: SELECT * FROM galaxypay_inbox WHERE order_id = 'DH-1001'. Readable is
// the engine's expression for a column's time in UTC, such as 2026-01-02T03:04:05Z.
func InboxView(readable func(column string) string) string {
	times := []string{"received_at", "due_at", "settled_at"}
	columns := EventColumns
	for _, column := range times {
		columns = strings.Replace(columns, column, readable(column)+" AS "+column, 1)
	}
	columns = strings.Replace(columns, "message,", "length(message) AS message_bytes,", 1)
	return "CREATE VIEW galaxypay_inbox AS SELECT " + columns + " FROM galaxypay_events"
}

// TakenEvent finds what inbox.Store.Taken returns. Its parameters are columns of the event
// that is compared: merchant, transaction_id, request_id, payment_status and seq.
const TakenEvent = "SELECT " + EventColumns + ` FROM galaxypay_events
	WHERE transaction_id = @transaction_id AND merchant = @merchant AND request_id = @request_id
		AND payment_status = @payment_status AND state = 'delivered' AND seq < @seq
	ORDER BY seq LIMIT 1`

// PrunableEvents finds up to @limit final events of a @merchant, settled before a time
// (@before), that still have their message.
const PrunableEvents = `SELECT seq FROM galaxypay_events
	WHERE merchant = @merchant AND settled_at < @before AND length(message) > 0
	ORDER BY settled_at LIMIT @limit`

// NotDelivered is the condition of the index on states. Most events are delivered, so the index
// leaves them out. A query whose condition has the same words can use the index.
const NotDelivered = "state <> 'delivered'"

// CountEvents counts the events for inbox.Store.Stats, in rows that AddCount takes. It reads
// one by one only those that are not delivered.
const CountEvents = `SELECT state, count(*) FROM galaxypay_events WHERE ` + NotDelivered + ` GROUP BY state
	UNION ALL SELECT 'all', count(*) FROM galaxypay_events
	UNION ALL SELECT 'not found', count(*) FROM galaxypay_events
		WHERE ` + NotDelivered + ` AND state IN ('pending', 'dead') AND answer_status = '404'`

// AddCount adds a row of CountEvents to a result that NewStats made.
func AddCount(s *inbox.Stats, what string, n int) {
	switch what {
	case "all":
		s.States[inbox.Delivered] += n
	case "not found":
		s.NotFound = n
	default:
		s.States[inbox.State(what)] = n
		s.States[inbox.Delivered] -= n
	}
}

// NewStats counts nothing.
func NewStats() inbox.Stats {
	s := inbox.Stats{States: make(map[inbox.State]int)}
	for _, state := range inbox.States() {
		s.States[state] = 0
	}
	return s
}

// OldestPending finds when the pending event that arrived first did.
const OldestPending = `SELECT received_at FROM galaxypay_events WHERE ` + NotDelivered + ` AND state = 'pending' ORDER BY seq LIMIT 1`

// CountPending counts the pending events of each merchant that has any.
const CountPending = `SELECT merchant, count(*) FROM galaxypay_events WHERE ` + NotDelivered + ` AND state = 'pending' GROUP BY merchant`
