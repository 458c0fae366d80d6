package galaxypay

import (
	"net/http"
	"strconv"
	"strings"
)

// callbackHeaders say to the app what a proven callback means. No outsider can set them:
// removeCallbackHeaders takes away what came in their place.
type callbackHeaders struct {
	callback      string // ipn, result or cancel
	merchant      string
	paymentStatus string
	deliveryID    string
	attempt       int // counts from 1 where the callback comes out of the inbox; else 0, and no header
}

func (c callbackHeaders) set(h http.Header) {
	h.Set("Galaxypay-Callback", c.callback)
	h.Set("Galaxypay-Merchant", c.merchant)
	h.Set("Galaxypay-Payment-Status", c.paymentStatus)
	h.Set("Galaxypay-Delivery-Id", c.deliveryID)
	if c.attempt > 0 {
		h.Set("Galaxypay-Attempt", strconv.Itoa(c.attempt))
	}
}

var hyphens = strings.NewReplacer("_", "-", ".", "-")

// removeCallbackHeaders deletes every header that could be taken for one of ours: an
// outsider who sets Galaxypay-Payment-Status: paid must not be believed. CGI and
// FastCGI write underscores for hyphens, so both spellings count.
func removeCallbackHeaders(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(hyphens.Replace(name)), "galaxypay-") {
			delete(h, name)
		}
	}
}
