package caddytest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// guardedSite passes everything to the app, its errors too; /fail fails before that.
func guardedSite(app *recordingApp) string {
	return `
		{
			galaxypay {
				environment sandbox
			}
		}
		http://:9181 {
			error /fail 500
			handle /galaxypay/ipn {
				galaxypay_ipn
				handle {
					galaxypay_guard
					reverse_proxy ` + app.address + `
				}
			}
			handle /galaxypay/result {
				galaxypay_result {
					forward post
				}
				reverse_proxy ` + app.address + `
			}
			handle {
				reverse_proxy ` + app.address + `
			}
			handle_errors {
				galaxypay_guard
				reverse_proxy ` + app.address + `
			}
			galaxypay_guard
		}`
}

func wantNoMarks(t *testing.T, header http.Header) {
	t.Helper()
	for name, values := range header {
		if strings.HasPrefix(strings.ToLower(name), "galaxypay") {
			t.Errorf("the app got %s: %q", name, values)
		}
	}
}

// Wherever a request reaches the app, it has no header of ours, unless it went through one of the two directives.
func TestGuard(t *testing.T) {
	app := newApp(t)
	c := start(t, guardedSite(app))
	for _, path := range []string{"/", "/galaxypay/ipn/", "/galaxypay/ipn/index.php", "/index.php/galaxypay/ipn", "/fail"} {
		for _, forged := range forgedHeaders {
			t.Run(path+", "+forged.name, func(t *testing.T) {
				c.do(t, http.MethodPost, c.url("9181")+path, strings.NewReader(paidMessage), forged.header...)
				wantNoMarks(t, app.only(t).header)
			})
		}
	}
	// A result that is refused goes to handle_errors.
	t.Run("a refused result", func(t *testing.T) {
		c.get(t, c.url("9181")+"/galaxypay/result?data=x&signature=y", "Galaxypay-Payment-Status", "paid")
		wantNoMarks(t, app.only(t).header)
	})
	m := signedMessage(paidMessage, sandboxSalt)
	for _, way := range ways {
		t.Run("proven, "+way.name, func(t *testing.T) {
			way.send(t, c, m)
			way.wantInApp(t, app, "paid", paidMessage, m)
		})
	}
}

// What comes in a trailer reaches no handler behind the guard either.
func TestGuardTrailers(t *testing.T) {
	app := newApp(t)
	c := start(t, guardedSite(app))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("9181")+"/", struct{ io.Reader }{strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	request.Trailer = http.Header{"Galaxypay-Payment-Status": {"paid"}, "Galaxypay~Callback": {"ipn"}}
	if _, err := c.roundTrip(request); err != nil {
		t.Fatal(err)
	}
	got := app.only(t)
	wantNoMarks(t, got.header)
	wantNoMarks(t, got.trailer)
}

// Caddy sends a request with an empty Host to the error routes at once, past every directive of the site.
func TestGuardBeforeErrorRoutes(t *testing.T) {
	app := newApp(t)
	errors := "handle_errors {\nreverse_proxy " + app.address + "\n}\n"
	first := "handle_errors 404 {\nrespond hi\n}\n" + errors
	sidecar := "handle /galaxypay/ipn {\ngalaxypay_ipn\nreverse_proxy " + app.address + "\n}\n"
	for name, sites := range map[string]string{
		"alone":                    "http://:9181 {\ngalaxypay_guard\n" + errors + "}\n",
		"in a handle":              "http://:9181 {\nhandle {\ngalaxypay_guard\nrespond hi\n}\n" + errors + "}\n",
		"beside our handlers":      "http://:9181 {\n" + sidecar + "galaxypay_guard\n" + errors + "}\n",
		"in handle_errors too":     "http://:9181 {\n" + sidecar + "galaxypay_guard\n" + strings.Replace(errors, "{\n", "{\ngalaxypay_guard\n", 1) + "}\n",
		"in handle_errors only":    "http://:9181 {\n" + strings.Replace(errors, "{\n", "{\ngalaxypay_guard\n", 1) + "}\n",
		"several handle_errors":    "http://:9181 {\ngalaxypay_guard\n" + first + "}\n",
		"several sites of a port":  "http://a.example:9181 {\ngalaxypay_guard\n" + sidecar + "}\nhttp://:9181 {\ngalaxypay_guard\n" + errors + "}\n",
		"after a site of our own":  "http://a.example:9181 {\n" + sidecar + "}\nhttp://:9181 {\ngalaxypay_guard\n" + errors + "}\n",
		"before a site of our own": "http://:9181 {\ngalaxypay_guard\n" + errors + "}\nhttp://a.example:9181 {\n" + sidecar + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandboxMerchant+sites)
			conn := dial(t, c.ports["9181"])
			const request = "POST /galaxypay/ipn HTTP/1.1\r\nHost:\r\nConnection: close\r\nContent-Length: 2\r\n" +
				"Galaxypay-Payment-Status: paid\r\nGalaxypay_Callback: ipn\r\nGalaxypay.Merchant: default\r\nGalaxypay~Order-Id: 1\r\nX-Mine: 1\r\n\r\n{}"
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); err != nil {
				t.Fatal(err)
			}
			got := app.only(t)
			wantNoMarks(t, got.header)
			if got.header.Get("X-Mine") != "1" {
				t.Errorf("the app got %v", got.header)
			}
		})
	}
}
