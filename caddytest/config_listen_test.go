//go:build unix

package caddytest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// listenSites are sites with a handler each.
var listenSites = map[string]string{
	"galaxypay":        "galaxypay",
	"galaxypay_ipn":    "galaxypay_ipn\nrespond OK",
	"galaxypay_result": "route {\ngalaxypay_result\nrespond OK\n}",
	"deliver":          "galaxypay_ipn {\ninbox {\ndeliver {\nrespond OK\n}\n}\n}",
}

// anotherSidecar runs a sidecar in a process of its own, that listens on the address.
func anotherSidecar(t *testing.T, address, handler string) *childCaddy {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir) // lock files of killed sidecars stay there
	site := "http://" + address + " {\n" + handler + "\n}\n"
	child := newChildCaddy(t, dir, strings.Replace(sandboxMerchant, "galaxypay {", "admin off\nauto_https off\ngalaxypay {", 1)+site)
	child.start(t)
	t.Cleanup(func() {
		_ = child.process.Process.Kill() // the test may have done so
		_ = child.process.Wait()
	})
	c := newClient()
	if !poll(func() bool {
		_, err := c.tryPost(t.Context(), "http://"+address+"/", "{}")
		locks, _ := filepath.Glob(filepath.Join(dir, "galaxypay-listen-*")) // it answers shortly before it has its lock
		return err == nil && len(locks) > 0
	}) {
		t.Fatal("the other sidecar does not answer")
	}
	c.CloseIdleConnections()
	return child
}

// A second sidecar that would share an address does not start. When the first one has ended,
// even killed, it does.
func TestTwoSidecarsDoNotShareAnAddress(t *testing.T) {
	for name, handler := range listenSites {
		t.Run(name, func(t *testing.T) {
			address := freeAddress(t)
			child := anotherSidecar(t, address, handler)
			c := startEmpty(t)
			c.ports = map[string]string{"9180": address}
			config := sandboxMerchant + "http://:9180 {\n" + handler + "\n}\n"
			err := c.load(t, config)
			if err == nil || !strings.Contains(err.Error(), address+": another sidecar listens there already") {
				t.Fatalf("error %v", err)
			}
			var parsed caddy.Config
			if err := json.Unmarshal(c.localise(t, mustAdapt(t, config)), &parsed); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&parsed); err != nil {
				t.Errorf("a configuration cannot be validated beside a sidecar that runs: %v", err)
			}
			child.kill(t)
			c.mustLoad(t, config)
			c.mustLoad(t, strings.Replace(config, "http://:9180 {", "http://:9180 {\nheader X 1\n", 1)) // a reload keeps the address
			c.mustLoad(t, "{\n}\n")
			if left, err := filepath.Glob(filepath.Join(os.TempDir(), "galaxypay-listen-*")); err != nil || len(left) > 0 {
				t.Errorf("a configuration without the address leaves %v, %v", left, err)
			}
		})
	}
}

// Servers without a handler of the sidecar are Caddy's own matter.
func TestTwoSidecarsMayShareOtherServers(t *testing.T) {
	address := freeAddress(t)
	anotherSidecar(t, address, "galaxypay")
	c := startEmpty(t)
	c.ports = map[string]string{"9182": address}
	c.mustLoad(t, sandboxMerchant+"http://:9180 {\ngalaxypay\n}\nhttp://:9182 {\nrespond OK\n}\n")
}
