package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// candidate is one of several ways to do the same, which are measured within this process.
type candidate struct {
	name    string
	writers int // how many do it at once
	do      func(context.Context) error
	samples []sample // one a round
}

// compare has the candidates at work one after the other, each round in another order.
func (b *bench) compare(ctx context.Context, what string, candidates []*candidate) error {
	for round := range b.rounds {
		progress("%s, round %d of %d", what, round+1, b.rounds)
		for i := range candidates {
			c := candidates[(i+round)%len(candidates)]
			s, err := repeat(ctx, c.writers, b.duration/2, c.do)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			s.Round = round
			c.samples = append(c.samples, s)
		}
	}
	return nil
}

// repeat lets so many writers do something again and again for a while. The first failure of a writer ends its work.
func repeat(ctx context.Context, writers int, duration time.Duration, do func(context.Context) error) (sample, error) {
	took, errs := make([][]float64, writers), make([]error, writers)
	var all sync.WaitGroup
	started := time.Now()
	for w := range writers {
		all.Go(func() {
			for errs[w] == nil && ctx.Err() == nil && time.Since(started) < duration {
				begun := time.Now()
				errs[w] = do(ctx)
				took[w] = append(took[w], float64(time.Since(begun).Nanoseconds())/1000)
			}
		})
	}
	all.Wait()
	elapsed := time.Since(started)
	times := slices.Concat(took...)
	s := sample{PerSecond: float64(len(times)) / elapsed.Seconds(), P50: percentile(times, 50), P99: percentile(times, 99)}
	return s, errors.Join(ctx.Err(), errors.Join(errs...))
}
