package caddytest

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// exampleOfWooCommerce is the folder of the plugin, its Caddyfile and its tests.
const exampleOfWooCommerce = "../examples/woocommerce"

// caddyfileOfWooCommerce is the example's, with the addresses that c has given to its ports. WordPress and
// the socket of PHP are in dir.
func caddyfileOfWooCommerce(t *testing.T, c *caddyServer, dir string) string {
	t.Helper()
	t.Setenv("SHOP", "http://:9181")
	t.Setenv("WORDPRESS", dir+"/site")
	t.Setenv("PHP_FPM", "unix/"+dir+"/fpm.sock")
	t.Setenv("GALAXYPAY_PASSWORD", "hidden")
	text, err := os.ReadFile(exampleOfWooCommerce + "/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	example := strings.Replace(string(text), "environment sandbox", "environment sandbox\n base_url "+c.url("9190"), 1)
	return strings.Replace(example, "store sqlite", "store sqlite "+dir+"/store.db", 1)
}

// The Caddyfile of the plugin loads, takes payments, and hands no unproven message to PHP, which is down here.
func TestWooCommerceCaddyfile(t *testing.T) {
	c := startSites(t, "9180", "9181", "9190")
	c.mustLoad(t, caddyfileOfWooCommerce(t, c, shortTempDir(t)))
	if a := c.post(t, c.url("9180")+"/pay", payment); a.status != http.StatusOK {
		t.Errorf("pay: HTTP %d: %s", a.status, a.body)
	}
	for _, path := range []string{"/galaxypay/ipn", "/galaxypay/result"} {
		a := c.post(t, c.url("9181")+path, `{"data":"e30=","signature":"00"}`)
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "signature_invalid") {
			t.Errorf("%s: HTTP %d: %s", path, a.status, a.body)
		}
	}
}
