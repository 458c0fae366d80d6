//go:build unix

package postgres_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

// newDatabase makes a database of its own, for what cannot be set for a schema.
func newDatabase(t *testing.T) (name, address string) {
	t.Helper()
	name = "store_" + strings.ToLower(rand.Text())
	address, err := needServer(t).NewDatabase(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return name, address
}

// writable repeats arrivals until one is kept, and fails if that takes long.
func writable(t *testing.T, s *postgres.Store, name string) {
	t.Helper()
	begun := time.Now()
	for i := 0; ; i++ {
		_, _, err := s.Arrive(t.Context(), event(fmt.Sprint(name, i), fmt.Sprint(name, i), "paid"), leaseAt(0))
		if err == nil {
			return
		}
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("not writable again: %v", err)
		}
	}
}

// refused fails unless an arrival is refused because the server can only be read.
func refused(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	if _, _, err := s.Arrive(t.Context(), event(id, id, "paid"), leaseAt(0)); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("%s: error %v, want %v", id, err, store.ErrUnreachable)
	}
}

// Managed services make a database read-only when its disk is nearly full. Sessions that begin
// then stay read-only after that is over.
func TestDatabaseIsReadOnlyForAWhile(t *testing.T) {
	for how, end := range map[string]string{
		"sessions go on":   "SELECT true",
		"sessions are cut": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
	} {
		t.Run(how, func(t *testing.T) {
			name, address := newDatabase(t)
			s := open(t, address)
			r := arrive(t, s, event("before", "T", "paid"), leaseAt(0))
			execute(t, address, "ALTER DATABASE "+name+" SET default_transaction_read_only = on;"+end)
			if how == "sessions are cut" {
				for i := range 20 {
					refused(t, s, fmt.Sprint("during", i))
				}
				if _, err := s.Settle(t.Context(), r, inbox.Settlement{State: inbox.Delivered, At: noon}); !errors.Is(err, store.ErrUnreachable) {
					t.Errorf("settled with %v", err)
				}
				if other, err := postgres.Open(t.Context(), address); !errors.Is(err, store.ErrUnreachable) {
					if err == nil {
						other.Close()
					}
					t.Errorf("opened with %v", err)
				}
			}
			execute(t, writing(address), "ALTER DATABASE "+name+" RESET default_transaction_read_only")
			writable(t, s, "after")
			settle(t, s, r, inbox.Delivered, noon)
			for i := range 40 {
				arrive(t, s, event(fmt.Sprint("later", i), fmt.Sprint("later", i), "paid"), leaseAt(0))
			}
			for _, kept := range list(t, s, inbox.Filter{}) {
				if strings.HasPrefix(kept.ID, "during") {
					t.Errorf("%s was refused, and is kept", kept.ID)
				}
			}
		})
	}
}

// Sessions that are open can become read-only as well, and are given up then.
func TestOpenSessionsBecomeReadOnly(t *testing.T) {
	_, address := newDatabase(t)
	s := open(t, address)
	arrive(t, s, event("before", "before", "paid"), leaseAt(0))
	defer execute(t, writing(address), "SELECT pg_reload_conf()") // the other tests share the server
	defer execute(t, writing(address), "ALTER SYSTEM RESET default_transaction_read_only")
	execute(t, address, "ALTER SYSTEM SET default_transaction_read_only = on")
	execute(t, address, "SELECT pg_reload_conf()")
	var err error
	for i := 0; err == nil && i < 10000; i++ { // until the reload has reached the session
		_, _, err = s.Arrive(t.Context(), event(fmt.Sprint(i), fmt.Sprint(i), "paid"), leaseAt(0))
	}
	for i := range 20 {
		refused(t, s, fmt.Sprint("during", i))
	}
	execute(t, writing(address), "ALTER SYSTEM RESET default_transaction_read_only")
	execute(t, writing(address), "SELECT pg_reload_conf()")
	writable(t, s, "after")
}

// writing is an address whose sessions can write, whatever the defaults.
func writing(address string) string { return address + "&default_transaction_read_only=off" }

// Of several hosts in the address, the one that can be written to counts, whatever the order
// and whatever target_session_attrs says.
func TestTheHostThatCanBeWrittenToCounts(t *testing.T) {
	name, address := newDatabase(t)
	absent := strings.Replace(address, "host=", "host=%2Fabsent%2C", 1)
	for _, suffix := range []string{"", "&target_session_attrs=any"} {
		s := open(t, absent+suffix)
		arrive(t, s, event("a"+suffix, "a"+suffix, "paid"), leaseAt(0))
	}
	execute(t, address, "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	if s, err := postgres.Open(t.Context(), absent+"&target_session_attrs=any"); !errors.Is(err, store.ErrUnreachable) {
		if err == nil {
			s.Close()
		}
		t.Errorf("opened a database that can only be read: %v", err)
	}
}
