package caddytest

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// readExample returns Caddyfile.example.
func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exampleSocket is where Caddyfile.example has the admin endpoint.
const exampleSocket = "unix/galaxypay-admin.sock"

// startExample runs Caddyfile.example as it is, except for its ports and the folder of its admin
// endpoint and its store.
func startExample(t *testing.T) *caddyServer {
	t.Helper()
	return startExampleIn(t, shortTempDir(t))
}

// startExampleIn is startExample with a folder for the admin endpoint and the store.
func startExampleIn(t *testing.T, dir string) *caddyServer {
	t.Helper()
	example := readExample(t)
	example = strings.Replace(example, exampleSocket, "unix/"+filepath.Join(dir, "admin.sock"), 1)
	example = strings.Replace(example, "\t\tstore sqlite\n", "\t\tstore sqlite "+filepath.Join(dir, "store.db")+"\n", 1)
	example = strings.Replace(example, "environment sandbox", "environment sandbox\n base_url http://localhost:9190", 1)
	example = strings.Replace(example, "\tgalaxypay_demo_shop\n", `galaxypay_demo_shop {
		sidecar http://localhost:9180
		modal_script http://localhost:9190/checkout/script-modal.js
		ipn_url http://localhost:9181/galaxypay/ipn
	}
	`, 1)
	ports := []string{"9180", "9181", "9182", "9186", "9190"}
	c := startSites(t, ports...)
	t.Cleanup(func() {
		// caddy.Stop does not end the admin endpoint. Another configuration does.
		if err := c.load(t, "{\nadmin off\n}\n"); err != nil {
			t.Error(err)
		}
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, port := range ports {
		example = strings.ReplaceAll(example, "localhost:"+port, c.ports[port])
	}
	c.mustLoad(t, example)
	return c
}

// paymentSites is the sites of Caddyfile.example without the demo shop: sidecar, callbacks and
// sandbox.
type paymentSites struct {
	app         string // host:port
	ipnURL      string // default: the site of callbacks
	resultQuery string // of the addresses to which the gateway sends the browser back
	options     string // of the directive galaxypay
	resultBlock string // options of galaxypay_result
	store       string // of the global option, with more options of that; with one, IPNs go through an inbox
	inbox       string // options of the inbox
}

// caddyfile returns the sites, with addresses that c has given to their ports.
func (s paymentSites) caddyfile(c *caddyServer) string {
	resultURL := c.url("9181") + "/galaxypay/result" + s.resultQuery
	return `
		{
			galaxypay {
				environment sandbox
				base_url ` + c.url("9190") + `
				` + s.store + `
			}
		}
		http://:9180 {
			galaxypay {
				defaults {
					ipnURL ` + cmp.Or(s.ipnURL, c.url("9181")+"/galaxypay/ipn") + `
					successURL ` + resultURL + `
					failureURL ` + resultURL + `
					cancelURL ` + resultURL + `
				}
				` + s.options + `
			}
		}
		http://:9181 {
			galaxypay_guard
			handle /galaxypay/ipn {
				` + s.ipnHandlers() + `
			}
			handle /galaxypay/result {
				galaxypay_result {
					` + s.resultBlock + `
				}
				reverse_proxy ` + s.app + `
			}
			handle {
				error 404
			}
		}
		http://:9190 {
			galaxypay_sandbox
		}`
}

// ipnHandlers are the handlers at the address of IPNs.
func (s paymentSites) ipnHandlers() string {
	if s.store == "" {
		return "galaxypay_ipn\nreverse_proxy " + s.app
	}
	return "galaxypay_ipn {\ninbox {\ndeliver {\nreverse_proxy " + s.app + "\n}\n" + s.inbox + "\n}\n}"
}
