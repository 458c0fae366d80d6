package caddytest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// demoShop is the sites of Caddyfile.example: sidecar, callbacks, demo shop and sandbox.
type demoShop struct{ *caddyServer }

func newDemoShop(t *testing.T) demoShop {
	t.Helper()
	return newDemoShopWith(t, paymentSites{})
}

// newDemoShopWith runs it with these sites.
func newDemoShopWith(t *testing.T, sites paymentSites) demoShop {
	t.Helper()
	c := startSites(t, "9180", "9181", "9182", "9190")
	sites.app = c.ports["9182"]
	c.mustLoad(t, sites.caddyfile(c)+`
		http://:9182 {
			galaxypay_demo_shop {
				sidecar `+c.url("9180")+`
				modal_script `+c.url("9190")+`/checkout/script-modal.js
				ipn_url `+c.url("9181")+`/galaxypay/ipn
			}
		}`)
	return demoShop{c}
}

// form posts a form as the shop's own page does.
func (d demoShop) form(t *testing.T, address string, fields url.Values) httpAnswer {
	t.Helper()
	return d.postForm(t, address, fields.Encode(), "Origin", d.url("9182"), "Accept-Language", "vi")
}

// buy orders a coffee for 29000 VND. It returns the address to which the shop sends the customer, and
// the order.
func (d demoShop) buy(t *testing.T, way, faults string) (location, order string) {
	t.Helper()
	a := d.form(t, d.url("9182")+"/orders", url.Values{"buy": {"coffee " + way}, "fault": {faults}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("HTTP %d: %s", a.status, a.body)
	}
	orders := orderID.FindAllString(d.page(t, "/").body, -1)
	if len(orders) == 0 {
		t.Fatal("the shop has no order")
	}
	return a.header.Get("Location"), orders[0]
}

// page is a page of the shop as the customer sees it.
func (d demoShop) page(t *testing.T, path string) httpAnswer {
	t.Helper()
	a := d.get(t, d.url("9182")+path, "Accept-Language", "vi")
	if a.status != http.StatusOK {
		t.Fatalf("%s: HTTP %d", path, a.status)
	}
	return a
}

// press presses a button on the gateway's page as the customer does, and follows the redirect to the
// shop.
func (d demoShop) press(t *testing.T, payPage, button string) (result httpAnswer) {
	t.Helper()
	a := d.postForm(t, payPage, "outcome="+button)
	if a.status == http.StatusOK {
		return a // this payment has no redirect
	}
	if a.status != http.StatusSeeOther {
		t.Fatalf("HTTP %d from the payment page: %s", a.status, a.body)
	}
	return d.get(t, a.header.Get("Location"), "Accept", "text/html", "Accept-Language", "vi")
}

// order reads the page of an order.
func (d demoShop) order(t *testing.T, id string) orderPage {
	t.Helper()
	text := html.UnescapeString(d.page(t, "/orders/"+id).body)
	page := orderPage{state: badge.FindStringSubmatch(text)[1], goods: handedOut.FindStringSubmatch(text)[1], text: text}
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		path, outcome := m[1], ""
		if _, after, found := strings.Cut(m[2], " · "); found {
			outcome = " " + after
		}
		page.messages = append(page.messages, path+outcome)
	}
	for _, m := range ipnStatus.FindAllStringSubmatch(text, -1) {
		page.ipnStatus = append(page.ipnStatus, m[1])
	}
	return page
}

// ipn sends an IPN with this responseData.
func (d demoShop) ipn(t *testing.T, responseData string) httpAnswer {
	t.Helper()
	return d.post(t, d.url("9181")+"/galaxypay/ipn", signedMessage(`{"requestID":"1","responseCode":"200","responseData":`+responseData+`}`, sandboxSalt).json())
}

var orderID = regexp.MustCompile(`DH-[A-Z2-7]{12}`)

var (
	badge     = regexp.MustCompile(`class="badge (\w+)"`)
	handedOut = regexp.MustCompile(`id="handed-out">(\d+)<`)
	title     = regexp.MustCompile(`<code>(?:GET|POST) ([^<]+)</code><span class="soft">([^<]*)</span>`)
	ipnStatus = regexp.MustCompile(`"ipnStatus": "(\d+)"`)
)

// orderPage is what the page of an order shows.
type orderPage struct {
	state     string
	goods     string   // how often they were handed out
	messages  []string // path and outcome of each call and callback
	ipnStatus []string
	text      string
}

// want checks the state of the order, that goods are handed out only if it is paid, and the messages.
func (p orderPage) want(t *testing.T, state string, messages ...string) {
	t.Helper()
	goods := "0"
	if state == "paid" {
		goods = "1"
	}
	if p.state != state || p.goods != goods {
		t.Errorf("the order is %s, goods handed out: %s; want %s and %s", p.state, p.goods, state, goods)
	}
	if !slices.Equal(p.messages, messages) {
		t.Errorf("messages %q, want %q", p.messages, messages)
	}
}

// The customer pays on the gateway's page and comes back to the shop.
func TestDemoShopRedirect(t *testing.T) {
	const ipn, result = "/galaxypay/ipn", "/galaxypay/result"
	d := newDemoShop(t)
	for name, test := range map[string]struct {
		faults, button string
		state          string
		messages       []string
		ipnStatus      []string
		resultPage     string // words on it
	}{
		"paid":      {"", "success", "paid", []string{"/pay ok", ipn, result}, []string{"200"}, "đã nhận được thanh toán"},
		"cancelled": {"", "cancel", "cancelled", []string{"/pay ok", ipn, result}, []string{"200"}, "đã hủy thanh toán"},
		"failed":    {"", "failure", "failed", []string{"/pay ok", ipn, result}, []string{"200"}, "Thanh toán thất bại"},
		"IPN twice": {"ipn_twice", "success", "paid", []string{"/pay ok", ipn, ipn, result}, []string{"200", "409"}, "đã nhận"},
		"cancelled after it was paid": {
			"ipn_cancel_after_paid", "success", "paid",
			[]string{"/pay ok", ipn, ipn, result}, []string{"200", "409"}, "đã nhận",
		},
		// Only proven messages reach the shop. Without a proven IPN the order stays pending, whatever the
		// browser brings.
		"tampered amount": {"ipn_tampered_amount", "success", "pending", []string{"/pay ok", result, "/query ok"}, nil, "đã nhận"},
		"wrong salt":      {"ipn_wrong_salt", "success", "pending", []string{"/pay ok", result, "/query ok"}, nil, "đã nhận"},
		"lost IPN":        {"ipn_lost", "success", "pending", []string{"/pay ok", result, "/query ok"}, nil, "đã nhận"},
		"two faults":      {"ipn_twice, answer_numbers", "success", "paid", []string{"/pay ok", ipn, ipn, result}, []string{"200", "409"}, "đã nhận"},
	} {
		t.Run(name, func(t *testing.T) {
			payPage, order := d.buy(t, "redirect", test.faults)
			if !strings.HasPrefix(payPage, d.url("9190")+"/pay/") {
				t.Fatalf("the customer is sent to %s", payPage)
			}
			d.order(t, order).want(t, "pending", "/pay ok")
			back := d.press(t, payPage, test.button)
			if text := html.UnescapeString(back.body); back.status != http.StatusOK || !strings.Contains(text, test.resultPage) ||
				!strings.Contains(text, `href="`+d.url("9182")+"/orders/"+order+`"`) {
				t.Errorf("HTTP %d, the customer sees %s", back.status, text)
			}
			k := d.order(t, order)
			k.want(t, test.state, test.messages...)
			if !slices.Equal(k.ipnStatus, test.ipnStatus) {
				t.Errorf("the IPNs were answered with %q, want %q", k.ipnStatus, test.ipnStatus)
			}
			for _, part := range []string{`"orderAmount": 29000`, "Idempotency-Key: " + order + "-pay-1", "Galaxypay-Request-Id: " + order + "-pay-1"} {
				if !strings.Contains(k.text, part) {
					t.Errorf("the page does not show %s", part)
				}
			}
		})
	}
}

// A call with unknown outcome is not made under a new id. The shop queries the gateway instead.
func TestDemoShopInDoubt(t *testing.T) {
	d := newDemoShop(t)
	for fault, test := range map[string]struct {
		state    string
		messages []string
	}{
		"answer_unsigned":   {"pending", []string{"/pay unknown", "/pay unknown"}}, // again, since it is a duplicate
		"answer_wrong_salt": {"pending", []string{"/pay unknown", "/pay unknown"}},
		"answer_cut":        {"pending", []string{"/pay unknown", "/pay unknown"}},
		"answer_html_502":   {"pending", []string{"/pay unknown", "/pay unknown"}},
		"reset_after":       {"pending", []string{"/pay unknown", "/pay unknown"}},
		"reset_before":      {"pending", []string{"/pay unknown", "/pay ok"}},
		"no_such_fault":     {"notOpened", []string{"/pay rejected"}},
	} {
		t.Run(fault, func(t *testing.T) {
			location, order := d.buy(t, "redirect", fault)
			k := d.order(t, order)
			k.want(t, test.state, test.messages...)
			if test.messages[len(test.messages)-1] == "/pay ok" {
				d.press(t, location, "success")
				d.order(t, order).want(t, "paid", append(test.messages, "/galaxypay/ipn", "/galaxypay/result")...)
				return
			}
			if location != "/orders/"+order {
				t.Errorf("the customer is sent to %s", location)
			}
			if got := strings.Count(k.text, "Idempotency-Key: "+order+"-pay-1\n"); got != len(test.messages) {
				t.Errorf("%d of %d calls had the order's key", got, len(test.messages))
			}
			if test.state == "notOpened" {
				d.form(t, d.url("9182")+"/orders/"+order+"/ask", nil)
				d.order(t, order).want(t, test.state, test.messages...)
				return
			}
			// The IPN still comes. Once a first IPN has brought the transactionID, the shop can query
			// the gateway.
			d.ipn(t, `{"orderID":"`+order+`","transactionID":"1","transactionStatus":"","transactionStage":"INIT"}`).wantIPNStatus(t, "200")
			d.form(t, d.url("9182")+"/orders/"+order+"/ask", nil)
			d.order(t, order).want(t, "pending", append(test.messages, "/galaxypay/ipn", "/query rejected")...)
			d.ipn(t, `{"orderID":"`+order+`","transactionID":"1","orderAmount":29000,"orderCurrency":"VND"}`).wantIPNStatus(t, "200")
			d.order(t, order).want(t, "paid", append(test.messages, "/galaxypay/ipn", "/query rejected", "/galaxypay/ipn")...)
		})
	}
}

// Where the sidecar does not run, the order is unclear, and the shop can make the same call again.
func TestDemoShopWithoutSidecar(t *testing.T) {
	d := newDemoShop(t)
	down := deadAddress(t)
	d.mustLoad(t, "http://:9182 {\ngalaxypay_demo_shop {\nsidecar http://"+down+"\n}\n}\n")
	_, order := d.buy(t, "redirect", "")
	d.order(t, order).want(t, "unclear", "/pay unknown", "/pay unknown")
}

// Everyone who has a payment link can pay it. Its IPN names the link, not the order.
func TestDemoShopPaymentLink(t *testing.T) {
	d := newDemoShop(t)
	location, order := d.buy(t, "link", "ipn_twice")
	if location != "/orders/"+order {
		t.Fatalf("the customer is sent to %s", location)
	}
	link := regexp.MustCompile(`class="link" href="([^"]+)"`).FindStringSubmatch(d.page(t, location).body)
	if link == nil {
		t.Fatal("the page shows no link")
	}
	d.press(t, link[1], "success")
	k := d.order(t, order)
	k.want(t, "paid", "/createPaymentLink ok", "/galaxypay/ipn", "/galaxypay/ipn")
	if !slices.Equal(k.ipnStatus, []string{"200", "409"}) {
		t.Errorf("the IPNs were answered with %q", k.ipnStatus)
	}
}

// The gateway's script opens the modal window. When the script reports the end, the shop queries the
// gateway, and the order follows the IPN.
func TestDemoShopModal(t *testing.T) {
	d := newDemoShop(t)
	location, order := d.buy(t, "modal", "")
	if location != "/orders/"+order {
		t.Fatalf("the customer is sent to %s", location)
	}
	page := d.page(t, location)
	policy := page.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-src " + d.url("9190"), "' " + d.url("9190") + ";", "script-src 'nonce-"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %q", policy, part)
		}
	}
	if !strings.Contains(page.body, `src="`+d.url("9190")+`/checkout/script-modal.js"`) {
		t.Error("the page does not load the gateway's script")
	}
	endpoint := regexp.MustCompile(`id="galaxy-pay-sdk" data-endpoint="([^"]+)"`).FindStringSubmatch(page.body)
	if endpoint == nil {
		t.Fatal("the page has no place for the window")
	}

	// What the browser reports changes nothing by itself.
	d.form(t, d.url("9182")+location+"/ask", nil)
	d.order(t, order).want(t, "pending", "/checkout ok", "/query ok")

	d.press(t, endpoint[1], "success")
	d.form(t, d.url("9182")+location+"/ask", nil)
	d.order(t, order).want(t, "paid", "/checkout ok", "/query ok", "/galaxypay/ipn", "/query ok")
}

// A proven IPN is authentic. It may still be for another order or for another amount.
func TestDemoShopIPNs(t *testing.T) {
	d := newDemoShop(t)
	_, order := d.buy(t, "redirect", "")
	d.ipn(t, `{"orderID":"DH-UNHEARDOF","orderAmount":"29000","orderCurrency":"VND"}`).wantIPNStatus(t, "200")
	if text := d.page(t, "/").body; !strings.Contains(text, "DH-UNHEARDOF") {
		t.Error("the shop does not show the callback for an order that it did not make")
	}

	d.ipn(t, `{"orderID":"`+order+`","orderAmount":"2900","orderCurrency":"VND"}`).wantIPNStatus(t, "200")
	k := d.order(t, order)
	k.want(t, "pending", "/pay ok", "/galaxypay/ipn")
	if !strings.Contains(k.text, "cần người kiểm tra") {
		t.Error("the page does not show that the amount differs")
	}

	// The content of a message is shown as text on every page.
	const attack = `<script>alert(1)</script><img src=x onerror=alert(1)>`
	d.ipn(t, `{"orderID":"`+order+`","orderAmount":`+jsonText(attack)+`,"orderCurrency":"VND"}`).wantIPNStatus(t, "200")
	d.ipn(t, `{"orderID":`+jsonText(attack)+`}`).wantIPNStatus(t, "200")
	_, attacked := d.buy(t, "redirect", attack)
	for _, path := range []string{"/", "/orders/" + order, "/orders/" + attacked, "/orders/" + attacked + "/live"} {
		a := d.page(t, path)
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<img") {
			t.Errorf("%s has markup from a message", path)
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}

	// The log shows what happens to a payment, and nothing about the customer.
	d.stop()
	lines := d.logLines(t, "IPN taken")
	if len(lines) != 4 || lines[0]["order_id"] != "DH-UNHEARDOF" || lines[0]["ipn_status"] != "200" || lines[1]["order_id"] != order || lines[1]["payment_status"] != "paid" {
		t.Errorf("log lines %v", lines)
	}
}

// The shop refuses callbacks that did not come through the directives, and orders from pages of
// other sites.
func TestDemoShopRefuses(t *testing.T) {
	d := newDemoShop(t)
	_, order := d.buy(t, "redirect", "")
	message := `{"responseCode":"200","responseData":{"orderID":"` + order + `","orderAmount":"29000","orderCurrency":"VND"}}`
	for name, a := range map[string]httpAnswer{
		"IPN past the sidecar":        d.post(t, d.url("9182")+"/galaxypay/ipn", message),
		"result past the sidecar":     d.get(t, d.url("9182")+"/galaxypay/result"),
		"the same with its message":   d.post(t, d.url("9182")+"/galaxypay/result", message),
		"result at the IPN's address": d.post(t, d.url("9182")+"/galaxypay/ipn", message, "Galaxypay-Callback", "result", "Galaxypay-Payment-Status", "paid"),
	} {
		if a.status != http.StatusForbidden {
			t.Errorf("%s: HTTP %d", name, a.status)
		}
	}
	for name, origin := range map[string]string{
		"another site":      "http://evil.example",
		"another port":      "http://127.0.0.1:1",
		"a sandboxed frame": "null",
		"empty":             "",
	} {
		for _, path := range []string{"/orders", "/orders/" + order + "/ask"} {
			a := d.postForm(t, d.url("9182")+path, "buy=coffee+redirect", "Origin", origin)
			if a.status != http.StatusForbidden {
				t.Errorf("%s, %s: HTTP %d", name, path, a.status)
			}
		}
	}
	d.order(t, order).want(t, "pending", "/pay ok")
	for _, form := range []string{"", "buy=gold+redirect", "buy=coffee+cash", "buy=coffee", "buy=coffee+redirect&fault=" + strings.Repeat("x", 1<<10+1)} {
		if a := d.postForm(t, d.url("9182")+"/orders", form); a.status != http.StatusBadRequest {
			t.Errorf("%.30s: HTTP %d", form, a.status)
		}
	}
	if a := d.get(t, d.url("9182")+"/orders/DH-NONE"); a.status != http.StatusNotFound {
		t.Errorf("an unknown order: HTTP %d", a.status)
	}
}

// The shop offers the faults that the sandbox has. The sandbox lists them when it gets an unknown
// one.
func TestDemoShopOffersFaults(t *testing.T) {
	d := newDemoShop(t)
	var offered []string
	for _, m := range regexp.MustCompile(`name="fault" value="(\w+)">`).FindAllStringSubmatch(d.page(t, "/").body, -1) {
		offered = append(offered, m[1])
	}
	_, order := d.buy(t, "redirect", "no_such_fault")
	_, list, found := strings.Cut(d.order(t, order).text, "is not one of ")
	if !found {
		t.Fatal("the sandbox does not name its faults")
	}
	known := regexp.MustCompile(`[a-z0-9]+(?:_[a-z0-9]+)+`).FindAllString(list[:strings.IndexByte(list, '"')], -1)
	slices.Sort(offered)
	slices.Sort(known)
	if !slices.Equal(offered, known) {
		t.Errorf("the shop offers %q, the sandbox has %q", offered, known)
	}
}
