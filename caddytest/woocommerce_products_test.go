//go:build woocommerce

package caddytest

import (
	"strconv"
	"testing"
)

// Only where all of an order is virtual and can be downloaded, there is nothing left to do for the merchant.
func (w *wooCommerce) leavesTheStatusToWooCommerce(t *testing.T) {
	t.Helper()
	product := func(virtual, downloadable string) string {
		var id int
		w.shop(t, &id, "new_product", virtual, downloadable)
		return strconv.Itoa(id)
	}
	virtual, download, both, neither := product("yes", "no"), product("no", "yes"), product("yes", "yes"), product("no", "no")
	for name, order := range map[string]struct {
		products, status string
		downloads        int
	}{
		"virtual":                {virtual, "processing", 0},
		"downloadable":           {download, "processing", 1},
		"virtual, downloadable":  {both, "completed", 1},
		"mixed":                  {both + "," + neither, "processing", 1},
		"mixed, nothing to send": {both + "," + virtual, "processing", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var before wooOrder
			w.shop(t, &before, "new_order", order.products)
			id := strconv.Itoa(before.ID)
			page := w.pay(t, id)
			open := w.order(t, id)
			open.wants(t, "pending", false)
			if open.Downloads != 0 || open.Stock != before.Stock {
				t.Errorf("before the payment: %d downloads, stock %d, then %d", open.Downloads, before.Stock, open.Stock)
			}
			w.end(t, page, "success")
			after := w.order(t, id)
			after.wants(t, order.status, true)
			if after.Downloads != order.downloads || before.Stock-after.Stock != 1 || after.Transaction == "" {
				t.Errorf("after the payment: %+v", after)
			}
		})
	}
}
