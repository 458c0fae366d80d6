package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// usualBatches is how many batches are under way at once: one executes while another
	// commits. More of them would each be smaller, and cost more.
	usualBatches = 2
	// mostBatches is how many there are at once if some are slow.
	mostBatches = 8
	// slowBatch is after how long a batch is slow, and another may begin beside it: it waits
	// for a lock of another sidecar's, or its commit waits for a standby.
	slowBatch = 20 * time.Millisecond
	// batchSize bounds the operations of one batch.
	batchSize = 128
)

// operation is an arrival or a settlement that waits for its transaction: one of the two is
// not nil.
type operation struct {
	lane       lane
	arrival    *arrival
	settlement *settlement

	alone bool       // it gets a transaction of its own: one of its batch has failed
	err   error      // of this operation, where its transaction is committed
	done  chan error // gets one value at the end
}

// writer lets operations that wait share transactions. Operations of one lane are never in two
// transactions at once, nor in one, so that none of them waits for a lock of this sidecar's.
type writer struct {
	// commit runs a batch in one transaction, and sets the error of each operation. Its own
	// error says that nothing is committed, or that it is not clear.
	commit func([]*operation) error

	mu      sync.Mutex
	waiting []*operation
	busy    map[lane]bool // of batches that are under way
	running int           // batches, or goroutines that are about to begin one
	slow    int           // of those that run
	work    sync.WaitGroup
}

// do runs an operation in a transaction, together with others. If the context ends first, it
// returns at once, and the operation may still be done.
func (w *writer) do(ctx context.Context, op *operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op.done = make(chan error, 1)
	w.mu.Lock()
	w.waiting = append(w.waiting, op)
	w.begin()
	w.mu.Unlock()
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		w.withdraw(op)
		return ctx.Err()
	}
}

// begin starts another goroutine if there may be one. The caller holds the lock.
func (w *writer) begin() {
	if len(w.waiting) > 0 && w.running < w.most() {
		w.running++
		w.work.Go(w.run)
	}
}

// most is how many batches may be under way. The caller holds the lock.
func (w *writer) most() int { return min(usualBatches+w.slow, mostBatches) }

// withdraw removes an operation that still waits.
func (w *writer) withdraw(op *operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = slices.DeleteFunc(w.waiting, func(other *operation) bool { return other == op })
}

// wait returns when nothing is under way. No operation may be begun any more.
func (w *writer) wait() { w.work.Wait() }

// run commits one batch after another until nothing waits that it could take.
func (w *writer) run() {
	for batch := w.take(nil); len(batch) > 0; batch = w.take(batch) {
		err := w.commitOne(batch)
		if isOfOne(err) && len(batch) > 1 {
			w.separate(batch)
			continue
		}
		for _, op := range batch {
			if err != nil {
				op.err = err
			}
			op.done <- op.err
		}
	}
}

// commitOne commits a batch, and lets another begin beside it when it is slow.
func (w *writer) commitOne(batch []*operation) error {
	isSlow, hasEnded := false, false
	timer := time.AfterFunc(slowBatch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if hasEnded {
			return
		}
		isSlow = true
		w.slow++
		w.begin()
	})
	err := w.commit(batch)
	timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	hasEnded = true
	if isSlow {
		w.slow--
	}
	return err
}

// take gives up the lanes of a batch that has ended, and begins the next one.
func (w *writer) take(ended []*operation) (batch []*operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, op := range ended {
		delete(w.busy, op.lane)
	}
	if w.running > w.most() { // a batch beside which this one was begun is slow no more
		w.running--
		return nil
	}
	if w.busy == nil {
		w.busy = make(map[lane]bool)
	}
	passed := make(map[lane]bool) // what comes behind in these lanes has to wait too
	w.waiting = slices.DeleteFunc(w.waiting, func(op *operation) bool {
		full := len(batch) == batchSize || len(batch) > 0 && (op.alone || batch[0].alone)
		if full || w.busy[op.lane] || passed[op.lane] {
			passed[op.lane] = true
			return false
		}
		w.busy[op.lane] = true
		batch = append(batch, op)
		return true
	})
	if len(batch) == 0 {
		w.running--
	}
	return batch
}

// separate lets the operations of a batch that has failed wait again, each for a transaction of
// its own: one that the database refuses must not take the others with it.
func (w *writer) separate(batch []*operation) {
	for _, op := range batch {
		op.alone = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(slices.Clone(batch), w.waiting...)
}

// isOfOne reports whether an error is certain to have undone the transaction, and may be the
// fault of one operation: bad data, a conflict, a lock that another sidecar has for long.
func isOfOne(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(refusal.Code) != 5 {
		return false
	}
	switch refusal.Code[:2] {
	case "22", "23", "40", "42", "54", "55", "P0":
		return true
	}
	return refusal.Code == "57014" // the statement took too long
}
