package caddytest

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

func cssOf(selector string) chromedp.CSS { return chromedp.CSS(selector) }

// stacks are the shops of examples/.
var stacks = []stack{
	{
		name: "php", folder: "php", payment: []string{"payment.php"},
		needs: []need{{"PHP with curl and pdo_sqlite (Debian: php-cli php-curl php-sqlite3)", []string{"php", "-r", "exit(extension_loaded('curl') && extension_loaded('pdo_sqlite') ? 0 : 1);"}}},
	},
	{
		name: "laravel", folder: "laravel", payment: []string{"src/Payments.php", "src/FromSidecar.php"},
		needs: []need{{"Laravel (Debian: php-laravel-framework php-guzzlehttp-guzzle php-sqlite3)", []string{"php", "-r", "require '/usr/share/php/Illuminate/autoload.php'; exit(is_file('/usr/share/php/GuzzleHttp/autoload.php') ? 0 : 1);"}}},
	},
	{
		name: "flask", folder: "flask", payment: []string{"payment.py"},
		needs: []need{{"Flask (Debian: python3-flask)", []string{debianPython, "-c", "import flask"}}},
	},
	{
		name: "django", folder: "django", payment: []string{"payments/galaxypay.py", "payments/models.py"},
		needs: []need{{"Django (Debian: python3-django)", []string{debianPython, "-c", "import django"}}},
	},
	{
		name: "express", folder: "express", payment: []string{"payment.js"},
		needs: []need{node20},
	},
	{
		name: "nestjs", folder: "nestjs", payment: []string{"src/payments.service.ts", "src/from-sidecar.guard.ts"},
		needs: []need{node20},
	},
	{
		name: "java", folder: "java", payment: []string{"Payment.java"},
		needs: []need{{"JDK 17 (Debian: default-jdk-headless)", []string{"javac", "--release", "17", "-version"}}},
	},
	{
		name: "rails", folder: "rails", payment: []string{"app/models/order.rb", "app/models/sidecar.rb", "app/models/message.rb"},
		needs: []need{{"Rails with puma and sqlite3 (Debian: ruby-railties ruby-activerecord ruby-sqlite3 puma)", []string{"ruby", "-e", `require "rails"; require "active_record"; require "sqlite3"; require "puma"`}}},
	},
	{
		name: "aspnet", folder: "aspnet", payment: []string{"Payment.cs"},
		needs: []need{{".NET SDK 8", []string{"dotnet", "--version"}}},
	},
	{
		name: "go", folder: "go", payment: []string{"payment.go"},
	},
}

const debianPython = "/usr/bin/python3" // with Debian's packages

var node20 = need{"Node.js 20 with npm", []string{"sh", "-c", `command -v npm && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'`}}

// everyday are the stacks that are played where SHOPS names none.
var everyday = []string{"php", "flask", "express"}

// longestPayment is how many lines the payment code of a shop may have.
const longestPayment = 150

// plays are what happens to every shop, in this order.
var plays = []struct {
	name string
	play func(*testing.T, *stackShop)
}{
	{"a payment by card", paysByCard},
	{"a payment that fails", fails},
	{"an order whose answer is lost, and a crash", repeatsUnderOneKey},
	{"a payment page that is lost", losesPage},
	{"a refusal", isRefused},
	{"an IPN that is lost", losesIPN},
	{"an IPN that comes twice", getsIPNTwice},
	{"IPNs at once", getsIPNsAtOnce},
	{"other messages", keepsRules},
	{"forged messages", refusesForgeries},
	{"an app that is down", waitsForApp},
	{"a refund", refunds},
	{"a refund of unknown outcome", refundsOnce},
}

// TestShops plays the shops that SHOPS names, such as SHOPS=php,flask; with SHOPS=all every shop that this machine
// can run. make shops prints the table.
func TestShops(t *testing.T) {
	chosen := everyday
	all := os.Getenv("SHOPS") == "all"
	if names := os.Getenv("SHOPS"); names != "" {
		chosen = strings.Split(names, ",")
	}
	b := openBrowser(t, "vi")
	fmt.Print("| stack | lines of payment code | lines of crypto | passed |\n|---|---|---|---|\n")
	for _, s := range stacks {
		if all || slices.Contains(chosen, s.name) {
			row := ""
			t.Run(s.name, func(t *testing.T) { row = playStack(t, s, b.of(t), all) })
			fmt.Printf("| %s |%s\n", s.name, row)
		}
		chosen = slices.DeleteFunc(slices.Clone(chosen), func(name string) bool { return name == s.name })
	}
	if !all && len(chosen) > 0 {
		t.Errorf("there are no shops named %q", chosen)
	}
}

// Every shop that is not played every day installs and starts as its README says, and shows its first page.
func TestShopsStart(t *testing.T) {
	for _, s := range stacks {
		if slices.Contains(everyday, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			missing := s.missing(t)
			switch {
			case missing == "":
				newRunningStack(t, s, freeAddress(t), "http://127.0.0.1:1")
			case os.Getenv("REQUIRE_ALL") == "1" && !s.notInCI(t):
				t.Fatalf("not run: no %s", missing)
			default:
				t.Skipf("not run: no %s", missing)
			}
		})
	}
}

// playStack plays everything with one shop. It returns the rest of the shop's row in the table.
func playStack(t *testing.T, s stack, b browser, mayMiss bool) string {
	t.Helper()
	payment, crypto := s.lines(t)
	if payment > longestPayment || crypto > 0 {
		t.Errorf("%d lines of payment code, want %d at most; %d lines of crypto, want 0", payment, longestPayment, crypto)
	}
	row := fmt.Sprintf(" %d | %d |", payment, crypto)
	if missing := s.missing(t); missing != "" {
		if !mayMiss && os.Getenv("REQUIRE_ALL") == "1" {
			t.Errorf("not run: no %s", missing)
		}
		return row + " not run: no " + missing + " |"
	}
	k := newStackShop(t, s, b)
	passed := 0
	for _, p := range plays {
		if t.Run(p.name, func(t *testing.T) { p.play(t, k.in(t)) }) {
			passed++
		}
	}
	return fmt.Sprintf("%s %d of %d |", row, passed, len(plays))
}

// A customer pays by card, with a one-time password, and comes back.
func paysByCard(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.buy(t)
	if p := k.payment(t, order); p.RequestID != order+"-pay-1" {
		t.Errorf("the payment's requestID is %s: the Idempotency-Key was another one", p.RequestID)
	}
	k.browser.payByCard()
	k.browser.see("#status", "paid")
	k.browser.see("#handed-out", "1")
	if p := k.payment(t, order); p.Outcome != "success" || !strings.Contains(p.IPN.Answer, `"ipnStatus":"200"`) {
		t.Errorf("the gateway has %+v", p)
	}
}

// A payment that the customer cancels, or the bank refuses, hands out nothing; a payment that comes after all does.
func fails(t *testing.T, k *stackShop) {
	t.Helper()
	for _, outcome := range []string{"cancel", "refused", "expired"} {
		order := k.buy(t)
		k.ends(outcome)
		k.becomes(t, order, orderFailed)
		if got := k.deliver(t, order, "paid", "T-9", `,"orderAmount":"109000","orderCurrency":"VND"`); got != "200" {
			t.Errorf("a payment after all is answered with %s", got)
		}
		k.stays(t, order, orderPaid)
	}
}

// The connection breaks before the gateway has the payment, and the shop is killed. Its order is open, and the same
// order is paid under the same key.
func repeatsUnderOneKey(t *testing.T, k *stackShop) {
	t.Helper()
	k.setFaults(t, `"reset_before"`)
	k.press(t, "#buy")
	k.browser.see("#status", "open")
	order := k.shownOrder(t)
	k.app.stop()
	k.app.start(t)
	k.setFaults(t, ``)
	k.browser.visit(k.url("9181") + "/orders/" + order)
	k.press(t, "#pay")
	k.browser.see("#sandbox")
	k.browser.click("#sandbox button[value=success]")
	k.browser.see("#status", "paid")
	if p := k.payment(t, order); p.RequestID != order+"-pay-1" {
		t.Errorf("the payment's requestID is %s", p.RequestID)
	}
	k.stays(t, order, orderPaid)
}

// shownOrder is the order whose page the browser shows.
func (k *stackShop) shownOrder(t *testing.T) string {
	t.Helper()
	id, err := chromedp.Run(k.browser.ctx, chromedp.Evaluate[string](`document.querySelector("#order").innerText`))
	if err != nil || !strings.HasPrefix(id, "DH-") {
		t.Fatalf("the page shows the order %q, %v", id, err)
	}
	return id
}

// The gateway has opened the payment, but the answer with its page is lost. The order ends, and there is no second
// payment of it.
func losesPage(t *testing.T, k *stackShop) {
	t.Helper()
	k.setFaults(t, `"reset_after"`)
	k.press(t, "#buy")
	k.browser.see("#status", "open")
	order := k.shownOrder(t)
	k.setFaults(t, ``)
	k.press(t, "#pay")
	k.browser.see("#status", "failed")
	k.payment(t, order) // the only one
	k.stays(t, order, orderFailed)
}

// The gateway's proven answer is no: the customer is told so.
func isRefused(t *testing.T, k *stackShop) {
	t.Helper()
	k.setFaults(t, `"answer_code_503"`)
	k.press(t, "#buy")
	k.browser.see("#status", "failed")
	k.setFaults(t, ``)
	k.stays(t, k.shownOrder(t), orderFailed)
}

// The IPN is lost. The customer is back and is not asked to pay again; the sidecar asks the gateway.
func losesIPN(t *testing.T, k *stackShop) {
	t.Helper()
	k.setFaults(t, `"ipn_lost"`)
	order := k.buy(t)
	k.setFaults(t, ``)
	k.ends("success")
	k.browser.see("#status", "paid") // the page loads itself again
	k.stays(t, order, orderPaid)
}

// The gateway sends the same IPN twice, and once more with another time.
func getsIPNTwice(t *testing.T, k *stackShop) {
	t.Helper()
	k.setFaults(t, `"ipn_twice"`)
	order := k.buy(t)
	k.setFaults(t, ``)
	k.ends("success")
	k.browser.see("#status", "paid")
	k.post(t, k.url("9190")+"/sandbox/transactions/"+k.payment(t, order).ID+"/resend-ipn", `{"newTime":true}`).wantStatus(t, http.StatusOK)
	k.stays(t, order, orderPaid)
	if got := k.deliver(t, order, "paid", k.payment(t, order).ID, `,"orderAmount":109000,"orderCurrency":"VND"`); got != "409" {
		t.Errorf("the same message is answered with %s, want 409", got)
	}
	k.stays(t, order, orderPaid)
}

// The same message comes eight times at once.
func getsIPNsAtOnce(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.buy(t)
	var once sync.WaitGroup
	for range 8 {
		once.Go(func() {
			if a, err := k.tryDeliver(t, order, "paid", "T-1", `,"orderAmount":"109000.00","orderCurrency":"VND"`); err != nil || a.status >= 500 && a.status != 503 {
				t.Errorf("HTTP %d, %v: %s", a.status, err, a.body)
			}
		})
	}
	once.Wait()
	k.stays(t, order, orderPaid)
}

// The rules hold whatever messages come, in whatever order.
func keepsRules(t *testing.T, k *stackShop) {
	t.Helper()
	const whole = `,"orderAmount":"109000.00","orderCurrency":"VND"`
	type step struct{ status, transaction, fields, want string }
	for name, test := range map[string]struct {
		steps []step
		end   stackOrder
	}{
		"late failure":         {[]step{{"paid", "T-1", whole, "200"}, {"failed", "T-1", whole, "200"}, {"cancelled", "T-1", whole, "200"}}, orderPaid},
		"paid twice":           {[]step{{"paid", "T-1", whole, "200"}, {"paid", "T-2", whole, "409"}}, orderPaid},
		"paid after expired":   {[]step{{"expired", "T-1", whole, "200"}, {"expired", "T-1", whole, "409"}, {"paid", "T-1", whole, "200"}}, orderPaid},
		"lower amount":         {[]step{{"paid", "T-1", `,"orderAmount":"10900","orderCurrency":"VND"`, "200"}}, orderReview},
		"higher amount":        {[]step{{"paid", "T-1", `,"orderAmount":1090000,"orderCurrency":"VND"`, "200"}}, orderReview},
		"other currency":       {[]step{{"paid", "T-1", `,"orderAmount":"109000","orderCurrency":"USD"`, "200"}}, orderReview},
		"no currency":          {[]step{{"paid", "T-1", `,"orderAmount":"109000"`, "200"}}, orderReview},
		"no amount":            {[]step{{"paid", "T-1", `,"orderCurrency":"VND"`, "200"}}, orderReview},
		"amount that is true":  {[]step{{"paid", "T-1", `,"orderAmount":true,"orderCurrency":"VND"`, "200"}}, orderReview},
		"amount that is text":  {[]step{{"paid", "T-1", `,"orderAmount":"109000đ","orderCurrency":"VND"`, "200"}}, orderReview},
		"amount as a number":   {[]step{{"paid", "T-1", `,"orderAmount":109000,"orderCurrency":"VND"`, "200"}}, orderPaid},
		"disputed":             {[]step{{"disputed", "T-1", whole, "200"}}, orderReview},
		"pending, a word more": {[]step{{"pending", "T-1", whole, "200"}, {"authorized", "T-1", whole, "200"}, {"none", "T-1", whole, "200"}, {"new", "T-1", whole, "200"}}, orderOpen},
	} {
		t.Run(name, func(t *testing.T) {
			k := k.in(t)
			order := k.buy(t)
			for i, s := range test.steps {
				if got := k.deliver(t, order, s.status, s.transaction, s.fields); got != s.want {
					t.Errorf("message %d, %s, is answered with %s, want %s", i+1, s.status, got, s.want)
				}
			}
			k.stays(t, order, test.end)
		})
	}
	if got := k.deliver(t, "DH-unheard-of", "paid", "T-1", whole); got != "404" {
		t.Errorf("an order that does not exist is answered with %s, want 404", got)
	}
}

// Whatever outsiders send, by whatever path, no order is paid by it.
func refusesForgeries(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.buy(t)
	body := `{"requestID":"` + order + `-pay-1","responseCode":"200","responseData":{"transactionID":"T-1","orderID":"` + order + `","orderAmount":"109000","orderCurrency":"VND"}}`
	for _, path := range []string{"/galaxypay/ipn", "/galaxypay/ipn/", "/index.php/galaxypay/ipn", "//galaxypay/ipn", "/galaxypay//ipn", "/GALAXYPAY/IPN", "/galaxypay/ipn.json", "/galaxypay/%69pn", "/galaxypay/result"} {
		for _, separator := range []string{"-", "_", ".", "~"} {
			named := func(name string) string { return strings.ReplaceAll(name, "-", separator) }
			a := k.post(t, k.url("9181")+path, body, named("Galaxypay-Callback"), "ipn", named("Galaxypay-Payment-Status"), "paid",
				named("Galaxypay-Order-Id"), order, named("Galaxypay-Transaction-Id"), "T-1")
			if strings.Contains(a.body, "ipnStatus") {
				t.Errorf("%s with %q is answered with %s", path, separator, a.body)
			}
		}
	}
	for _, way := range []struct{ method, callback string }{{http.MethodPost, ""}, {http.MethodPost, "result"}, {http.MethodGet, "ipn"}} {
		header := asJSON([]string{"Galaxypay-Payment-Status", "paid", "Galaxypay-Order-Id", order, "Galaxypay-Transaction-Id", "T-1"})
		if way.callback != "" {
			header = append(header, "Galaxypay-Callback", way.callback)
		}
		if a := k.do(t, way.method, "http://"+k.app.address+"/galaxypay/ipn", strings.NewReader(body), header...); a.status < 400 {
			t.Errorf("%s with the callback %q is answered with HTTP %d: %s", way.method, way.callback, a.status, a.body)
		}
	}
	if a := k.get(t, "http://"+k.app.address+"/galaxypay/result"); a.status != http.StatusForbidden {
		t.Errorf("a result that did not come through the sidecar is answered with HTTP %d", a.status)
	}
	k.stays(t, order, orderOpen)
}

// The app is down when the IPN comes. The customer sees the sidecar's page, and the IPN waits.
func waitsForApp(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.buy(t)
	k.app.stop()
	k.ends("success")
	k.browser.see("h1", "Đã nhận được kết quả")
	if p := k.payment(t, order); !strings.Contains(p.IPN.Answer, `"ipnStatus":"200"`) {
		t.Errorf("the gateway's IPN was answered with %+v", p.IPN)
	}
	k.app.start(t)
	k.becomes(t, order, orderPaid)
}

// pays makes a paid order whose page the browser shows.
func (k *stackShop) pays(t *testing.T) (order string) {
	t.Helper()
	order = k.buy(t)
	k.ends("success")
	k.browser.see("#status", "paid")
	k.showOrder(order)
	return order
}

func (k *stackShop) showOrder(order string) {
	k.browser.Helper()
	k.browser.visit(k.url("9181") + "/orders/" + order)
}

// refund types the password and presses the button on the page of the order.
func (k *stackShop) refund(order, password string) {
	k.browser.Helper()
	k.showOrder(order)
	k.browser.fill("#password", password)
	k.browser.do(chromedp.SetAttributeValue(chromedp.CSS("body"), "id", "before"))
	k.browser.click("#refund")
	k.browser.gone("#before") // the next page may say the same
}

// A refund needs the staff's password, and after a refusal it can be tried again, under another key.
func refunds(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.pays(t)
	k.refund(order, "wrong")
	k.browser.see("body", "STAFF_PASSWORD")
	k.stays(t, order, orderPaid)

	k.setFaults(t, `"answer_code_502"`)
	k.refund(order, stackPassword)
	k.browser.see("#status", "paid")
	k.setFaults(t, ``)
	if p := k.payment(t, order); p.Refunded != "" {
		t.Errorf("refunded: %s", p.Refunded)
	}
	k.refund(order, stackPassword)
	k.browser.see("#status", "refunded")
	if p := k.payment(t, order); p.Refunded != "109000" {
		t.Errorf("refunded: %q", p.Refunded)
	}
	// What comes late does not hand anything out again.
	for _, status := range []string{"paid", "failed"} {
		k.deliver(t, order, status, "T-2", `,"orderAmount":"109000","orderCurrency":"VND"`)
	}
	k.stays(t, order, orderRefunded)
}

// The answer to a refund is lost, and the shop is killed. However often it is pressed again, the money goes back once;
// an operator's word ends it.
func refundsOnce(t *testing.T, k *stackShop) {
	t.Helper()
	order := k.pays(t)
	k.setFaults(t, `"reset_after"`)
	k.refund(order, stackPassword)
	k.browser.see("#status", "refunding")
	k.setFaults(t, ``)
	k.app.stop()
	k.app.start(t)
	k.refund(order, stackPassword)
	k.browser.see("#status", "refunding")
	if p := k.payment(t, order); p.Refunded != "109000" {
		t.Errorf("refunded: %q", p.Refunded)
	}
	sendToAdmin(t, k.socket, http.MethodPost, "/galaxypay/payments/settle?as=accepted&reason=ticket&request="+order+"-refund-1", "").wantStatus(t, http.StatusOK)
	k.refund(order, stackPassword)
	k.browser.see("#status", "refunded")
	k.stays(t, order, orderRefunded)
}
