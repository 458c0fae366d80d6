package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// row is a record with what only this engine keeps of it.
type row struct {
	inbox.Record
	// ready is when the record can be claimed; the zero time: it is final, or an earlier
	// record of its transaction is pending.
	ready store.Time
}

// readRow reads rowColumns. It fails with errDamagedRow if the row is not what was written.
func readRow(stmt *sqlite.Stmt) (row, error) {
	var r row
	fields := store.EventFields(&r.Record)
	for i, field := range fields {
		column(stmt, i, field)
	}
	column(stmt, len(fields), &r.ready)
	if stmt.ColumnInt64(len(fields)+1) != int64(r.checksum()) {
		return row{Record: inbox.Record{Seq: r.Seq}}, &damagedError{seq: r.Seq}
	}
	return r, nil
}

// damagedError is the error about a row that is not what was written.
type damagedError struct {
	seq       uint64
	isPayment bool
}

func (e *damagedError) Error() string {
	if e.isPayment {
		return fmt.Sprintf("record %d, of a payment, is damaged; its call is not sent again under the same requestID", e.seq)
	}
	return fmt.Sprintf("record %d is damaged", e.seq)
}

func (e *damagedError) Unwrap() error { return errDamaged }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of all that is kept of a record. Lengths stand in front of texts, so that
// nothing can move from one to the next.
func (r *row) checksum() uint32 {
	var sum uint32
	var buffer [8]byte
	number := func(n uint64) {
		binary.LittleEndian.PutUint64(buffer[:], n)
		sum = crc32.Update(sum, castagnoli, buffer[:])
	}
	text := func(s string) {
		number(uint64(len(s)))
		sum = crc32.Update(sum, castagnoli, []byte(s))
	}
	at := func(t time.Time) {
		if micros, ok := store.Time(t).Micros(); ok {
			number(uint64(micros)) //nolint:gosec // G115: all its bits are wanted
		} else {
			number(1 << 63) // no time that can be kept
		}
	}
	number(r.Seq)
	for _, s := range []string{
		r.ID, r.Queue, r.Transaction, r.OrderID, r.RequestID, r.PaymentStatus, r.Request.Scheme, r.Request.Host, r.Request.URI,
		r.Request.RemoteAddr, r.Request.Traceparent, r.Block, r.Kind, string(r.State), r.Answer.Status, r.Answer.Description, r.LastError, store.Names(r.History).Text(),
	} {
		text(s)
	}
	number(uint64(len(r.Message)))
	sum = crc32.Update(sum, castagnoli, r.Message)
	number(uint64(r.Attempts)) //nolint:gosec // G115: a count
	for _, t := range []time.Time{r.ReceivedAt, r.Due, r.SettledAt, time.Time(r.ready)} {
		at(t)
	}
	return sum
}

const insertRow = "INSERT INTO galaxypay_events (" + rowColumns + `)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id, merchant) DO NOTHING`

// insert keeps a row, and reports whether it is new.
func (r *row) insert(c *conn) (bool, error) {
	stmt, err := c.Prepare(insertRow)
	if err != nil {
		return false, err
	}
	fields := store.EventFields(&r.Record)
	bindAll(stmt, fields)
	bind(stmt, len(fields)+1, r.ready)
	bind(stmt, len(fields)+2, r.checksum())
	if err := finish(stmt); err != nil {
		return false, err
	}
	return c.Changes() > 0, nil
}

// update keeps what can change of a row.
func (r *row) update(c *conn) error {
	return c.run(`UPDATE galaxypay_events
		SET state = ?, attempts = ?, due_at = ?, answer_status = ?, answer_description = ?, last_error = ?, history = ?, settled_at = ?, ready_at = ?, checksum = ?
		WHERE seq = ?`,
		&r.State, r.Attempts, store.Time(r.Due), r.Answer.Status, r.Answer.Description, r.LastError, (*store.Names)(&r.History), store.Time(r.SettledAt), r.ready, r.checksum(),
		r.Seq)
}

// setMessage keeps a row with another message. Nil: without one.
func (r *row) setMessage(c *conn, message []byte) error {
	r.Message = message
	return c.run("UPDATE galaxypay_events SET message = ?, checksum = ? WHERE seq = ?", &r.Message, r.checksum(), r.Seq)
}

// makePending makes a row due at a time, as if it had just arrived.
func (r *row) makePending(at time.Time) {
	r.State, r.Due, r.Attempts, r.SettledAt = inbox.Pending, at, 0, time.Time{}
}

// finish ends a row.
func (r *row) finish(state inbox.State, at time.Time) {
	r.State, r.Due, r.SettledAt, r.ready = state, time.Time{}, at, store.Time{}
}

// truncated is a time as the file can keep it.
func truncated(t time.Time) time.Time {
	if micros, ok := store.Time(t).Micros(); ok {
		return time.Time(store.TimeOf(micros))
	}
	return time.Time{}
}
