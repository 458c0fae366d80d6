package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// inbox measures what it costs to have an IPN on the disk before the gateway is answered: arrivals beside bare writes to
// the same disk, the answers themselves, and arrivals in an inbox that holds much already.
func (b *bench) inbox(ctx context.Context) error {
	if err := b.needDisk(); err != nil {
		return err
	}
	kinds, end, err := b.inboxKinds(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := b.arrivals(ctx, kinds); err != nil {
		return err
	}
	if err := b.answers(ctx, kinds); err != nil {
		return err
	}
	if err := b.fullInboxes(ctx, kinds); err != nil {
		return err
	}
	return b.reopening(ctx)
}

// arrivalLimits are how many times as many arrivals a second as bare writes a store must keep, by the writers at once.
var arrivalLimits = map[string]map[int]float64{
	nameSQLite:   {1: 0.5, 16: 2, 64: 3},
	namePostgres: {64: 1.5},
}

// answerLimits are how long an answer may take at 64 IPNs at once, p99 in microseconds.
var answerLimits = map[string]float64{nameSQLite: 20_000, namePostgres: 40_000}

// arrivals compares how many events a second the stores keep with how many one writer gets onto the disk that does nothing else.
func (b *bench) arrivals(ctx context.Context, kinds []inboxKind) error {
	raw, err := os.Create(filepath.Join(b.dir, "raw"))
	if err != nil {
		return err
	}
	defer raw.Close()
	stores, err := openAll(ctx, kinds, 0)
	if err != nil {
		return err
	}
	defer closeAll(stores)
	var last atomic.Int64
	t := b.report.table("Arrivals in the inbox", "kept by", "writers at once", "arrivals/s", "x raw", "p50 µs", "p99 µs")
	if len(kinds) == 1 {
		t.Note = "PostgreSQL is not installed, so its rows are missing."
	}
	for _, writers := range b.writers {
		candidates := []*candidate{{name: nameRaw, writers: 1, do: func(context.Context) error { return writeAndSync(raw) }}}
		for i, store := range stores {
			candidates = append(candidates, &candidate{name: kinds[i].name, writers: writers, do: arrival(store, &last)})
		}
		if err := b.compare(ctx, fmt.Sprintf("arrivals, %d writers", writers), candidates); err != nil {
			return err
		}
		for _, c := range candidates {
			ratio := medianOfRatios(column(c.samples, perSecond), column(candidates[0].samples, perSecond))
			t.row(c.name, fmt.Sprint(c.writers), fmt.Sprintf("%.0f", median(column(c.samples, perSecond))), fmt.Sprintf("%.2f", ratio),
				fmt.Sprintf("%.0f", median(column(c.samples, p50))), fmt.Sprintf("%.0f", median(column(c.samples, p99))))
			b.report.Samples[fmt.Sprintf("inbox/arrivals/%d/%s", writers, c.name)] = c.samples
			if limit := arrivalLimits[c.name][writers]; limit > 0 {
				b.report.atLeast(limit, fmt.Sprintf("arrivals/s in %s x %s, %d writers", c.name, nameRaw, writers), ratio)
			}
		}
	}
	return nil
}

// arrival keeps another event each time.
func arrival(store inbox.Store, last *atomic.Int64) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := keep(ctx, store, ipn(last.Add(1)))
		return err
	}
}

func writeAndSync(f *os.File) error {
	if _, err := f.WriteString(ipnMessage); err != nil {
		return err
	}
	return f.Sync()
}

// answers measures how long the gateway waits: until the event is kept, the app has taken it at once, and that is kept too.
func (b *bench) answers(ctx context.Context, kinds []inboxKind) error {
	stores, err := openAll(ctx, kinds, 0)
	if err != nil {
		return err
	}
	var last atomic.Int64
	members := make([]*inbox.Member, len(stores))
	for i, store := range stores {
		engine := inbox.NewEngine(store, inbox.SystemClock)
		defer engine.Close() // and its store
		members[i] = engine.Join(inbox.Settings{Queues: []inbox.Queue{{Name: "default", Deliver: takeAtOnce, AnswerWithin: 5 * time.Second}}})
	}
	t := b.report.table("Answers of the inbox", "kept by", "IPNs at once", "answers/s", "p50 µs", "p99 µs")
	for _, writers := range b.writers {
		var candidates []*candidate
		for i, member := range members {
			candidates = append(candidates, &candidate{name: kinds[i].name, writers: writers, do: answer(member, &last)})
		}
		if err := b.compare(ctx, fmt.Sprintf("answers, %d IPNs at once", writers), candidates); err != nil {
			return err
		}
		for _, c := range candidates {
			t.row(c.name, fmt.Sprint(c.writers), fmt.Sprintf("%.0f", median(column(c.samples, perSecond))),
				fmt.Sprintf("%.0f", median(column(c.samples, p50))), fmt.Sprintf("%.0f", median(column(c.samples, p99))))
			b.report.Samples[fmt.Sprintf("inbox/answers/%d/%s", writers, c.name)] = c.samples
			if writers == judgedWriters {
				b.report.atMost(answerLimits[c.name], fmt.Sprintf("p99 of an answer of %s in µs, %d IPNs at once", c.name, writers), median(column(c.samples, p99)))
			}
		}
	}
	return nil
}

func takeAtOnce(context.Context, inbox.Record, int) inbox.Result {
	return inbox.Result{Delivered: true, Answer: taken}
}

// answer delivers another event each time, and expects the app's own answer.
func answer(member *inbox.Member, last *atomic.Int64) func(context.Context) error {
	return func(ctx context.Context) error {
		got, err := member.Arrive(ctx, ipn(last.Add(1)))
		if err == nil && got != taken {
			err = fmt.Errorf("the gateway got the answer %q instead of the app's", got.Description)
		}
		return err
	}
}

// fullWriters is how many arrivals come at once where inboxes of different sizes are compared.
const fullWriters = 16

// fullInboxes compares arrivals in inboxes that hold more and more.
func (b *bench) fullInboxes(ctx context.Context, kinds []inboxKind) error {
	sizes := []int{0, b.records / 10, b.records}
	var last atomic.Int64
	last.Store(int64(b.records))
	var (
		candidates []*candidate
		full       []inbox.Store
	)
	for _, size := range sizes {
		if size > 0 {
			progress("filling inboxes with %d records", size)
		}
		stores, err := openAll(ctx, kinds, size)
		if err != nil {
			return err
		}
		defer closeAll(stores)
		full = stores
		for i, store := range stores {
			candidates = append(candidates, &candidate{name: kinds[i].name, writers: fullWriters, do: arrival(store, &last)})
		}
	}
	if err := b.compare(ctx, "full inboxes", candidates); err != nil {
		return err
	}
	t := b.report.table(fmt.Sprintf("Arrivals in a full inbox, %d writers", fullWriters),
		"kept by", "records before", "arrivals/s", "time of an arrival x empty", "p50 µs", "p99 µs")
	for i, c := range candidates {
		empty, size := candidates[i%len(kinds)], sizes[i/len(kinds)]
		longer := medianOfRatios(column(empty.samples, perSecond), column(c.samples, perSecond))
		t.row(c.name, fmt.Sprint(size), fmt.Sprintf("%.0f", median(column(c.samples, perSecond))), fmt.Sprintf("%.2f", longer),
			fmt.Sprintf("%.0f", median(column(c.samples, p50))), fmt.Sprintf("%.0f", median(column(c.samples, p99))))
		b.report.Samples[fmt.Sprintf("inbox/full/%d/%s", size, c.name)] = c.samples
		if size == b.records {
			b.report.atMost(1.5, fmt.Sprintf("time of an arrival in %s x empty, %d records", c.name, size), longer)
		}
	}
	return b.lookups(ctx, candidates[len(candidates)-len(kinds):], full)
}

// lookupTimes is how often each lookup is made.
const lookupTimes = 20

// lookups measures what a person looks for in the fullest inboxes, and how long the file takes to open.
func (b *bench) lookups(ctx context.Context, names []*candidate, stores []inbox.Store) error {
	t := b.report.table(fmt.Sprintf("Looking into an inbox of %d records", b.records), "kept by", "looked for", "longest ms", "p50 ms")
	now := time.Now()
	for i, kept := range stores {
		for _, look := range []struct {
			by     string
			filter inbox.Filter
		}{
			{"an order", inbox.Filter{OrderID: fmt.Sprint("DH-", b.records/2)}},
			{"a transaction", inbox.Filter{Transaction: ipn(int64(b.records / 2)).Transaction}},
			{"dead ones of an hour", inbox.Filter{State: inbox.Dead, Since: now.Add(-time.Hour), Limit: 100}},
			{"delivered ones of an hour", inbox.Filter{State: inbox.Delivered, Since: now.Add(-time.Hour), Limit: 100}},
			{"delivered ones of half of the time", inbox.Filter{State: inbox.Delivered, Since: now.Add(-time.Duration(b.records) * time.Second / 2), Limit: 100}},
		} {
			var took []float64
			for range lookupTimes {
				begun := time.Now()
				for _, err := range kept.List(ctx, look.filter) {
					if err != nil {
						return err
					}
				}
				took = append(took, float64(time.Since(begun).Microseconds())/1000)
			}
			t.row(names[i].name, look.by, fmt.Sprintf("%.2f", slices.Max(took)), fmt.Sprintf("%.2f", median(took)))
			b.report.atMost(50, fmt.Sprintf("ms to find %s in %s", look.by, names[i].name), median(took))
		}
	}
	return nil
}

// reopening measures how long the file takes to open when it holds much.
func (b *bench) reopening(ctx context.Context) error {
	kept, path, err := b.sqliteFile(ctx, b.records)
	if err != nil {
		return err
	}
	if err := kept.Close(); err != nil {
		return err
	}
	var took []float64
	for range lookupTimes {
		begun := time.Now()
		again, err := openSQLite(path) //nolint:contextcheck // an open store outlives what opens it
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(begun).Microseconds())/1000)
		if err := again.Close(); err != nil {
			return err
		}
	}
	t := b.report.table("Opening the file", "records", "longest ms", "p50 ms")
	t.row(fmt.Sprint(b.records), fmt.Sprintf("%.1f", slices.Max(took)), fmt.Sprintf("%.1f", median(took)))
	b.report.atMost(50, fmt.Sprintf("ms to open a file of %d records", b.records), median(took))
	return nil
}

// openAll opens an inbox of each kind, at the same time, since filling them takes long.
func openAll(ctx context.Context, kinds []inboxKind, records int) ([]inbox.Store, error) {
	stores, errs := make([]inbox.Store, len(kinds)), make([]error, len(kinds))
	var all sync.WaitGroup
	for i, kind := range kinds {
		all.Go(func() { stores[i], errs[i] = kind.open(ctx, records) })
	}
	all.Wait()
	return stores, errors.Join(errs...)
}

func closeAll(stores []inbox.Store) {
	for _, store := range stores {
		if err := store.Close(); err != nil {
			progress("cannot close an inbox: %v", err)
		}
	}
}
