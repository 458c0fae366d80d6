package sandbox

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// ledgers keeps transactions over a reload: the new configuration joins before the old
// one leaves.
var ledgers = caddy.NewUsagePool()

func joinLedger(apiKey string) *ledger.Ledger {
	shared, _ := ledgers.LoadOrStore(apiKey, ledger.New())
	return shared.(*ledger.Ledger)
}

func leaveLedger(apiKey string) error {
	_, err := ledgers.Delete(apiKey)
	return err
}
