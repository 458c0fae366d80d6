package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// settlement is the end of an attempt, and what comes of it.
type settlement struct {
	record inbox.Record
	how    inbox.Settlement
	state  inbox.State
}

// Settle implements inbox.Store.
func (s *Store) Settle(ctx context.Context, r inbox.Record, how inbox.Settlement) (inbox.State, error) {
	r.Event = storableEvent(r.Event)
	st := &settlement{record: r, how: how}
	if err := s.writer.do(ctx, &operation{lane: laneOf(r.Event), settlement: st}); err != nil {
		return "", s.failed(ctx, "settling an event", err)
	}
	return st.state, nil
}

// settle ends attempts. It does not make an event the head of its lane again: an earlier
// one may have been replayed since.
var settle = `
WITH settled AS MATERIALIZED (
	SELECT r.*, CASE WHEN new_state = 'pending' AND ` + isPaid("r") + ` THEN 'overtaken' ELSE new_state END AS ends
	FROM (
		SELECT e.seq, e.merchant, e.transaction_id, e.request_id, e.payment_status,
			s.token, s.new_state, s.counted, s.due, s.at, s.status, s.description, s.error, s.tries
		FROM unnest(
			$1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[]
		) AS s (id, merchant, token, new_state, counted, due, at, status, description, error, tries)
		CROSS JOIN LATERAL ` + withID("s") + ` AS e
		WHERE e.lease = s.token
	) AS r
)
UPDATE galaxypay_events AS r
SET state = ends, attempts = attempts + counted,
	due_at = CASE WHEN ends = 'pending' THEN due END,
	settled_at = CASE WHEN ends <> 'pending' THEN at END,
	answer_status = status, answer_description = description, last_error = error, history = tries,
	lease = NULL, lease_until = NULL,
	ready_at = CASE WHEN ends = 'pending' AND r.transaction_id = '' THEN due END
FROM settled
WHERE r.seq = ANY (ARRAY(SELECT seq FROM settled)) AND r.seq = settled.seq AND r.lease = settled.token
RETURNING r.id, r.merchant, r.state`

// queueSettle adds to a batch what ends attempts. It needs the locks of their lanes, and
// moveUp after it. More is called if another attempt follows.
func queueSettle(b *pgx.Batch, batch []*operation, more func()) {
	if len(batch) == 0 {
		return
	}
	settled := make(map[lane]*operation, len(batch))
	for _, op := range batch {
		op.err = inbox.ErrLeaseLost // until its row returns
		settled[lane{merchant: op.settlement.record.Queue, id: op.settlement.record.ID}] = op
	}
	text := func(value func(*settlement) string) []string {
		return columnOf(batch, func(op *operation) string { return storable(value(op.settlement)) })
	}
	var id, merchant string
	var state inbox.State
	queueRows(b, []any{&id, &merchant, &state}, func() error {
		op := settled[lane{merchant: merchant, id: id}]
		op.err, op.settlement.state = nil, state
		if state == inbox.Pending {
			more()
		}
		return nil
	}, settle,
		text(func(s *settlement) string { return s.record.ID }),
		text(func(s *settlement) string { return s.record.Queue }),
		text(func(s *settlement) string { return s.record.Lease }),
		text(func(s *settlement) string { return string(s.how.State) }),
		columnOf(batch, func(op *operation) int32 { return op.settlement.counts() }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.settlement.how.Due) }),
		columnOf(batch, func(op *operation) *int64 { return micros(op.settlement.how.At) }),
		text(func(s *settlement) string { return s.how.Answer.Status }),
		text(func(s *settlement) string { return s.how.Answer.Description }),
		text(func(s *settlement) string { return s.how.LastError }),
		text(func(s *settlement) string { return store.Names(storables(s.how.History)).Text() }))
}

// counts is how many attempts it counts as.
func (s *settlement) counts() int32 {
	if s.how.Uncounted {
		return 0
	}
	return 1
}
