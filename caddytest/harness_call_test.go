package caddytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// call is a request as the gateway gets it over the wire.
type call struct {
	line   string // such as POST /api/v1/transaction/pay HTTP/1.1
	header []line // in their order and spelling
	body   string
}

// line is one header line.
type line struct{ name, value string }

// readCall reads one request with a Content-Length. The sidecar sends no other requests.
func readCall(in *bufio.Reader) (*call, error) {
	c := new(call)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		text = strings.TrimSuffix(text, "\r\n")
		if text == "" && c.line != "" {
			break
		}
		if c.line == "" {
			c.line = text
			continue
		}
		name, value, _ := strings.Cut(text, ": ")
		c.header = append(c.header, line{name, value})
	}
	length, _ := strconv.Atoi(c.value("Content-Length"))
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	c.body = string(body)
	return c, nil
}

// value returns the first header with this name, in any spelling.
func (c *call) value(name string) string {
	for _, h := range c.header {
		if strings.EqualFold(h.name, name) {
			return h.value
		}
	}
	return ""
}

// path is the request's target.
func (c *call) path() string {
	_, rest, _ := strings.Cut(c.line, " ")
	path, _, _ := strings.Cut(rest, " ")
	return path
}

// requestID is that of the envelope.
func (c *call) requestID() string {
	var envelope struct {
		RequestID any `json:"requestID"`
	}
	_ = json.Unmarshal([]byte(c.body), &envelope)
	return fmt.Sprint(envelope.RequestID)
}

// raw is the request as it was on the wire.
func (c *call) raw() []byte {
	var b bytes.Buffer
	b.WriteString(c.line + "\r\n")
	for _, h := range c.header {
		fmt.Fprintf(&b, "%s: %s\r\n", h.name, h.value)
	}
	b.WriteString("\r\n" + c.body)
	return b.Bytes()
}

// requestData takes requestData out of an envelope that the sidecar has made, byte for byte.
func (c *call) requestData(t *testing.T) string {
	t.Helper()
	m := madeEnvelope.FindStringSubmatch(c.body)
	if m == nil {
		t.Fatalf("the gateway got %q, want the sidecar's envelope", c.body)
	}
	return m[3]
}

// madeEnvelope is the only shape of the envelopes that the sidecar makes: requestID,
// requestDateTime, requestData.
var madeEnvelope = regexp.MustCompile(`(?s)^\{"requestID":"([A-Za-z0-9-]{1,50})","requestDateTime":"([0-9]{14})","requestData":(\{.*\})\}$`)

// payment is what tests post where the content does not matter.
const payment = `{"orderID":"ORDER-1","orderAmount":12.50,"orderCurrency":"USD","orderDateTime":"20260615190000",` +
	`"orderDescription":"Cà phê","paymentMethod":"DOMESTIC","transactionID":"2306154612216981190343178"}`

// paid is the responseData of the gateway's default reply.
const paid = `{"endpoint":"https://pay.example/1"}`
