// Package respond writes whole HTTP answers.
package respond

import (
	"net/http"
	"strconv"
)

// Whole answers with a body whose length is known. What the project answers is about
// payments, so caches must not keep it, and a browser must not guess another type for it.
func Whole(w http.ResponseWriter, status int, contentType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
