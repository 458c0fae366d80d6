//go:build woocommerce

package caddytest

import (
	"slices"
	"testing"
)

// The shop becomes a network of three sites, WooCommerce is deactivated, and the plugin is removed. Other plugins keep what is theirs.
func (w *wooCommerce) leavesNothingInANetwork(t *testing.T) {
	t.Helper()
	var remembered, after int
	w.shop(t, &remembered, "remembered")
	w.shop(t, nil, "make_network", "shop.test")
	w.environment = append(w.environment, "SHOP_NETWORK=shop.test")
	w.shop(t, nil, "fill_network")
	const made = "galaxypay-lock-of-others galaxypay_lock_1 galaxypay_lock_22 galaxypay_missed_ipns galaxypay_shop_prefix woocommerce_galaxypay_settings"
	if got, want := w.inNetwork(t), []string{made + " galaxypay_ask of_others 0 logs too many", made + " galaxypay_ask of_others 0 logs too many", made}; !slices.Equal(got, want) {
		t.Fatalf("before: %q", got)
	}
	w.shop(t, nil, "uninstall")
	if got, want := w.inNetwork(t), []string{"galaxypay-lock-of-others of_others 0 logs too many", "galaxypay-lock-of-others of_others 0 logs too many", "galaxypay-lock-of-others"}; !slices.Equal(got, want) {
		t.Errorf("after: %q", got)
	}
	w.shop(t, &after, "remembered")
	if remembered == 0 || after != remembered {
		t.Errorf("orders remembered %d times, then %d times", remembered, after)
	}
}

// inNetwork is what each site of the network has of the plugin, and of its neighbours with similar names.
func (w *wooCommerce) inNetwork(t *testing.T) []string {
	t.Helper()
	var found []string
	w.shop(t, &found, "in_network")
	return found
}
