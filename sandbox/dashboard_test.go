package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

func TestDashboard(t *testing.T) {
	g := serve(t, new(Handler))
	body := strings.Replace(purchase(""), `"A-1"`, `"<img src=x>"`, 1)
	g.ask("/api/v1/transaction/pay", envelope("pay-1", body))
	for language, want := range map[string][]string{
		"en": {"Sandbox, not a gateway", "Transactions", "Requests without a transaction"},
		"vi": {"Sandbox, không phải cổng thanh toán", "Giao dịch", "Yêu cầu không thuộc giao dịch nào"},
	} {
		t.Run(language, func(t *testing.T) {
			text, response := g.open("/?language="+language, nil)
			for _, want := range append(want, "&lt;img src=x&gt;", `<html lang="`+language+`">`) {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in %s", want, text)
				}
			}
			if strings.Contains(text, "<img") || strings.Contains(text, "http:") || strings.Contains(text, "https:") {
				t.Error("the page shows markup of an order, or refers to something outside itself")
			}
			policy := response.Header.Get("Content-Security-Policy")
			nonce := regexp.MustCompile(`script-src '(nonce-[A-Z0-9]+)'`).FindStringSubmatch(policy)
			if nonce == nil || !strings.Contains(policy, "; connect-src 'self'; form-action 'none'") ||
				strings.Count(text, "<script") != strings.Count(text, ` nonce="`+strings.TrimPrefix(nonce[1], "nonce-")+`"`)-strings.Count(text, "<style") {
				t.Errorf("policy %s", policy)
			}
		})
	}
}

func TestDashboardScript(t *testing.T) {
	g := serve(t, new(Handler))
	response := g.exchange(http.MethodGet, "/dashboard.js", "", nil)
	script := read(t, response)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Fatalf("HTTP %d, %v", response.StatusCode, response.Header)
	}
	// What it shows was written by others and must never become markup.
	for _, markup := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "createContextualFragment", "DOMParser", "document.write", "eval(", "srcdoc", "http:", "https:"} {
		if strings.Contains(script, markup) {
			t.Errorf("the script uses %s", markup)
		}
	}
	for _, said := range regexp.MustCompile(`(?:say|fact)\("(\w+)"[,)]`).FindAllStringSubmatch(script, -1) {
		if dashboardTexts[said[1]].En == "" {
			t.Errorf("there is no text for %s", said[1])
		}
	}
}

// The script puts the names of things together with a prefix to find their texts.
func TestDashboardKnowsEveryName(t *testing.T) {
	keys := []string{"complete", "fail", "cancel", "expire", "capture", "void", "refund", "resend-ipn", "resend-ipn-new-time"}
	for _, o := range ledger.Outcomes() {
		keys = append(keys, "is_"+string(o))
	}
	for _, v := range wirelog.Verdicts() {
		keys = append(keys, string(v), "short_"+string(v))
	}
	for _, kind := range []wirelog.Kind{wirelog.Request, wirelog.IPN, wirelog.Redirect} {
		keys = append(keys, "to_"+string(kind))
	}
	for _, state := range []string{ipnUnwanted, ipnWaiting, ipnUnderway, ipnAnswered, ipnNotSent} {
		keys = append(keys, "ipn_"+state)
	}
	for _, key := range keys {
		if dashboardTexts[key].En == "" {
			t.Errorf("there is no text for %s", key)
		}
	}
}
