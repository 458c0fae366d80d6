package caddytest

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// canaries may appear in nothing that Caddy writes or answers. The one exception is an answer of
// 200, in which the app gets its own responseData.
var canaries = map[string]string{
	"api key":        "canary-of-the-api-key",
	"salt":           "canary-of-the-salt",
	"previous salt":  "canary-of-the-previous-salt",
	"card number":    "5506922400634930",
	"CVV":            "canary-of-the-cvv",
	"card holder":    "CANARY OF THE HOLDER",
	"token":          "canary-of-the-token",
	"gateway's data": "canary-of-the-response-data",
	"forged reply":   "canary-of-the-forgery",
}

// canaryCard is members of a request that hold a card and a token.
var canaryCard = `"cardNumber":"` + canaries["card number"] + `","cardVerificationValue":"` + canaries["CVV"] + `","cardHolderName":"` +
	canaries["card holder"] + `","token":"` + canaries["token"] + `"`

// Calls succeed and fail in every way, with the log at debug level, access logs, metrics, admin
// endpoint and autosave on. No secret and no card data is in any output.
func TestCallSecretsAreInNoOutput(t *testing.T) {
	autosave := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(t.TempDir(), "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = autosave })
	s := newSecretSites(t)

	s.callWithEveryReply(t)
	s.callWithBadRequests(t)
	for _, want := range []int{200, 400, 402, 403, 404, 409, 413, 415, 422, 502, 503, 504} {
		if !s.statuses[want] {
			t.Errorf("no answer had HTTP %d; this test does not try everything", want)
		}
	}
	s.readAdminEndpoint(t)
	metrics := s.metrics(t, "9182")
	s.outputs["the metrics"] = metrics
	if !strings.Contains(metrics, "caddy_galaxypay_requests_total") {
		t.Errorf("no metrics of ours: %s", metrics)
	}
	saved, err := os.ReadFile(caddy.ConfigAutosavePath)
	if err != nil {
		t.Fatal(err)
	}
	s.outputs["the autosaved configuration"] = string(saved)
	s.mustLoad(t, "{\nadmin off\n}\n") // caddy.Stop does not end the admin endpoint
	s.stop()
	s.outputs["the log"] = s.logs(t)
	if n := strings.Count(s.outputs["the log"], `"logger":"http.log.access"`); n < s.number {
		t.Errorf("%d access logs of %d requests", n, s.number)
	}
	if stored, err := filepath.Glob(s.storage + "/*"); err != nil || len(stored) > 0 {
		t.Errorf("the storage holds %q, %v; a sidecar stores nothing", stored, err)
	}

	s.wantNoCanary(t)
	// The test proves nothing unless the card was in what was sent.
	if !strings.Contains(s.gateway.last(t).body, canaries["card number"]) || s.gateway.last(t).value("apiKey") == "" {
		t.Error("the gateway got no card")
	}
}

// secretSites is a sidecar whose secrets are canaries. It collects all outputs.
type secretSites struct {
	*caddyServer
	gateway  *gateway
	down     string // base URL of a gateway that does not run
	saltFile string
	admin    string // the socket of the admin endpoint

	outputs  map[string]string // what came out, by where it came out
	number   int               // of calls
	statuses map[int]bool      // of answers
}

func newSecretSites(t *testing.T) *secretSites {
	t.Helper()
	s := &secretSites{
		gateway:  newGateway(t),
		down:     "http://" + deadAddress(t),
		saltFile: filepath.Join(t.TempDir(), "salt"),
		admin:    filepath.Join(shortTempDir(t), "admin.sock"),
		outputs:  make(map[string]string),
		statuses: make(map[int]bool),
	}
	s.gateway.apiKey, s.gateway.salt = canaries["api key"], canaries["salt"]
	t.Setenv("TEST_PREVIOUS", canaries["previous salt"])
	t.Setenv("TEST_PADDED", canaries["salt"]+" ")
	if err := os.WriteFile(s.saltFile, []byte(canaries["salt"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.outputs["the adapted configuration"] = string(mustAdapt(t, s.caddyfile(t)))
	s.caddyServer = start(t, s.caddyfile(t))
	return s
}

func (s *secretSites) caddyfile(t *testing.T) string {
	t.Helper()
	return s.merchants(t, "{file."+s.saltFile+"}") + `
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
				merchant down
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
}

// merchants is the global options. salt is that of one merchant.
func (s *secretSites) merchants(t *testing.T, salt string) string {
	t.Helper()
	return `
		{
			admin unix/` + s.admin + `
			metrics
			galaxypay {
				` + s.gateway.merchant(t) + `
				previous_salt {env.TEST_PREVIOUS}
				merchant down {
					` + merchantAt(t, s.down, canaries["api key"], canaries["salt"]) + `
				}
				merchant file {
					base_url ` + s.gateway.url + `
					api_key {env.TEST_PREVIOUS}
					salt ` + salt + `
				}
			}
		}`
}

// send makes a call and keeps what came out.
func (s *secretSites) send(t *testing.T, port, path, body string, header ...string) {
	t.Helper()
	s.number++
	a := s.post(t, s.url(port)+path, body, header...)
	where := fmt.Sprintf("answer %d, to a POST to %s with HTTP %d", s.number, path, a.status)
	if a.status != http.StatusOK { // a success is the app's own data
		s.outputs[where] = a.body
	}
	s.outputs["headers of "+where] = fmt.Sprint(a.header)
	s.statuses[a.status] = true
}

// callWithEveryReply makes calls to a gateway that replies in every way.
func (s *secretSites) callWithEveryReply(t *testing.T) {
	t.Helper()
	body := `{` + canaryCard + `}`
	handlers := s.gatewayHandlers(t)
	for name, handler := range handlers {
		s.gateway.handles(handler)
		for _, port := range []string{"9180", "9183"} {
			for _, operation := range []string{"pay", "query", "fastPay"} {
				if name == "hanging" && port == "9183" {
					continue // its timeout is half a minute
				}
				s.send(t, port, "/"+operation, body)
			}
		}
	}
	for _, code := range []string{"400", "401", "408", "409", "499", "502", "503", "504", "505", "00", "999"} {
		s.gateway.replies(func(c *call) []byte { return s.successWithCode(c, code) })
		s.send(t, "9180", "/pay", body)
		s.send(t, "9180", "/fastPay", body)
	}
	s.gateway.handles(handlers["ok"])
}

// successWithCode is a proven reply with canaries in its responseData.
func (s *secretSites) successWithCode(c *call, code string) []byte {
	return s.gateway.signed(envelope(c.requestID(), code, "m", `{"x":"`+canaries["gateway's data"]+`"}`))
}

// gatewayHandlers are the ways in which the gateway replies, by name.
func (s *secretSites) gatewayHandlers(t *testing.T) map[string]func(net.Conn, *call) bool {
	t.Helper()
	released := newGate(t)
	forged := func(id string) string {
		return envelope(id, "200", canaries["forged reply"], `{"x":"`+canaries["forged reply"]+`"}`)
	}
	handlers := map[string]func(net.Conn, *call) bool{
		"closing": func(net.Conn, *call) bool { return false },
		"hanging": func(net.Conn, *call) bool { released.pass(); return false },
	}
	for name, reply := range map[string]func(c *call) []byte{
		"ok":         func(c *call) []byte { return s.successWithCode(c, "200") },
		"unsigned":   func(c *call) []byte { return httpResponse(200, forged(c.requestID())) },
		"forged":     func(c *call) []byte { return httpResponse(200, forged(c.requestID()), "signature", sign("", "")) },
		"HTML":       func(*call) []byte { return httpResponse(502, "<html>"+canaries["forged reply"]) },
		"of another": func(*call) []byte { return s.gateway.signed(forged("another")) },
		"no JSON":    func(*call) []byte { return s.gateway.signed(canaries["gateway's data"]) },
		"too large":  func(*call) []byte { return s.gateway.signed(strings.Repeat(canaries["gateway's data"], 200)) },
		"no HTTP":    func(*call) []byte { return []byte(canaries["forged reply"] + "\r\n\r\n") },
		"bad header": func(*call) []byte {
			return []byte("HTTP/1.1 200 OK\r\n" + canaries["forged reply"] + "\r\n" + canaries["card number"] + ":x:\x00\r\n\r\n")
		},
		"more than it announced": func(c *call) []byte { return append(s.successWithCode(c, "200"), canaries["forged reply"]...) },
		"bad length": func(*call) []byte {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: " + canaries["card number"] + "x\r\n\r\n")
		},
	} {
		handlers[name] = func(conn net.Conn, c *call) bool {
			_, err := conn.Write(reply(c))
			return err == nil
		}
	}
	return handlers
}

// callWithBadRequests makes calls that are refused, and one that reaches no gateway.
func (s *secretSites) callWithBadRequests(t *testing.T) {
	t.Helper()
	for _, bad := range []string{
		`{` + canaryCard + `,` + canaryCard + `}`,
		`{"` + canaries["card number"] + `":1,"` + canaries["card number"] + `":1}`,
		`{` + canaryCard,
		`{` + canaryCard + "\xff}",
		canaries["card number"],
		`{"apiOperation":"` + canaries["card number"] + `"}`,
		`{"requestData":{` + canaryCard + `}}`,
		`{` + canaryCard + `,"x":"` + strings.Repeat("x", 3000) + `"}`,
	} {
		s.send(t, "9180", "/pay", bad)
	}
	body := `{` + canaryCard + `}`
	s.send(t, "9180", "/pay", body, "Origin", "null")
	s.send(t, "9180", "/nothing", body)
	s.send(t, "9180", "/pay", body, "Content-Encoding", "gzip")
	s.send(t, "9181", "/pay", body)
	s.send(t, "9184", "/pay", body)
	put := s.do(t, http.MethodPut, s.url("9180")+"/pay", strings.NewReader(body))
	s.outputs["the answer to a PUT"] = put.body + fmt.Sprint(put.header)
}

// readAdminEndpoint reads the dumps of the admin endpoint, and its errors about wrong configurations.
func (s *secretSites) readAdminEndpoint(t *testing.T) {
	t.Helper()
	administer := func(method, path, contentType, body string) (int, string) {
		t.Helper()
		a := sendToAdmin(t, s.admin, method, path, body, "Content-Type", contentType)
		s.outputs["the admin endpoint's answer to "+method+" "+path+" "+contentType] += a.body + fmt.Sprint(a.header)
		return a.status, a.body
	}
	for _, path := range []string{"/config/", "/config/apps/galaxypay", "/config/apps/http/servers", "/metrics", "/debug/vars", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		if status, text := administer(http.MethodGet, path, "", ""); status != http.StatusOK || text == "" {
			t.Errorf("GET %s: HTTP %d: %s", path, status, text)
		}
	}
	for _, salt := range []string{"{env.TEST_PADDED}", "{env.TEST_UNSET}", "{file." + s.saltFile + "x}"} {
		bad := s.localise(t, mustAdapt(t, s.merchants(t, salt)))
		if status, text := administer(http.MethodPost, "/load", "application/json", string(bad)); status != http.StatusBadRequest {
			t.Errorf("salt %s: HTTP %d: %s", salt, status, text)
		}
	}
	administer(http.MethodPost, "/adapt", "text/caddyfile", dedent(s.caddyfile(t)))
}

func (s *secretSites) wantNoCanary(t *testing.T) {
	t.Helper()
	for where, text := range s.outputs {
		for what, canary := range canaries {
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("the %s is in %s: ...%s...", what, where, text[max(0, i-100):i+len(canary)])
			}
		}
	}
}
