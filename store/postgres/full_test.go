//go:build unix

package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

const noVacuum = "ALTER TABLE galaxypay_events SET (autovacuum_enabled = false);"

// fill keeps many records without the store: every third transaction is paid and
// delivered, the others are pending, each with a second event that waits.
const fill = `
INSERT INTO galaxypay_events
	(id, merchant, transaction_id, order_id, request_id, payment_status, received_at, message, scheme, host, uri, remote_addr, block, kind,
	state, due_at, ready_at)
SELECT
	format('kept-%s-%s', i, n), 'default', format('K-%s', i), '', '', CASE WHEN i % 3 = 0 THEN 'paid' ELSE 'pending' END,
	1767225600000000, '{}', '', '', '', '', '', '',
	CASE WHEN i % 3 = 0 THEN 'delivered' ELSE 'pending' END,
	CASE WHEN i % 3 > 0 THEN 1767225600000000 END, CASE WHEN i % 3 > 0 AND n = 1 THEN 1767225600000000 END
FROM generate_series(1, 20000) AS i, generate_series(1, 2) AS n`

const rowsRead = `
SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = current_schema())
	+ (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = current_schema())`

// A full inbox must not make a delivery slower: neither while the planner has no statistics and
// uses plans for an empty table, nor later, nor when its statistics are older than the app's
// failure.
func TestDeliveriesReadLittleOfAFullInbox(t *testing.T) {
	const analyse = "ANALYZE galaxypay_events;"
	const delivered, pending = fill + " WHERE i % 3 = 0;", fill + " WHERE i % 3 > 0;"
	for name, filled := range map[string]string{
		"without statistics": delivered + pending,
		"with statistics":    delivered + pending + analyse,
		"with statistics of an inbox where all was delivered": delivered + analyse + pending,
	} {
		t.Run(name, func(t *testing.T) {
			const deliveries = 20
			address := newSchema(t)
			s := open(t, address)
			deliverNew(t, s, "before", deliveries)
			execute(t, address, noVacuum+filled)
			deliverNew(t, s, "after", deliveries)
			claim(t, s, leaseAt(0), 1)
			// A server process reports what it has read when it ends.
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n := readSoFar(t, address); n == 0 || n > 50*2*deliveries {
				t.Errorf("%d rows were read for twice %d deliveries", n, deliveries)
			}
		})
	}
}

// deliverNew adds and settles new events, and claims and settles one of those that are due.
func deliverNew(t *testing.T, s *postgres.Store, name string, deliveries int) {
	t.Helper()
	for i := range deliveries {
		e := event(fmt.Sprint(name, i), fmt.Sprint("T-", name, i), "paid")
		settle(t, s, arrive(t, s, e, leaseAt(0)), inbox.Delivered, noon)
		if _, err := s.NextDue(t.Context(), []string{"default"}, leaseAt(0)); err != nil {
			t.Fatal(err)
		}
		records, _ := claim(t, s, leaseAt(0), 1)
		for _, r := range records {
			settle(t, s, r, inbox.Delivered, noon)
		}
	}
}

// readSoFar counts the rows and index entries that all closed sessions have read.
func readSoFar(t *testing.T, address string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	const others = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`
	for connected := 1; connected > 0; time.Sleep(10 * time.Millisecond) {
		if err := c.QueryRow(t.Context(), others).Scan(&connected); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.QueryRow(t.Context(), rowsRead).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What people look for is found without a walk through everything, whatever the planner believes.
func TestListsReadLittleOfAFullInbox(t *testing.T) {
	for name, f := range map[string]inbox.Filter{
		"order":       {OrderID: "DH-7"},
		"transaction": {Transaction: "K-7"},
		"request":     {RequestID: "R-7"},
		"dead":        {State: inbox.Dead},
		"dead, since": {State: inbox.Dead, Since: noon.Add(-time.Hour)},
		"since":       {Since: noon.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			address := newSchema(t)
			s := open(t, address)
			execute(t, address, noVacuum+fill+" WHERE i % 3 = 0")
			for i := range 3 {
				e := event(fmt.Sprint(i), "K-7", "paid")
				e.OrderID, e.RequestID = "DH-7", "R-7"
				settle(t, s, arrive(t, s, e, leaseAt(0)), inbox.Dead, noon)
			}
			for range 10 {
				if found := list(t, s, f); len(found) != 3 {
					t.Fatalf("found %d", len(found))
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n := readSoFar(t, address); n == 0 || n > 1000 {
				t.Errorf("%d rows were read", n)
			}
		})
	}
}
