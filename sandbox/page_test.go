package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestPaymentPage(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay("")
	text, response := g.open(page, nil)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HTTP %d, %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	for _, want := range []string{
		"Sandbox, not a gateway", "12.50 VND", "Cà phê &lt;sữa&gt; &amp; đá", "A-1",
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

func TestPagesAreLockedDown(t *testing.T) {
	g := serve(t, new(Handler))
	_, payment := g.pay("")
	seen := make(map[string]bool)
	for _, page := range []string{payment, payment, g.url + "/", g.url + "/pay/1"} {
		text, response := g.open(page, nil)
		policy := response.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`^default-src 'none'; img-src data:; style-src 'nonce-([A-Z0-9]+)'; script-src 'nonce-([A-Z0-9]+)'; base-uri 'none'; frame-ancestors 'none'$`).FindStringSubmatch(policy)
		if nonce == nil || nonce[1] != nonce[2] || seen[nonce[1]] || !strings.Contains(text, `<style nonce="`+nonce[1]+`">`) {
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
		"a longer code that begins alike":    {"", "vie", english},
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

// Whoever comes back to the page of a settled payment can go on to the shop from there.
func TestSettledPageLeadsBack(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay(`,"successURL":"https://shop.example/success"`)
	location := g.press(page, "success").Header.Get("Location")
	text, _ := g.open(page, nil)
	if want := `href="` + strings.ReplaceAll(location, "&", "&amp;") + `"`; !strings.Contains(text, want) {
		t.Errorf("%s is missing in %s", want, text)
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
		rows = append(rows, `<tr><td><a href="/pay/`+id+`">`+id+`</a></td><td>A-1</td><td class="number">12.50 VND</td><td>INIT</td></tr>`)
	}
	if text, _ := g.open("/", nil); !strings.Contains(text, rows[1]+"\n"+rows[0]) {
		t.Errorf("list %s", text)
	}
}
