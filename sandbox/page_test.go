package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestPaymentPage(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay("")
	text, response := g.open(page, nil)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HTTP %d, %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	for _, want := range []string{
		"Sandbox, not a gateway", "12.50 USD", "Cà phê &lt;sữa&gt; &amp; đá", "A-1",
		`value="success"`, `value="failure"`, `value="cancel"`, `<form method="post">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if strings.Contains(text, "http") || strings.Contains(text, "src=") {
		t.Error("the page refers to something outside itself")
	}
}

// Each page has a title of its own, which says first what the page is, and that there is an error.
func TestTitles(t *testing.T) {
	g := serve(t, new(Handler))
	_, card := g.pay(`,"paymentMethod":"DOMESTIC"`)
	_, paid := g.checkout("")
	g.press(paid, "success")
	shown := func(page string) string { text, _ := g.open(page, nil); return text }
	for title, text := range map[string]string{
		"Card details · Domestic card (NAPAS)":        shown(card),
		"Error: Card details · Domestic card (NAPAS)": read(t, g.send(card, typed(""))),
		"Lỗi: Thông tin thẻ · Thẻ nội địa (NAPAS)":    read(t, g.send(card+"?language=vi", typed(""))),
		"The payment was successful":                  shown(paid),
		"Transaction not found":                       shown(g.url + "/pay/1"),
		"":                                            shown(g.url + "/"),
	} {
		if want := "<title>" + strings.TrimPrefix(title+" · Galaxy Pay sandbox", " · ") + "</title>"; !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}

// The inputs that a complaint is about name it.
func TestComplaintsNameTheirInputs(t *testing.T) {
	for c, want := range map[complaint]string{
		"": "", cardUnknown: "cardNumber", nameMissing: "cardHolderName", detailsDiffer: "cardExpireDate cardVerificationValue",
		otpWrong: "otp", payerTooLong: "email",
	} {
		form := url.Values{"email": {strings.Repeat("ệ", maxPayerField+1)}, "fullname": {strings.Repeat("ệ", maxPayerField)}}
		var names []string
		for name, wrong := range c.inputs(form) {
			if wrong {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q is about %q, want %q", c, got, want)
		}
	}
	for c := range complaintTexts {
		if len(c.inputs(nil)) == 0 {
			t.Errorf("%q is about no input", c)
		}
	}
}

func TestPagesAreLockedDown(t *testing.T) {
	g := serve(t, new(Handler))
	_, payment := g.pay("")
	seen := make(map[string]bool)
	for _, page := range []string{payment, payment, g.url + "/", g.url + "/pay/1"} {
		text, response := g.open(page, nil)
		policy := response.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`^default-src 'none'; img-src data:; style-src 'nonce-([A-Z0-9]+)'; script-src 'nonce-([A-Z0-9]+)'; base-uri 'none'; frame-ancestors 'none'(; connect-src 'self'; form-action 'none')?$`).FindStringSubmatch(policy)
		if nonce == nil || nonce[1] != nonce[2] || seen[nonce[1]] || !strings.Contains(text, `<style nonce="`+nonce[1]+`">`) {
			t.Errorf("%s: policy %q", page, policy)
		}
		if nonce != nil && (nonce[3] != "") != (page == g.url+"/") {
			t.Errorf("%s: policy %q", page, policy)
		}
		if nonce != nil {
			seen[nonce[1]] = true
		}
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		} {
			if got := response.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", page, header, got)
			}
		}
	}
}

func TestPageLanguage(t *testing.T) {
	const english, vietnamese = "Pay your order", "Thanh toán đơn hàng"
	for name, test := range map[string]struct{ request, accept, want string }{
		"nothing asked":                      {"", "", english},
		"merchant asks for Vietnamese":       {`,"language":"vi"`, "en", vietnamese},
		"merchant asks for English":          {`,"language":"en"`, "vi", english},
		"browser asks for Vietnamese":        {"", "vi-VN,vi;q=0.9,en;q=0.8", vietnamese},
		"browser asks for another first":     {"", "fr, VI ; q=0.5", vietnamese},
		"browser prefers English":            {"", "en-US,en;q=0.9,vi;q=0.8", english},
		"browser asks for others":            {"", "fr,de;q=0.9", english},
		"browser weighs its languages":       {"", "en;q=0.5,vi;q=0.9", vietnamese},
		"a code of three letters":            {"", "vie", vietnamese},
		"a longer code that begins alike":    {"", "vid", english},
		"browser asks for whatever it likes": {"", "*", english},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, page := g.pay(test.request)
			if text, _ := g.open(page, http.Header{"Accept-Language": {test.accept}}); !strings.Contains(text, test.want) {
				t.Errorf("%q is missing in %s", test.want, text)
			}
		})
	}
}

func TestOutcomeWithoutAddress(t *testing.T) {
	for outcome, want := range map[string]string{
		"success": "The payment was successful",
		"failure": "The payment failed",
		"cancel":  "The payment was cancelled",
	} {
		t.Run(outcome, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, page := g.pay("")
			response := g.press(page, outcome)
			text := read(t, response)
			if response.StatusCode != http.StatusOK || !strings.Contains(text, want) || !strings.Contains(text, "No IPN was sent") {
				t.Errorf("HTTP %d: %s", response.StatusCode, text)
			}
		})
	}
}

// The page of a settled payment leads to the shop.
func TestSettledPageLeadsBack(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay(`,"successURL":"https://shop.example/success"`)
	location := g.press(page, "success").Header.Get("Location")
	text, _ := g.open(page, nil)
	if want := `href="` + strings.ReplaceAll(location, "&", "&amp;") + `"`; !strings.Contains(text, want) {
		t.Errorf("%s is missing in %s", want, text)
	}
}

// What an app sends for its order is text on every page, never markup.
func TestMarkupInAnOrder(t *testing.T) {
	const markup = `\"><script>alert(1)</script><img src=x onerror=alert(2)>'`
	g := serve(t, new(Handler))
	attack := strings.NewReplacer(`"A-1"`, `"`+markup[:20]+`"`, `Cà phê <sữa> & đá`, markup)
	link := strings.NewReplacer("Trà & bánh", markup, "Hộp quà", markup).Replace(linkTo(""))
	option := attack.Replace(purchase(`,"paymentMethod":null,"successURL":"http://shop.example/?\u0022><script>alert(3)</script>"`))
	linkPage := g.ask(createLink, envelope("link-1", link)).ResponseData["shortLink"]
	page := g.ask("/api/v1/transaction/payWithOption", envelope("pay-1", option)).ResponseData["endpoint"]

	texts := map[string]string{}
	see := func(name, address string) { texts[name], _ = g.open(address, nil) }
	see("payer", linkPage)
	see("choice", page)
	see("app", page+"?method=WALLET&card=%22%3E%3Cscript%3Ealert(4)&language=%22%3E%3Cscript%3E")
	see("card", page+"?method=DOMESTIC&card=%22%3E%3Cscript%3Ealert(4)")
	texts["complaint"] = read(t, g.send(page, map[string][]string{"cardNumber": {`"><script>alert(5)`}, "cardHolderName": {`"><script>`}}))
	g.goOn(page, typed("9704000000000018"))
	see("password", page)
	g.send(page, otp("otp"))
	see("settled", page)
	see("list", g.url+"/")
	for name, text := range texts {
		if strings.Contains(text, "<script>") || strings.Contains(text, "<img src=x") || strings.Contains(text, `"><`+"scr") {
			t.Errorf("%s: markup in %s", name, text)
		}
	}
}

// No step of a payment makes the browser call another site.
func TestPagesLoadNothing(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.payWithOption("")
	foreign := regexp.MustCompile(`(?i)(src|href|action)="?(https?:|//)|url\(|@import|fetch\(|XMLHttp|<link|<iframe`)
	for _, query := range []string{"", "?method=DOMESTIC", "?method=INTERNATIONAL", "?method=WALLET", "?method=QRPAY"} {
		text, _ := g.open(page+query, nil)
		if found := foreign.FindString(text); found != "" {
			t.Errorf("%q: %s", query, found)
		}
		if n := strings.Count(text, "<script"); n != 1 {
			t.Errorf("%q: %d scripts", query, n)
		}
		if strings.Contains(text, " style=") || strings.Contains(text, " on"+"click=") {
			t.Errorf("%q: the policy forbids attributes with style or script", query)
		}
	}
}

func TestCountdown(t *testing.T) {
	for name, test := range map[string]struct {
		life, wait time.Duration
		want       string
	}{
		"at first":    {15 * time.Minute, 0, `data-seconds="900">15:00<`},
		"later":       {15 * time.Minute, 10*time.Minute + 500*time.Millisecond, `data-seconds="300">05:00<`},
		"last moment": {15 * time.Minute, 15*time.Minute - 1, `data-seconds="1">00:01<`},
		"hours":       {26 * time.Hour, time.Millisecond, `data-seconds="93600">26:00:00<`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Handler{Expiry: caddy.Duration(test.life)}, func(g gateway) {
				_, page := g.pay("")
				time.Sleep(test.wait)
				g.wantParts(page, `id="countdown" `+test.want)
			})
		})
	}
}

func TestLanguageSwitch(t *testing.T) {
	const english, vietnamese = "Pay your order", "Thanh toán đơn hàng"
	g := serve(t, new(Handler))
	_, page := g.pay(`,"language":"vi"`)
	for _, visit := range []struct{ query, want string }{
		{"", vietnamese},
		{"?language=en", english},
		{"", english}, // it is remembered for the next steps
		{"?language=fr", english},
		{"?language=vi", vietnamese},
		{"?language=en", english},
	} {
		g.wantParts(page+visit.query, visit.want, `<nav id="language"`, `href="?language=vi"`, `href="?language=en"`)
	}
	g.wantParts(g.url+"/pay/1?language=vi", "Không tìm thấy giao dịch")
	if text := read(t, g.press(page, "success")); !strings.Contains(text, "The payment was successful") {
		t.Errorf("page %s", text)
	}
}

func TestUnknownTransaction(t *testing.T) {
	g := serve(t, new(Handler))
	text, response := g.open("/pay/1", nil)
	if response.StatusCode != http.StatusNotFound || !strings.Contains(text, "Transaction not found") {
		t.Errorf("HTTP %d: %s", response.StatusCode, text)
	}
	if response := g.press("/pay/1", "success"); response.StatusCode != http.StatusNotFound {
		t.Errorf("pressing: HTTP %d", response.StatusCode)
	}
}

func TestList(t *testing.T) {
	g := serve(t, new(Handler))
	if text, _ := g.open("/", nil); !strings.Contains(text, "Sandbox, not a gateway") || !strings.Contains(text, "No transactions yet.") {
		t.Errorf("empty list %s", text)
	}
	var rows []string
	for _, requestID := range []string{"older", "newer"} {
		answer := g.ask("/api/v1/transaction/pay", envelope(requestID, purchase("")))
		id := answer.ResponseData["transactionID"]
		rows = append(rows, `<tr><td><a href="/sandbox/transactions/`+id+`">`+id+`</a></td><td>A-1</td><td class="number">12.50 USD</td><td>INIT</td></tr>`)
	}
	if text, _ := g.open("/", nil); !strings.Contains(text, rows[1]+"\n"+rows[0]) {
		t.Errorf("list %s", text)
	}
}
