package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// migrationLock is the advisory lock under which one sidecar migrates while others that
// start at the same time wait. Its digits are the letters "galaxy".
const migrationLock int64 = 0x67616c617879

// migrations lead from one version of the tables to the next; the first makes version 1.
// One that has been released is never changed.
var migrations = []string{
	events + ";" + store.ClockTable + ";" + store.InboxView(readable) + ";" + paymentTables + ";" + store.LedgerView(readable),
}

// readable shows a time in microseconds as a timestamp, in the time zone of the person's session.
func readable(column string) string { return "to_timestamp(" + column + " / 1000000.0)" }

const events = `
CREATE TABLE galaxypay_events (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text COLLATE "C" NOT NULL,
	merchant text COLLATE "C" NOT NULL,
	transaction_id text COLLATE "C" NOT NULL,
	order_id text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	payment_status text NOT NULL,
	received_at bigint,
	message bytea NOT NULL,
	scheme text NOT NULL,
	host text NOT NULL,
	uri text NOT NULL,
	remote_addr text NOT NULL,
	traceparent text NOT NULL DEFAULT '',
	block text NOT NULL,
	kind text NOT NULL,
	state text COLLATE "C" NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	due_at bigint,
	answer_status text NOT NULL DEFAULT '',
	answer_description text NOT NULL DEFAULT '',
	last_error text NOT NULL DEFAULT '',
	settled_at bigint,
	history text NOT NULL DEFAULT '[]',
	lease text,
	lease_until bigint,
	ready_at bigint,
	-- The id first: it is what people look for.
	UNIQUE (id, merchant)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

COMMENT ON COLUMN galaxypay_events.ready_at IS
	'when it can be claimed; null: final, or an earlier event of its transaction is pending';

-- What Claim and NextDue read: nothing but the heads of lanes.
CREATE INDEX galaxypay_events_ready ON galaxypay_events (merchant, ready_at, seq) WHERE ready_at IS NOT NULL;
-- The rule itself: of one lane, one event at a time. Its condition names the transaction as well, so that what Claim
-- needs does not imply it: a planner that remembers no heads would take either index, and read this one from end to end.
CREATE UNIQUE INDEX galaxypay_events_heads ON galaxypay_events (transaction_id, merchant)
	WHERE transaction_id <> '' AND ready_at IS NOT NULL;
-- What people look for, and what a lane holds.
CREATE INDEX galaxypay_events_transactions ON galaxypay_events (transaction_id, merchant, seq);
CREATE INDEX galaxypay_events_orders ON galaxypay_events (order_id);
CREATE INDEX galaxypay_events_requests ON galaxypay_events (request_id);
CREATE INDEX galaxypay_events_times ON galaxypay_events (received_at, seq);
CREATE INDEX galaxypay_events_states ON galaxypay_events (state, seq) WHERE ` + store.NotDelivered + `;
-- What Prune reads.
CREATE INDEX galaxypay_events_messages ON galaxypay_events (merchant, settled_at)
	WHERE settled_at IS NOT NULL AND length(message) > 0`

// paymentTables are those of payments. galaxypay_payment_counts is what Stats adds up, so that it need
// not count all payments. A trigger adds a row for each that comes or goes: to change the rows that are
// there would leave as many dead ones behind, which each change would have to pass while a backup runs.
const paymentTables = `
CREATE TABLE galaxypay_payments (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	book text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	operation text NOT NULL,
	effect text COLLATE "C" NOT NULL,
	fingerprint text NOT NULL,
	order_id text COLLATE "C" NOT NULL,
	amount text NOT NULL,
	currency text NOT NULL,
	method text NOT NULL,
	about text COLLATE "C" NOT NULL,
	deferred boolean NOT NULL,
	captured boolean NOT NULL,
	transactions text NOT NULL,
	address bytea NOT NULL,
	recorded_at bigint,
	deadline bigint,
	ended_at bigint,
	sendings bigint NOT NULL,
	outcome text COLLATE "C" NOT NULL,
	code text NOT NULL,
	was_unknown boolean NOT NULL,
	reply bytea NOT NULL,
	settled text NOT NULL,
	reason text NOT NULL,
	settled_at bigint,
	status text COLLATE "C" NOT NULL,
	word boolean NOT NULL,
	status_at bigint,
	ask_from bigint,
	asked bigint NOT NULL,
	answered bigint NOT NULL,
	ask_at bigint,
	asked_until bigint,
	history text NOT NULL,
	UNIQUE (request_id, book)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX galaxypay_payments_orders ON galaxypay_payments (order_id, book, seq);
CREATE INDEX galaxypay_payments_about ON galaxypay_payments (about, book, seq) WHERE about <> '';
CREATE INDEX galaxypay_payments_times ON galaxypay_payments (recorded_at, seq);
CREATE INDEX galaxypay_payments_ask ON galaxypay_payments (book, ask_at, seq) WHERE ask_at IS NOT NULL;
CREATE INDEX galaxypay_payments_asked ON galaxypay_payments (asked_until) WHERE asked_until IS NOT NULL;
CREATE INDEX galaxypay_payments_open ON galaxypay_payments (book, recorded_at) WHERE ` + store.OpenPayments + `;
CREATE INDEX galaxypay_payments_statuses ON galaxypay_payments (status, seq) WHERE ` + store.RarePayments + `;
CREATE INDEX galaxypay_payments_outcomes ON galaxypay_payments (outcome, seq) WHERE ` + store.RareOutcomes + `;

CREATE TABLE galaxypay_payment_transactions (
	transaction_id text COLLATE "C" NOT NULL,
	book text COLLATE "C" NOT NULL,
	seq bigint NOT NULL,
	PRIMARY KEY (transaction_id, book, seq)
);

CREATE TABLE galaxypay_payment_counts (
	book text COLLATE "C" NOT NULL,
	status text COLLATE "C" NOT NULL,
	outcome text COLLATE "C" NOT NULL,
	payments bigint NOT NULL
);
CREATE FUNCTION galaxypay_count_payment() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO galaxypay_payment_counts VALUES (OLD.book, OLD.status, OLD.outcome, -1);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO galaxypay_payment_counts VALUES (NEW.book, NEW.status, NEW.outcome, 1);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER galaxypay_payments_counted AFTER INSERT OR DELETE ON galaxypay_payments
	FOR EACH ROW EXECUTE FUNCTION galaxypay_count_payment();
CREATE TRIGGER galaxypay_payments_moved AFTER UPDATE OF status, outcome ON galaxypay_payments
	FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.outcome <> NEW.outcome) EXECUTE FUNCTION galaxypay_count_payment()`

// migrate brings the tables to the newest version.
func migrate(ctx context.Context, tx pgx.Tx) error {
	// Another sidecar's migration may take longer than a statement may otherwise wait.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return err
	}
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	return store.Migrate(version, migrations, func(migration string, makes int) error {
		if _, err := tx.Exec(ctx, migration); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO galaxypay_versions (version) VALUES ($1)", makes)
		return err
	})
}

// schemaVersion returns the version of the tables, 0 if there are none. It creates its own
// table only if it is missing: even IF NOT EXISTS needs the right to create, which the
// sidecar's role may have lost again after the first start.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass('galaxypay_versions') IS NOT NULL").Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		_, err := tx.Exec(ctx, `CREATE TABLE galaxypay_versions
			(version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())`)
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM galaxypay_versions").Scan(&version)
	return version, err
}
