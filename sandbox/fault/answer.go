package fault

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// Answer is the answer to a request, signed and ready to send. A fault in the message
// signs it again, so that nothing else is wrong with it.
type Answer struct {
	http.ResponseWriter
	request *http.Request
	salt    string
	body    []byte
	send    func(*Answer)
}

// Send signs a body and answers the request with it, after these faults have struck. The
// HTTP status is 200.
func (f Faults) Send(w http.ResponseWriter, r *http.Request, body []byte, salt string) {
	a := &Answer{ResponseWriter: w, request: r, salt: salt, send: (*Answer).sendWhole}
	a.setBody(body)
	for _, one := range f {
		if one.answer != nil {
			one.answer(a)
		}
	}
	a.send(a)
}

// setBody takes a body and signs it.
func (a *Answer) setBody(body []byte) {
	a.body = body
	a.setSignature(message.Sign(body, a.salt))
}

// setSignature does not use Set, which would send Signature; the documents spell the
// header in lower case.
func (a *Answer) setSignature(signature string) {
	a.Header()["signature"] = []string{signature}
}

func (a *Answer) sendWhole() {
	a.Header().Set("Cache-Control", "no-store")
	a.sendHead()
	_, _ = a.Write(a.body)
}

// change changes the message.
func (a *Answer) change(by func(*message.Envelope)) {
	var data json.RawMessage
	m := message.Envelope{ResponseData: &data}
	if json.Unmarshal(a.body, &m) != nil {
		return
	}
	if m.ResponseData = nil; data != nil {
		m.ResponseData = data
	}
	by(&m)
	a.setBody(message.Encode(m))
}

// changeData replaces responseData where it is an object.
func (a *Answer) changeData(by func(data string) any) {
	a.change(func(m *message.Envelope) {
		if data, ok := m.ResponseData.(json.RawMessage); ok && bytes.HasPrefix(data, []byte("{")) {
			m.ResponseData = by(string(data))
		}
	})
}

// code00 says 00 in the place of 200, like a sample of the integration guide whose own
// table of codes does not know it.
func code00(a *Answer) {
	a.change(func(m *message.Envelope) {
		if m.ResponseCode == message.CodeSuccess {
			m.ResponseCode = "00"
		}
	})
}

func otherRequestID(a *Answer) {
	a.change(func(m *message.Envelope) { m.RequestID = "another-request" })
}

func dayBehind(a *Answer) { a.setBody(dayBefore(a.body)) }

var stamped = regexp.MustCompile(`"responseDateTime":"([0-9]{14})"`)

// dayBefore moves the time of a message back by one day.
func dayBefore(text []byte) []byte {
	return stamped.ReplaceAllFunc(text, func(member []byte) []byte {
		then, err := time.Parse(message.StampLayout, string(stamped.FindSubmatch(member)[1]))
		if err != nil {
			return member
		}
		return []byte(`"responseDateTime":"` + then.AddDate(0, 0, -1).Format(message.StampLayout) + `"`)
	})
}

const unknownField = `"sandboxExtra":{"known":false,"list":[1,"2",null]}`

func extraFields(a *Answer) {
	a.changeData(func(data string) any { return json.RawMessage(withMember(data, unknownField)) })
	a.setBody([]byte(withMember(string(a.body), unknownField)))
}

// withMember appends a member to an object that may have none.
func withMember(object, member string) string {
	head := strings.TrimSuffix(object, "}")
	if head != "{" {
		head += ","
	}
	return head + member + "}"
}

func dataAsString(a *Answer) {
	a.changeData(func(data string) any { return data })
}

// The documents call many fields numeric that are strings in every published sample.
var quotedCode = regexp.MustCompile(`"(responseCode|transactionStatus)":"(0|[1-9][0-9]*)"`)

func codesAsNumbers(a *Answer) {
	a.setBody(quotedCode.ReplaceAll(a.body, []byte(`"$1":$2`)))
}

func pad(a *Answer) {
	const size = 1 << 20
	frame := withMember(string(a.body), `"sandboxPadding":""`)
	padding := strings.Repeat("x", max(0, size-len(frame)))
	a.setBody([]byte(withMember(string(a.body), `"sandboxPadding":"`+padding+`"`)))
}

func empty(a *Answer) { a.setBody(nil) }

func signWithOtherSalt(a *Answer) { a.setSignature(message.Sign(a.body, a.salt+"?")) }

func removeSignature(a *Answer) { delete(a.Header(), "signature") }

// tamper moves the answer by a thousand years: it stays well-formed and keeps its meaning,
// so nothing but its signature gives it away.
func tamper(a *Answer) {
	a.body = bytes.Replace(a.body, []byte(`"responseDateTime":"2`), []byte(`"responseDateTime":"3`), 1)
}

// gzipBody leaves the signature that of the text inside.
func gzipBody(a *Answer) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(a.body)
	_ = writer.Close()
	a.body = packed.Bytes()
	a.Header().Set("Content-Encoding", "gzip")
}

// A slow answer has this many pieces and pauses; it ends when the caller leaves.
const (
	slowPieces = 20
	slowPause  = 100 * time.Millisecond
)

func sendSlowly(a *Answer) {
	a.send = func(a *Answer) {
		a.sendHead()
		size := len(a.body)/slowPieces + 1
		for rest := a.body; len(rest) > 0; {
			n := min(size, len(rest))
			a.sendPiece(rest[:n])
			rest = rest[n:]
			a.wait(slowPause)
		}
	}
}

func cut(a *Answer) {
	a.send = func(a *Answer) {
		a.sendHead()
		a.sendPiece(a.body[:len(a.body)/2])
		hangUp()
	}
}

// sendHead promises the whole body.
func (a *Answer) sendHead() {
	a.Header().Set("Content-Type", "application/json")
	a.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	a.WriteHeader(http.StatusOK)
}

func (a *Answer) sendPiece(piece []byte) {
	_, _ = a.Write(piece)
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// wait ends early when the caller leaves.
func (a *Answer) wait(d time.Duration) {
	ctx, stop := context.WithTimeout(a.request.Context(), d)
	defer stop()
	<-ctx.Done()
}

// html502 answers like a web server in front of a gateway that is down.
func html502(a *Answer) {
	a.send = func(a *Answer) {
		removeSignature(a)
		a.Header().Del("Content-Encoding")
		a.Header().Set("Content-Type", "text/html")
		a.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(a, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")
	}
}

// hangTime is longer than most callers wait, and short enough that none waits for ever.
const hangTime = 60 * time.Second

func hang(a *Answer) {
	a.send = func(a *Answer) {
		a.wait(hangTime)
		hangUp()
	}
}

func resetConnection(a *Answer) {
	a.send = func(*Answer) { hangUp() }
}
