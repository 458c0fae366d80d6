package galaxypay

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestRemoveCallbackHeaders(t *testing.T) {
	h := http.Header{
		"Galaxypay-Payment-Status": {"paid"}, "Galaxypay-Callback": {"ipn", "ipn"}, "galaxypay-merchant": {"x"}, "GALAXYPAY-DELIVERY-ID": {"x"},
		"Galaxypay-": {"x"}, "Galaxypay-Anything-New": {"x"}, "Galaxypay_payment_status": {"paid"}, "Galaxypay_Payment-Status": {"paid"},
		"Galaxypay.payment.status": {"paid"}, "Galaxypay~Payment~Status": {"paid"}, "galaxypay!x": {"x"}, "Galaxypay~": {"x"}, "Galaxypay|merchant": {"x"}, "GALAXYPAY_PAYMENT_STATUS": {"paid"}, "gAlAxYpAy-x": {},

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

func TestPercentEncoded(t *testing.T) {
	for text, want := range map[string]string{
		"DH-1001": "DH-1001", "!~": "!~", "a b": "a%20b", "100%": "100%25", "%41": "%2541", "a\r\nb": "a%0D%0Ab", "\x00\x7f": "%00%7F",
		"Đơn": "%C4%90%C6%A1n", "\xff": "%FF", "+/=\"\\": "+/=\"\\",
	} {
		if got := percentEncoded(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
		if back, err := url.PathUnescape(want); err != nil || back != text {
			t.Errorf("%q is read as %q, %v", want, back, err)
		}
	}
}

func TestNamesOfCallbacks(t *testing.T) {
	for name, test := range map[string]struct{ transaction, order, wantTransaction, wantOrder string }{
		"both":     {"T1", "DH 1", "T1", "DH%201"},
		"neither":  {},
		"too long": {strings.Repeat("x", 1025), strings.Repeat("x", 1024), "", strings.Repeat("x", 1024)},
	} {
		t.Run(name, func(t *testing.T) {
			h := make(http.Header)
			callbackHeaders{transaction: test.transaction, order: test.order}.set(h)
			if got := h.Get("Galaxypay-Transaction-Id"); got != test.wantTransaction {
				t.Errorf("transaction %q", got)
			}
			if got := h.Get("Galaxypay-Order-Id"); got != test.wantOrder {
				t.Errorf("order %q", got)
			}
		})
	}
}
