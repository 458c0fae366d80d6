package caddytest

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A refusal that needs no body must not wait for one: a client that sends Expect: 100-continue would wait for
// as long as net/http waits for the body.
func TestRefusedBeforeTheBody(t *testing.T) {
	s := start(t, `
		{
			galaxypay {
				environment sandbox
			}
		}
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			galaxypay_ipn
		}
		http://:9182 {
			galaxypay_result
		}`)
	const large = 1 << 20
	for name, test := range map[string]struct {
		port   string
		method string
		path   string
		header string
		length int
		want   int
	}{
		"a web page":                {"9180", "POST", "/pay", "Origin: https://shop.example", 1000, 403},
		"an unknown path":           {"9180", "POST", "/nothing", "", 1000, 404},
		"another method":            {"9180", "PUT", "/pay", "", 1000, 405},
		"another content type":      {"9180", "POST", "/pay", "Content-Type: text/plain", 1000, 415},
		"a compressed body":         {"9180", "POST", "/pay", "Content-Type: application/json\r\nContent-Encoding: gzip", 1000, 415},
		"a body that is too large":  {"9180", "POST", "/pay", "Content-Type: application/json", large, 413},
		"a document":                {"9180", "GET", "/openapi.json", "", 1000, 200},
		"a document, to a web page": {"9180", "GET", "/codes", "Origin: https://shop.example", 1000, 403},
		"a document, posted":        {"9180", "POST", "/codes", "", 1000, 405},
		"an IPN by PUT":             {"9181", "PUT", "/", "", 1000, 405},
		"a large IPN":               {"9181", "POST", "/", "Content-Type: application/json", large, 413},
		"a compressed IPN":          {"9181", "POST", "/", "Content-Type: application/json\r\nContent-Encoding: gzip", 1000, 415},
		"a result by PUT":           {"9182", "PUT", "/", "", 1000, 405},
		"a large result":            {"9182", "POST", "/", "", large, 413},
	} {
		for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
			t.Run(name+" "+strings.TrimSpace(expect), func(t *testing.T) {
				conn := dial(t, s.ports[test.port])
				if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil { // net/http would wait for ten
					t.Fatal(err)
				}
				header := test.header
				if header != "" {
					header += "\r\n"
				}
				if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%sContent-Length: %d\r\n\r\n", test.method, test.path, header, expect, test.length); err != nil {
					t.Fatal(err)
				}
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := response.Body.Close(); err != nil {
					t.Error(err)
				}
				if response.StatusCode != test.want || !response.Close {
					t.Errorf("HTTP %d, closed %t; want %d", response.StatusCode, response.Close, test.want)
				}
			})
		}
	}
}
