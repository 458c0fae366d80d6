package store

import "time"

// ReadClock reads what the store was told of the time: two columns, and no row at first.
// WriteClock keeps it.
const (
	ReadClock  = "SELECT told_at, steady_since FROM galaxypay_clock"
	WriteClock = `INSERT INTO galaxypay_clock (only_row, told_at, steady_since) VALUES (1, @told_at, @steady_since)
	ON CONFLICT (only_row) DO UPDATE SET told_at = excluded.told_at, steady_since = excluded.steady_since`
)

// ClockTable is the statement that makes the table of the clock.
const ClockTable = `CREATE TABLE galaxypay_clock (
	only_row integer PRIMARY KEY CHECK (only_row = 1),
	told_at bigint NOT NULL,
	steady_since bigint NOT NULL
)`

// widestGap is how far apart two times may be that a steady clock tells: a sidecar may be
// switched off over a weekend.
const widestGap = 48 * time.Hour

// SteadySince is what inbox.Store.Clock returns: since the time before, unless the clock was set
// between the time told last and now. The zero time: nothing was told before.
func SteadySince(since, told, now time.Time) time.Time {
	if told.IsZero() || now.Before(told) || now.Sub(told) > widestGap {
		return now
	}
	return since
}
