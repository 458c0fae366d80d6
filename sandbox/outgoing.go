package sandbox

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

// outgoing is an answer on its way, signed and ready to send, for faults to spoil. A
// fault in what the answer says signs again, so that nothing else is wrong with it.
type outgoing struct {
	http.ResponseWriter
	request *http.Request
	salt    string
	body    []byte
	send    func(*outgoing)
}

// setBody takes a body and signs it.
func (o *outgoing) setBody(body []byte) {
	o.body = body
	o.setSignature(message.Sign(body, o.salt))
}

// setSignature does not use Set, which would send Signature; the documents spell the
// header in lower case.
func (o *outgoing) setSignature(signature string) {
	o.Header()["signature"] = []string{signature}
}

func (o *outgoing) sendWhole() { writeMessage(o, http.StatusOK, o.body) }

// The documents call many fields numeric that are strings in every published sample.
var quotedCode = regexp.MustCompile(`"(responseCode|transactionStatus)":"(0|[1-9][0-9]*)"`)

func numberCodes(o *outgoing) {
	o.setBody(quotedCode.ReplaceAll(o.body, []byte(`"$1":$2`)))
}

const unknownField = `"sandboxExtra":{"known":false,"list":[1,"2",null]}`

func addFields(o *outgoing) {
	o.changeData(func(data string) any { return json.RawMessage(withMember(data, unknownField)) })
	o.setBody([]byte(withMember(string(o.body), unknownField)))
}

func quoteData(o *outgoing) {
	o.changeData(func(data string) any { return data })
}

// changeData replaces responseData where it is an object.
func (o *outgoing) changeData(by func(data string) any) {
	o.change(func(m *message.Envelope) {
		if data, ok := m.ResponseData.(json.RawMessage); ok && bytes.HasPrefix(data, []byte("{")) {
			m.ResponseData = by(string(data))
		}
	})
}

// change changes what the answer says.
func (o *outgoing) change(by func(*message.Envelope)) {
	var data json.RawMessage
	m := message.Envelope{ResponseData: &data}
	if json.Unmarshal(o.body, &m) != nil {
		return
	}
	if m.ResponseData = nil; data != nil {
		m.ResponseData = data
	}
	by(&m)
	o.setBody(message.Encode(m))
}

// confuseCode says 00 in the place of 200, like a sample of the integration guide whose
// own table of codes does not know it.
func confuseCode(o *outgoing) {
	o.change(func(m *message.Envelope) {
		if m.ResponseCode == message.CodeSuccess {
			m.ResponseCode = "00"
		}
	})
}

func confuseRequest(o *outgoing) {
	o.change(func(m *message.Envelope) { m.RequestID = "another-request" })
}

func setBack(o *outgoing) { o.setBody(dayBefore(o.body)) }

// withMember appends a member to an object that may have none.
func withMember(object, member string) string {
	head := strings.TrimSuffix(object, "}")
	if head != "{" {
		head += ","
	}
	return head + member + "}"
}

func inflate(o *outgoing) {
	const size = 1 << 20
	frame := withMember(string(o.body), `"sandboxPadding":""`)
	padding := strings.Repeat("x", max(0, size-len(frame)))
	o.setBody([]byte(withMember(string(o.body), `"sandboxPadding":"`+padding+`"`)))
}

func empty(o *outgoing) { o.setBody(nil) }

func signWrongly(o *outgoing) { o.setSignature(message.Sign(o.body, o.salt+"?")) }

func unsign(o *outgoing) { delete(o.Header(), "signature") }

// tamper moves the answer by a thousand years: it stays well-formed and keeps its meaning,
// so nothing but its signature gives it away.
func tamper(o *outgoing) {
	o.body = bytes.Replace(o.body, []byte(`"responseDateTime":"2`), []byte(`"responseDateTime":"3`), 1)
}

// compress leaves the signature that of the text inside.
func compress(o *outgoing) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(o.body)
	_ = writer.Close()
	o.body = packed.Bytes()
	o.Header().Set("Content-Encoding", "gzip")
}

// A slow answer has this many pieces and pauses; the caller who leaves ends it.
const (
	dripPieces = 20
	dripPause  = 100 * time.Millisecond
)

func drip(o *outgoing) {
	o.send = func(o *outgoing) {
		o.sendHead()
		size := len(o.body)/dripPieces + 1
		for rest := o.body; len(rest) > 0; {
			n := min(size, len(rest))
			o.sendPiece(rest[:n])
			rest = rest[n:]
			o.wait(dripPause)
		}
	}
}

func cut(o *outgoing) {
	o.send = func(o *outgoing) {
		o.sendHead()
		o.sendPiece(o.body[:len(o.body)/2])
		hangUp()
	}
}

// sendHead promises the whole body.
func (o *outgoing) sendHead() {
	o.Header().Set("Content-Type", "application/json")
	o.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
	o.WriteHeader(http.StatusOK)
}

func (o *outgoing) sendPiece(piece []byte) {
	_, _ = o.Write(piece)
	_ = http.NewResponseController(o.ResponseWriter).Flush()
}

// wait ends early when the caller leaves.
func (o *outgoing) wait(d time.Duration) {
	ctx, stop := context.WithTimeout(o.request.Context(), d)
	defer stop()
	<-ctx.Done()
}

// blameProxy answers like a web server in front of a gateway that is down.
func blameProxy(o *outgoing) {
	o.send = func(o *outgoing) {
		unsign(o)
		o.Header().Del("Content-Encoding")
		o.Header().Set("Content-Type", "text/html")
		o.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(o, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")
	}
}

// hangTime is longer than most callers wait, and short enough that none is kept for good.
const hangTime = 60 * time.Second

func hang(o *outgoing) {
	o.send = func(o *outgoing) {
		o.wait(hangTime)
		hangUp()
	}
}

func reset(o *outgoing) {
	o.send = func(*outgoing) { hangUp() }
}
