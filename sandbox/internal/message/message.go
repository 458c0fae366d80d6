// Package message is the form of what the gateway says: the envelope of answers and
// callbacks, the Base64 in which callbacks travel, their signature and their time stamps.
//
// It is written from the gateway's documents and shares no code with the sidecar, so that
// a mistake in one of the two cannot hide behind the same mistake in the other.
package message

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"
)

// CodeSuccess is the response code of what went well (the gateway's page "Response
// Codes").
const CodeSuccess = "200"

// Envelope is what the gateway says: its answers, and its callbacks before they are
// wrapped in Base64. All values are strings, as in every published sample, although the
// tables call many of them numeric.
type Envelope struct {
	RequestID        string `json:"requestID"`
	ResponseDateTime string `json:"responseDateTime"`
	ResponseCode     string `json:"responseCode"`
	ResponseMessage  string `json:"responseMessage"`
	ResponseData     any    `json:"responseData,omitempty"`
}

// Encode writes compact JSON that leaves Vietnamese letters and <>& as they are. It is
// for values that cannot fail to encode: structs of strings and numbers.
func Encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// Callback is a callback as it travels: the message in Base64, and the signature of that
// text, not of the message inside.
type Callback struct {
	Data      string `json:"data"`
	Signature string `json:"signature,omitempty"`
}

// Seal wraps and signs a callback.
func Seal(m any, salt string) Callback {
	data := base64.StdEncoding.EncodeToString(Encode(m))
	return Callback{Data: data, Signature: Sign([]byte(data), salt)}
}

// Text is the message inside of a callback that Seal made.
func (c Callback) Text() []byte {
	text, _ := base64.StdEncoding.DecodeString(c.Data) // what Seal encoded
	return text
}

// Vietnam is UTC+7 the whole year. The documents name no time zone; the gateway's own
// Node.js sample converts to this one.
var Vietnam = time.FixedZone("UTC+7", 7*60*60)

// StampLayout is yyyyMMddHHmmss.
const StampLayout = "20060102150405"

// Stamp writes a time the way the gateway does.
func Stamp(t time.Time) string { return t.In(Vietnam).Format(StampLayout) }
