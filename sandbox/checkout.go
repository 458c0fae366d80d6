package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// checkout is pay for a payment page in a frame. The documents list no return addresses
// for it: the frame informs the page around it instead, which removes the frame.
func (o *operations) checkout(r *http.Request, c call) reply {
	return o.open(r, c, func(p *ledger.Payment) {
		p.Modal = true
		p.SuccessURL, p.FailureURL, p.CancelURL = nil, nil, nil
	})
}
