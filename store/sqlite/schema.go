package sqlite

import (
	"fmt"
	"strconv"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// applicationID marks the file as one of ours: the letters "GPay". SQLite keeps it in the
// file's header.
const applicationID = 0x47506179

// rowColumns are what readRow reads.
const rowColumns = store.EventColumns + ", ready_at, checksum"

// migrations lead from one version of the tables to the next; the first makes version 1. One
// that has been released is never changed.
//
// The column message stands last: SQLite reads a row from its beginning, so nothing else has to
// pass a long one. Rescue knows the order of the columns too, see fileColumns.
var migrations = []string{`
CREATE TABLE galaxypay_events (
	seq INTEGER PRIMARY KEY,
	merchant TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	request_id TEXT NOT NULL,
	payment_status TEXT NOT NULL,
	state TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	received_at INTEGER,
	due_at INTEGER,
	settled_at INTEGER,
	ready_at INTEGER,
	checksum INTEGER NOT NULL,
	id TEXT NOT NULL,
	order_id TEXT NOT NULL,
	scheme TEXT NOT NULL,
	host TEXT NOT NULL,
	uri TEXT NOT NULL,
	remote_addr TEXT NOT NULL,
	block TEXT NOT NULL,
	answer_status TEXT NOT NULL,
	answer_description TEXT NOT NULL,
	last_error TEXT NOT NULL,
	message BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX galaxypay_events_id ON galaxypay_events (id, merchant);
CREATE INDEX galaxypay_events_transaction ON galaxypay_events (transaction_id);
CREATE INDEX galaxypay_events_order ON galaxypay_events (order_id);
CREATE INDEX galaxypay_events_request ON galaxypay_events (request_id);
CREATE INDEX galaxypay_events_received ON galaxypay_events (received_at);
CREATE INDEX galaxypay_events_ready ON galaxypay_events (merchant, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX galaxypay_events_state ON galaxypay_events (state, seq, merchant, answer_status) WHERE ` + store.NotDelivered + `;
CREATE INDEX galaxypay_events_prunable ON galaxypay_events (merchant, settled_at) WHERE settled_at IS NOT NULL AND length(message) > 0;
CREATE TABLE galaxypay_quarantine (
	seq INTEGER PRIMARY KEY, merchant, transaction_id, request_id, payment_status, state, attempts, received_at, due_at, settled_at,
	ready_at, checksum, id, order_id, scheme, host, uri, remote_addr, block, answer_status, answer_description, last_error, message
);
` + store.ClockTable + `;
` + store.InboxView(readableTime)}

func readableTime(column string) string {
	return "strftime('%Y-%m-%dT%H:%M:%SZ', " + column + " / 1000000, 'unixepoch')"
}

// migrate brings the tables to the newest version.
func migrate(c *conn) error {
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if version == len(migrations) {
		return nil
	}
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = store.Migrate(version, migrations, func(migration string, makes int) error {
		if err := c.script(migration); err != nil {
			return err
		}
		return c.script("PRAGMA user_version = " + strconv.Itoa(makes))
	})
	if err != nil {
		_ = c.run("ROLLBACK")
		return err
	}
	return c.run("COMMIT")
}

// checkSchema compares the tables and indexes with what migrations make: by an altered
// definition SQLite would misread what is in them. Others may be there, such as an
// index that an operator has added.
func checkSchema(c *conn) error {
	fresh, err := openMemory()
	if err != nil {
		return err
	}
	defer fresh.close()
	const definitions = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
	want, err := fresh.texts(definitions)
	if err != nil {
		return err
	}
	have, err := c.texts(definitions)
	if err != nil {
		return err
	}
	for name, sql := range want {
		if have[name] != sql {
			return fmt.Errorf("%w: the definition of %s is another one", errDamaged, name)
		}
	}
	return nil
}
