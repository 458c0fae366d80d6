package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// call is a request's envelope: who asks for what.
type call struct {
	requestID string
	data      fields // requestData
	faults    []fault
}

// parseCall reads an envelope. What could be read of it is returned with the error too,
// because a refusal repeats the requestID where there is one.
func parseCall(body []byte) (call, error) {
	var envelope fields
	if !utf8.Valid(body) || json.Unmarshal(body, &envelope) != nil || envelope == nil {
		return call{}, errors.New("the body is not one JSON object in UTF-8")
	}
	read := reader{fields: envelope}
	c := call{requestID: read.required("requestID", 50)}
	read.required("requestDateTime", 14)
	if json.Unmarshal(envelope["requestData"], &c.data) != nil || c.data == nil {
		read.fail("requestData", "is missing or not an object")
	}
	inside := reader{fields: c.data}
	c.faults = inside.faults()
	read.refuse(inside.err)
	return c, read.err
}

// message is the envelope of everything the gateway says: its answers, and its callbacks
// before they are wrapped in Base64. All values are strings, as in every published
// sample, although the tables call many of them numeric.
type message struct {
	RequestID        string `json:"requestID"`
	ResponseDateTime string `json:"responseDateTime"`
	ResponseCode     string `json:"responseCode"`
	ResponseMessage  string `json:"responseMessage"`
	ResponseData     any    `json:"responseData,omitempty"`
}

// encode writes compact JSON that leaves Vietnamese letters and <>& as they are. It is
// for values that cannot fail to encode: structs of strings and numbers.
func encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
