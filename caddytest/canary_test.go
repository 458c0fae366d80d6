package caddytest

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// canarySites is a sidecar with everything on: calls, callbacks, an inbox, a ledger, the desk, metrics and the admin endpoint. Its secrets, and
// the cards of its customers, are canaries. It collects what comes out, by where it comes out.
type canarySites struct {
	deskSidecar
	file    string // of the store
	outputs map[string]string
}

func newCanarySites(t *testing.T, encrypt string) *canarySites {
	t.Helper()
	g := newGateway(t)
	g.apiKey, g.salt = canaries["api key"], canaries["salt"]
	t.Setenv("TEST_PREVIOUS", canaries["previous salt"])
	c := &canarySites{file: inboxFile(t), outputs: make(map[string]string)}
	store := "store sqlite " + c.file + " {\n" + encrypt + "\n}\nprevious_salt {env.TEST_PREVIOUS}\nreconcile off\n"
	c.deskSidecar = newDeskSidecarAt(t, g, store, "10ms", `
		http://:9182 {
			log
			metrics
		}
		http://:9183 {
			log
			galaxypay {
				validate off
				timeout 300ms
			}
			galaxypay_guard
		}
		http://:9184 {
			handle /result {
				galaxypay_result
				respond "thank you"
			}
			handle /ipn {
				galaxypay_ipn
				respond 500
			}
		}
		http://:9186 {
			log
			galaxypay_desk {
				messages on
			}
		}`)
	return c
}

// keep keeps an answer. A success is the app's own data.
func (c *canarySites) keep(where string, a httpAnswer) httpAnswer {
	where = fmt.Sprintf("%d: %s: HTTP %d", len(c.outputs), where, a.status)
	c.outputs[where+", headers"] = fmt.Sprint(a.header)
	if a.status != http.StatusOK {
		c.outputs[where] = a.body
	}
	return a
}

// page keeps what people see, whatever its status.
func (c *canarySites) page(where, text string) {
	c.outputs[fmt.Sprintf("%d: %s", len(c.outputs), where)] = text
}

// makeCalls makes a call of each kind, to a gateway that replies in every way.
func (c *canarySites) makeCalls(t *testing.T) {
	t.Helper()
	site := c.url("9183")
	body := func(number int) string {
		return fmt.Sprintf(`{"orderID":"C-%d","transactionID":"T-%d","orderAmount":109000,"orderCurrency":"VND",%s}`, number, number, canaryCard)
	}
	operations := []string{"pay", "fastPay", "query", "refund", "createToken", "deleteToken", "payWithToken", "capture", "void"}
	hostile := &secretSites{gateway: c.gateway}
	number := 0
	for name, handler := range hostile.gatewayHandlers(t) {
		for _, operation := range operations {
			number++
			c.gateway.handles(handler)
			c.keep(operation+" to a gateway: "+name, c.post(t, site+"/"+operation, body(number), "Idempotency-Key", fmt.Sprint("canary-", number)))
			if name == "hanging" {
				break // for its timeout
			}
		}
	}
	for _, code := range []string{"400", "401", "408", "409", "499", "503", "505", "999", canaries["card number"]} {
		c.gateway.replies(func(call *call) []byte {
			return c.gateway.signed(envelope(call.requestID(), code, "refused: "+canaries["card number"]+" "+canaries["token"]+" "+canaries["CVV"], ""))
		})
		for _, operation := range []string{"pay", "fastPay"} {
			number++
			key := fmt.Sprint("canary-", number)
			for range 2 { // the second is answered by the ledger
				c.keep(operation+" refused with "+code, c.post(t, site+"/"+operation, body(number), "Idempotency-Key", key))
			}
		}
	}
	c.keep("no JSON", c.post(t, site+"/pay", `{"cardNumber":`+canaries["card number"]+`,`+canaries["CVV"]))
	c.keep("no operation", c.post(t, site+"/nothing", body(0)))
}

// sendCallbacks sends proven and refused callbacks. The app refuses, and then takes them.
func (c *canarySites) sendCallbacks(t *testing.T, message string) {
	t.Helper()
	c.answers(map[string]string{"pay": transactionAnswer, "query": paidAnswer})
	c.boundSidecar.call(t, "/pay", order, "Idempotency-Key", orderKey).wantOK(t, transactionAnswer)
	c.boundSidecar.app.answers(answering(http.StatusInternalServerError, canaries["token"], "X-Token", canaries["token"], "Location", "/"+canaries["card number"]))
	proven := signedMessage(message, canaries["salt"])
	c.keep("an IPN", ipnJSON.send(t, c.caddyServer, proven))
	eventually(t, "a dead event", func() bool { return strings.Contains(c.desk(t, "?list=dead").body, "A-1") })
	earlier := strings.Replace(message, "20260102030405", "20260102030406", 1)
	c.keep("an IPN by the previous salt", ipnForm.send(t, c.caddyServer, signedMessage(earlier, canaries["previous salt"])))
	site := c.url("9184")
	for name, m := range map[string]callback{
		"proven":              proven,
		"by another salt":     signedMessage(message, "another salt"),
		"unsigned":            {data: proven.data},
		"no Base64":           signedData("{"+canaries["card number"], canaries["salt"]),
		"no JSON":             signedMessage(canaries["card number"]+canaries["CVV"], canaries["salt"]),
		"the salt as message": signedData(canaries["salt"], canaries["salt"]),
	} {
		c.keep("result: "+name, c.get(t, site+"/result?"+m.form()))
		c.keep("result by a form: "+name, c.postForm(t, site+"/result", m.form()))
		c.keep("IPN: "+name, c.post(t, site+"/ipn", m.json()))
	}
	c.keep("IPN: no callback", c.post(t, site+"/ipn", canaries["card number"]))
}

// runCommands runs what an operator runs, and reads the admin endpoint.
func (c *canarySites) runCommands(t *testing.T, message string) {
	t.Helper()
	for _, args := range [][]string{
		{"payments", "list"}, {"payments", "list", "--json"}, {"payments", "show", "A-1"}, {"payments", "show", "A-1", "--json"},
		{"payments", "export"}, {"payments", "export", "--csv"}, {"payments", "query", orderKey},
		{"inbox", "list"}, {"inbox", "list", "--json"}, {"inbox", "stats"},
	} {
		printed, err := c.command(t, args[0], args[1:]...)
		c.page(fmt.Sprint("caddy galaxypay ", args), fmt.Sprint(printed, err))
	}
	folder := t.TempDir()
	signed, file := filepath.Join(folder, "message"), filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(signed, []byte(signedMessage(message, canaries["salt"]).json()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(dedent(c.config)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_SALT", canaries["salt"])
	for _, args := range [][]string{
		{"decode", "--message", "@" + signed, "--salt", "{env.TEST_SALT}"},
		{"decode", "--message", "@" + signed, "--salt", "{env.TEST_PREVIOUS}", "--language", "vi"},
		{"verify", "--message", "@" + signed, "--salt", "{env.TEST_SALT}"},
		{"verify", "--message", "@" + signed, "--salt", "{env.TEST_PREVIOUS}"},
		{"doctor", "--config", file}, {"doctor", "--config", file, "--json"},
	} {
		run := runGalaxypay(t, "", args...)
		c.page(fmt.Sprint("caddy galaxypay ", args), run.stdout+run.stderr)
	}
	for _, path := range []string{"payments/", "payments/list", "payments/export", "events/", "events/stats"} {
		c.page("admin "+path, sendToAdmin(t, c.socket, http.MethodGet, "/galaxypay/"+path, "").body)
	}
	c.page("admin /config/", sendToAdmin(t, c.socket, http.MethodGet, "/config/", "").body)
}

var eventLink = regexp.MustCompile(`href="(\?event=[^"]*)"`)

// openDesk opens the pages of the desk, and replays an event.
func (c *canarySites) openDesk(t *testing.T) {
	t.Helper()
	events := 0
	for _, query := range []string{"", "?id=A-1", "?id=" + orderKey, "?list=dead", "?list=unknown", "?list=disputed", "?list=silent", "?language=vi&id=A-1"} {
		a := c.desk(t, query)
		c.page("the desk "+query, a.body+fmt.Sprint(a.header))
		for _, link := range eventLink.FindAllStringSubmatch(a.body, -1) {
			events++
			c.page("the desk "+link[1], c.desk(t, html.UnescapeString(link[1])).body)
		}
	}
	if events == 0 {
		t.Error("the desk shows no event")
	}
	c.boundSidecar.app.answers(answering(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"ok"}`))
	c.boundSidecar.app.received()
	links := deedLinks(c.desk(t, "?list=dead"))
	if len(links) == 0 {
		t.Fatal("no button")
	}
	c.page("a deed", c.postForm(t, c.deskURL(), c.question(t, links[0])).body)
	c.delivered(t)
	c.page("metrics", c.metrics(t, "9182"))
}

// readStore returns what stands in the files of the store, as they are while it is open.
func (c *canarySites) readStore(t *testing.T) (text string, files int) {
	t.Helper()
	names, err := filepath.Glob(c.file + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(content)
	}
	return text, len(names)
}

// Everything that the sidecar can do is done, with the log at debug level. No secret, no card and no token is in the log, in an answer that is
// not the app's own data, in metrics, on the pages of the desk, in what commands print, or in the files of the store.
func TestCanaries(t *testing.T) {
	for name, test := range map[string]struct {
		encrypt string
		inStore []string // may not stand there
	}{
		"encrypted": {"encrypt 2026 " + strings.Repeat("0f", 32), []string{"api key", "salt", "previous salt", "card number", "CVV", "card holder", "token", "gateway's data"}},
		"plain":     {"", []string{"api key", "salt", "previous salt", "card number", "CVV", "card holder", "token"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCanarySites(t, test.encrypt)
			message := paidMessage
			if test.encrypt != "" {
				message = strings.Replace(paidMessage, `"language":"vi"`, `"language":"vi",`+canaryCard, 1)
			}
			c.makeCalls(t)
			c.sendCallbacks(t, message)
			c.runCommands(t, message)
			c.openDesk(t)
			stored, files := c.readStore(t)
			if files < 2 || !strings.Contains(stored, "A-1") {
				t.Errorf("%d files of the store, with %d bytes", files, len(stored))
			}
			for _, what := range test.inStore {
				if at := strings.Index(stored, canaries[what]); at >= 0 {
					t.Errorf("the %s is in the store: %q", what, stored[max(0, at-200):at+len(canaries[what])])
				}
			}
			c.mustLoad(t, "{\nadmin off\n}\n") // after it the sites have logged all requests
			c.page("the log", c.logs(t))
			wantCanaryFree(t, c.outputs)
			wantSeen(t, c.gateway)
		})
	}
}

// wantCanaryFree checks that no output has a canary, in any of the spellings that it can have in one.
func wantCanaryFree(t *testing.T, outputs map[string]string) {
	t.Helper()
	for where, text := range outputs {
		for what, canary := range canaries {
			for _, spelling := range []string{canary, url.QueryEscape(canary), html.EscapeString(canary)} {
				if at := strings.Index(text, spelling); at >= 0 {
					t.Errorf("the %s is in %s: ...%s", what, where, text[max(0, at-300):at+len(spelling)])
					break
				}
			}
		}
	}
}

// wantSeen checks that the canaries were where they belong: with the gateway. The test proves nothing otherwise.
func wantSeen(t *testing.T, g *gateway) {
	t.Helper()
	cards := 0
	for _, call := range g.calls() {
		if strings.Contains(call.body, canaries["card number"]) && call.value("apiKey") == canaries["api key"] {
			cards++
		}
	}
	if cards < 20 {
		t.Errorf("the gateway got %d cards", cards)
	}
}
