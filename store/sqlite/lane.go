package sqlite

import (
	"errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// laneRows are all records of one transaction, in the order of arrival.
type laneRows []*row

// laneOfTransaction finds the records of a transaction. The CASTs hide the parameters from
// SQLite's planner, and do nothing else. It looks at the values of parameters that are compared
// with =, and plans again for each new value, which takes longer than the query.
const laneOfTransaction = "SELECT " + rowColumns + ` FROM galaxypay_events INDEXED BY galaxypay_events_transaction
	WHERE transaction_id = CAST(? AS TEXT) AND merchant = CAST(? AS TEXT) ORDER BY seq`

// lane reads the records of an event's transaction; none if it has no transaction.
func (t *tx) lane(e *inbox.Event) (laneRows, error) {
	if e.Transaction == "" {
		return nil, nil
	}
	return t.rows(laneOfTransaction, e.Transaction, e.Queue)
}

// rows reads records. Those that are damaged are put aside, which may change others.
func (t *tx) rows(sql string, bind ...any) ([]*row, error) {
	var rows []*row
	var damaged []*damagedError
	err := t.c.each(sql, bind, func(stmt *sqliteStmt) (bool, error) {
		r, err := readRow(stmt)
		if bad, ok := errors.AsType[*damagedError](err); ok {
			damaged = append(damaged, bad)
			return true, nil
		}
		rows = append(rows, &r)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	if len(damaged) == 0 {
		return rows, nil
	}
	for _, bad := range damaged {
		if err := t.putAside(bad); err != nil {
			return nil, err
		}
	}
	return t.rows(sql, bind...)
}

// putAside moves a damaged record into the quarantine, where it holds up no other.
func (t *tx) putAside(bad *damagedError) error {
	var of inbox.Event
	isThere := false
	err := t.c.each("SELECT transaction_id, merchant FROM galaxypay_events WHERE seq = ?", []any{bad.seq}, func(stmt *sqliteStmt) (bool, error) {
		column(stmt, 0, &of.Transaction)
		column(stmt, 1, &of.Queue)
		isThere = true
		return true, nil
	})
	if err != nil || !isThere {
		return err
	}
	if err := t.c.run("INSERT OR REPLACE INTO galaxypay_quarantine SELECT * FROM galaxypay_events WHERE seq = ?", bad.seq); err != nil {
		return err
	}
	if err := t.c.run("DELETE FROM galaxypay_events WHERE seq = ?", bad.seq); err != nil {
		return err
	}
	t.s.claims.take(bad.seq)
	t.damage = append(t.damage, bad)
	l, err := t.lane(&of)
	if err != nil {
		return err
	}
	return t.advance(l)
}

// isOvertaken reports whether a record of the lane overtakes an event.
func (l laneRows) isOvertaken(e *inbox.Event) bool {
	for _, r := range l {
		if r.Overtakes(e) {
			return true
		}
	}
	return false
}

// overtakenBy are the pending records that a new one overtakes, except those that are held.
func (l laneRows) overtakenBy(by *inbox.Record, isHeld func(seq uint64) bool) (waiting []*row) {
	for _, r := range l {
		if r.State == inbox.Pending && by.Overtakes(&r.Event) && !isHeld(r.Seq) {
			waiting = append(waiting, r)
		}
	}
	return waiting
}

func (l laneRows) pending() (n int) {
	for _, r := range l {
		if r.State == inbox.Pending {
			n++
		}
	}
	return n
}

// head is the oldest pending record; nil: none is pending.
func (l laneRows) head() *row {
	for _, r := range l {
		if r.State == inbox.Pending {
			return r
		}
	}
	return nil
}

// withSeq finds the lane's own copy of a record.
func (l laneRows) withSeq(r *row) *row {
	for _, own := range l {
		if own.Seq == r.Seq {
			return own
		}
	}
	return r
}

// orAlone is the lane, or a record alone if it has no transaction.
func (l laneRows) orAlone(r *row) laneRows {
	if r.Transaction == "" {
		return laneRows{r}
	}
	return l
}

// advance makes the oldest pending record the one that can be claimed, and no other.
func (t *tx) advance(l laneRows) error {
	head := l.head()
	for _, r := range l {
		ready := readyTime(r, r == head)
		if ready == r.ready {
			continue
		}
		r.ready = ready
		if r == head {
			t.wake = true
		}
		if err := r.update(t.c); err != nil {
			return err
		}
	}
	return nil
}
