package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is where sidecars notify each other that there is more to claim.
const channel = "galaxypay_inbox"

const (
	// reconnectDelay lies between attempts to listen.
	reconnectDelay = time.Second
	// quietTime is how long the connection that listens may be silent before it is tested:
	// nothing else would show that the other end is gone.
	quietTime = time.Minute
)

// Wake implements inbox.Store.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// wakeAll wakes this sidecar and all others: Claim may have more to return.
func (s *Store) wakeAll() {
	signal(s.wake)
	signal(s.notices)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notify sends notices to other sidecars, one for all that came together. It is not part of
// the transactions that change records: commits with a NOTIFY wait for each other, and could
// not share an fsync.
func (s *Store) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.notices:
		}
		// A notice that is lost is made up for by polling.
		s.sendNotice(ctx)
	}
}

func (s *Store) sendNotice(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	_, _ = s.pool.Exec(ctx, "NOTIFY "+channel)
}

// listen receives the notices of other sidecars, over a connection of its own that is replaced
// when it breaks.
func (s *Store) listen(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		_ = s.listenOnce(ctx, config) // while it fails, polling finds the events
		select {
		case <-ctx.Done():
		case <-time.After(reconnectDelay):
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, config *pgx.ConnConfig) error {
	c, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_ = c.Close(closing)
	}()
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		signal(s.wake) // the first time for notices that were missed
		if err := waitForNotice(ctx, c); err != nil {
			return err
		}
	}
}

// waitForNotice waits for a notice of another sidecar.
func waitForNotice(ctx context.Context, c *pgx.Conn) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, quietTime)
		_, err := c.WaitForNotification(waiting)
		quiet := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !quiet {
			return err
		}
		trying, cancel := context.WithTimeout(ctx, operationTimeout)
		err = c.Ping(trying)
		cancel()
		if err != nil {
			return err
		}
	}
}
