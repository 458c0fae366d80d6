package caddytest

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// changesLeft is how many changes of payments a failingStore takes before it fails.
var changesLeft atomic.Int64

// failingStore is a store in a file that takes a number of changes of payments, and fails then.
type failingStore struct{ store.Store }

func (s failingStore) Payments() ledger.Store { return failingLedger{s.Store.Payments()} }

type failingLedger struct{ ledger.Store }

func (l failingLedger) Change(ctx context.Context, change func(ledger.Tx) error) error {
	if changesLeft.Add(-1) < 0 {
		return errFull
	}
	return l.Store.Change(ctx, change)
}

// failingOpener is the Caddy module of failingStore.
type failingOpener struct{ fullOpener }

func init() { caddy.RegisterModule(failingOpener{}) }

func (failingOpener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "galaxypay.store.failing", New: func() caddy.Module { return new(failingOpener) }}
}

func (o *failingOpener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return o.fullOpener.UnmarshalCaddyfile(d)
}

func (o *failingOpener) Open(context.Context) (store.Store, error) {
	kept, err := sqlite.Open(o.Path, func(error) {})
	return failingStore{kept}, err
}

// A call may have been carried out. Repeated, it reaches nothing, and that cannot be recorded. It is unknown still: the app is not told that
// nothing was sent.
func TestLedgerUnknownStaysWithoutARecord(t *testing.T) {
	for name, second := range map[string]struct {
		reply  func(g *gateway, c *call) []byte
		status int
		code   string
	}{
		"not reached":          {nil, http.StatusBadGateway, "gateway_unreachable"},
		"the key pair refused": {func(g *gateway, c *call) []byte { return g.refusal(c, "401") }, http.StatusBadGateway, "gateway_unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			changesLeft.Store(1000)
			g := newGateway(t)
			config := sidecarConfig(g.merchant(t)+"store failing "+inboxFile(t)+"\nreconcile off\n") + `
				http://:9182 {
					galaxypay {
						transport http {
							dial_timeout 1ns
						}
					}
				}`
			s := sidecar{start(t, config), g}
			g.handles(func(net.Conn, *call) bool { return false })
			s.call(t, "/pay", order, "Idempotency-Key", "k").wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
			handler := "9180"
			if second.reply == nil {
				handler = "9182"
			} else {
				g.replies(func(c *call) []byte { return second.reply(g, c) })
			}
			changesLeft.Store(1)
			s.post(t, s.url(handler)+"/pay", order, "Idempotency-Key", "k").wantProblem(t, second.status, second.code, "unknown")
			if n := len(s.logLines(t, "the outcome of a call could not be recorded; the app gets its answer all the same, and a repeated call counts as of unknown outcome")); n != 1 {
				t.Errorf("the log says %d times that the outcome is not recorded", n)
			}
			changesLeft.Store(1000)
			a := s.call(t, "/pay", strings.Replace(order, "20260102030405", "20260102030406", 1), "Idempotency-Key", "k")
			a.wantProblem(t, http.StatusConflict, "in_progress", "unknown")
		})
	}
}
