package sandbox

import (
	_ "embed"
	"net/http"
)

//go:embed pages/script-modal.js
var modalScript []byte

// checkout is pay for a payment page in a frame. The documents list no return addresses
// for it: the frame tells the page around it instead, which takes it away.
func (h *Handler) checkout(r *http.Request, c call) reply {
	return h.open(r, c, func(p *payment) {
		p.modal = true
		p.successURL, p.failureURL, p.cancelURL = nil, nil, nil
	})
}

// serveModalScript sends the stand-in for the script that shops load from the gateway to
// open a payment page in a frame. Its global function is known from the code of one shop.
func serveModalScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(modalScript)
}
