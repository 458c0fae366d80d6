package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// void gives up an authorised payment. The customer's money was never taken.
func (o *operations) void(_ *http.Request, c call) reply {
	return o.changeNamed(c, (*ledger.Transaction).Void)
}
