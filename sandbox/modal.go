package sandbox

import (
	_ "embed"
	"net/http"
)

//go:embed pages/script-modal.js
var modalScript []byte

// serveModalScript sends the stand-in for the script that shops load from the gateway to
// open a payment page in a frame. Its global function is known from the code of one shop.
func serveModalScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	writeScript(w, modalScript)
}

func writeScript(w http.ResponseWriter, script []byte) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(script)
}
