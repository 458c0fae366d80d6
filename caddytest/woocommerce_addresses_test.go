//go:build woocommerce

package caddytest

import (
	"encoding/json"
	"html"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The forms of the shop's addresses, and plugins that change them or close the REST API to guests.
func (w *wooCommerce) isFoundAtAllAddresses(t *testing.T) {
	t.Helper()
	defer func() {
		w.shop(t, nil, "beside", "")
		w.shop(t, nil, "permalinks", "/%postname%/")
	}()
	for name, shop := range map[string]struct{ permalinks, beside string }{
		"plain":                   {"", ""},
		"plain, closed":           {"", "closed"},
		"index.php, closed":       {"/index.php/%postname%/", "closed"},
		"names, closed":           {"/%postname%/", "closed"},
		"names, language, closed": {"/%postname%/", "language,closed"},
		"plain, language":         {"", "language"},
	} {
		t.Run(name, func(t *testing.T) {
			w.shop(t, nil, "beside", shop.beside)
			w.shop(t, nil, "permalinks", shop.permalinks)
			closed := w.get(t, w.url("9181")+"/index.php?rest_route=/wp/v2/posts").status == 401
			if want := strings.Contains(shop.beside, "closed"); closed != want {
				t.Fatalf("the REST API is closed: %t", closed)
			}
			w.isFoundHere(t)
		})
	}
}

// isFoundHere pays with an IPN and the customer's return, and looks at the page that waits. Outsiders get nowhere.
func (w *wooCommerce) isFoundHere(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	o := w.order(t, id)
	forged := w.post(t, o.IPN, `{}`, "Galaxypay-Callback", "ipn", "Galaxypay-Password", "hidden", "Galaxypay-Order-Id", o.Attempts[0].ID)
	if forged.status != 403 || !strings.Contains(forged.body, "galaxypay_not_proven") {
		t.Errorf("a forged IPN at %s: HTTP %d: %s", o.IPN, forged.status, forged.body)
	}
	if got := w.waiting(t, o.Wait); got != "waiting" {
		t.Errorf("the waiting page learns %q", got)
	}
	back := w.end(t, page, "success")
	w.order(t, id).wants(t, "processing", true) // by the IPN
	if next := w.come(t, back); next != o.Received {
		t.Errorf("the customer goes to %s, not to %s", next, o.Received)
	}
}

// waiting is what the page for waiting customers learns when it looks for the status.
func (w *wooCommerce) waiting(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`data-poll="([^"]+)"`).FindStringSubmatch(w.get(t, page).body)
	if found == nil {
		t.Fatalf("%s is not the waiting page", page)
	}
	var got struct{ Status string }
	a := w.get(t, html.UnescapeString(found[1]))
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%s: HTTP %d: %s", found[1], a.status, a.body)
	}
	return got.Status
}

// In maintenance, WordPress answers all with 503 before a plugin can say anything, and asks to wait ten minutes. The operator
// does not wait for so long.
func (w *wooCommerce) catchesUpAfterMaintenance(t *testing.T) {
	t.Helper()
	id, page := w.opened(t)
	mark := w.dir + "/site/.maintenance"
	if err := os.WriteFile(mark, []byte("<?php $upgrading = time();"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := w.get(t, w.url("9181")+"/"); a.status != 503 || a.header.Get("Retry-After") != "600" {
		t.Errorf("maintenance answers HTTP %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	w.end(t, page, "success")
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	w.order(t, id).wants(t, "pending", false)
	if a := sendToAdmin(t, w.dir+"/admin.sock", "POST", "/galaxypay/events/replay", `{"state": "pending"}`); a.status != 200 {
		t.Errorf("replay: HTTP %d: %s", a.status, a.body)
	}
	eventually(t, "the inbox delivers", func() bool { return w.order(t, id).Paid })
	if n := w.order(t, id).noted("paid with transaction"); n != 1 {
		t.Errorf("%d notes", n)
	}
}

// WordPress has a proxy, and may call one other host. The sidecar is called directly, by the name localhost alone.
func (w *wooCommerce) goesPastProxyAndBlock(t *testing.T) {
	t.Helper()
	_, port, _ := strings.Cut(w.ports["9180"], ":")
	defer w.shop(t, nil, "setting", "sidecar", "http://localhost:"+port)
	var o wooOrder
	for _, way := range []struct {
		host, state string
		proxied     int64
	}{
		{"127.0.0.2", "not_sent", 0}, // stopped by the block
		{"127.0.0.3", "unknown", 1},  // sent to the proxy, which knows no sidecar
		{"localhost", "open", 0},
	} {
		w.shop(t, nil, "setting", "sidecar", "http://"+way.host+":"+port)
		w.shop(t, &o, "new_order", w.product)
		before := w.proxied.Load()
		id := strconv.Itoa(o.ID)
		var answer struct{ Result, Redirect string }
		w.shop(t, &answer, "pay", id)
		if got := w.order(t, id).Attempts[0].State; got != way.state || w.proxied.Load()-before != way.proxied {
			t.Errorf("%s: the attempt is %s, and the proxy got %d requests", way.host, got, w.proxied.Load()-before)
		}
		if way.state == "open" {
			w.end(t, answer.Redirect, "success")
			w.order(t, id).wants(t, "processing", true)
		}
	}
}
