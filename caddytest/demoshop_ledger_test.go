package caddytest

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// newLedgerShop is the demo shop behind a sidecar with a store and an inbox.
func newLedgerShop(t *testing.T) demoShop {
	t.Helper()
	return newDemoShopWith(t, paymentSites{store: "store sqlite " + inboxFile(t) + "\nreconcile " + everySecond(60)})
}

// play begins a story, and returns its order.
func (d demoShop) play(t *testing.T, story string) (order string) {
	t.Helper()
	a := d.form(t, d.url("9182")+"/stories/"+story, nil)
	order, isOrder := strings.CutPrefix(a.header.Get("Location"), "/orders/")
	if a.status != http.StatusSeeOther || !isOrder {
		t.Fatalf("HTTP %d, to %s: %s", a.status, a.header.Get("Location"), a.body)
	}
	return order
}

var toPay = regexp.MustCompile(`class="button main" href="([^"]+)"`)

// payFor presses a button on the payment page of an order, and comes back.
func (d demoShop) payFor(t *testing.T, order string) {
	t.Helper()
	link := toPay.FindStringSubmatch(html.UnescapeString(d.page(t, "/orders/"+order).body))
	if link == nil {
		t.Fatal("the order has no payment page")
	}
	d.press(t, link[1], "success")
}

// payments is how many payments the sandbox has for an order.
func (d demoShop) payments(t *testing.T, order string) int {
	t.Helper()
	var list struct{ Transactions []struct{ ID string } }
	d.get(t, d.url("9190")+"/sandbox/transactions?orderID="+order).decode(t, &list)
	return len(list.Transactions)
}

// wantHeaders demands these lines among the headers that the page of an order shows.
func wantHeaders(t *testing.T, page orderPage, lines ...string) {
	t.Helper()
	for _, line := range lines {
		wantShown(t, page, line+"\n")
	}
}

func wantShown(t *testing.T, page orderPage, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page.text, part) {
			t.Errorf("the page does not show %s", part)
		}
	}
}

// The story of the same call twice: it is answered from the ledger, before the customer pays and after.
func TestDemoShopStoryOfReplay(t *testing.T) {
	d := newLedgerShop(t)
	order := d.play(t, "replay")
	repeat := func() { d.form(t, d.url("9182")+"/orders/"+order+"/repeat", nil).wantStatus(t, http.StatusSeeOther) }
	repeat()
	page := d.order(t, order)
	page.want(t, "pending", "/pay ok", "/pay ok")
	wantHeaders(t, page, "Galaxypay-Replayed: true", "Galaxypay-Payment-Status: open")
	wantShown(t, page, "Gửi lại đúng lời gọi đó</button>", "Cùng một lời gọi hai lần</h2>")
	d.payFor(t, order)
	repeat()
	page = d.order(t, order)
	page.want(t, "paid", "/pay ok", "/pay ok", "/galaxypay/ipn", "/galaxypay/result", "/pay ok")
	wantHeaders(t, page, "Galaxypay-Payment-Status: paid")
	if n := strings.Count(page.text, "Galaxypay-Replayed: true\n"); n != 2 {
		t.Errorf("%d answers are replayed, want 2", n)
	}
	if n := d.payments(t, order); n != 1 {
		t.Errorf("the gateway has %d payments", n)
	}
}

// The story of a genuine message about another amount: no goods by it, and the truth comes by a query.
func TestDemoShopStoryOfDispute(t *testing.T) {
	d := newLedgerShop(t)
	order := d.play(t, "dispute")
	d.payFor(t, order)
	page := d.order(t, order)
	wantHeaders(t, page, "Galaxypay-Order: mismatched", "Galaxypay-Payment-Status: disputed")
	wantShown(t, page, "không khớp với lời gọi")
	eventually(t, "the order is paid", func() bool { return d.order(t, order).state == "paid" })
	page = d.order(t, order)
	wantHeaders(t, page, "Galaxypay-Callback: query", "Galaxypay-Order: matched")
	if page.goods != "1" {
		t.Errorf("goods handed out %s times", page.goods)
	}
}

// The story of an IPN that never comes: the sidecar queries the gateway.
func TestDemoShopStoryOfReconciliation(t *testing.T) {
	d := newLedgerShop(t)
	order := d.play(t, "reconciliation")
	d.payFor(t, order)
	eventually(t, "the order is paid", func() bool { return d.order(t, order).state == "paid" })
	page := d.order(t, order)
	wantHeaders(t, page, "Galaxypay-Callback: query", "Galaxypay-Payment-Status: paid")
	if page.goods != "1" || strings.Contains(page.text, "Galaxypay-Callback: ipn\n") {
		t.Errorf("goods handed out %s times: %s", page.goods, page.text)
	}
}

// The page offers the stories, and there are no others.
func TestDemoShopStories(t *testing.T) {
	d := newLedgerShop(t)
	var offered []string
	for _, m := range regexp.MustCompile(`action="/stories/(\w+)"`).FindAllStringSubmatch(d.page(t, "/").body, -1) {
		offered = append(offered, m[1])
	}
	if want := []string{"replay", "dispute", "reconciliation"}; !slices.Equal(offered, want) {
		t.Errorf("the shop offers %q, want %q", offered, want)
	}
	d.form(t, d.url("9182")+"/stories/other", nil).wantStatus(t, http.StatusNotFound)
	d.postForm(t, d.url("9182")+"/stories/replay", "", "Origin", "http://evil.example").wantStatus(t, http.StatusForbidden)
	d.postForm(t, d.url("9182")+"/orders/DH-NONE/repeat", "", "Origin", d.url("9182")).wantStatus(t, http.StatusNotFound)
}

// With a ledger, a payment whose page is lost is paid for under a new key. What was not sent at all has the first one.
func TestDemoShopInDoubtWithLedger(t *testing.T) {
	d := newLedgerShop(t)
	for fault, test := range map[string]struct {
		messages []string
		key      string
	}{
		"answer_unsigned": {[]string{"/pay unknown", "/pay rejected", "/pay ok"}, "-pay-2"},
		"answer_cut":      {[]string{"/pay unknown", "/pay rejected", "/pay ok"}, "-pay-2"},
		"reset_after":     {[]string{"/pay unknown", "/pay rejected", "/pay ok"}, "-pay-2"},
		"reset_before":    {[]string{"/pay unknown", "/pay ok"}, "-pay-1"},
	} {
		t.Run(fault, func(t *testing.T) {
			location, order := d.buy(t, "redirect", fault)
			page := d.order(t, order)
			page.want(t, "pending", test.messages...)
			wantHeaders(t, page, "Galaxypay-Request-Id: "+order+test.key)
			d.press(t, location, "success")
			d.order(t, order).want(t, "paid", append(test.messages, "/galaxypay/ipn", "/galaxypay/result")...)
		})
	}
}

// The example keeps its promise: the same call twice, a message that does not fit, an IPN that is lost.
func TestExampleHasTheLedger(t *testing.T) {
	d := demoShop{startExample(t)}
	replayed, lost := d.play(t, "replay"), d.play(t, "reconciliation")
	d.payFor(t, lost)
	d.form(t, d.url("9182")+"/orders/"+replayed+"/repeat", nil)
	wantHeaders(t, d.order(t, replayed), "Galaxypay-Replayed: true")
	disputed := d.play(t, "dispute")
	d.payFor(t, disputed)
	wantHeaders(t, d.order(t, disputed), "Galaxypay-Payment-Status: disputed")
	eventually(t, "both are paid", func() bool { return d.order(t, lost).state == "paid" && d.order(t, disputed).state == "paid" })
}

// After a restart the sandbox and the shop have forgotten all payments, and the ledger has not. A new order is a new payment,
// whose transaction no order before had.
func TestExampleRestarts(t *testing.T) {
	dir := shortTempDir(t)
	var seen []string
	for range 2 {
		d := demoShop{startExampleIn(t, dir)}
		payPage, order := d.buy(t, "redirect", "")
		if slices.Contains(seen, order) || slices.Contains(seen, payPage[strings.LastIndex(payPage, "/"):]) {
			t.Errorf("the order %s or its page %s was there before: %q", order, payPage, seen)
		}
		seen = append(seen, order, payPage[strings.LastIndex(payPage, "/"):])
		d.press(t, payPage, "success")
		page := d.order(t, order)
		page.want(t, "paid", "/pay ok", "/galaxypay/ipn", "/galaxypay/result")
		if strings.Contains(page.text, "Galaxypay-Replayed") {
			t.Error("a new order is answered from the ledger")
		}
		if err := d.load(t, "{\nadmin off\n}\n"); err != nil {
			t.Fatal(err)
		}
		d.stop()
	}
}
