package caddytest

import (
	"os"
	"strings"
	"testing"
)

// startExample runs Caddyfile.example as it is, but for its ports.
func startExample(t *testing.T) *caddyServer {
	t.Helper()
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	example := strings.ReplaceAll(string(text), "bind 127.0.0.1 [::1]", "")
	example = strings.Replace(example, "environment sandbox", "environment sandbox\n base_url http://localhost:9190", 1)
	example = strings.Replace(example, "\tgalaxypay_demo_shop\n", `galaxypay_demo_shop {
		sidecar http://localhost:9180
		modal_script http://localhost:9190/checkout/script-modal.js
		ipn_url http://localhost:9181/galaxypay/ipn
	}
	`, 1)
	var sites string
	ports := []string{"9180", "9181", "9182", "9190"}
	for _, port := range ports {
		sites += "http://:" + port + " {\n respond 503\n}\n"
	}
	c := start(t, sites) // first the addresses, because the sites name each other
	for _, port := range ports {
		example = strings.ReplaceAll(example, "localhost:"+port, c.ports[port])
	}
	if err := c.load(t, example); err != nil {
		t.Fatal(err)
	}
	return c
}

// paymentSites is Caddyfile.example with another app.
func paymentSites(c *caddyServer, app string) string {
	callbacks := c.url("9181")
	return `
		{
			galaxypay {
				environment sandbox
				base_url ` + c.url("9190") + `
			}
		}
		http://:9180 {
			galaxypay {
				defaults {
					ipnURL ` + callbacks + `/galaxypay/ipn
					successURL ` + callbacks + `/galaxypay/result?shop=%C4%90%C3%A0+L%E1%BA%A1t
					failureURL ` + callbacks + `/galaxypay/result?shop=%C4%90%C3%A0+L%E1%BA%A1t
					cancelURL ` + callbacks + `/galaxypay/result?shop=%C4%90%C3%A0+L%E1%BA%A1t
				}
			}
		}
		http://:9181 {
			request_header -Galaxypay-*
			handle /galaxypay/ipn {
				galaxypay_ipn
				reverse_proxy ` + app + `
			}
			handle /galaxypay/result {
				galaxypay_result
				reverse_proxy ` + app + `
			}
			handle {
				error 404
			}
		}
		http://:9190 {
			galaxypay_sandbox
		}`
}
