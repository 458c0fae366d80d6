//go:build woocommerce

package caddytest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A real shop: Debian's WordPress on MariaDB, the WooCommerce in WOOCOMMERCE_DIR, the plugin, its Caddyfile, the
// sandbox, and customers in Chromium. Everything is done with orders as posts, with orders in tables of their own, and
// with orders in tables that WooCommerce copies to posts.
func TestWooCommerce(t *testing.T) {
	w := startWooCommerce(t)
	const tables = `Automattic\WooCommerce\Internal\DataStores\Orders\OrdersTableDataStore`
	for _, storage := range []struct{ name, tables, copies, class, post string }{
		{"orders as posts", "off", "off", "WC_Order_Data_Store_CPT", "wc-processing"},
		{"orders in tables", "on", "off", tables, "draft"},
		{"orders in tables and copied", "on", "on", tables, "wc-processing"},
	} {
		t.Run(storage.name, func(t *testing.T) {
			w.shop(t, nil, "hpos", storage.tables, storage.copies)
			o := w.order(t, w.paid(t))
			if o.Store != storage.class || o.Post != storage.post {
				t.Fatalf("orders are kept by %s, and the post is %s", o.Store, o.Post)
			}
			w.everything(t)
		})
	}
	t.Run("the editor shows the method in the block checkout", w.showsInTheEditor)
	t.Run("a cache that forgets everything changes nothing", w.settlesOnceWithoutACache)
	t.Run("the log has no names and no keys", w.logsNothingOfCustomers)
	t.Run("without WooCommerce the site goes on", w.goesOnWithoutWooCommerce)
	t.Run("removed from a network, it leaves nothing but what orders remember", w.leavesNothingInANetwork)
	if lines := w.complaints(t); len(lines) > 0 {
		t.Errorf("PHP complains about the plugin:\n%s", strings.Join(lines, "\n"))
	}
}

func (w *wooCommerce) logsNothingOfCustomers(t *testing.T) {
	t.Helper()
	logs, err := filepath.Glob(w.dir + "/site/wp-content/uploads/wc-logs/galaxypay-*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %q: %v", logs, err)
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"khach", "wc_order_", "hidden", "0900000000", "Nguy", "http://"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s contains %q", name, secret)
			}
		}
	}
}

func (w *wooCommerce) goesOnWithoutWooCommerce(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "deactivate", "woocommerce/woocommerce.php")
	if a := w.get(t, w.url("9181")+"/"); a.status != 200 || !strings.Contains(a.body, "</html>") {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
	if a := w.post(t, w.url("9181")+"/wp-json/galaxypay/v1/ipn", "{}"); a.status != 404 {
		t.Errorf("IPN: HTTP %d: %s", a.status, a.body)
	}
}

func (w *wooCommerce) everything(t *testing.T) {
	t.Helper()
	for name, test := range map[string]func(*testing.T){
		"a customer pays at the classic checkout":                    w.paysAtTheClassicCheckout,
		"a customer pays at the block checkout":                      w.paysAtTheBlockCheckout,
		"a customer cancels, and the cart is still full":             w.cancelsAndKeepsTheCart,
		"a customer who is back first waits":                         w.waitsForTheBank,
		"a Vietnamese shop says it in Vietnamese":                    w.speaksVietnamese,
		"refunds in parts":                                           w.refundsInParts,
		"a refund without an answer moves money once":                w.refundsOnce,
		"the shop is down, and catches up":                           w.isDownAndCatchesUp,
		"a lost IPN is found when the customer comes back":           w.asksWhenTheCustomerComesBack,
		"a lost IPN is found by the planned question":                w.asksByPlan,
		"a paid order is not cancelled for want of an IPN":           w.asksBeforeCancelling,
		"an order that the merchant made is not cancelled":           w.keepsOrdersOfTheMerchant,
		"WooCommerce chooses the status of a paid order":             w.leavesTheStatusToWooCommerce,
		"maintenance holds IPNs back, and loses none":                w.catchesUpAfterMaintenance,
		"neither a proxy nor a block of other hosts stops a payment": w.goesPastProxyAndBlock,
		"an open payment keeps its order from being cancelled":       w.keepsAnOrderWithAnOpenPayment,
		"IPN and result at the same moment settle once":              w.settlesOnce,
		"a late failure undoes nothing":                              w.ignoresALateFailure,
		"paid after expired is paid":                                 w.takesPaidAfterExpired,
		"another amount is held":                                     w.holdsAnotherAmount,
		"forged headers get nowhere":                                 w.refusesForgedHeaders,
		"two tabs get one payment page":                              w.givesTwoTabsOnePage,
		"after a failure the next attempt is another payment":        w.opensTheNextAttempt,
		"a payment whose answer is lost is not opened twice":         w.opensOnceAfterALostAnswer,
		"money for an order in the trash is not taken":               w.refusesMoneyForTheTrash,
		"the test in the settings says what works":                   w.testsItsConnection,
		"the sidecar finds the plugin at all kinds of addresses":     w.isFoundAtAllAddresses,
	} {
		t.Run(name, test)
	}
}

// wants fails the test if the order is not as expected.
func (o wooOrder) wants(t *testing.T, status string, paid bool) {
	t.Helper()
	if o.Status != status || o.Paid != paid {
		t.Fatalf("order %d is %s, paid %t, want %s, paid %t; notes: %q", o.ID, o.Status, o.Paid, status, paid, o.Notes)
	}
}

// putIntoCart puts one thing into the cart. WooCommerce saves the cart after it has sent the page, so each page is waited for to its
// end: another request at that time would read the cart of before, and may save it.
func (w *wooCommerce) putIntoCart(b browser) {
	b.Helper()
	b.visit(w.url("9181") + "/product/ca-phe/")
	b.loaded()
	b.click("button[name=add-to-cart]")
	b.see("body", "has been added to your cart") // WordPress is in English; where it stands depends on the checkout
	b.loaded()
	b.visit(w.url("9181") + "/cart/")
	b.see(".woocommerce-cart-form", "Cà phê sữa đá")
	b.loaded()
}

// checkOut fills in the classic checkout, up to the payment page.
func (w *wooCommerce) checkOut(b browser) {
	b.Helper()
	b.visit(w.url("9181") + "/checkout/")
	b.fill("#billing_first_name", "An")
	b.fill("#billing_last_name", "Nguyễn")
	b.fill("#billing_address_1", "1 Lê Lợi")
	b.fill("#billing_city", "Huế")
	b.fill("#billing_phone", "0900000000")
	b.fill("#billing_email", "khach@shop.test")
	b.see("label[for=payment_method_galaxypay]", "Galaxy Pay")
	b.gone(".blockOverlay")
	b.click("#place_order")
	b.see("#sandbox")
}

func (w *wooCommerce) paysAtTheClassicCheckout(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "checkout", w.checkout)
	b := openBrowser(t, "vi")
	w.putIntoCart(b)
	w.checkOut(b)
	before := w.order(t)
	before.wants(t, "pending", false)
	b.click("#sandbox button[value=success]")
	b.see(".woocommerce-order", "29")
	after := w.order(t)
	after.wants(t, "processing", true)
	if after.ID != before.ID || after.Transaction == "" || after.noted("paid with transaction") != 1 || before.Stock-after.Stock != 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func (w *wooCommerce) paysAtTheBlockCheckout(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "checkout", w.blocks)
	defer w.shop(t, nil, "checkout", w.checkout)
	b := openBrowser(t, "en")
	w.putIntoCart(b)
	b.visit(w.url("9181") + "/blocks/")
	b.see(".wc-block-checkout__payment-method", "Galaxy Pay")
	for field, value := range map[chromedp.CSS]string{
		"#email": "khach@shop.test", "#billing-first_name": "An", "#billing-last_name": "Nguyen", "#billing-address_1": "1 Le Loi", "#billing-city": "Hue",
	} {
		b.fill(field, value)
	}
	w.placeOrderInBlocks(b)
	b.see("#sandbox")
	b.click("#sandbox button[value=success]")
	b.see(".woocommerce-order", "29")
	w.order(t).wants(t, "processing", true)
}

// placeOrderInBlocks presses the button until the browser leaves: while the checkout saves what was typed, it takes no click.
func (w *wooCommerce) placeOrderInBlocks(b browser) {
	b.Helper()
	eventually(b.T, "the block checkout takes the order", func() bool {
		left, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => {
			const button = document.querySelector(".wc-block-components-checkout-place-order-button");
			if (button !== null && !button.disabled) button.click();
			return document.querySelector("#sandbox") !== null;
		})()`))
		return err == nil && left
	})
}

func (w *wooCommerce) cancelsAndKeepsTheCart(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "checkout", w.checkout)
	b := openBrowser(t, "en")
	w.putIntoCart(b)
	w.checkOut(b)
	b.click("#sandbox button[value=cancel]")
	b.see("#order_review", "Galaxy Pay")
	o := w.order(t)
	o.wants(t, "pending", false)
	if o.noted("cancelled") != 1 || o.Attempts[0].State != "dead" {
		t.Errorf("%+v", o)
	}
	b.visit(w.url("9181") + "/cart/")
	b.see(".woocommerce-cart-form", "Cà phê sữa đá")
	b.visit(o.Pay)
	b.click("#place_order")
	b.see("#sandbox")
	b.click("#sandbox button[value=success]")
	b.see(".woocommerce-order", "29")
	o = w.order(t)
	o.wants(t, "processing", true)
	if len(o.Attempts) != 2 || o.Attempts[1].State != "paid" {
		t.Errorf("attempts %+v", o.Attempts)
	}
}

// The gateway does not answer the question either, so only the IPN can settle the order.
func (w *wooCommerce) waitsForTheBank(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	w.faults(t, "ipn_late", "answer_html_502")
	waiting := w.come(t, w.end(t, page, "success"))
	if !strings.Contains(waiting, "galaxypay_wait="+id) {
		t.Fatalf("the customer goes to %s", waiting)
	}
	b := openBrowser(t, "en")
	b.visit(waiting)
	b.see("body", "verify the email address") // the page of the received order; this browser did not make the order
	w.order(t, id).wants(t, "processing", true)
}

func (w *wooCommerce) speaksVietnamese(t *testing.T) {
	t.Helper()
	w.shop(t, nil, "option", "WPLANG", "vi")
	defer w.shop(t, nil, "option", "WPLANG", "")
	id, _ := w.opened(t)
	o := w.order(t, id)
	a := w.get(t, w.url("9181")+"/?galaxypay_wait="+id+"&key="+o.Key)
	if !strings.Contains(a.body, "Chúng tôi đang chờ ngân hàng của bạn") || a.header.Get("Cache-Control") == "" {
		t.Errorf("HTTP %d: %s", a.status, a.body)
	}
}

// paid is an order that a customer has paid, and whose IPN is settled.
func (w *wooCommerce) paid(t *testing.T) (id string) {
	t.Helper()
	id, page := w.opened(t)
	w.end(t, page, "success")
	w.order(t, id).wants(t, "processing", true)
	return id
}

func (w *wooCommerce) refundsInParts(t *testing.T) {
	t.Helper()
	id := w.paid(t)
	w.shop(t, nil, "refund", id, "9000")
	o := w.order(t, id)
	o.wants(t, "processing", true)
	if got := w.refundedAtGateway(t, o.Transaction); got != "9000" || o.Refunded != "9000" {
		t.Errorf("refunded %s at the gateway, %s in the shop", got, o.Refunded)
	}
	w.shop(t, nil, "refund", id, "20000")
	o = w.order(t, id)
	o.wants(t, "refunded", true)
	if got := w.refundedAtGateway(t, o.Transaction); got != "29000" || o.Refunds != 2 || o.noted("alone gives no money back") != 0 {
		t.Errorf("refunded %s at the gateway, %+v in the shop", got, o)
	}
}

// The gateway carries the refund out, and the answer is lost. Pressing the button again moves nothing.
func (w *wooCommerce) refundsOnce(t *testing.T) {
	t.Helper()
	id := w.paid(t)
	w.faults(t, "reset_after")
	var said string
	w.shop(t, &said, "refund", id, "9000")
	if !strings.Contains(said, "not known") {
		t.Errorf("the button says %q", said)
	}
	w.faults(t)
	w.shop(t, &said, "refund", id, "5000")
	if !strings.Contains(said, "repeat that one first") {
		t.Errorf("another refund says %q", said)
	}
	w.shop(t, &said, "refund", id, "9000")
	o := w.order(t, id)
	if got := w.refundedAtGateway(t, o.Transaction); got != "9000" {
		t.Errorf("refunded %s at the gateway; notes %q", got, o.Notes)
	}
}

func (w *wooCommerce) isDownAndCatchesUp(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	stopProcess(w.php)
	w.end(t, page, "success")
	w.startPHP(t)
	eventually(t, "the inbox delivers", func() bool { return w.order(t, id).Paid })
	o := w.order(t, id)
	o.wants(t, "processing", true)
	if o.noted("paid with transaction") != 1 {
		t.Errorf("notes %q", o.Notes)
	}
}

func (w *wooCommerce) asksWhenTheCustomerComesBack(t *testing.T) {
	t.Helper()
	w.faults(t, "ipn_lost")
	id, page := w.opened(t)
	next := w.come(t, w.end(t, page, "success"))
	o := w.order(t, id)
	o.wants(t, "processing", true)
	if next != o.Received {
		t.Errorf("the customer goes to %s", next)
	}
}

func (w *wooCommerce) asksByPlan(t *testing.T) {
	t.Helper()
	w.faults(t, "ipn_lost")
	id, page := w.opened(t)
	w.end(t, page, "success")
	w.order(t, id).wants(t, "pending", false)
	var asked int
	w.shop(t, &asked, "ask", id)
	if asked != 1 {
		t.Errorf("%d questions were planned", asked)
	}
	w.order(t, id).wants(t, "processing", true)
}

func (w *wooCommerce) asksBeforeCancelling(t *testing.T) {
	t.Helper()
	w.faults(t, "ipn_lost")
	id, page := w.opened(t)
	w.end(t, page, "success")
	w.shop(t, nil, "cancel_unpaid", id)
	w.order(t, id).wants(t, "processing", true)
}

// Both orders are old, and their payments are over. WooCommerce cancels only the one of a customer.
func (w *wooCommerce) keepsOrdersOfTheMerchant(t *testing.T) {
	t.Helper()
	ids := make([]string, 0, 2)
	for _, via := range []string{"checkout", "admin"} {
		var o wooOrder
		w.shop(t, &o, "new_order", w.product, via)
		id := strconv.Itoa(o.ID)
		w.end(t, w.pay(t, id), "expired")
		ids = append(ids, id)
	}
	w.shop(t, nil, append([]string{"cancel_unpaid"}, ids...)...)
	w.order(t, ids[0]).wants(t, "cancelled", false)
	w.order(t, ids[1]).wants(t, "pending", false)
}

func (w *wooCommerce) keepsAnOrderWithAnOpenPayment(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	w.shop(t, nil, "cancel_unpaid", id)
	w.order(t, id).wants(t, "pending", false)
	w.end(t, page, "expired")
	w.shop(t, nil, "cancel_unpaid", id)
	w.order(t, id).wants(t, "cancelled", false)
}

func (w *wooCommerce) ignoresALateFailure(t *testing.T) {
	t.Helper()
	w.faults(t, "ipn_cancel_after_paid")
	id := w.paid(t)
	if o := w.order(t, id); o.noted("is over") != 0 {
		t.Errorf("notes %q", o.Notes)
	}
}

func (w *wooCommerce) takesPaidAfterExpired(t *testing.T) {
	t.Helper()
	w.faults(t, "ipn_paid_after_expired")
	id, page := w.opened(t)
	w.end(t, page, "success")
	eventually(t, "the order is paid", func() bool { return w.order(t, id).Paid })
}

func (w *wooCommerce) holdsAnotherAmount(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	w.shop(t, nil, "price", id, "58000")
	w.end(t, page, "success")
	o := w.order(t, id)
	o.wants(t, "on-hold", false)
	if o.noted("is not marked as paid") != 1 {
		t.Errorf("notes %q", o.Notes)
	}
}

func (w *wooCommerce) refusesForgedHeaders(t *testing.T) {
	t.Helper()
	id, _ := w.opened(t)
	attempt := w.order(t, id).Attempts[0]
	body := `{"responseCode":"200","responseData":{"orderAmount":"29000","orderCurrency":"VND"}}`
	for _, path := range []string{"/wp-json/galaxypay/v1/ipn", "/index.php/wp-json/galaxypay/v1/ipn", "/?rest_route=/galaxypay/v1/ipn", "/index.php?rest_route=/galaxypay/v1/ipn", "/galaxypay/ipn/"} {
		for _, mark := range []string{"-", "_", "~"} {
			header := []string{}
			for name, value := range map[string]string{
				"Callback": "ipn", "Payment-Status": "paid", "Order-Id": attempt.ID, "Transaction-Id": attempt.Transaction, "Order": "matched", "Password": "hidden",
			} {
				header = append(header, strings.ReplaceAll("Galaxypay-"+name, "-", mark), value)
			}
			a := w.post(t, w.url("9181")+path, body, header...)
			if strings.Contains(a.body, "ipnStatus") {
				t.Errorf("%s with %s: HTTP %d: %s", path, mark, a.status, a.body)
			}
		}
	}
	for _, path := range []string{"/galaxypay/result?status=PAID&orderID=" + attempt.ID, "/wp-json/galaxypay/v1/result?status=PAID&orderID=" + attempt.ID} {
		a := w.get(t, w.url("9181")+path, "Galaxypay-Callback", "result", "Galaxypay-Order-Id", attempt.ID, "Galaxypay-Password", "hidden")
		if strings.Contains(a.header.Get("Location"), "wc_order") {
			t.Errorf("%s gives the key away: %s", path, a.header.Get("Location"))
		}
	}
	for _, query := range []string{"order=" + id, "order=" + id + "&key=", "order=" + id + "&key=wc_order_x", "order=999999&key=wc_order_x"} {
		if a := w.get(t, w.url("9181")+"/wp-json/galaxypay/v1/status?"+query); a.status < 400 {
			t.Errorf("%s: HTTP %d: %s", query, a.status, a.body)
		}
	}
	w.order(t, id).wants(t, "pending", false)
}

func (w *wooCommerce) givesTwoTabsOnePage(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	if again := w.pay(t, id); again != page {
		t.Errorf("the second tab goes to %s, not to %s", again, page)
	}
	if n := len(w.order(t, id).Attempts); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

func (w *wooCommerce) opensTheNextAttempt(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	w.end(t, page, "refused")
	w.order(t, id).wants(t, "failed", false)
	second := w.pay(t, id)
	if second == page {
		t.Error("the failed payment page is handed out again")
	}
	w.end(t, second, "success")
	w.order(t, id).wants(t, "processing", true)
}

func (w *wooCommerce) opensOnceAfterALostAnswer(t *testing.T) {
	t.Helper()
	var o wooOrder
	w.shop(t, &o, "new_order", w.product)
	id := strconv.Itoa(o.ID)
	w.faults(t, "reset_after")
	if next := w.pay(t, id); !strings.Contains(next, "galaxypay_wait") {
		t.Errorf("the customer goes to %s", next)
	}
	w.faults(t)
	first := w.order(t, id).Attempts
	if len(first) != 1 || first[0].State != "unknown" {
		t.Errorf("attempts %+v", first)
	}
	var a struct{ Result, Redirect, Message string }
	w.shop(t, &a, "pay", id) // the ledger says page_lost, so this attempt is over
	page := a.Redirect
	if a.Result == "failure" {
		page = w.pay(t, id)
	}
	w.end(t, page, "success")
	w.order(t, id).wants(t, "processing", true)
}

func (w *wooCommerce) refusesMoneyForTheTrash(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	w.shop(t, nil, "delete", id, "trash")
	w.end(t, page, "success")
	var found *wooOrder
	w.shop(t, &found, "order", id)
	if found != nil && found.Paid {
		t.Errorf("%+v", found)
	}
}

// signIn opens a browser in the dashboard.
func (w *wooCommerce) signIn(t *testing.T) browser {
	t.Helper()
	b := openBrowser(t, "en")
	b.visit(w.url("9181") + "/wp-login.php")
	b.fill("#user_login", "admin")
	b.fill("#user_pass", "admin")
	b.click("#wp-submit")
	b.see("#wpadminbar")
	return b
}

// The editor has neither a cart nor a customer's session. A method that is not enabled is not there, and the editor works all the same.
func (w *wooCommerce) showsInTheEditor(t *testing.T) {
	t.Helper()
	w.editBlocks(t).see("label[for*=galaxypay]", "Galaxy Pay")
	w.shop(t, nil, "setting", "enabled", "no")
	defer w.shop(t, nil, "setting", "enabled", "yes")
	w.editBlocks(t).gone("label[for*=galaxypay]")
}

// editBlocks opens the editor of the page with the block checkout, and waits for its payment methods. Each time in another browser: the
// editor asks before it is left, which no one can answer here.
func (w *wooCommerce) editBlocks(t *testing.T) browser {
	t.Helper()
	b := w.signIn(t)
	b.visit(w.url("9181") + "/wp-admin/post.php?post=" + w.blocks + "&action=edit")
	b.see(".wc-block-checkout__payment-method")
	return b
}

func (w *wooCommerce) testsItsConnection(t *testing.T) {
	t.Helper()
	b := w.signIn(t)
	b.visit(w.url("9181") + "/wp-admin/admin.php?page=wc-settings&tab=checkout&section=galaxypay")
	b.click("#galaxypay-test")
	b.see(".galaxypay-test", "the sidecar runs")
	b.see("body", "the sidecar guards the address for IPNs")
}
