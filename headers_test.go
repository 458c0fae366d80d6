package galaxypay

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

func TestRemoveCallbackHeaders(t *testing.T) {
	h := http.Header{
		"Galaxypay-Payment-Status": {"paid"}, "Galaxypay-Callback": {"ipn", "ipn"}, "galaxypay-merchant": {"x"}, "GALAXYPAY-DELIVERY-ID": {"x"},
		"Galaxypay-": {"x"}, "Galaxypay-Anything-New": {"x"}, "Galaxypay_payment_status": {"paid"}, "Galaxypay_Payment-Status": {"paid"},
		"Galaxypay.payment.status": {"paid"}, "GALAXYPAY_PAYMENT_STATUS": {"paid"}, "gAlAxYpAy-x": {},

		"Galaxypay": {"stays"}, "Galaxypayment": {"stays"}, "X-Galaxypay-Callback": {"stays"}, "User-Agent": {"galaxypay-callback"},
		"Content-Type": {"application/json"}, "": {"stays"},
	}
	want := http.Header{
		"Galaxypay": {"stays"}, "Galaxypayment": {"stays"}, "X-Galaxypay-Callback": {"stays"}, "User-Agent": {"galaxypay-callback"},
		"Content-Type": {"application/json"}, "": {"stays"},
	}
	removeCallbackHeaders(h)
	if !maps.EqualFunc(h, want, slices.Equal) {
		t.Errorf("left %v", h)
	}
	removeCallbackHeaders(nil)
}
