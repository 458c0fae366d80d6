package postgres

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// readRecord reads a record from store.EventColumns.
func readRecord(row pgx.CollectableRow) (inbox.Record, error) {
	var r inbox.Record
	err := row.Scan(store.EventFields(&r)...)
	return r, err
}

// readLeased reads a record and, behind its columns, the lease that it has.
func readLeased(row pgx.CollectableRow) (inbox.Record, error) {
	var r inbox.Record
	err := row.Scan(append(store.EventFields(&r), &r.Lease)...)
	return r, err
}

// storable replaces what PostgreSQL refuses in a text: NUL and broken UTF-8. A message or an
// app's answer can hold either, and an event that was refused each time would be lost.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func storables(texts []string) []string {
	storables := make([]string, len(texts))
	for i, text := range texts {
		storables[i] = storable(text)
	}
	return storables
}

// storableEvent is an event as it is stored.
func storableEvent(e inbox.Event) inbox.Event {
	for _, text := range []*string{
		&e.ID, &e.Queue, &e.Transaction, &e.OrderID, &e.RequestID, &e.PaymentStatus,
		&e.Request.Scheme, &e.Request.Host, &e.Request.URI, &e.Request.RemoteAddr, &e.Request.Traceparent, &e.Block, &e.Kind,
	} {
		*text = storable(*text)
	}
	e.ReceivedAt = storableTime(e.ReceivedAt)
	e.Message = append([]byte{}, e.Message...) // nil would be null
	return e
}

func storableTime(t time.Time) time.Time {
	micros, ok := store.Time(t).Micros()
	if !ok {
		return time.Time{}
	}
	return time.Time(store.TimeOf(micros))
}

// micros is a time as a parameter: null for the zero time.
func micros(t time.Time) *int64 {
	micros, ok := store.Time(t).Micros()
	if !ok {
		return nil
	}
	return &micros
}

// columnOf returns one column of a batch, as an array for a statement.
func columnOf[T any](batch []*operation, value func(*operation) T) []T {
	column := make([]T, len(batch))
	for i, op := range batch {
		column[i] = value(op)
	}
	return column
}
