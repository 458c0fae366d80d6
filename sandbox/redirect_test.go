package sandbox

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestResultByPost(t *testing.T) {
	for outcome, code := range map[string]string{"success": "200", "refused": "505", "cancel": "499"} {
		t.Run(outcome, func(t *testing.T) {
			g := serve(t, &Handler{Result: "post"})
			_, page := g.pay(strings.Replace(addresses, "/success", "/success?basket=%227%22&x=1", 1))
			response := g.press(page, outcome)
			text := read(t, response)
			if response.StatusCode != http.StatusOK || response.Header.Get("Location") != "" {
				t.Fatalf("HTTP %d to %q", response.StatusCode, response.Header.Get("Location"))
			}
			path := map[string]string{"success": "success?basket=%227%22&amp;x=1", "refused": "failure", "cancel": "cancel"}[outcome]
			if !strings.Contains(text, `<form id="back" method="post" action="http://shop.example/`+path+`">`) {
				t.Errorf("page %s", text)
			}
			m := g.unseal(hidden(t, text, "data"), hidden(t, text, "signature"))
			if m.ResponseCode != code {
				t.Errorf("posts %+v", m)
			}
			nonce := regexp.MustCompile(`script-src 'nonce-([A-Z0-9]+)'`).FindStringSubmatch(response.Header.Get("Content-Security-Policy"))
			if nonce == nil || !strings.Contains(text, `<script nonce="`+nonce[1]+`">document.getElementById("back").submit();`) {
				t.Errorf("the page does not go on by itself: %s", text)
			}
			// Without a script there is the button, and so on the page of the settled payment.
			if !strings.Contains(text, `<button class="main">Continue to the shop</button>`) {
				t.Errorf("no button in %s", text)
			}
			again, _ := g.open(page, nil)
			if hidden(t, again, "data") != hidden(t, text, "data") || strings.Contains(again, ".submit()") {
				t.Errorf("page afterwards %s", again)
			}
		})
	}
}

// hidden is the value of a hidden input.
func hidden(t *testing.T, text, name string) string {
	t.Helper()
	found := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)">`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no input %s in %s", name, text)
	}
	return html.UnescapeString(found[1])
}

// A phone opens an app by its address; no form can be posted to one.
func TestAppsGetTheirResultByGet(t *testing.T) {
	g := serve(t, &Handler{Result: "post"})
	_, page := g.pay(`,"successURL":"shopapp://paid"`)
	if _, address := g.returned(g.press(page, "success")); address.Scheme != "shopapp" {
		t.Errorf("redirected to %s", address)
	}
}
