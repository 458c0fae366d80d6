package caddytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Successes and failures of every kind, with the log at debug level, access logs,
// metrics, admin endpoint and autosave on: no secret and no card data anywhere.
func TestCallSecretsAreInNoOutput(t *testing.T) {
	autosave := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(t.TempDir(), "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = autosave })

	g, dead := newGateway(t), newGateway(t)
	g.apiKey, g.salt = canaries["api key"], canaries["salt"]
	dead.apiKey, dead.salt = g.apiKey, g.salt
	t.Setenv("TEST_PREVIOUS", canaries["previous salt"])
	t.Setenv("TEST_PADDED", canaries["salt"]+" ")
	saltFile := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(saltFile, []byte(canaries["salt"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := filepath.Join(shortTempDir(t), "admin.sock")
	merchants := func(salt string) string {
		return `
		{
			admin unix/` + admin + `
			metrics
			galaxypay {
				` + g.merchant(t) + `
				previous_salt {env.TEST_PREVIOUS}
				merchant dead {
					` + strings.Replace(dead.merchant(t), dead.url, "http://"+freeAddress(t), 1) + `
				}
				merchant file {
					base_url ` + g.url + `
					api_key {env.TEST_PREVIOUS}
					salt ` + salt + `
				}
			}
		}`
	}
	caddyfile := merchants("{file."+saltFile+"}") + `
		http://:9180 {
			log
			galaxypay {
				timeout 300ms
				validate off
				max_body 2KiB
				operations pay fastPay query createToken refund
			}
		}
		http://:9181 {
			log
			galaxypay {
				validate off
				merchant dead
			}
		}
		http://:9182 {
			log
			metrics
		}
		http://:9183 {
			log
			galaxypay {
				validate off
				verify report
			}
		}
		http://:9184 {
			log
			galaxypay {
				allow 10.0.0.0/8
			}
		}
		`
	found := evidence{}
	adapted, _, err := adapt(t, caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	found["the adapted configuration"] = string(adapted)

	c := start(t, caddyfile)
	card := `"cardNumber":"` + canaries["card number"] + `","cardVerificationValue":"` + canaries["CVV"] + `","cardHolderName":"` +
		canaries["card holder"] + `","token":"` + canaries["token"] + `"`
	body := `{` + card + `}`
	data := `{"x":"` + canaries["gateway's data"] + `"}`
	forged := func(id string) string {
		return envelope(id, "200", canaries["forged answer"], `{"x":"`+canaries["forged answer"]+`"}`)
	}

	// What the gateway does next, the call that the app makes, and its answer.
	release := make(chan struct{})
	defer close(release)
	code := "200"
	answers := map[string]func(conn net.Conn, call *call) bool{}
	reply := func(f func(call *call) []byte) func(net.Conn, *call) bool {
		return func(conn net.Conn, call *call) bool {
			_, err := conn.Write(f(call))
			return err == nil
		}
	}
	answers["ok"] = reply(func(call *call) []byte { return g.signed(envelope(call.requestID(), code, "m", data)) })
	answers["unsigned"] = reply(func(call *call) []byte { return httpReply(200, forged(call.requestID())) })
	answers["forged"] = reply(func(call *call) []byte { return httpReply(200, forged(call.requestID()), "signature", sign("", "")) })
	answers["HTML"] = reply(func(*call) []byte { return httpReply(502, "<html>"+canaries["forged answer"]) })
	answers["of another"] = reply(func(*call) []byte { return g.signed(forged("another")) })
	answers["no JSON"] = reply(func(*call) []byte { return g.signed(canaries["gateway's data"]) })
	answers["too large"] = reply(func(*call) []byte { return g.signed(strings.Repeat(canaries["gateway's data"], 200)) })
	answers["no HTTP"] = reply(func(*call) []byte { return []byte(canaries["forged answer"] + "\r\n\r\n") })
	answers["bad header"] = reply(func(*call) []byte {
		return []byte("HTTP/1.1 200 OK\r\n" + canaries["forged answer"] + "\r\n" + canaries["card number"] + ":x:\x00\r\n\r\n")
	})
	answers["more than it announced"] = reply(func(call *call) []byte {
		return append(g.signed(envelope(call.requestID(), code, "m", data)), canaries["forged answer"]...)
	})
	answers["bad length"] = reply(func(*call) []byte {
		return []byte("HTTP/1.1 200 OK\r\nContent-Length: " + canaries["card number"] + "x\r\n\r\n")
	})
	answers["closing"] = func(net.Conn, *call) bool { return false }
	answers["hanging"] = func(net.Conn, *call) bool { <-release; return false }

	number := 0
	send := func(port, path, body string, header ...string) httpAnswer {
		t.Helper()
		number++
		a := c.post(t, c.url(port)+path, body, header...)
		where := fmt.Sprintf("answer %d, to a POST to %s with HTTP %d", number, path, a.status)
		if a.status != http.StatusOK { // a success is the app's own data
			found[where] = a.body
		}
		found["headers of "+where] = fmt.Sprint(a.header)
		return a
	}
	statuses := make(map[int]bool)
	for name, answer := range answers {
		g.handles(answer)
		for _, port := range []string{"9180", "9183"} {
			for _, operation := range []string{"pay", "query", "fastPay"} {
				if name == "hanging" && port == "9183" {
					continue // its timeout is half a minute
				}
				statuses[send(port, "/"+operation, body).status] = true
			}
		}
	}
	g.handles(answers["ok"])
	for _, code = range []string{"400", "401", "408", "409", "499", "502", "503", "504", "505", "00", "999"} {
		statuses[send("9180", "/pay", body).status] = true
		statuses[send("9180", "/fastPay", body).status] = true
	}
	code = "200"
	for _, bad := range []string{
		`{` + card + `,` + card + `}`,
		`{"` + canaries["card number"] + `":1,"` + canaries["card number"] + `":1}`,
		`{` + card,
		`{` + card + "\xff}",
		canaries["card number"],
		`{"apiOperation":"` + canaries["card number"] + `"}`,
		`{"requestData":{` + card + `}}`,
		`{` + card + `,"x":"` + strings.Repeat("x", 3000) + `"}`,
	} {
		statuses[send("9180", "/pay", bad).status] = true
	}
	statuses[send("9180", "/pay", body, "Origin", "null").status] = true
	statuses[send("9180", "/nothing", body).status] = true
	statuses[send("9180", "/pay", body, "Content-Encoding", "gzip").status] = true
	statuses[send("9181", "/pay", body).status] = true
	statuses[send("9184", "/pay", body).status] = true
	put := c.do(t, http.MethodPut, c.url("9180")+"/pay", nil, strings.NewReader(body))
	found["the answer to a PUT"] = put.body + fmt.Sprint(put.header)
	for _, want := range []int{200, 400, 402, 403, 404, 409, 413, 415, 422, 502, 503, 504} {
		if !statuses[want] {
			t.Errorf("no answer had HTTP %d; this test does not try everything", want)
		}
	}

	// The admin endpoint: dumps, and errors about configurations that it is given.
	// A load restarts the endpoint, even if it fails, and an endpoint that is ending may
	// close a connection unanswered; hence the tries.
	control := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", admin)
	}}
	administer := func(method, path, contentType, body string) (int, string) {
		t.Helper()
		client := &caddyServer{client: &http.Client{Transport: control}}
		var a httpAnswer
		var err error
		for range 10 {
			a, err = client.try(t.Context(), method, "http://localhost"+path, http.Header{"Content-Type": {contentType}}, strings.NewReader(body))
			if err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		found["the admin endpoint's answer to "+method+" "+path+" "+contentType] += a.body + fmt.Sprint(a.header)
		return a.status, a.body
	}
	for _, path := range []string{"/config/", "/config/apps/galaxypay", "/config/apps/http/servers", "/metrics", "/debug/vars", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		if status, text := administer(http.MethodGet, path, "", ""); status != http.StatusOK || text == "" {
			t.Errorf("GET %s: HTTP %d: %s", path, status, text)
		}
	}
	for _, salt := range []string{"{env.TEST_PADDED}", "{env.TEST_UNSET}", "{file." + saltFile + "x}"} {
		bad, _, err := adapt(t, merchants(salt))
		if err != nil {
			t.Fatal(err)
		}
		if status, text := administer(http.MethodPost, "/load", "application/json", string(c.localise(t, bad))); status != http.StatusBadRequest {
			t.Errorf("salt %s: HTTP %d: %s", salt, status, text)
		}
	}
	administer(http.MethodPost, "/adapt", "text/caddyfile", dedent(caddyfile))

	metrics := c.do(t, http.MethodGet, c.url("9182")+"/metrics", nil, nil)
	found["the metrics"] = metrics.body
	if !strings.Contains(metrics.body, "caddy_galaxypay_requests_total") {
		t.Errorf("no metrics of ours: %s", metrics.body)
	}
	saved, err := os.ReadFile(caddy.ConfigAutosavePath)
	if err != nil {
		t.Fatal(err)
	}
	found["the autosaved configuration"] = string(saved)

	if err := c.load(t, "{\nadmin off\n}\n"); err != nil { // caddy.Stop leaves the admin endpoint running
		t.Fatal(err)
	}
	c.stop()
	found["the log"] = c.logs(t)
	if n := strings.Count(found["the log"], `"logger":"http.log.access"`); n < number {
		t.Errorf("%d access logs of %d requests", n, number)
	}
	if stored, err := filepath.Glob(c.storage + "/*"); err != nil || len(stored) > 0 {
		t.Errorf("the storage holds %q, %v; a sidecar stores nothing", stored, err)
	}

	found.check(t)
	// The card has to be in what was sent, or else all this proves nothing.
	if !strings.Contains(g.last(t).body, canaries["card number"]) || g.last(t).value("apiKey") == "" {
		t.Error("the gateway got no card")
	}
}

// canaries must not turn up in anything that Caddy writes or answers, except where the
// app gets its own responseData.
var canaries = map[string]string{
	"api key":        "canary-of-the-api-key",
	"salt":           "canary-of-the-salt",
	"previous salt":  "canary-of-the-previous-salt",
	"card number":    "5506922400634930",
	"CVV":            "canary-of-the-cvv",
	"card holder":    "CANARY OF THE HOLDER",
	"token":          "canary-of-the-token",
	"gateway's data": "canary-of-the-response-data",
	"forged answer":  "canary-of-the-forgery",
}

// evidence collects everything that came out, by where it came out.
type evidence map[string]string

func (e evidence) check(t *testing.T) {
	t.Helper()
	for where, text := range e {
		for what, canary := range canaries {
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("the %s is in %s: ...%s...", what, where, text[max(0, i-100):i+len(canary)])
			}
		}
	}
}
