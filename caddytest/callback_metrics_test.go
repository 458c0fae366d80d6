package caddytest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Signatures of callbacks count by the salt that proves them, over both handlers of a merchant and over a reload.
func TestCallbackSignatureMetrics(t *testing.T) {
	app := newApp(t)
	config := `
		{
			galaxypay {
				merchant shop {
					environment sandbox
					previous_salt "the salt before the rotation"
				}
				merchant quiet {
					environment sandbox
				}
			}
		}
		http://:9180 {
			galaxypay {
				merchant quiet
			}
		}
		http://:9181 {
			handle /ipn {
				galaxypay_ipn {
					merchant shop
				}
				reverse_proxy ` + app.address + `
			}
			handle /result {
				galaxypay_result {
					merchant shop
					forward post
				}
				reverse_proxy ` + app.address + `
			}
		}
		http://:9182 {
			metrics
		}`
	c := start(t, config)
	want := []string{
		`direction="callback",merchant="shop",result="current" 2`,
		`direction="callback",merchant="shop",result="invalid" 1`,
		`direction="callback",merchant="shop",result="missing" 1`,
		`direction="callback",merchant="shop",result="previous" 3`,
		`direction="reply",merchant="quiet",result="current" 0`,
		`direction="reply",merchant="quiet",result="invalid" 0`,
		`direction="reply",merchant="quiet",result="missing" 0`,
		`direction="reply",merchant="quiet",result="previous" 0`,
	}
	sample := regexp.MustCompile(`(?m)^caddy_galaxypay_signatures_total\{(.*)\} (\S+)$`)
	check := func() {
		t.Helper()
		current := signedMessage(paidMessage, sandboxSalt)
		previous := signedMessage(paidMessage, "the salt before the rotation")
		unsigned := current
		unsigned.signature = ""
		for _, m := range []string{current.json(), previous.json(), previous.json(), unsigned.json(), signedMessage(paidMessage, "another salt").json()} {
			c.post(t, c.url("9181")+"/ipn", m)
		}
		for _, m := range []string{current.json(), previous.json()} {
			c.post(t, c.url("9181")+"/result", m)
		}
		c.post(t, c.url("9181")+"/ipn", "{}") // nothing to prove
		var got []string
		for _, m := range sample.FindAllStringSubmatch(c.metrics(t, "9182"), -1) {
			got = append(got, m[1]+" "+m[2])
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("metrics\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	check()
	c.mustLoad(t, strings.Replace(config, "http://:9182 {", "http://:9182 {\n# after a reload", 1))
	check()
}
