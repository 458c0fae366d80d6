package caddytest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// replyFault is one way for a gateway to answer a call that has arrived whole.
type replyFault struct {
	name   string
	result result // how the call ends
	done   []bool // whether the call was carried out: which of the two can be
	// reply is what is sent in the place of the true answer, whose body is given.
	reply func(g *gateway, c *call, body string) []byte
	end   ending // what becomes of the connection
}

// ending is what a gateway does after a reply.
type ending int

const (
	stay    ending = iota // the connection is kept
	fin                   // it is closed
	rst                   // it is reset
	silence               // it is kept, and nothing comes any more
)

// faultyGateway is a gateway that answers some calls with a fault.
type faultyGateway struct {
	*gateway
	mu      sync.Mutex
	planned map[string]plannedReply // by requestID
}

type plannedReply struct {
	fault  *replyFault
	isDone bool // the call is carried out all the same
}

func newFaultyGateway(t *testing.T, e *executions) *faultyGateway {
	t.Helper()
	g := &faultyGateway{gateway: newGateway(t), planned: make(map[string]plannedReply)}
	g.handles(func(conn net.Conn, c *call) bool {
		e.arrive(c)
		p := g.plannedFor(c.requestID())
		switch {
		case p.fault == nil:
			_, err := conn.Write(g.signed(e.answer(c)))
			return err == nil
		case p.isDone:
			return p.fault.play(g.gateway, conn, c, e.answer(c))
		}
		return p.fault.play(g.gateway, conn, c, envelope(c.requestID(), "200", "Success", successOf("refund", c.requestID())))
	})
	return g
}

// plan makes the gateway answer every call with a requestID so; without a fault, it answers truly again.
func (g *faultyGateway) plan(requestID string, p plannedReply) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.planned[requestID] = p
}

func (g *faultyGateway) plannedFor(requestID string) plannedReply {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.planned[requestID]
}

// play replies to a call, and reports whether the connection is kept.
func (f *replyFault) play(g *gateway, conn net.Conn, c *call, body string) bool {
	_, err := conn.Write(f.reply(g, c, body))
	switch f.end {
	case silence:
		_, _ = io.Copy(io.Discard, conn) // until the sidecar gives up
		return false
	case rst:
		resetOnClose(conn)
	}
	return err == nil && f.end == stay
}

// replyFaults are the faults.
func replyFaults() []replyFault {
	list := brokenReplies()
	for _, add := range [][]replyFault{unprovenReplies(), unreadableReplies(), refusingReplies(), wholeReplies()} {
		list = append(list, add...)
	}
	return list
}

var (
	either    = []bool{true, false}
	doneOnly  = []bool{true}
	notDone   = []bool{false}
	untouched = func(g *gateway, _ *call, body string) []byte { return g.signed(body) }
)

// brokenReplies end before they are complete, or are not HTTP.
func brokenReplies() (list []replyFault) {
	inChunks := func(g *gateway, body string) []byte { return chunked(body, 20, "signature", sign(body, g.salt)) }
	relabelled := func(length func(n int) string) func(*gateway, *call, string) []byte {
		return func(g *gateway, _ *call, body string) []byte {
			return bytes.Replace(g.signed(body), fmt.Appendf(nil, "Content-Length: %d", len(body)), []byte(length(len(body))), 1)
		}
	}
	plain := func(text string) func(*gateway, *call, string) []byte {
		return func(*gateway, *call, string) []byte { return []byte(text) }
	}
	longer := relabelled(func(n int) string { return fmt.Sprintf("Content-Length: %d", n+1) })
	for name, reply := range map[string]func(*gateway, *call, string) []byte{
		"no answer": plain(""),
		"a chunk is cut in its size": func(g *gateway, _ *call, body string) []byte {
			r := inChunks(g, body)
			return r[:bytes.LastIndex(r, []byte("14\r\n"))+1]
		},
		"a chunk is cut": func(g *gateway, _ *call, body string) []byte {
			r := inChunks(g, body)
			return r[:bytes.LastIndex(r, []byte("14\r\n"))+9]
		},
		"the last chunk is missing": func(g *gateway, _ *call, body string) []byte {
			return bytes.TrimSuffix(inChunks(g, body), []byte("0\r\n\r\n"))
		},
		"the last chunk is cut": func(g *gateway, _ *call, body string) []byte {
			return bytes.TrimSuffix(inChunks(g, body), []byte("\r\n\r\n"))
		},
		"a chunk is shorter than it says": func(g *gateway, _ *call, body string) []byte {
			return bytes.Replace(inChunks(g, body), []byte("\r\n14\r\n"), []byte("\r\n15\r\n"), 1)
		},
		"a chunk has no size": func(g *gateway, _ *call, body string) []byte {
			return bytes.Replace(inChunks(g, body), []byte("\r\n14\r\n"), []byte("\r\nzz\r\n"), 1)
		},
		"Content-Length one more":        longer,
		"Content-Length a thousand more": relabelled(func(n int) string { return fmt.Sprintf("Content-Length: %d", n+1000) }),
		"Content-Length below zero":      relabelled(func(int) string { return "Content-Length: -1" }),
		"Content-Length not a number":    relabelled(func(int) string { return "Content-Length: many" }),
		"two Content-Lengths":            relabelled(func(n int) string { return fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d", n, n-1) }),
		"half of a gzip stream": func(g *gateway, _ *call, body string) []byte {
			packed := gzipped(body)
			return httpResponse(http.StatusOK, packed[:len(packed)/2], "Content-Encoding", "gzip", "signature", sign(body, g.salt))
		},
		"no HTTP":                  plain("SSH-2.0-OpenSSH_9.7\r\n"),
		"a strange status line":    plain("HTTP/1.1 OK\r\n\r\n"),
		"a header without a colon": plain("HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n"),
		"100 Continue alone":       plain("HTTP/1.1 100 Continue\r\n\r\n"),
		"early hints alone":        plain("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
		"another protocol":         plain("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
	} {
		list = append(list, replyFault{name + ", FIN", gatewayNoAnswer, either, reply, fin}, replyFault{name + ", RST", gatewayNoAnswer, either, reply, rst})
	}
	return append(list,
		replyFault{"no answer, silence", gatewayTimeout, either, plain(""), silence},
		replyFault{"half an answer, silence", gatewayTimeout, either, func(g *gateway, _ *call, body string) []byte {
			reply := g.signed(body)
			return reply[:len(reply)/2]
		}, silence},
		replyFault{"Content-Length one more, silence", gatewayTimeout, either, longer, silence},
		replyFault{"the last chunk is missing, silence", gatewayTimeout, either, func(g *gateway, _ *call, body string) []byte {
			return bytes.TrimSuffix(inChunks(g, body), []byte("0\r\n\r\n"))
		}, silence},
		replyFault{"Content-Length one less", "response_signature_invalid", either, relabelled(func(n int) string { return fmt.Sprintf("Content-Length: %d", n-1) }), stay},
	)
}

// unprovenReplies have no signature, or one that does not fit.
func unprovenReplies() (list []replyFault) {
	const missing, invalid = "response_signature_missing", "response_signature_invalid"
	with := func(signature func(g *gateway, body string) []string) func(*gateway, *call, string) []byte {
		return func(g *gateway, _ *call, body string) []byte {
			return httpResponse(http.StatusOK, body, signature(g, body)...)
		}
	}
	refused := func(status int, code string) func(*gateway, *call, string) []byte {
		return func(_ *gateway, c *call, _ string) []byte {
			return httpResponse(status, envelope(c.requestID(), code, "m", ""))
		}
	}
	list = []replyFault{
		{"no signature", missing, either, with(func(*gateway, string) []string { return nil }), stay},
		{"a wrong signature", invalid, either, with(func(*gateway, string) []string { return []string{"signature", strings.Repeat("0", 64)} }), stay},
		{"a cut signature", invalid, either, with(func(g *gateway, body string) []string { return []string{"signature", sign(body, g.salt)[:63]} }), stay},
		{"a signature with another salt", invalid, either, with(func(_ *gateway, body string) []string { return []string{"signature", sign(body, "another salt")} }), stay},
		{"two signatures", invalid, either, with(func(g *gateway, body string) []string {
			return []string{"signature", sign(body, g.salt), "signature", sign(body, g.salt)}
		}), stay},
		{"another byte in the body", invalid, either, func(g *gateway, _ *call, body string) []byte {
			reply := g.signed(body)
			reply[len(reply)-3] ^= 1
			return reply
		}, stay},
		{"a redirect", missing, either, func(g *gateway, _ *call, _ string) []byte {
			return httpResponse(http.StatusTemporaryRedirect, "", "Location", g.url+"/elsewhere")
		}, stay},
		{"an empty 200", missing, either, func(*gateway, *call, string) []byte { return httpResponse(http.StatusOK, "") }, stay},
		{"HTTP 408 of a proxy", missing, either, func(*gateway, *call, string) []byte {
			return httpResponse(http.StatusRequestTimeout, "", "Connection", "close")
		}, fin},
	}
	for _, status := range []int{401, 403, 404, 429, 500, 502, 503, 504} {
		page := httpResponse(status, "<html><h1>"+http.StatusText(status)+"</h1></html>")
		list = append(list, replyFault{fmt.Sprintf("HTTP %d and a web page", status), missing, either, func(*gateway, *call, string) []byte { return page }, stay})
	}
	for _, code := range []string{"400", "401", "408", "409", "499", "502", "503", "504", "505"} {
		list = append(list, replyFault{"an unsigned " + code, missing, either, refused(http.StatusOK, code), stay})
	}
	return append(list, replyFault{"an unsigned 401 with HTTP 401", missing, either, refused(http.StatusUnauthorized, "401"), stay})
}

// unreadableReplies are proven, and say nothing about the call that can be gone by.
func unreadableReplies() (list []replyFault) {
	const malformed = "response_malformed"
	for name, body := range map[string]func(c *call, body string) string{
		"an answer to another request": func(c *call, body string) string { return strings.ReplaceAll(body, c.requestID(), "another-request") },
		"an answer without a requestID": func(_ *call, body string) string {
			return `{"responseCode":"200"` + body[strings.LastIndex(body, "}"):]
		},
		"responseCode twice": func(_ *call, body string) string { return `{"responseCode":"400",` + body[1:] },
		"cut JSON":           func(_ *call, body string) string { return body[:len(body)/2] },
		"an array":           func(_ *call, body string) string { return "[" + body + "]" },
		"text":               func(*call, string) string { return "OK" },
		"nothing":            func(*call, string) string { return "" },
		"more than max_body": func(*call, string) string { return strings.Repeat(" ", maxBody+1) },
	} {
		list = append(list, replyFault{"signed: " + name, malformed, either, func(g *gateway, c *call, whole string) []byte { return g.signed(body(c, whole)) }, stay})
	}
	for _, code := range []string{"00", "0", "201", "500", ""} {
		list = append(list, replyFault{fmt.Sprintf("signed: responseCode %q", code), "response_code_unexpected", either, refusing(http.StatusOK, code), stay})
	}
	return append(list,
		replyFault{"signed: 504", "provider_timeout", either, refusing(http.StatusOK, "504"), stay},
		replyFault{"signed: 504 with HTTP 504", "provider_timeout", either, refusing(http.StatusGatewayTimeout, "504"), stay})
}

func refusing(status int, code string) func(*gateway, *call, string) []byte {
	return func(g *gateway, c *call, _ string) []byte {
		body := envelope(c.requestID(), code, "m", "")
		return httpResponse(status, body, "signature", sign(body, g.salt))
	}
}

// refusingReplies are proven and say no.
func refusingReplies() (list []replyFault) {
	for code, r := range map[string]result{
		"400": "gateway_bad_request", "401": "gateway_unauthorized", "408": "payment_expired", "499": "payment_cancelled",
		"502": "provider_unreachable", "503": "provider_unavailable", "505": "authentication_failed",
	} {
		list = append(list, replyFault{"signed: " + code, r, notDone, refusing(http.StatusOK, code), stay})
	}
	return append(list,
		replyFault{"signed: 502 with HTTP 502", "provider_unreachable", notDone, refusing(http.StatusBadGateway, "502"), stay},
		replyFault{"signed: 503 with HTTP 503", "provider_unavailable", notDone, refusing(http.StatusServiceUnavailable, "503"), stay})
}

// wholeReplies are the true answer in an unusual form.
func wholeReplies() (list []replyFault) {
	for name, framing := range framings {
		end := stay
		if strings.Contains(name, "ends") {
			end = fin
		}
		list = append(list, replyFault{"whole: " + name, answeredWhole, doneOnly, func(g *gateway, _ *call, body string) []byte {
			return framing(body, "signature", sign(body, g.salt))
		}, end})
	}
	return append(list,
		replyFault{"whole: early hints before", answeredWhole, doneOnly, func(g *gateway, _ *call, body string) []byte {
			return append([]byte("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"), g.signed(body)...)
		}, stay},
		replyFault{"whole: with HTTP 500", answeredWhole, doneOnly, func(g *gateway, _ *call, body string) []byte {
			return httpResponse(http.StatusInternalServerError, body, "signature", sign(body, g.salt))
		}, stay},
		replyFault{"whole: then closed", answeredWhole, doneOnly, untouched, fin},
		replyFault{"whole: with more than was announced", answeredWhole, doneOnly, func(g *gateway, _ *call, body string) []byte {
			return append(g.signed(body), "HTTP/1.1 200 OK\r\n"...)
		}, stay})
}
