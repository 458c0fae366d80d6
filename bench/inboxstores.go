//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

const (
	nameRaw      = "raw write + fsync"
	nameSQLite   = "sqlite"
	namePostgres = "postgres"
)

// inboxKind is a kind of inbox under measurement.
type inboxKind struct {
	name string
	// open makes a new one with so many delivered events. An error ends the run, so nothing is closed then.
	open func(ctx context.Context, records int) (inbox.Store, error)
}

// inboxKinds are those that this machine has; end ends what they need.
func (b *bench) inboxKinds(ctx context.Context) (kinds []inboxKind, end func(), err error) {
	kinds = []inboxKind{{nameSQLite, b.sqliteInbox}}
	server, err := postgrestest.New(ctx)
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		progress("%v (Debian: apt-get install postgresql): skipped", err)
		return kinds, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	end = func() {
		if err := server.Close(); err != nil {
			progress("cannot end PostgreSQL: %v", err)
		}
	}
	return append(kinds, inboxKind{namePostgres, func(ctx context.Context, records int) (inbox.Store, error) {
		return postgresInbox(ctx, server, records)
	}}), end, nil
}

func (b *bench) sqliteInbox(ctx context.Context, records int) (inbox.Store, error) {
	kept, _, err := b.sqliteFile(ctx, records)
	return kept, err
}

func (b *bench) sqliteFile(ctx context.Context, records int) (kept inbox.Store, path string, err error) {
	dir, err := os.MkdirTemp(b.dir, "inbox-")
	if err != nil {
		return nil, "", err
	}
	path = filepath.Join(dir, "store.db")
	if kept, err = openSQLite(path); err != nil { //nolint:contextcheck // an open store outlives what opens it
		return nil, "", err
	}
	return kept, path, deliverAll(ctx, kept, records)
}

func openSQLite(path string) (*sqlite.Store, error) {
	return sqlite.Open(path, func(err error) { progress("the store reports: %v", err) })
}

func postgresInbox(ctx context.Context, server *postgrestest.Server, records int) (inbox.Store, error) {
	address, err := server.NewDatabase(ctx, rand.Text())
	if err != nil {
		return nil, err
	}
	kept, err := postgres.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	return kept, fillPostgres(ctx, address, records)
}

// ipnMessage is what an app gets of an IPN: the fields that the gateway's documents name.
const ipnMessage = `{"requestID":"ea3caa05f4bf495c9cc66caae2e33b92","responseDateTime":"20261121103015","responseCode":"200",` +
	`"responseMessage":"Success","responseData":{"transactionID":"TRANSACTION","transactionDateTime":"20261121103014",` +
	`"transactionStatus":"200","transactionDescription":"Success","paymentMethod":"DOMESTIC","sourceType":"ATM",` +
	`"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":"205249008064","orderAmount":"100000","orderCurrency":"VND",` +
	`"orderDateTime":"20261121102906","orderDescription":"Thanh toan don hang 205249008064","language":"vi"}}`

// ipn is the event of that number. As in life, transactions are numbered by time, and ids are hashes.
func ipn(n int64) inbox.Event {
	transaction := fmt.Sprintf("2611%021d", n)
	message := strings.Replace(ipnMessage, "TRANSACTION", transaction, 1)
	id := sha256.Sum256([]byte(message))
	return inbox.Event{
		ID: hex.EncodeToString(id[:]), Queue: "default", Transaction: transaction, OrderID: fmt.Sprint("DH-", n), RequestID: "ea3caa05f4bf495c9cc66caae2e33b92",
		PaymentStatus: inbox.Paid, ReceivedAt: time.Now(), Message: []byte(message),
	}
}

// taken is what the app says of every event.
var taken = inbox.Answer{Status: "200", Description: "taken"}

// keep adds an event that must be new.
func keep(ctx context.Context, store inbox.Store, e inbox.Event) (inbox.Record, error) {
	now := time.Now()
	r, added, err := store.Arrive(ctx, e, inbox.Lease{Now: now, Until: now.Add(45 * time.Second)})
	if err == nil && !added {
		err = fmt.Errorf("event %s was there already", e.ID)
	}
	return r, err
}

// deliverAll fills an inbox as a sidecar does whose app takes everything at once, as if one event had arrived every second
// until now; with many writers, because each waits for the disk.
func deliverAll(ctx context.Context, store inbox.Store, records int) error {
	var (
		last atomic.Int64
		all  sync.WaitGroup
		errs [256]error
		now  = time.Now()
	)
	for w := range errs {
		all.Go(func() {
			for n := last.Add(1); errs[w] == nil && n <= int64(records); n = last.Add(1) {
				e := ipn(n)
				e.ReceivedAt = now.Add(time.Duration(n-int64(records)) * time.Second)
				errs[w] = deliver(ctx, store, e)
			}
		})
	}
	all.Wait()
	return errors.Join(errs[:]...)
}

func deliver(ctx context.Context, store inbox.Store, e inbox.Event) error {
	r, err := keep(ctx, store, e)
	if err != nil {
		return err
	}
	_, err = store.Settle(ctx, r, inbox.Settlement{State: inbox.Delivered, Answer: taken, At: time.Now()})
	return err
}

// fillStatement leaves the same records as deliverAll, in a fraction of the time.
const fillStatement = `
INSERT INTO galaxypay_events (id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message,
	scheme, host, uri, remote_addr, block, kind, state, attempts, answer_status, answer_description, last_error, settled_at)
SELECT encode(sha256(message), 'hex'), 'default', transaction, 'DH-' || n, 'ea3caa05f4bf495c9cc66caae2e33b92', 'paid', micros, message,
	'', '', '', '', '', 'ipn', 'delivered', 1, '200', 'taken', '', (extract(epoch FROM now()) * 1000000)::bigint
FROM (SELECT n, transaction, convert_to(replace($1, 'TRANSACTION', transaction), 'UTF8') AS message,
		(extract(epoch FROM now()) * 1000000)::bigint - ($2 - n) * 1000000 AS micros
	FROM (SELECT n, '2611' || lpad(n::text, 21, '0') AS transaction FROM generate_series(1, $2::bigint) AS n) AS transactions) AS messages`

// fillPostgres also does what a server does by itself after so many inserts, so that it does not begin during the measurement.
func fillPostgres(ctx context.Context, address string, records int) error {
	if records == 0 {
		return nil
	}
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, fillStatement, ipnMessage, records); err != nil {
		return err
	}
	for _, statement := range []string{"VACUUM ANALYZE galaxypay_events", "CHECKPOINT"} {
		if _, err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// needDisk fails where temporary files are kept in memory, where an fsync does nothing.
func (b *bench) needDisk() error {
	var fs unix.Statfs_t
	if err := unix.Statfs(b.dir, &fs); err != nil {
		return err
	}
	if fs.Type == unix.TMPFS_MAGIC && !b.smoke {
		return fmt.Errorf("%s is in memory; expected TMPDIR to name a directory on a disk", b.dir)
	}
	return nil
}
