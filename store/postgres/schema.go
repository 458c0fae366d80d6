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
var migrations = []string{events + ";" + store.ClockTable + ";" + store.InboxView(readable)}

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
	block text NOT NULL,
	state text COLLATE "C" NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	due_at bigint,
	answer_status text NOT NULL DEFAULT '',
	answer_description text NOT NULL DEFAULT '',
	last_error text NOT NULL DEFAULT '',
	settled_at bigint,
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
