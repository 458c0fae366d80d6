package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// check checks the whole file: the structure of all pages, that the indexes lead to all records
// and to nothing else, and the checksums of the records. It returns what is wrong.
func (c *conn) check() (problems []string, err error) {
	if problems, err = c.checkStructure(); err != nil || len(problems) > 0 {
		return problems, err
	}
	for _, read := range tables {
		part, err := read(c, 0, 1<<62)
		if err != nil {
			return problems, err
		}
		for _, bad := range part.damaged {
			problems = append(problems, bad.Error())
		}
	}
	return problems, nil
}

// tables compare the checksums of up to limit records behind one: of events, and of payments.
var tables = []func(c *conn, after uint64, limit int) (part, error){(*conn).checkRecords, (*conn).checkPayments}

// checkStructure has SQLite check what it relies on.
func (c *conn) checkStructure() (problems []string, err error) {
	err = c.each("PRAGMA integrity_check(10)", nil, func(stmt *sqliteStmt) (bool, error) {
		if text := stmt.ColumnText(0); text != "ok" {
			problems = append(problems, text)
		}
		return true, nil
	})
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	wrong, err := c.number(wrongCounts)
	if err == nil && wrong > 0 {
		problems = append(problems, "the counts of payments are wrong")
	}
	return problems, err
}

// part is what was checked at once: so many records, up to the last one. Last is 0 if there are
// no more.
type part struct {
	records int
	last    uint64
	damaged []*damagedError
}

// checkRecords compares the checksums of events.
func (c *conn) checkRecords(after uint64, limit int) (part, error) {
	return c.checkRows("SELECT "+rowColumns+" FROM galaxypay_events WHERE seq > ? ORDER BY seq LIMIT ?", after, limit, func(stmt *sqliteStmt) (uint64, error) {
		r, err := readRow(stmt)
		return r.Seq, err
	})
}

// checkPayments compares the checksums of payments, and what is kept twice of them.
func (c *conn) checkPayments(after uint64, limit int) (part, error) {
	return c.checkRows("SELECT "+paymentColumns+" FROM galaxypay_payments WHERE seq > ? ORDER BY seq LIMIT ?", after, limit, func(stmt *sqliteStmt) (uint64, error) {
		p, err := readPayment(stmt)
		if err == nil {
			err = c.checkCopies(&p)
		}
		return p.Seq, err
	})
}

// checkCopies fails if the other tables have something else of a payment than its record.
func (c *conn) checkCopies(p *ledger.Payment) error {
	key, ok, err := c.keyOf(p.Seq)
	if err != nil {
		return err
	}
	if !ok || key != (paymentKey{p.Book, p.RequestID}) {
		return fmt.Errorf("%w: the copy of the key of record %d is missing", errDamaged, p.Seq)
	}
	for _, name := range p.Transactions {
		n, err := c.number("SELECT count(*) FROM galaxypay_payment_transactions WHERE transaction_id = ? AND book = ? AND seq = ?", name, p.Book, p.Seq)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: a name of record %d is missing", errDamaged, p.Seq)
		}
	}
	return nil
}

// wrongCounts are the counts of payments that are not as many as there are.
const wrongCounts = `WITH counted AS (SELECT book, status, outcome, count(*) AS payments FROM galaxypay_payments GROUP BY book, status, outcome),
	kept AS (SELECT book, status, outcome, payments FROM galaxypay_payment_counts WHERE payments <> 0)
	SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept)) + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted))`

func (c *conn) checkRows(sql string, after uint64, limit int, read func(*sqliteStmt) (seq uint64, err error)) (p part, err error) {
	err = c.each(sql, []any{after, limit}, func(stmt *sqliteStmt) (bool, error) {
		seq, err := read(stmt)
		if seq <= max(p.last, after) {
			return false, errOrder
		}
		p.records, p.last = p.records+1, seq
		if bad, ok := errors.AsType[*damagedError](err); ok {
			p.damaged = append(p.damaged, bad)
			return true, nil
		}
		return true, err
	})
	return p, err
}

const (
	// checkAfter is how long after its opening a store is checked in the background.
	checkAfter = time.Minute
	// checkedAtOnce is how many records the check reads at once, and checkShare how much longer
	// it rests than it works.
	checkedAtOnce = 500
	checkShare    = 4
	// checkTime bounds the check of the structure. It holds up the emptying of SQLite's log, which
	// gets longer while the check lasts.
	checkTime = 2 * time.Minute
)

// watch checks the file in the background, once.
func (s *Store) watch(ctx context.Context, after time.Duration) {
	if !pause(ctx, after) {
		return
	}
	if err := s.checkSlowly(ctx); err != nil && ctx.Err() == nil {
		s.report(fmt.Errorf("the check in the background: %w", err))
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Store) checkSlowly(ctx context.Context) error {
	if _, err := s.checkAllRecords(ctx, checkShare); err != nil {
		return err
	}
	structure, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err := s.checkAllStructure(structure)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the store is large: the command checks it
	}
	return err
}

// Check checks the whole store, while it is in use. Damaged records are put aside. A damaged
// file is rescued. The error says what was found; nil: all is well. It returns how many records
// were checked.
func (s *Store) Check(ctx context.Context) (records int, err error) {
	if records, err = s.checkAllRecords(ctx, 0); err != nil {
		return records, err
	}
	return records, s.checkAllStructure(ctx)
}

// checkAllRecords compares the checksums of all records, and rests between two parts for so many
// times as long as one took.
func (s *Store) checkAllRecords(ctx context.Context, share int) (records int, err error) {
	found := 0
	for _, read := range tables {
		n, damaged, err := s.checkTable(ctx, share, read)
		records, found = records+n, found+damaged
		if err != nil {
			return records, err
		}
	}
	if found > 0 {
		return records, fmt.Errorf("%w: %d records, which were put aside", errDamaged, found)
	}
	return records, nil
}

func (s *Store) checkTable(ctx context.Context, share int, read func(c *conn, after uint64, limit int) (part, error)) (records, damaged int, err error) {
	for after, more := uint64(0), true; more; {
		began := time.Now()
		var p part
		err := s.view(ctx, func(c *conn) (err error) {
			p, err = read(c, after, checkedAtOnce)
			return err
		})
		if err != nil {
			return records, damaged, err
		}
		for _, bad := range p.damaged {
			s.quarantine(ctx, bad)
		}
		damaged, records = damaged+len(p.damaged), records+p.records
		after, more = p.last, p.records == checkedAtOnce
		if share > 0 && more && !pause(ctx, time.Duration(share)*time.Since(began)) {
			return records, damaged, ctx.Err()
		}
	}
	return records, damaged, nil
}

// checkAllStructure has SQLite check the file. If it is damaged, it will be rescued.
func (s *Store) checkAllStructure(ctx context.Context) error {
	return s.view(ctx, func(c *conn) error {
		problems, err := c.checkStructure()
		if err == nil && len(problems) > 0 {
			err = fmt.Errorf("%w: %s", errDamaged, problems[0])
		}
		return err
	})
}
