//go:build linux

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// The ledger has every call that reached the gateway before the cut, and every answer that an app was given. After the cut no money
// is moved a second time.
func TestLedgerPowerCut(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir()) // Caddy's own files are not those that the test is about
	sockets := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	gateway, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	powerCuts[*payments]{
		variable: "LEDGER_POWER_CUTS", otherwise: 300, counted: "reached", begin: newPayments, files: []*os.File{gateway},
		orders: func(rng *rand.Rand, exp *payments, where string, life int) orders {
			known := slices.Sorted(maps.Keys(exp.reached))
			var again []string
			for range min(8, len(known)) {
				again = append(again, known[rng.IntN(len(known))])
			}
			socket := filepath.Join(sockets, fmt.Sprint(life))
			return orders{Where: where, Paying: &paying{Round: life, Socket: socket, Apps: 3, Calls: 8, Known: known, Again: again}}
		},
	}.run(t)
}

// payments is what children with a ledger have reported.
type payments struct {
	reached  map[string]int    // how often a call reached the gateway
	answered map[string]string // what the app was answered last
}

func newPayments() *payments {
	return &payments{reached: map[string]int{}, answered: map[string]string{}}
}

func (exp *payments) clone() *payments {
	return &payments{maps.Clone(exp.reached), maps.Clone(exp.answered)}
}

func (exp *payments) add(line string) error {
	what, rest, _ := strings.Cut(line, " ")
	key, said, _ := strings.Cut(rest, " ")
	switch what {
	case "reached":
		exp.reached[key]++
		if !isPage(key) && exp.reached[key] > 1 {
			return fmt.Errorf("%s moves money, and reached the gateway %d times", key, exp.reached[key])
		}
		return nil
	case "answered":
		return exp.addAnswer(key, said)
	}
	return fmt.Errorf("report %q", line)
}

// addAnswer adds an answer. Only the page of which nothing is known may get another one later.
func (exp *payments) addAnswer(key, said string) error {
	before, isRepeated := exp.answered[key]
	exp.answered[key] = said
	if isRepeated && before != said && (before != noAnswer || !isPage(key)) {
		return fmt.Errorf("%s was answered %s, and then %s", key, before, said)
	}
	if want := []string{success, noAnswer, pageLost}; !slices.Contains(want, said) || said == pageLost && !isPage(key) {
		return fmt.Errorf("%s is answered %s", key, said)
	}
	return nil
}

func (exp *payments) checkStore(ctx context.Context, where string) error {
	opened, err := openUndamaged(ctx, "sqlite", where)
	if err != nil {
		return fmt.Errorf("the ledger does not open: %w", err)
	}
	return errors.Join(exp.checkRecords(ctx, opened.Payments()), opened.Close())
}

func (exp *payments) checkRecords(ctx context.Context, records ledger.Store) error {
	recorded := map[string]ledger.Payment{}
	for p, err := range records.Payments(ctx, ledger.Filter{}) {
		if err != nil {
			return err
		}
		recorded[p.RequestID] = p
	}
	for key, times := range exp.reached {
		p, ok := recorded[key]
		if !ok || p.Sending < times {
			return fmt.Errorf("%s reached the gateway %d times, and is recorded as sent %d times", key, times, p.Sending)
		}
		if want := outcomesAfter(key, exp.answered[key]); !slices.Contains(want, p.Outcome) {
			return fmt.Errorf("%s reached the gateway, the app was answered %q, and the outcome is %s, not one of %v", key, exp.answered[key], p.Outcome, want)
		}
		if p.Outcome == ledger.Accepted && string(p.Reply) != replyTo(key) {
			return fmt.Errorf("%s was replied %s, and recorded is %s", key, replyTo(key), p.Reply)
		}
	}
	return nil
}

// outcomesAfter are the outcomes that may be recorded of a call that reached the gateway, by what the app was answered last; "" if it
// was not. What is recorded may be ahead of what the app has got.
func outcomesAfter(key, answered string) []ledger.Outcome {
	switch {
	case answered == success:
		return []ledger.Outcome{ledger.Accepted}
	case answered == pageLost:
		return []ledger.Outcome{ledger.Rejected}
	case !isPage(key) && answered == noAnswer:
		return []ledger.Outcome{ledger.Unknown}
	case !isPage(key):
		return []ledger.Outcome{ledger.Unknown, ledger.Accepted}
	}
	return []ledger.Outcome{ledger.Unknown, ledger.Accepted, ledger.Rejected}
}
