package postgres

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// arrival is an event that arrives, and what comes of it.
type arrival struct {
	event inbox.Event
	lease inbox.Lease
	token string // of the lease

	record inbox.Record
	isNew  bool
}

// Arrive implements inbox.Store.
func (s *Store) Arrive(ctx context.Context, e inbox.Event, lease inbox.Lease) (r inbox.Record, isNew bool, err error) {
	a := &arrival{event: storableEvent(e), lease: lease, token: rand.Text()}
	if err := s.writer.do(ctx, &operation{lane: laneOf(a.event), arrival: a}); err != nil {
		return inbox.Record{}, false, s.failed(ctx, "storing an event", err)
	}
	if !a.isNew && a.record.Transaction != a.event.Transaction {
		return s.Arrive(ctx, a.record.Event, lease) // queue and ID alone count: in the lane of the kept one
	}
	return a.record, a.isNew, nil
}

// arrive keeps the events that are not kept yet. One whose lane is empty is claimed at once; if
// it is not, the statements that follow find the head. The ones that wait and that a new event
// overtakes end.
var arrive = `
WITH arriving AS MATERIALIZED (
	SELECT a.*, ` + isPaid("a") + ` AS overtaken,
		(SELECT p.seq FROM ` + inLane("a") + ` AS p WHERE p.state = 'pending' LIMIT 1) IS NOT NULL AS waits,
		(SELECT p.seq FROM ` + inLane("a") + ` AS p LIMIT 1) IS NULL AS alone
	FROM unnest(
		$1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[],
		$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::bigint[], $19::bigint[]
	) WITH ORDINALITY AS a (
		id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message,
		scheme, host, uri, remote_addr, traceparent, block, kind, lease, now_at, until_at, horizon, n
	)
), added AS (
	INSERT INTO galaxypay_events (
		id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message,
		scheme, host, uri, remote_addr, traceparent, block, kind, state, due_at, settled_at, lease, lease_until, ready_at
	)
	SELECT
		id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message,
		scheme, host, uri, remote_addr, traceparent, block, kind,
		CASE WHEN overtaken THEN 'overtaken' ELSE 'pending' END,
		CASE WHEN NOT overtaken THEN now_at END,
		CASE WHEN overtaken THEN now_at END,
		CASE WHEN NOT overtaken AND NOT waits THEN lease END,
		CASE WHEN NOT overtaken AND NOT waits THEN until_at END,
		CASE WHEN NOT overtaken AND NOT waits THEN until_at END
	FROM arriving
	ORDER BY n
	ON CONFLICT (id, merchant) DO NOTHING
	RETURNING id, merchant, transaction_id, request_id, payment_status, seq, state, lease IS NOT NULL AS claimed
), overtaken AS (
	UPDATE galaxypay_events AS r
	SET state = 'overtaken', due_at = NULL, settled_at = a.now_at, lease = NULL, lease_until = NULL, ready_at = NULL
	FROM arriving AS a
	WHERE r.seq = ANY (ARRAY(
		SELECT p.seq
		FROM added CROSS JOIN LATERAL ` + inLane("added") + ` AS p
		WHERE added.payment_status = 'paid'
			AND p.request_id = added.request_id AND p.payment_status IN ` + overtakable + ` AND p.state = 'pending'
	)) AND a.transaction_id = r.transaction_id AND ` + still("a.merchant = r.merchant AND r.state = 'pending' AND "+free("a")) + `
)
SELECT id, merchant, seq, state, claimed, alone FROM added JOIN arriving USING (id, merchant)`

// revive makes dead letters pending that arrive again, unless a kept event overtakes them. Later
// heads of their lanes that are not claimed step back. One whose message was
// dropped gets that which arrives.
var revive = `
WITH arriving AS MATERIALIZED (SELECT * FROM ` + arrivals + ` JOIN unnest($1::text[], $2::text[], $8::bytea[]) AS m (id, merchant, arriving_message) USING (id, merchant)),
dead AS MATERIALIZED (
	SELECT r.*
	FROM (
		SELECT d.*, a.now_at, a.horizon, a.arriving_message
		FROM arriving AS a CROSS JOIN LATERAL ` + withID("a") + ` AS d
		WHERE d.transaction_id = a.transaction_id AND d.state = 'dead'
	) AS r
	WHERE NOT ` + isPaid("r") + `
), revived AS (
	UPDATE galaxypay_events AS r
	SET state = 'pending', attempts = 0, due_at = dead.now_at, settled_at = NULL, lease = NULL, lease_until = NULL,
		ready_at = CASE WHEN r.transaction_id = '' THEN dead.now_at END,
		message = CASE WHEN length(r.message) = 0 THEN dead.arriving_message ELSE r.message END
	FROM dead
	WHERE r.seq = ANY (ARRAY(SELECT seq FROM dead)) AND r.seq = dead.seq
)
UPDATE galaxypay_events AS r
SET ready_at = NULL
FROM dead
WHERE r.seq = ANY (ARRAY(SELECT ` + headOf("dead") + ` FROM dead)) AND r.transaction_id = dead.transaction_id
	AND ` + still("r.merchant = dead.merchant AND r.ready_at IS NOT NULL AND "+free("dead"))

// find returns the records of the events that are not claimed under the lease of their arrival
// yet, and claims those that are the heads of their lanes and not claimed by others.
var find = `
WITH arriving AS MATERIALIZED (SELECT * FROM ` + arrivals + `),
found AS MATERIALIZED (
	SELECT r.*, a.lease AS token, a.now_at, a.until_at, a.horizon,
		r.transaction_id = a.transaction_id AND r.ready_at IS NOT NULL AND ` + free("a") + ` AS claimable
	FROM arriving AS a CROSS JOIN LATERAL ` + withID("a") + ` AS r
	WHERE r.lease IS DISTINCT FROM a.lease
), claimed AS (
	UPDATE galaxypay_events AS r
	SET lease = found.token, lease_until = found.until_at, ready_at = found.until_at
	FROM found
	WHERE r.seq = ANY (ARRAY(SELECT seq FROM found WHERE claimable)) AND r.seq = found.seq
		AND ` + still("r.ready_at IS NOT NULL AND "+free("found")) + `
	RETURNING r.seq
)
SELECT ` + store.EventColumns + `, CASE WHEN seq IN (SELECT seq FROM claimed) THEN token ELSE '' END FROM found`

// arrivals is the relation of the arrivals of a batch for revive and find.
const arrivals = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
	AS arrivals (id, merchant, transaction_id, lease, now_at, until_at, horizon)`

// arrivalsOf returns the parameters of arrivals.
func arrivalsOf(batch []*operation) []any {
	return []any{
		columnOf(batch, func(op *operation) string { return op.arrival.event.ID }),
		columnOf(batch, func(op *operation) string { return op.arrival.event.Queue }),
		columnOf(batch, func(op *operation) string { return op.arrival.event.Transaction }),
		columnOf(batch, func(op *operation) string { return op.arrival.token }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.arrival.lease.Now) }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.arrival.lease.Until) }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.arrival.lease.Horizon) }),
	}
}

// queueArrive adds to a batch what keeps events. It needs the locks of their lanes. After it
// come moveUp and queueFind.
func queueArrive(b *pgx.Batch, batch []*operation) {
	if len(batch) == 0 {
		return
	}
	a, text := arrivalsOf(batch), func(value func(inbox.Event) string) []string {
		return columnOf(batch, func(op *operation) string { return value(op.arrival.event) })
	}
	messages := columnOf(batch, func(op *operation) []byte { return op.arrival.event.Message })
	arrived := byEvent(batch)
	var id, merchant string
	var r inbox.Record
	var claimed bool
	queueRows(b, []any{&id, &merchant, &r.Seq, &r.State, &claimed, &r.Alone}, func() error {
		arrived[lane{merchant: merchant, id: id}].keep(r, claimed)
		return nil
	}, arrive,
		a[0], a[1], a[2],
		text(func(e inbox.Event) string { return e.OrderID }),
		text(func(e inbox.Event) string { return e.RequestID }),
		text(func(e inbox.Event) string { return e.PaymentStatus }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.arrival.event.ReceivedAt) }),
		messages,
		text(func(e inbox.Event) string { return e.Request.Scheme }),
		text(func(e inbox.Event) string { return e.Request.Host }),
		text(func(e inbox.Event) string { return e.Request.URI }),
		text(func(e inbox.Event) string { return e.Request.RemoteAddr }),
		text(func(e inbox.Event) string { return e.Request.Traceparent }),
		text(func(e inbox.Event) string { return e.Block }),
		text(func(e inbox.Event) string { return e.Kind }),
		a[3], a[4], a[5], a[6])
	b.Queue(revive, append(a, messages)...)
}

// queueFind adds to a batch what reads and claims the records of events that were not claimed
// when they were kept.
func queueFind(b *pgx.Batch, batch []*operation) {
	if len(batch) == 0 {
		return
	}
	arrived := byEvent(batch)
	b.Queue(find, arrivalsOf(batch)...).Query(func(rows pgx.Rows) error {
		records, err := pgx.CollectRows(rows, readLeased)
		for _, r := range records {
			arrived[lane{merchant: r.Queue, id: r.ID}].record = r
		}
		return err
	})
}

// byEvent returns the arrivals of a batch by merchant and ID.
func byEvent(batch []*operation) map[lane]*arrival {
	arrived := make(map[lane]*arrival, len(batch))
	for _, op := range batch {
		arrived[lane{merchant: op.arrival.event.Queue, id: op.arrival.event.ID}] = op.arrival
	}
	return arrived
}

// keep notes that the event is new, and how it is kept.
func (a *arrival) keep(r inbox.Record, claimed bool) {
	now := storableTime(a.lease.Now)
	a.isNew = true
	r.Event = a.event
	a.record = r
	if r.State == inbox.Pending {
		a.record.Due = now
	} else {
		a.record.SettledAt = now
	}
	if claimed {
		a.record.Lease = a.token
	}
}
