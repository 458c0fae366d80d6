package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// migrationLock is the advisory lock under which one sidecar migrates while others that
// start at the same time wait. Its digits are the letters "galaxy".
const migrationLock int64 = 0x67616c617879

// migrations lead from one version of the tables to the next; the first makes version 1.
// One that has been released is never changed.
var migrations = []string{`
CREATE TABLE galaxypay_inbox_records (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text NOT NULL,
	queue text NOT NULL,
	transaction text NOT NULL,
	request_id text NOT NULL,
	payment_status text NOT NULL,
	received_at timestamptz NOT NULL,
	message bytea NOT NULL,
	state text NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	due timestamptz,
	answer_status text NOT NULL DEFAULT '',
	answer_description text NOT NULL DEFAULT '',
	last_error text NOT NULL DEFAULT '',
	settled_at timestamptz,
	lease text,
	lease_until timestamptz,
	lane bigint,
	ready_at timestamptz,
	-- The id first: it is what people look for.
	UNIQUE (id, queue)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

COMMENT ON COLUMN galaxypay_inbox_records.lane IS
	'hash of queue and transaction; null: waits for no other';
COMMENT ON COLUMN galaxypay_inbox_records.ready_at IS
	'when it can be claimed; null: final, or an earlier record of its lane is pending';

-- What Claim and NextDue read: nothing but the heads of lanes.
CREATE INDEX galaxypay_inbox_ready ON galaxypay_inbox_records (queue, ready_at, seq) WHERE ready_at IS NOT NULL;
-- The rule itself: of one lane, one record at a time. Its condition names the lane as well, so that what Claim asks does not
-- imply it: a planner that remembers no heads would take either index, and read this one from end to end.
CREATE UNIQUE INDEX galaxypay_inbox_heads ON galaxypay_inbox_records (lane) WHERE lane IS NOT NULL AND ready_at IS NOT NULL;
CREATE INDEX galaxypay_inbox_lanes ON galaxypay_inbox_records (lane, seq) WHERE state = 'pending';
CREATE INDEX galaxypay_inbox_paid ON galaxypay_inbox_records (lane) WHERE payment_status = 'paid';
-- Prune and Stats. The queue comes first, else that planner would look for the pending ones of a lane here, among all.
CREATE INDEX galaxypay_inbox_states ON galaxypay_inbox_records (queue, state, received_at);
-- What people look for. A hash index takes texts of any length.
CREATE INDEX galaxypay_inbox_transactions ON galaxypay_inbox_records USING hash (transaction);
`}

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
	if version > len(migrations) {
		return fmt.Errorf("they have version %d, and this sidecar supports versions up to %d; use a newer sidecar", version, len(migrations))
	}
	for i, migration := range migrations[version:] {
		if _, err := tx.Exec(ctx, migration); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO galaxypay_inbox_versions (version) VALUES ($1)", version+i+1); err != nil {
			return err
		}
	}
	return nil
}

// schemaVersion returns the version of the tables, 0 if there are none. It creates its own
// table only if it is missing: even IF NOT EXISTS needs the right to create, which the
// sidecar's role may have lost again after the first start.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass('galaxypay_inbox_versions') IS NOT NULL").Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		_, err := tx.Exec(ctx, `CREATE TABLE galaxypay_inbox_versions
			(version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())`)
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM galaxypay_inbox_versions").Scan(&version)
	return version, err
}
