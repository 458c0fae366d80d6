package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// writeProblem answers a request outside of the gateway's protocol, in the form of
// RFC 9457. Such answers are never signed.
func writeProblem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(message.Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}{"about:blank", http.StatusText(status), status, detail, code}))
}
