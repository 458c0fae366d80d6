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

// demo is the whole of Caddyfile.example: sidecar, callbacks, demo shop and sandbox.
type demoShop struct{ *caddyServer }

func newDemoShop(t *testing.T) demoShop {
	t.Helper()
	// First the addresses, so that all four can be told of each other.
	c := start(t, `
		http://:9180 {
			respond 503
		}
		http://:9181 {
			respond 503
		}
		http://:9182 {
			respond 503
		}
		http://:9190 {
			galaxypay_sandbox
		}`)
	err := c.load(t, paymentSites(c, strings.TrimPrefix(c.url("9182"), "http://"))+`
		http://:9182 {
			galaxypay_demo_shop {
				sidecar `+c.url("9180")+`
				modal_script `+c.url("9190")+`/checkout/script-modal.js
				ipn_url `+c.url("9181")+`/galaxypay/ipn
			}
		}`)
	if err != nil {
		t.Fatal(err)
	}
	return demoShop{c}
}

// form posts as the shop's own page does.
func (d demoShop) form(t *testing.T, address string, fields url.Values) httpAnswer {
	t.Helper()
	return exchange(t, d.caddyServer, http.MethodPost, address, strings.NewReader(fields.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", d.url("9182"), "Accept-Language", "vi")
}

// buy orders a coffee for 29000 VND, and returns where the customer is sent and the order.
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

// page is a page of the shop as its customer sees it.
func (d demoShop) page(t *testing.T, path string) httpAnswer {
	t.Helper()
	a := exchange(t, d.caddyServer, http.MethodGet, d.url("9182")+path, nil, "Accept-Language", "vi")
	if a.status != http.StatusOK {
		t.Fatalf("%s: HTTP %d", path, a.status)
	}
	return a
}

// press is the customer on the gateway's page, who comes back to the shop then.
func (d demoShop) press(t *testing.T, payPage, button string) (result httpAnswer) {
	t.Helper()
	a := exchange(t, d.caddyServer, http.MethodPost, payPage, strings.NewReader("outcome="+button), "Content-Type", "application/x-www-form-urlencoded")
	if a.status == http.StatusOK {
		return a // this payment has no way back
	}
	if a.status != http.StatusSeeOther {
		t.Fatalf("HTTP %d from the payment page: %s", a.status, a.body)
	}
	return exchange(t, d.caddyServer, http.MethodGet, a.header.Get("Location"), nil, "Accept", "text/html", "Accept-Language", "vi")
}

func (d demoShop) order(t *testing.T, id string) orderPage {
	t.Helper()
	text := html.UnescapeString(d.page(t, "/orders/"+id).body)
	k := orderPage{state: badge.FindStringSubmatch(text)[1], goods: handedOut.FindStringSubmatch(text)[1], text: text}
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		path, outcome := strings.TrimPrefix(m[1], "POST "), ""
		if _, after, found := strings.Cut(m[2], " · "); found {
			outcome = " " + after
		}
		k.messages = append(k.messages, path+outcome)
	}
	for _, m := range ipnStatus.FindAllStringSubmatch(text, -1) {
		k.ipnStatus = append(k.ipnStatus, m[1])
	}
	return k
}

// ipn is a message of the gateway's server with this responseData.
func (d demoShop) ipn(t *testing.T, address, responseData string) httpAnswer {
	t.Helper()
	if address == "" {
		address = d.url("9181") + "/galaxypay/ipn"
	}
	return d.post(t, address, signedMessage(`{"requestID":"1","responseCode":"200","responseData":`+responseData+`}`, sandboxSalt).json())
}

var orderID = regexp.MustCompile(`DH-[A-Z2-7]{12}`)

var (
	badge     = regexp.MustCompile(`class="badge (\w+)"`)
	handedOut = regexp.MustCompile(`id="handed-out">(\d+)<`)
	title     = regexp.MustCompile(`<code>(POST [^<]+)</code><span class="soft">([^<]*)</span>`)
	ipnStatus = regexp.MustCompile(`"ipnStatus": "(\d+)"`)
)

// known is what the page of an order says.
type orderPage struct {
	state     string
	goods     string   // how often they were handed out
	messages  []string // path and outcome of what was sent and got
	ipnStatus []string
	text      string
}

// want demands a state, the goods handed out only if it is paid, and these messages.
func (k orderPage) want(t *testing.T, state string, messages ...string) {
	t.Helper()
	goods := "0"
	if state == "paid" {
		goods = "1"
	}
	if k.state != state || k.goods != goods {
		t.Errorf("the order is %s, goods handed out: %s; want %s and %s", k.state, k.goods, state, goods)
	}
	if !slices.Equal(k.messages, messages) {
		t.Errorf("messages %q, want %q", k.messages, messages)
	}
}

// The customer goes to the gateway and back.
func TestDemoShopRedirect(t *testing.T) {
	const ipn, result = "/galaxypay/ipn", "/galaxypay/result"
	d := newDemoShop(t)
	for name, test := range map[string]struct {
		faults, button string
		state          string
		messages       []string
		ipnStatus      []string
		told           string // the result page's words
	}{
		"paid":      {"", "success", "paid", []string{"/pay ok", ipn, result}, []string{"200"}, "đã nhận được thanh toán"},
		"cancelled": {"", "cancel", "cancelled", []string{"/pay ok", ipn, result}, []string{"200"}, "đã hủy thanh toán"},
		"failed":    {"", "failure", "failed", []string{"/pay ok", ipn, result}, []string{"200"}, "Thanh toán thất bại"},
		"IPN twice": {"ipn_twice", "success", "paid", []string{"/pay ok", ipn, ipn, result}, []string{"200", "409"}, "đã nhận"},
		"cancelled after it was paid": {
			"ipn_cancel_after_paid", "success", "paid",
			[]string{"/pay ok", ipn, ipn, result}, []string{"200", "409"}, "đã nhận",
		},
		// Only proven messages reach the shop: it says what the browser's says, and waits.
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
			if text := html.UnescapeString(back.body); back.status != http.StatusOK || !strings.Contains(text, test.told) ||
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

// A call that ends in doubt is not made under a new id. What is missing is asked for.
func TestDemoShopInDoubt(t *testing.T) {
	d := newDemoShop(t)
	for fault, test := range map[string]struct {
		state    string
		messages []string
	}{
		"answer_unsigned":   {"pending", []string{"/pay unknown", "/pay rejected"}}, // rejected: it is a duplicate
		"answer_wrong_salt": {"pending", []string{"/pay unknown", "/pay rejected"}},
		"answer_cut":        {"pending", []string{"/pay unknown", "/pay rejected"}},
		"answer_html_502":   {"pending", []string{"/pay unknown", "/pay rejected"}},
		"reset_after":       {"pending", []string{"/pay unknown", "/pay rejected"}},
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
			// The IPN comes all the same. Before it, one that tells the transactionID makes it
			// possible to ask.
			d.ipn(t, "", `{"orderID":"`+order+`","transactionID":"1","transactionStatus":"","transactionStage":"INIT"}`).wantIPNStatus(t, "200")
			d.form(t, d.url("9182")+"/orders/"+order+"/ask", nil)
			d.order(t, order).want(t, "pending", append(test.messages, "/galaxypay/ipn", "/query rejected")...)
			d.ipn(t, "", `{"orderID":"`+order+`","transactionID":"1","orderAmount":29000,"orderCurrency":"VND"}`).wantIPNStatus(t, "200")
			d.order(t, order).want(t, "paid", append(test.messages, "/galaxypay/ipn", "/query rejected", "/galaxypay/ipn")...)
		})
	}
}

// A sidecar that is not there leaves the order unclear, and the same call can be made again.
func TestDemoShopWithoutSidecar(t *testing.T) {
	d := newDemoShop(t)
	down := freeAddress(t)
	if err := d.load(t, "http://:9182 {\ngalaxypay_demo_shop {\nsidecar http://"+down+"\n}\n}\n"); err != nil {
		t.Fatal(err)
	}
	_, order := d.buy(t, "redirect", "")
	d.order(t, order).want(t, "unclear", "/pay unknown", "/pay unknown")
}

// A payment link can be paid by anybody, and its IPN names the link, not the order.
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

// The modal window is opened by the gateway's script. When it says that it is done, the
// shop asks, and the order follows the IPN.
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

	// The browser's word alone changes nothing.
	d.form(t, d.url("9182")+location+"/ask", nil)
	d.order(t, order).want(t, "pending", "/checkout ok", "/query ok")

	d.press(t, endpoint[1], "success")
	d.form(t, d.url("9182")+location+"/ask", nil)
	d.order(t, order).want(t, "paid", "/checkout ok", "/query ok", "/galaxypay/ipn", "/query ok")
}

// A proven IPN is authentic, which does not make it one for this order or in full.
func TestDemoShopIPNs(t *testing.T) {
	d := newDemoShop(t)
	_, order := d.buy(t, "redirect", "")
	d.ipn(t, "", `{"orderID":"DH-UNHEARDOF","orderAmount":"29000","orderCurrency":"VND"}`).wantIPNStatus(t, "404")
	if text := d.page(t, "/").body; !strings.Contains(text, "DH-UNHEARDOF") {
		t.Error("the shop does not show the callback for an order of others")
	}

	d.ipn(t, "", `{"orderID":"`+order+`","orderAmount":"2900","orderCurrency":"VND"}`).wantIPNStatus(t, "200")
	k := d.order(t, order)
	k.want(t, "pending", "/pay ok", "/galaxypay/ipn")
	if !strings.Contains(k.text, "cần người kiểm tra") {
		t.Error("the page is silent about the amount")
	}

	// What the message says is text, wherever it is shown.
	const attack = `<script>alert(1)</script><img src=x onerror=alert(1)>`
	d.ipn(t, "", `{"orderID":"`+order+`","orderAmount":`+jsonText(attack)+`,"orderCurrency":"VND"}`).wantIPNStatus(t, "200")
	d.ipn(t, "", `{"orderID":`+jsonText(attack)+`}`).wantIPNStatus(t, "404")
	_, attacked := d.buy(t, "redirect", attack)
	for _, path := range []string{"/", "/orders/" + order, "/orders/" + attacked, "/orders/" + attacked + "/live"} {
		a := d.page(t, path)
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<img") {
			t.Errorf("%s runs what a message says", path)
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}

	// The log lets a payment be followed, and shows nothing of the customer.
	d.stop()
	lines := d.logLines(t, "IPN taken")
	if len(lines) != 4 || lines[0]["ipn_status"] != "404" || lines[1]["order_id"] != order || lines[1]["payment_status"] != "paid" {
		t.Errorf("log lines %v", lines)
	}
}

// Nobody gets past the directives in front of the shop, and no other site's page buys.
func TestDemoShopRefuses(t *testing.T) {
	d := newDemoShop(t)
	_, order := d.buy(t, "redirect", "")
	message := `{"responseCode":"200","responseData":{"orderID":"` + order + `","orderAmount":"29000","orderCurrency":"VND"}}`
	for name, a := range map[string]httpAnswer{
		"IPN past the sidecar":        d.post(t, d.url("9182")+"/galaxypay/ipn", message),
		"result past the sidecar":     d.post(t, d.url("9182")+"/galaxypay/result", message),
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
			a := d.do(t, http.MethodPost, d.url("9182")+path, http.Header{
				"Origin": {origin}, "Content-Type": {"application/x-www-form-urlencoded"},
			}, strings.NewReader("buy=coffee+redirect"))
			if a.status != http.StatusForbidden {
				t.Errorf("%s, %s: HTTP %d", name, path, a.status)
			}
		}
	}
	d.order(t, order).want(t, "pending", "/pay ok")
	for _, form := range []string{"", "buy=gold+redirect", "buy=coffee+cash", "buy=coffee", "buy=coffee+redirect&fault=" + strings.Repeat("x", 301)} {
		if a := exchange(t, d.caddyServer, http.MethodPost, d.url("9182")+"/orders", strings.NewReader(form),
			"Content-Type", "application/x-www-form-urlencoded"); a.status != http.StatusBadRequest {
			t.Errorf("%.30s: HTTP %d", form, a.status)
		}
	}
	if a := exchange(t, d.caddyServer, http.MethodGet, d.url("9182")+"/orders/DH-NONE", nil); a.status != http.StatusNotFound {
		t.Errorf("an order that is not there: HTTP %d", a.status)
	}
}

// The shop suggests the faults that the sandbox has. Their names are in the answer to a
// wrong one.
func TestDemoShopSuggestsFaults(t *testing.T) {
	d := newDemoShop(t)
	var suggested []string
	for _, m := range regexp.MustCompile(`<option value="(\w+)">`).FindAllStringSubmatch(d.page(t, "/").body, -1) {
		suggested = append(suggested, m[1])
	}
	_, order := d.buy(t, "redirect", "no_such_fault")
	_, list, found := strings.Cut(d.order(t, order).text, "is not one of ")
	if !found {
		t.Fatal("the sandbox does not name its faults")
	}
	known := regexp.MustCompile(`[a-z0-9]+(?:_[a-z0-9]+)+`).FindAllString(list[:strings.IndexByte(list, '"')], -1)
	slices.Sort(suggested)
	slices.Sort(known)
	if !slices.Equal(suggested, known) {
		t.Errorf("the shop suggests %q, the sandbox has %q", suggested, known)
	}
}
