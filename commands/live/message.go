package live

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// envelopeMembers are those of a callback that stand beside its responseData.
var envelopeMembers = []string{"requestID", "responseDateTime", "responseCode", "responseMessage"}

// dataMembers are those of its responseData, in the order of the gateway's samples.
var dataMembers = []string{
	"transactionID", "transactionDateTime", "transactionStatus", "transactionDescription", "paymentMethod", "sourceType",
	"orderID", "orderNumber", "orderAmount", "orderCurrency", "orderDateTime", "orderDescription", "language",
}

// settable are the members that --set knows.
func settable() []string { return slices.Concat(envelopeMembers, dataMembers) }

// words is how the gateway says a payment status. A pending one has no published sample: it is that of an open transaction.
type words struct{ code, message, status, description string }

var statusWords = map[string]words{
	"paid":      {"200", "Transaction is successful.", "200", "Success"},
	"cancelled": {"499", "Canceled by user", "499", "Canceled by user"},
	"expired":   {"408", "Transaction is expired.", "408", "Transaction expired"},
	"failed":    {"505", "Authentication failed", "505", "Payment failed"},
	"pending":   {"200", "Transaction is not completed.", "", "Transaction is not completed."},
}

// statuses are the payment statuses that a message alone can have.
var statuses = []string{"paid", "cancelled", "expired", "failed", "pending"}

// message is a callback before it is signed. All values are texts, as in the gateway's samples.
type message map[string]string

// newMessage is the message of a kind about an order. The gateway's page "Cancel Callback" has no member of apiVersion 2.
func newMessage(kind, status string, now time.Time) message {
	w, stamp := statusWords[status], vietnamTime(now)
	m := message{
		"requestID": randomHex(), "responseDateTime": stamp, "responseCode": w.code, "responseMessage": w.message,
		"transactionID": stamp + randomHex()[:11], "transactionDateTime": stamp,
		"orderNumber": "1", "orderCurrency": "VND", "orderDateTime": stamp, "orderDescription": "caddy galaxypay trigger", "language": "vi",
	}
	if kind != "cancel" {
		m["transactionStatus"], m["transactionDescription"] = w.status, w.description
		m["paymentMethod"], m["sourceType"] = "DOMESTIC", "970437"
	}
	return m
}

// vietnamTime writes a time as the gateway does: yyyyMMddHHmmss in UTC+7.
func vietnamTime(t time.Time) string {
	return t.In(time.FixedZone("UTC+7", 7*60*60)).Format("20060102150405")
}

// randomHex is a name that no other message has, of 32 hex digits.
func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// text is the message as JSON, with its members in the order of the gateway's samples.
func (m message) text() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	m.write(&b, envelopeMembers)
	b.WriteString(`,"responseData":{`)
	m.write(&b, dataMembers)
	b.WriteString("}}")
	return b.Bytes()
}

func (m message) write(b *bytes.Buffer, names []string) {
	first := true
	for _, name := range names {
		value, given := m[name]
		if !given {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(`"` + name + `":`)
		b.Write(quoted(value))
	}
}

// quoted is a text as JSON, with <, > and & as they are.
func quoted(text string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text can be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// signedMessage is a callback as it travels.
type signedMessage struct {
	Data      string `json:"data"`
	Signature string `json:"signature"`
}

func (m message) sign(core Core, salt []byte) signedMessage {
	data := base64.StdEncoding.EncodeToString(m.text())
	return signedMessage{data, core.Sign([]byte(data), salt)}
}

// set changes members by "name=value". The error is a wrong usage, which names the nearest one.
func (m message) set(assignments []string) error {
	seen := make(map[string]bool)
	for _, assignment := range assignments {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return command.Usage("--set: expected NAME=VALUE, got %q", "--set: cần TÊN=GIÁ_TRỊ, không phải %q", assignment)
		}
		if !slices.Contains(settable(), name) {
			return unknownMember(name)
		}
		if seen[name] {
			return command.Usage("--set: %s is given twice", "--set: %s xuất hiện hai lần", name)
		}
		seen[name] = true
		m[name] = value
	}
	return nil
}

func unknownMember(name string) error {
	if near := nearest(name, settable()); near != "" {
		return command.Usage("--set: a callback has no member %q; did you mean %s?", "--set: callback không có trường %q; có phải %s không?", name, near)
	}
	known := strings.Join(settable(), ", ")
	return command.Usage("--set: a callback has no member %q; known are %s", "--set: callback không có trường %q; các trường là %s", name, known)
}
