//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/postgrestest"
)

// What an inbox was filled with must be what a sidecar would have left there, however it got there: found by its id,
// delivered, and known as paid where the transaction is looked up.
func TestInboxesAreFilledAsASidecarFillsThem(t *testing.T) {
	const records = 3
	b := &bench{dir: t.TempDir()}
	kinds, end, err := b.inboxKinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if len(kinds) == 1 {
		t.Run(namePostgres, func(t *testing.T) { postgrestest.Need(t, postgrestest.ErrNotInstalled) })
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			store, err := kind.open(t.Context(), records)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			for n := range int64(records) {
				checkDelivered(t, store, ipn(1+n))
			}
			if _, err := keep(t.Context(), store, ipn(records+1)); err != nil {
				t.Errorf("an event behind the last one is not new: %v", err)
			}
			late := ipn(1)
			late.ID, late.PaymentStatus = "late", "failed"
			if r, err := keep(t.Context(), store, late); err != nil || r.State != inbox.Overtaken {
				t.Errorf("a failure of a paid transaction is %s, %v, expected it to be overtaken", r.State, err)
			}
		})
	}
}

func checkDelivered(t *testing.T, store inbox.Store, e inbox.Event) {
	t.Helper()
	found := 0
	for r, err := range store.List(t.Context(), inbox.Filter{ID: e.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		found++
		if string(r.Message) != string(e.Message) || r.Transaction != e.Transaction || r.RequestID != e.RequestID || r.Queue != e.Queue || r.PaymentStatus != e.PaymentStatus {
			t.Errorf("kept %+v, expected %+v", r.Event, e)
		}
		if r.State != inbox.Delivered || r.Attempts != 1 || r.Answer != taken || !r.Due.IsZero() {
			t.Errorf("it is %s after %d attempts with %+v, due %v", r.State, r.Attempts, r.Answer, r.Due)
		}
		if time.Since(r.ReceivedAt) > time.Minute || time.Since(r.SettledAt) > time.Minute {
			t.Errorf("received at %v and settled at %v, expected just now", r.ReceivedAt, r.SettledAt)
		}
	}
	if found != 1 {
		t.Errorf("%d events have the id of transaction %s, expected one", found, e.Transaction)
	}
}
