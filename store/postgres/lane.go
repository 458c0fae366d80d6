package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// lane is where events wait for each other: a transaction of a merchant, or, where an event has
// none, the event alone. The oldest pending event of a transaction is the head of its lane. It
// alone has a ready_at.
type lane struct{ merchant, transaction, id string }

func laneOf(e inbox.Event) lane {
	if e.Transaction != "" {
		return lane{merchant: e.Queue, transaction: e.Transaction}
	}
	return lane{merchant: e.Queue, id: e.ID}
}

// key is the key of the lock of a lane. Two lanes that share one by chance are locked
// together; nothing else happens.
func (l lane) key() int64 {
	sum := sha256.Sum256([]byte(l.merchant + "\x00" + l.transaction + "\x00" + l.id))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // G115: all 64 bits are wanted, whatever their sign
}

// lockLanes keeps other sidecars from changing who waits for whom in lanes until the end of the
// transaction. It is a statement of its own: the next one sees what was committed while this one
// waited. Its parameter is what keysOf returns.
const lockLanes = "SELECT count(pg_advisory_xact_lock(lane)) FROM unnest($1::bigint[]) AS lane"

// keysOf returns the keys of lanes, sorted, so that two that lock several never wait for each
// other.
func keysOf(lanes []lane) []int64 {
	keys := make([]int64, len(lanes))
	for i, l := range lanes {
		keys[i] = l.key()
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// lanesOf returns the lanes of a batch.
func lanesOf(batch []*operation) []lane {
	lanes := make([]lane, len(batch))
	for i, op := range batch {
		lanes[i] = op.lane
	}
	return lanes
}

// inLane are the events of the lane of an event in another relation; none where that has no
// transaction. OFFSET 0 keeps PostgreSQL from looking for them in any other index than that of
// transactions: without statistics it may take the indexes of pending events for empty.
func inLane(event string) string {
	return "(SELECT * FROM galaxypay_events AS e WHERE " + event + ".transaction_id <> '' AND e.transaction_id = " + event +
		".transaction_id AND e.merchant = " + event + ".merchant OFFSET 0)"
}

// withID is the event with the columns id and merchant of another relation.
func withID(event string) string {
	return "(SELECT * FROM galaxypay_events AS e WHERE e.id = " + event + ".id AND e.merchant = " + event + ".merchant OFFSET 0)"
}

// still is a condition that was true when an event was found, and must be true of the newest
// version of the event too. The event is not looked for by it, in whatever index.
func still(condition string) string { return "((" + condition + ") IS TRUE)" }

// free is the condition that the event r is not claimed, at the time of another relation's
// columns now_at and horizon.
func free(at string) string {
	return "(r.lease IS NULL OR r.lease_until <= " + at + ".now_at OR r.lease_until > " + at + ".horizon)"
}

// overtakable is the list of inbox.Overtakable.
var overtakable = "('" + strings.Join(inbox.Overtakable(), "', '") + "')"

// isPaid is the condition that a kept event overtakes an event.
func isPaid(event string) string {
	return "(" + event + ".payment_status IN " + overtakable + " AND (SELECT p.seq FROM " + inLane(event) + " AS p WHERE p.request_id = " + event +
		".request_id AND p.payment_status = 'paid' LIMIT 1) IS NOT NULL)"
}

// headOf is the number of the head of the lane of an event, or of a lane; null: there is none.
func headOf(event string) string {
	return "(SELECT h.seq FROM " + inLane(event) + " AS h WHERE h.ready_at IS NOT NULL LIMIT 1)"
}

// moveUp makes the oldest pending event the head of each lane that has none. The lanes have to be
// locked.
var moveUp = `
UPDATE galaxypay_events
SET ready_at = greatest(due_at, lease_until)
WHERE seq = ANY (ARRAY(
	SELECT (SELECT p.seq FROM ` + inLane("l") + ` AS p WHERE p.state = 'pending' ORDER BY p.seq LIMIT 1)
	FROM unnest($1::text[], $2::text[]) AS l (merchant, transaction_id)
	WHERE ` + headOf("l") + ` IS NULL
))`

// columnsOf returns the columns of lanes for moveUp, without lanes of one event.
func columnsOf(lanes []lane) (merchants, transactions []string) {
	for _, l := range lanes {
		if l.transaction != "" {
			merchants, transactions = append(merchants, l.merchant), append(transactions, l.transaction)
		}
	}
	return merchants, transactions
}

// queueMoveUp adds moveUp to a batch. Moved is called with how many heads there are that were
// none before.
func queueMoveUp(b *pgx.Batch, lanes []lane, moved func(n int64)) {
	merchants, transactions := columnsOf(lanes)
	if len(merchants) == 0 {
		return
	}
	queueExec(b, moved, moveUp, merchants, transactions)
}
