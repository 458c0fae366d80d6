//go:build woocommerce

package caddytest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The IPN and the customer come at the same moment, fifty times. The question of the customer's return finds the payment as well as
// the IPN does, so either may settle the order.
func (w *wooCommerce) settlesOnce(t *testing.T) {
	t.Helper()
	w.settlesEachOnce(t, 50)
}

// With such a cache, a lock in a transient would be lost at once.
func (w *wooCommerce) settlesOnceWithoutACache(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "cache", "forgetful")
	defer w.shop(t, nil, "cache", "usual")
	w.settlesEachOnce(t, 5)
}

func (w *wooCommerce) settlesEachOnce(t *testing.T, orders int) {
	t.Helper()
	w.faults(t, "ipn_lost") // until all is ready; an IPN that is sent again is not lost
	var pages map[string]string
	w.shop(t, &pages, "open_many", w.product, strconv.Itoa(orders))
	ids := slices.Sorted(maps.Keys(pages))
	before := w.order(t, ids[0])
	for _, page := range pages {
		w.meet(t, page)
	}
	var after []wooOrder
	w.shop(t, &after, append([]string{"orders"}, ids...)...)
	mails := w.mails(t)
	for _, o := range after {
		o.wants(t, "processing", true)
		o.wantsOnce(t, mails)
	}
	if sold := before.Stock - after[0].Stock; len(after) != orders || sold != orders {
		t.Errorf("%d orders took %d things from the stock", len(after), sold)
	}
}

// meet pays, and then sends the IPN and three browsers at the same moment.
func (w *wooCommerce) meet(t *testing.T, page string) {
	t.Helper()
	back := w.end(t, page, "success")
	transaction := page[strings.LastIndex(page, "/")+1:]
	var all sync.WaitGroup
	all.Go(func() {
		w.post(t, w.url("9190")+"/sandbox/transactions/"+transaction+"/resend-ipn", `{"newTime":true}`)
	})
	for range 3 {
		all.Go(func() { w.get(t, back) })
	}
	all.Wait()
}

// wantsOnce reports what was done more than once, or never: the note, the change of the stock, the mails to customer and merchant.
func (o wooOrder) wantsOnce(t *testing.T, mails []string) {
	t.Helper()
	customer := "khach-" + strconv.Itoa(o.ID) + "@shop.test"
	got := []int{o.noted("paid with transaction"), o.noted("Stock levels reduced"), withHeader(mails, "To:", customer), withHeader(mails, "Reply-To:", customer)}
	if !slices.Equal(got, []int{1, 1, 1, 1}) || o.noted("twice") != 0 {
		t.Errorf("order %d: %d notes, %d changes of the stock, %d mails to the customer, %d mails to the merchant; notes %q", o.ID, got[0], got[1], got[2], got[3], o.Notes)
	}
}

// withHeader counts the mails in which a line that begins like this has this text.
func withHeader(mails []string, begin, text string) int {
	n := 0
	for _, mail := range mails {
		for line := range strings.Lines(mail) {
			if strings.HasPrefix(line, begin) && strings.Contains(line, text) {
				n++
			}
		}
	}
	return n
}
