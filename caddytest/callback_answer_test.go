package caddytest

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"
)

// The gateway gets the app's answer to an IPN.
func TestCallbackAnswerOfTheAppIsRelayed(t *testing.T) {
	long := strings.Repeat("ữ", 250)
	tests := []struct {
		name        string
		app         http.HandlerFunc
		status      string
		description string // "": not compared
	}{
		{"200 in a string", answering(200, `{"ipnStatus":"200","ipnDescription":"order updated"}`), "200", "order updated"},
		{"404 in a string", answering(200, `{"ipnStatus":"404","ipnDescription":"no such order"}`), "404", "no such order"},
		{"409 in a string", answering(200, `{"ipnStatus":"409","ipnDescription":"was done"}`), "409", "was done"},
		{"200 as a number", answering(200, `{"ipnStatus":200,"ipnDescription":"order updated"}`), "200", "order updated"},
		{"404 as a number", answering(200, `{"ipnStatus":404,"ipnDescription":"no such order"}`), "404", "no such order"},
		{"409 as a number", answering(200, `{"ipnStatus":409,"ipnDescription":"was done"}`), "409", "was done"},
		{"with HTTP 201", answering(201, `{"ipnStatus":"409","ipnDescription":"was done"}`), "409", "was done"},
		{"with HTTP 202", answering(202, `{"ipnStatus":"404"}`), "404", ""},
		{"with HTTP 299", answering(299, `{"ipnStatus":"404"}`), "404", ""},
		{"further fields", answering(200, `{"a":{"ipnStatus":"200"},"ipnStatus":"404","secret":"x","ipnDescription":"d"}`), "404", "d"},
		{"white space and escapes", answering(200, " {\r\n\t\"ipn\\u0053tatus\" : \"\\u0034\\u00309\" , \"ipnDescription\":\"a\\u0301\"}\n"), "409", "a\u0301"},
		{"behind a BOM", answering(200, "\ufeff"+`{"ipnStatus":"404"}`), "404", ""},
		{"not called JSON", answering(200, `{"ipnStatus":"404"}`, "Content-Type", "text/html"), "404", ""},
		{"compressed, for clients that accept it", compressing(`{"ipnStatus":"404","ipnDescription":"small"}`), "404", "small"},

		{"description in Vietnamese", answering(200, `{"ipnStatus":"200","ipnDescription":"Đã cập nhật đơn hàng"}`), "200", "Đã cập nhật đơn hàng"},
		{"description with HTML", answering(200, `{"ipnStatus":"200","ipnDescription":"<b>&\"\\"}`), "200", `<b>&"\`},
		{"description of 250 characters", answering(200, `{"ipnStatus":"200","ipnDescription":"`+long+`"}`), "200", long},
		{"description of 251 characters", answering(200, `{"ipnStatus":"200","ipnDescription":"`+long+`x"}`), "200", long},
		{"description of 10,000 characters", answering(200, `{"ipnStatus":"404","ipnDescription":"`+strings.Repeat("ă", 10_000)+`"}`), "404", strings.Repeat("ă", 250)},
		{"no description", answering(200, `{"ipnStatus":"200"}`), "200", ""},
		{"description empty", answering(200, `{"ipnStatus":"200","ipnDescription":""}`), "200", ""},
		{"description null", answering(200, `{"ipnStatus":"404","ipnDescription":null}`), "404", ""},
		{"description true", answering(200, `{"ipnStatus":"404","ipnDescription":true}`), "404", ""},
		{"description a list", answering(200, `{"ipnStatus":"404","ipnDescription":["x"]}`), "404", ""},
		{"description an object", answering(200, `{"ipnStatus":"404","ipnDescription":{"x":1}}`), "404", ""},

		// An empty body, a word that says yes, and any other JSON object mean 200.
		{"empty body", answering(200, ""), "200", ""},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "200", ""},
		{"text", answering(200, "OK", "Content-Type", "text/plain"), "200", ""},
		{"text, as JSON", answering(200, `"received"`), "200", ""},
		{"true", answering(200, "true"), "200", ""},
		{"another gateway's yes", answering(200, `{"RspCode":"00","Message":"Confirm Success"}`), "200", ""},
		{"no error", answering(200, `{"success":true,"error":null,"errors":[]}`), "200", ""},
		{"409 that says so", answering(409, `{"ipnStatus":"409","ipnDescription":"was done"}`), "409", "was done"},
		{"JSON without ipnStatus", answering(200, `{"status":"404"}`), "200", ""},
		{"another spelling of ipnStatus", answering(200, `{"IpnStatus":"404","ipnstatus":"404"}`), "200", ""},
		{"ipnStatus further inside", answering(200, `{"data":{"ipnStatus":"404"}}`), "200", ""},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			app.answers(test.app)
			a := ipnJSON.send(t, c, m, "Accept-Encoding", "gzip, br")
			description := a.wantIPNStatus(t, test.status)
			if test.description != "" && description != test.description {
				t.Errorf("description %q, want %q", description, test.description)
			}
			if n := utf8.RuneCountInString(description); n > 250 {
				t.Errorf("a description of %d characters", n)
			}
			app.only(t)
		})
	}
}

// Where the app gives no clear answer, the gateway gets 503, so that it sends the IPN again.
func TestCallbackAnswerUnclearIs503(t *testing.T) {
	statuses := map[string]http.HandlerFunc{
		"a bare 404":             answering(404, ""),
		"404 with an ipnStatus":  answering(404, `{"ipnStatus":"404"}`),
		"400":                    answering(400, `{"ipnStatus":"200"}`),
		"401":                    answering(401, ""),
		"403":                    answering(403, ""),
		"422":                    answering(422, ""),
		"429":                    answering(429, ""),
		"301":                    answering(301, "", "Location", "/elsewhere"),
		"302 to the login":       answering(302, "", "Location", "/login"),
		"304":                    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"500":                    answering(500, `{"ipnStatus":"200"}`),
		"502":                    answering(502, ""),
		"503":                    answering(503, ""),
		"599":                    answering(599, ""),
		"hangs up":               func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "") },
		"hangs up in the header": func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "HTTP/1.1 200 OK\r\nContent-") },
		"hangs up before the body": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n")
		},
		"hangs up in the body": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"ipnStatus\":\"200\"}")
		},
		"hangs up between chunks": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{\"ipnStatus\":\"200\"}\r\n")
		},
		"does not speak HTTP": func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "220 smtp.example ESMTP\r\n") },
		"409 and hangs up": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 409 Conflict\r\nContent-Length: 9\r\n\r\nwas ")
		},
		"HTML":                          answering(200, "<html>404</html>", "Content-Type", "text/html"),
		"in a list":                     answering(200, `[{"ipnStatus":"404"}]`),
		"ipnStatus 499":                 answering(200, `{"ipnStatus":"499"}`),
		"ipnStatus 500":                 answering(200, `{"ipnStatus":"500"}`),
		"ipnStatus 500 as a number":     answering(200, `{"ipnStatus":500}`),
		"ipnStatus 4040":                answering(200, `{"ipnStatus":"4040"}`),
		"ipnStatus empty":               answering(200, `{"ipnStatus":""}`),
		"ipnStatus null":                answering(200, `{"ipnStatus":null}`),
		"ipnStatus true":                answering(200, `{"ipnStatus":true}`),
		"ipnStatus in a list":           answering(200, `{"ipnStatus":["404"]}`),
		"invalid JSON":                  answering(200, `{"ipnStatus":"404"`),
		"trailing text":                 answering(200, `{"ipnStatus":"404"}<!-- -->`),
		"huge body":                     answering(200, `{"ipnStatus":"404","x":"`+strings.Repeat("x", 3<<20)+`"}`),
		"huge text":                     answering(200, strings.Repeat("x", 3<<20)),
		"bare 409":                      answering(409, ""),
		"409 with text":                 answering(409, "Conflict", "Content-Type", "text/plain"),
		"409 that says 200":             answering(409, `{"ipnStatus":"200"}`),
		"no success":                    answering(200, `{"success":false}`),
		"not ok":                        answering(200, `{"ok":false,"ipnDescription":"d"}`),
		"an error":                      answering(200, `{"error":"no such order"}`),
		"errors":                        answering(200, `{"errors":["x"]}`),
		"RspCode 01":                    answering(200, `{"RspCode":"01"}`),
		"return_code 0":                 answering(200, `{"return_code":0}`),
		"return_code -1":                answering(200, `{"return_code":"-1"}`),
		"a PHP warning":                 answering(200, "<br />\n<b>Warning</b>: x\n"+`{"ipnStatus":"200"}`, "Content-Type", "text/html"),
		"a login form":                  answering(200, "<form>", "Content-Type", "text/html"),
		"other text":                    answering(200, "Access denied", "Content-Type", "text/plain"),
		"an empty 200 of another Caddy": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "Caddy") },
		"switches protocols unasked": func(w http.ResponseWriter, _ *http.Request) {
			breakOff(w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	for name, answer := range statuses {
		t.Run(name, func(t *testing.T) {
			app.answers(answer)
			ipnJSON.send(t, c, m).wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
			// The same message again, now to an app that works: the sidecar keeps no state.
			app.answers(answering(200, ""))
			ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
		})
	}
	if len(c.logLines(t, "the app did not confirm an IPN")) != len(statuses) {
		t.Errorf("the log does not have every IPN that was not confirmed")
	}
}

// Routes after galaxypay_ipn need not lead to an app.
func TestCallbackAnswerOfRoutes(t *testing.T) {
	tests := []struct {
		name   string
		route  string
		status string // "": 503
	}{
		{"no handler", "", ""},
		{"an app that is down", "reverse_proxy " + deadAddress(t), ""},
		{"an app that is down, tried again", "reverse_proxy " + deadAddress(t) + " {\n lb_try_duration 50ms\n lb_try_interval 10ms\n }", ""},
		{"no upstream", "reverse_proxy", ""},
		{"abort", "abort", ""}, // panics with http.ErrAbortHandler
		{"error", "error 404", ""},
		{"a file that is not there", "root /nowhere\nfile_server", ""},
		{"respond 200", "respond 200", "200"},
		{"respond 409", "respond 409", ""},
		{"respond 409 that says so", "respond `{\"ipnStatus\":\"409\"}` 409", "409"},
		{"respond 404", "respond 404", ""},
		{"respond with an answer", "respond `{\"ipnStatus\":\"404\"}`", "404"},
		{"redir", "redir * /elsewhere", ""},
		// If the answer were compressed, the sidecar could not read it.
		{"encode", "encode {\n gzip\n minimum_length 1\n }\nheader Content-Type application/json\nrespond `{\"ipnStatus\":\"404\"}`", "404"},
	}
	m := signedMessage(paidMessage, sandboxSalt)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, sandboxMerchant+`
				http://:9181 {
					route /galaxypay/ipn {
						galaxypay_ipn
						`+test.route+`
					}
				}`)
			a := ipnJSON.send(t, c, m, "Accept-Encoding", "gzip")
			if test.status != "" {
				a.wantIPNStatus(t, test.status)
				return
			}
			a.wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
		})
	}
}

// Of the app's answer, the gateway gets the two fields and nothing else.
func TestCallbackAnswerHidesTheAppsHeaders(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	canaries := []string{
		"Set-Cookie", "canary=1", "X-Powered-By", "canary", "Location", "/canary", "ETag", `"canary"`, "Server", "canary",
		"Cache-Control", "public, canary", "Content-Language", "canary", "WWW-Authenticate", "canary", "Galaxypay-Payment-Status", "canary",
		"Link", "</canary>; rel=preload", "Content-Disposition", "canary",
	}
	for name, status := range map[string]int{"confirmed": 200, "confirmed, 409": 409, "not confirmed": 500, "not confirmed, 301": 301} {
		t.Run(name, func(t *testing.T) {
			word := map[int]string{409: "409"}[status]
			app.answers(answering(status, `{"ipnStatus":"`+cmp.Or(word, "200")+`","canary":"canary"}`, canaries...))
			a := ipnJSON.send(t, c, m)
			for name, values := range a.header {
				if strings.Contains(strings.Join(values, ","), "canary") {
					t.Errorf("the gateway got %s: %q", name, values)
				}
			}
			if strings.Contains(a.body, "canary") {
				t.Errorf("the gateway got %s", a.body)
			}
			if status == 200 || status == 409 {
				a.wantIPNStatus(t, map[int]string{200: "200", 409: "409"}[status])
			} else {
				a.wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
			}
		})
	}
}

// An app may send interim responses before its answer.
func TestCallbackAnswerAfterHints(t *testing.T) {
	app := newApp(t)
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</canary.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		answering(200, `{"ipnStatus":"409"}`)(w, r)
	})
	c := start(t, callbackSite(app, ""))
	a := ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt))
	a.wantIPNStatus(t, "409")
	if got := a.header.Get("Link"); got != "" {
		t.Errorf("the gateway got Link: %s", got)
	}
}

// An answer that arrives in pieces is one answer.
func TestCallbackAnswerInPieces(t *testing.T) {
	app := newApp(t)
	app.answers(func(w http.ResponseWriter, _ *http.Request) {
		flusher := http.NewResponseController(w)
		for _, piece := range []string{`{"ipnSta`, `tus":"4`, `09","ipnDescription":"Đ`, `ã xong"}`} {
			_, _ = io.WriteString(w, piece)
			_ = flusher.Flush()
		}
	})
	site := callbackSite(app, "")
	for name, config := range map[string]string{
		"as it comes": site,
		"flushed":     strings.ReplaceAll(site, "reverse_proxy "+app.address, "reverse_proxy "+app.address+" {\n flush_interval -1\n }"),
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, config)
			if got := ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "409"); got != "Đã xong" {
				t.Errorf("description %q", got)
			}
		})
	}
}

// A proxy that tries again must not confirm an IPN that the app never got whole.
func TestCallbackAnswerAfterProxyRetries(t *testing.T) {
	const retryPost = "lb_retries 3\n lb_retry_match {\n method POST\n }\n"
	tests := []struct {
		name      string
		upstreams string // in front of the app
		options   string
		hangUps   int64 // how often the app closes the connection first
		confirmed bool
	}{
		{"another upstream is down", deadAddress(t), "lb_policy first\n lb_retries 1\n fail_duration 30s\n", 0, true},
		{"the app hangs up, no retries of POST", "", "lb_retries 3\n", 1, false},
		{"the app hangs up, body not buffered", "", retryPost, 1, false},
		{"the app hangs up, body buffered", "", retryPost + "request_buffers 64KiB\n", 2, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			app := newApp(t)
			var asked atomic.Int64
			app.answers(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) <= test.hangUps {
					breakOff(w, "")
					return
				}
				answering(http.StatusOK, "")(w, r)
			})
			c := start(t, strings.ReplaceAll(callbackSite(app, ""),
				"reverse_proxy "+app.address, "reverse_proxy "+test.upstreams+" "+app.address+" {\n"+test.options+"}"))
			m := signedMessage(paidMessage, sandboxSalt)
			a := ipnJSON.send(t, c, m)
			calls := app.received()
			if !test.confirmed {
				a.wantCallbackRefused(t, http.StatusServiceUnavailable, "app_unavailable")
				return
			}
			a.wantIPNStatus(t, "200")
			provenCallback{target: ipnJSON.path(), kind: "ipn", status: "paid", message: paidMessage, from: m}.check(t, calls[len(calls)-1])
		})
	}
}
