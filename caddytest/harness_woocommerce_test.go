//go:build woocommerce

package caddytest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// wooCommerce is a WordPress with WooCommerce and the plugin, behind the sidecar of the example.
type wooCommerce struct {
	*caddyServer
	dir         string
	environment []string
	product     string
	checkout    string // page with the classic checkout
	blocks      string // page with the block checkout
	php         *exec.Cmd
	proxied     *atomic.Int64 // requests that came to the shop's proxy, which nothing needs
}

// wooOrder is what the shop knows of an order.
type wooOrder struct {
	ID          int      `json:"id"`
	Key         string   `json:"key"`
	Status      string   `json:"status"`
	Paid        bool     `json:"paid"`
	Transaction string   `json:"transaction"`
	Refunded    string   `json:"refunded"`
	Refunds     int      `json:"refunds"`
	Notes       []string `json:"notes"`
	Stock       int      `json:"stock"`
	Store       string   `json:"store"`
	Pay         string   `json:"pay"`
	Received    string   `json:"received"`
	Wait        string   `json:"wait"`
	IPN         string   `json:"ipn"`  // address of the plugin's own route, which outsiders can reach
	Post        string   `json:"post"` // status of the order's post
	Downloads   int      `json:"downloads"`
	Attempts    []struct {
		ID, State, Transaction, Endpoint string
	} `json:"attempts"`
}

// noted counts the order's notes with this text.
func (o wooOrder) noted(text string) int {
	n := 0
	for _, note := range o.Notes {
		if strings.Contains(note, text) {
			n++
		}
	}
	return n
}

// startWooCommerce makes a shop from Debian's WordPress and the WooCommerce in WOOCOMMERCE_DIR.
func startWooCommerce(t *testing.T) *wooCommerce {
	t.Helper()
	plugin := os.Getenv("WOOCOMMERCE_DIR")
	if plugin == "" && os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal("WOOCOMMERCE_DIR must name the folder of WooCommerce, as it lies in wp-content/plugins")
	}
	if plugin == "" {
		t.Skip("WOOCOMMERCE_DIR names no folder with WooCommerce, as it lies in wp-content/plugins")
	}
	w := &wooCommerce{dir: shortTempDir(t)}
	w.caddyServer = startSites(t, "9180", "9181", "9190")
	w.environment = append(os.Environ(), "SHOP_PROXY_PORT="+w.startProxy(t), "SHOP_DATABASE="+w.dir+"/db/db.sock", "SHOP_URL="+w.url("9181"),
		"SHOP_LOG="+w.dir+"/debug.log", "SHOP_DIR="+w.dir+"/site")
	w.makeFolders(t, plugin)
	w.catchMail(t)
	w.startDatabase(t)
	w.startPHP(t)
	t.Cleanup(func() { stopProcess(w.php) })
	w.startSidecar(t)
	w.shop(t, nil, "install")
	w.shop(t, nil, "activate")
	var pages struct{ Product, Blocks, Checkout json.Number }
	_, port, _ := strings.Cut(w.ports["9180"], ":")
	w.shop(t, &pages, "open", "http://localhost:"+port, "hidden")
	w.product, w.blocks, w.checkout = pages.Product.String(), pages.Blocks.String(), pages.Checkout.String()
	return w
}

func (w *wooCommerce) makeFolders(t *testing.T, plugin string) {
	t.Helper()
	example, err := filepath.Abs(exampleOfWooCommerce)
	if err != nil {
		t.Fatal(err)
	}
	plugin, err = filepath.Abs(plugin)
	if err != nil {
		t.Fatal(err)
	}
	site := w.dir + "/site"
	for _, command := range [][]string{
		{"cp", "-rL", "/usr/share/wordpress", site},
		{"rm", "-rf", site + "/wp-content", site + "/wp-config.php"},
		{"mkdir", "-p", site + "/wp-content/plugins", site + "/wp-content/themes", site + "/wp-content/languages"},
		{"cp", example + "/tests/e2e/wp-config.php", site},
		{"cp", "-r", example + "/tests/e2e/theme", site + "/wp-content/themes/plain"},
		{"ln", "-s", plugin, site + "/wp-content/plugins/woocommerce"},
		{example + "/build.py", w.dir + "/plugin.zip"},
		{requireProgram(t, "python3"), "-m", "zipfile", "-e", w.dir + "/plugin.zip", site + "/wp-content/plugins"},
		// WordPress speaks a language of which it has a file, whatever is in it.
		{"cp", site + "/wp-content/plugins/galaxypay-woocommerce/languages/galaxypay-woocommerce-vi.mo", site + "/wp-content/languages/vi.mo"},
	} {
		w.run(t, command...)
	}
}

// startSidecar starts the sidecar of the example. It has an admin endpoint, for what an operator does.
func (w *wooCommerce) startSidecar(t *testing.T) {
	t.Helper()
	const begin = "{\n\tgalaxypay {"
	example := caddyfileOfWooCommerce(t, w.caddyServer, w.dir)
	if strings.Count(example, begin) != 1 {
		t.Fatalf("the Caddyfile of the example has changed: %q is not in it", begin)
	}
	w.mustLoad(t, strings.Replace(example, begin, "{\n\tadmin unix/"+w.dir+"/admin.sock\n\tpersist_config off\n\tgalaxypay {", 1))
	t.Cleanup(func() {
		// caddy.Stop does not end the admin endpoint. Another configuration does.
		if err := w.load(t, "{\nadmin off\n}\n"); err != nil {
			t.Error(err)
		}
		w.stop()
	})
}

// startProxy starts the proxy that the shop's configuration names, and returns its port.
func (w *wooCommerce) startProxy(t *testing.T) (port string) {
	t.Helper()
	w.proxied = new(atomic.Int64)
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.proxied.Add(1)
		rw.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address.Port()
}

// catchMail makes the program by which the shop sends mail. It keeps each mail in a file.
func (w *wooCommerce) catchMail(t *testing.T) {
	t.Helper()
	w.run(t, "mkdir", w.dir+"/mail")
	err := os.WriteFile(w.dir+"/sendmail", []byte("#!/bin/sh\nexec cat >\"$(mktemp "+w.dir+"/mail/XXXXXXXXXX)\"\n"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
}

// mails are all mails of the shop, which tests search for the order's customer.
func (w *wooCommerce) mails(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(w.dir + "/mail/*")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// run runs a program to its end.
func (w *wooCommerce) run(t *testing.T, command ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput() //nolint:gosec // the commands are in this file
	if err != nil {
		t.Fatalf("%q: %v: %s", command, err, out)
	}
}

// startDatabase starts a MariaDB of the test's own.
func (w *wooCommerce) startDatabase(t *testing.T) {
	t.Helper()
	install, server := requireProgram(t, "mariadb-install-db"), requireProgram(t, "mariadbd")
	data := w.dir + "/db"
	w.run(t, install, "--no-defaults", "--user=root", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	command := exec.Command(server, "--no-defaults", "--user=root", "--datadir="+data, "--socket="+data+"/db.sock", "--skip-networking", "--innodb-flush-log-at-trx-commit=0") //nolint:gosec // MariaDB
	startProcess(t, command)
	t.Cleanup(func() { stopProcess(command) })
	eventually(t, "the database takes the shop", func() bool {
		return exec.Command("mariadb", "--no-defaults", "-uroot", "-S", data+"/db.sock", "-e", "CREATE DATABASE IF NOT EXISTS shop").Run() == nil //nolint:gosec // the same
	})
}

// startPHP starts PHP for the site.
func (w *wooCommerce) startPHP(t *testing.T) {
	t.Helper()
	config := w.dir + "/fpm.conf"
	err := os.WriteFile(config, []byte("[global]\nerror_log="+w.dir+"/fpm.log\ndaemonize=no\n[www]\nuser=root\ngroup=root\nlisten="+w.dir+"/fpm.sock\npm=static\npm.max_children=6\nclear_env=no\nphp_admin_value[memory_limit]=512M\nphp_admin_value[sendmail_path]="+w.dir+"/sendmail\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w.php = exec.Command(requireProgram(t, "php-fpm8.2"), "-R", "-y", config) //nolint:gosec // PHP
	w.php.Env = w.environment
	startProcess(t, w.php)
	eventually(t, "PHP listens", func() bool {
		_, err := os.Stat(w.dir + "/fpm.sock")
		return err == nil
	})
}

func startProcess(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
}

// stopProcess ends a server in order, and waits for it.
func stopProcess(command *exec.Cmd) {
	_ = command.Process.Signal(syscall.SIGTERM)
	_ = command.Wait()
}

// shop does one thing as the merchant, and decodes what it prints.
func (w *wooCommerce) shop(t *testing.T, into any, command ...string) {
	t.Helper()
	args := append([]string{"-d", "memory_limit=512M", "-d", "display_errors=stderr", "-d", "sendmail_path=" + w.dir + "/sendmail", exampleOfWooCommerce + "/tests/e2e/shop.php"}, command...)
	php := exec.CommandContext(t.Context(), requireProgram(t, "php"), args...) //nolint:gosec // PHP
	php.Env = w.environment
	var said bytes.Buffer
	php.Stderr = &said
	out, err := php.Output()
	if err != nil {
		t.Fatalf("%q: %v: %s %s", command, err, out, said.String())
	}
	if into == nil {
		if got := strings.TrimSpace(string(out)); got != "true" {
			t.Fatalf("%q: %s", command, got)
		}
		return
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%q printed %s: %v", command, out, err)
	}
}

// order returns the newest order, or the one with this id.
func (w *wooCommerce) order(t *testing.T, id ...string) wooOrder {
	t.Helper()
	var o wooOrder
	w.shop(t, &o, append([]string{"order"}, id...)...)
	return o
}

// opened is a new order with an open payment, and the address of its payment page.
func (w *wooCommerce) opened(t *testing.T) (id, page string) {
	t.Helper()
	var o wooOrder
	w.shop(t, &o, "new_order", w.product)
	id = strconv.Itoa(o.ID)
	return id, w.pay(t, id)
}

// pay opens a payment as the checkout does, and returns where the browser goes.
func (w *wooCommerce) pay(t *testing.T, id string) string {
	t.Helper()
	var a struct{ Result, Redirect, Message string }
	w.shop(t, &a, "pay", id)
	if a.Result != "success" {
		t.Fatalf("pay: %s", a.Message)
	}
	return a.Redirect
}

// end presses a button of the payment page, and returns where the browser is sent then.
func (w *wooCommerce) end(t *testing.T, page, button string) (back string) {
	t.Helper()
	a := w.postForm(t, page, "outcome="+button)
	return a.header.Get("Location")
}

// come visits the address to which the gateway sends the browser, and returns where the shop sends it on.
func (w *wooCommerce) come(t *testing.T, back string) string {
	t.Helper()
	a := w.get(t, back)
	if a.status != 303 {
		t.Fatalf("the result is answered HTTP %d: %s", a.status, a.body)
	}
	return a.header.Get("Location")
}

// faults sets the faults of every payment until the test ends.
func (w *wooCommerce) faults(t *testing.T, names ...string) {
	t.Helper()
	set := func(names []string) {
		body, err := json.Marshal(map[string]any{"faults": append([]string{}, names...)})
		if err != nil {
			t.Fatal(err)
		}
		// The test's own context has ended before its cleanups run.
		a, err := w.try(context.WithoutCancel(t.Context()), "PUT", w.url("9190")+"/sandbox/faults", bytes.NewReader(body), "Content-Type", "application/json")
		if err != nil || a.status >= 300 {
			t.Errorf("faults: %v, HTTP %d: %s", err, a.status, a.body)
		}
	}
	set(names)
	t.Cleanup(func() { set(nil) })
}

// refundedAtGateway is what the gateway has given back of a transaction.
func (w *wooCommerce) refundedAtGateway(t *testing.T, transaction string) string {
	t.Helper()
	var got struct{ Refunded string }
	a := w.get(t, w.url("9190")+"/sandbox/transactions/"+url.PathEscape(transaction))
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return got.Refunded
}

// complaints are the lines of PHP's log that are about the plugin.
func (w *wooCommerce) complaints(t *testing.T) []string {
	t.Helper()
	log, err := os.ReadFile(w.dir + "/debug.log")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(log), "\n"), func(line string) bool {
		return !strings.Contains(line, "galaxypay")
	})
}

// loaded waits until the page has come to its end: the server is done with the request.
func (b browser) loaded() {
	b.Helper()
	b.do(chromedp.Poll[chromedp.Void](`document.readyState === "complete"`))
}
