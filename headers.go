package galaxypay

import (
	"net/http"
	"strings"
)

// marks are the headers that tell the app what a proven callback means. No outsider can
// set them: removeMarks takes away what came in their place.
type marks struct {
	callback      string // ipn, result or cancel
	merchant      string
	paymentStatus string
	deliveryID    string
}

func (m marks) set(h http.Header) {
	h.Set("Galaxypay-Callback", m.callback)
	h.Set("Galaxypay-Merchant", m.merchant)
	h.Set("Galaxypay-Payment-Status", m.paymentStatus)
	h.Set("Galaxypay-Delivery-Id", m.deliveryID)
}

var hyphens = strings.NewReplacer("_", "-", ".", "-")

// removeMarks deletes every header that could be taken for one of our marks: an
// outsider who sets Galaxypay-Payment-Status: paid must not be believed. CGI and
// FastCGI write underscores for hyphens, so both spellings count.
func removeMarks(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(hyphens.Replace(name)), "galaxypay-") {
			delete(h, name)
		}
	}
}
