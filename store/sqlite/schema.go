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
// pass a long one. Rescue knows the order of the columns too, see fileColumns and
// paymentFile.
//
// The views come first. SQLite's integrity_check takes the list of what it has to check as that of a
// part, and leaves out the list of free pages, if what it begins with has no pages of its own. It
// begins with what was made last.
var migrations = []string{store.LedgerView(readableTime) + `;
` + store.InboxView(readableTime) + `;
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
	traceparent TEXT NOT NULL,
	block TEXT NOT NULL,
	kind TEXT NOT NULL,
	answer_status TEXT NOT NULL,
	answer_description TEXT NOT NULL,
	last_error TEXT NOT NULL,
	history TEXT NOT NULL,
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
	ready_at, checksum, id, order_id, scheme, host, uri, remote_addr, traceparent, block, kind, answer_status, answer_description, last_error, history, message
);
` + paymentTables + `;
` + store.ClockTable}

// paymentTables are those of payments. Long columns stand last, as in that of events.
//
// galaxypay_payment_keys has copies of what must not get lost with a record: that a call was made under
// this requestID. Its rows and its index have all of it, with a checksum, so there are two, on
// different pages. It is unique by its own key, so that a record that a damaged index of payments
// hides cannot be made a second time. A record that was damaged goes to
// galaxypay_payment_quarantine, under the names that the copy has. It has a column more than a
// payment, so that rescue takes none for the other.
//
// galaxypay_payment_counts is what Stats returns. Triggers keep it, so that nothing has to count
// all payments.
const paymentTables = `
CREATE TABLE galaxypay_payments (
	seq INTEGER PRIMARY KEY,
	book TEXT NOT NULL,
	request_id TEXT NOT NULL,
	outcome TEXT NOT NULL,
	status TEXT NOT NULL,
	recorded_at INTEGER,
	checksum INTEGER NOT NULL,
	operation TEXT NOT NULL,
	effect TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	order_id TEXT NOT NULL,
	amount TEXT NOT NULL,
	currency TEXT NOT NULL,
	method TEXT NOT NULL,
	about TEXT NOT NULL,
	deferred INTEGER NOT NULL,
	captured INTEGER NOT NULL,
	transactions TEXT NOT NULL,
	deadline INTEGER,
	ended_at INTEGER,
	sendings INTEGER NOT NULL,
	code TEXT NOT NULL,
	was_unknown INTEGER NOT NULL,
	settled TEXT NOT NULL,
	reason TEXT NOT NULL,
	settled_at INTEGER,
	word INTEGER NOT NULL,
	status_at INTEGER,
	ask_from INTEGER,
	asked INTEGER NOT NULL,
	answered INTEGER NOT NULL,
	ask_at INTEGER,
	asked_until INTEGER,
	history TEXT NOT NULL,
	address BLOB NOT NULL,
	reply BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX galaxypay_payments_request ON galaxypay_payments (request_id, book);
CREATE INDEX galaxypay_payments_order ON galaxypay_payments (order_id);
CREATE INDEX galaxypay_payments_about ON galaxypay_payments (about) WHERE about <> '';
CREATE INDEX galaxypay_payments_recorded ON galaxypay_payments (recorded_at);
CREATE INDEX galaxypay_payments_ask ON galaxypay_payments (book, ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX galaxypay_payments_asked ON galaxypay_payments (asked_until) WHERE asked_until IS NOT NULL;
CREATE INDEX galaxypay_payments_open ON galaxypay_payments (book, recorded_at, status) WHERE ` + store.OpenPayments + `;
CREATE INDEX galaxypay_payments_status ON galaxypay_payments (status) WHERE ` + store.RarePayments + `;
CREATE INDEX galaxypay_payments_outcome ON galaxypay_payments (outcome) WHERE ` + store.RareOutcomes + `;
CREATE TABLE galaxypay_payment_transactions (
	transaction_id TEXT NOT NULL, book TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (transaction_id, book, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE galaxypay_payment_keys (
	request_id TEXT NOT NULL, book TEXT NOT NULL, checksum INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (request_id, book)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX galaxypay_payment_keys_seq ON galaxypay_payment_keys (seq, checksum);
CREATE TABLE galaxypay_payment_quarantine (
	seq INTEGER PRIMARY KEY, book, request_id, outcome, status, recorded_at, checksum, operation, effect, fingerprint, order_id, amount, currency,
	method, about, deferred, captured, transactions, deadline, ended_at, sendings, code, was_unknown, settled, reason, settled_at, word, status_at,
	ask_from, asked, answered, ask_at, asked_until, history, address, reply, put_aside_at
);
CREATE INDEX galaxypay_payment_quarantine_request ON galaxypay_payment_quarantine (request_id, book);
CREATE TABLE galaxypay_payment_counts (
	book TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL, payments INTEGER NOT NULL, PRIMARY KEY (book, status, outcome)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER galaxypay_payments_added AFTER INSERT ON galaxypay_payments BEGIN
	INSERT INTO galaxypay_payment_counts VALUES (new.book, new.status, new.outcome, 1) ON CONFLICT DO UPDATE SET payments = payments + 1;
END;
CREATE TRIGGER galaxypay_payments_moved AFTER UPDATE OF status, outcome ON galaxypay_payments
	WHEN old.status <> new.status OR old.outcome <> new.outcome BEGIN
	UPDATE galaxypay_payment_counts SET payments = payments - 1 WHERE book = old.book AND status = old.status AND outcome = old.outcome;
	INSERT INTO galaxypay_payment_counts VALUES (new.book, new.status, new.outcome, 1) ON CONFLICT DO UPDATE SET payments = payments + 1;
END;
CREATE TRIGGER galaxypay_payments_removed AFTER DELETE ON galaxypay_payments BEGIN
	UPDATE galaxypay_payment_counts SET payments = payments - 1 WHERE book = old.book AND status = old.status AND outcome = old.outcome;
END`

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
