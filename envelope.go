package galaxypay

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// gatewayZone is the time zone of the gateway's clock. Its documents name no time
// zone; the official Node sample formats in UTC+7, the time of Vietnam.
var gatewayZone = time.FixedZone("UTC+7", 7*60*60)

// gatewayTime is the layout yyyyMMddHHmmss of every date-time in its messages.
const gatewayTime = "20060102150405"

// field is a name and a JSON value that the sidecar adds to requestData.
type field struct {
	name  string
	value []byte
}

// request is what the app posted, taken apart only as far as wrapping needs it.
// Its slices alias the body that was read.
type request struct {
	object    []byte           // the posted object, without white space around it unless enveloped
	data      []rawjson.Member // the members of requestData
	enveloped bool             // the app sent its own envelope, which goes out as it is
	requestID string           // of the app's own envelope, else given by wrap; "" if there is none
	dateTime  string           // requestDateTime of the app's own envelope; "" if there is none
	key       string           // the app's Idempotency-Key; "" if there is none
	repeated  string           // a name that decides and is in it twice, in whatever letter case; "" if there is none
}

// mayRepeat reports whether an earlier call can have brought the same requestID: it is the app's.
func (r *request) mayRepeat() bool { return r.enveloped || r.key != "" }

// parseRequest reads the body of an app's request. A top-level requestData object
// makes it an envelope of the app's own; look-alikes deeper inside do not.
func parseRequest(body []byte) (request, *rawjson.Error) {
	top, err := rawjson.Members(body)
	if err != nil {
		return request{}, err
	}
	req := request{object: bytes.Trim(body, " \t\r\n"), data: top}
	inner := rawjson.Find(top, "requestData")
	if len(inner) == 0 || inner[0] != '{' {
		req.repeated = repeatedName(top, callNames)
		return req, nil
	}

	req.enveloped = true
	req.object = body
	req.requestID = rawjson.Scalar(rawjson.Find(top, "requestID"))
	req.dateTime = rawjson.Scalar(rawjson.Find(top, "requestDateTime"))
	req.data, err = rawjson.Members(inner)
	req.repeated = cmp.Or(repeatedName(top, ownEnvelopeNames), repeatedName(req.data, callNames))
	return req, err
}

// pathTo is the dotted path of a field of requestData in what the app posted.
func (r *request) pathTo(field string) string {
	if r.enveloped {
		return "requestData." + field
	}
	return field
}

// has reports whether requestData holds a member of that name that says something: null
// and "" count as left out.
func (r *request) has(name string) bool { return !operation.IsEmpty(rawjson.Find(r.data, name)) }

// text returns a string or number of requestData as text, "" for anything else.
func (r *request) text(name string) string { return rawjson.Scalar(rawjson.Find(r.data, name)) }

// fill writes the values of fields in the places of members that are null or "", and
// returns the fields that have no such place. Every other byte of the object stays.
func (r *request) fill(fields []field) []field {
	var object []byte
	done := 0 // so much of the old object
	for i := range r.data {
		m := &r.data[i]
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == string(m.Name) })
		if at < 0 {
			continue
		}
		start := cap(r.object) - cap(m.Value) // both end where the body does
		object = append(object, r.object[done:start]...)
		object = append(object, fields[at].value...)
		done = start + len(m.Value)
		m.Value = fields[at].value
		fields = slices.Delete(fields, at, at+1)
	}
	if object != nil {
		r.object = append(object, r.object[done:]...)
	}
	return fields
}

// appendEnvelope appends the message for the gateway to dst: the app's own
// envelope untouched, or a new one around the posted object, whose bytes stay as
// they are, with added behind its last member.
func appendEnvelope(dst []byte, req *request, now time.Time, added []field) []byte {
	if req.enveloped {
		return append(dst, req.object...)
	}
	dst = append(dst, `{"requestID":"`...)
	dst = append(dst, req.requestID...) // hex digits, letters and hyphens only
	dst = append(dst, `","requestDateTime":"`...)
	dst = now.In(gatewayZone).AppendFormat(dst, gatewayTime)
	dst = append(dst, `","requestData":`...)
	dst = append(dst, req.object[:len(req.object)-1]...)
	for i, f := range added {
		if i > 0 || len(req.data) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, f.name...) // checked when the configuration was read
		dst = append(dst, `":`...)
		dst = append(dst, f.value...)
	}
	return append(dst, "}}"...)
}

// envelope is a message of the gateway, taken apart: what a reply consists of, or what a
// callback's data holds. Its slices alias the text.
type envelope struct {
	requestID    string
	responseCode string
	message      []byte // the value of responseMessage; nil where absent
	data         []byte // responseData as received; nil where absent or null
	text         []byte // the whole of it
}

// responseMessage is what a refusal says to people.
func (e *envelope) responseMessage() string { return rawjson.Scalar(e.message) }

// utf8BOM is what some .NET writers put in front of JSON.
const utf8BOM = "\xef\xbb\xbf"

// parseEnvelope takes a message of the gateway apart.
func parseEnvelope(text []byte) (envelope, *rawjson.Error) {
	text = bytes.TrimPrefix(text, []byte(utf8BOM))
	var room [8]rawjson.Member // more than the gateway sends
	top, err := rawjson.AppendMembers(room[:0], text)
	if err != nil {
		return envelope{}, err
	}
	if repeatedName(top, envelopeNames) != "" {
		return envelope{}, &rawjson.Error{Fault: rawjson.Duplicate}
	}
	e := envelope{
		requestID:    rawjson.Scalar(rawjson.Find(top, "requestID")),
		responseCode: codeText(rawjson.Find(top, "responseCode")),
		message:      rawjson.Find(top, "responseMessage"),
		data:         plainData(rawjson.Find(top, "responseData")),
		text:         text,
	}
	if e.requestID == "" { // payment links spell it this way
		e.requestID = rawjson.Scalar(rawjson.Find(top, "requestId"))
	}
	return e, nil
}

// The names of members that decide: in the gateway's envelope and its responseData, and in an app's own envelope and requestData.
// Those that an operation fixes are checked with the operation.
var (
	envelopeNames = []string{"responseCode", "responseData"} // of requestID the documents have two spellings
	paymentNames  = []string{
		"transactionID", "transactionStatus", "transactionStage", "orderID", "orderNo", "orderAmount", "orderCurrency", "endpoint", "token", "tokenization",
	}
	ownEnvelopeNames = []string{"requestID", "requestDateTime", "requestData"}
	callNames        = []string{
		"orderID", "orderAmount", "orderNetAmount", "orderFeeAmount", "orderDiscountAmount", "orderCurrency", "transactionID",
		"paymentMethod", "sourceType", "isAutoCapture", "cardNumber", "token", "ipnURL",
	}
)

// repeatedName is the first of the names that stands twice, in whatever letter case; "" if there is none. A parser that does not
// care for the case reads another member than one that does: the two would not agree on whether a payment was made, or of what.
func repeatedName(members []rawjson.Member, names []string) string {
	for _, name := range names {
		found := 0
		for i := range members {
			// No spelling of a name in other letters is shorter: those that are not ASCII take more bytes.
			if len(members[i].Name) >= len(name) && strings.EqualFold(string(members[i].Name), name) {
				found++
			}
		}
		if found > 1 {
			return name
		}
	}
	return ""
}

// codeText is the text of a responseCode, without a copy of the one that nearly
// every answer has.
func codeText(value []byte) string {
	const success = "200"
	if code, ok := rawjson.Unquote(value); ok && string(code) == success {
		return success
	}
	return rawjson.Scalar(value)
}

// plainData takes a JSON object out of the JSON string that some message may
// carry it in; every other value stays as it is.
func plainData(value []byte) []byte {
	if string(value) == "null" {
		return nil
	}
	if text, ok := rawjson.Unquote(value); ok && rawjson.IsObject(text) {
		return text
	}
	return value
}

// isHeaderText reports whether s can be written in an HTTP header without changing:
// a requestID is repeated to the app in Galaxypay-Request-Id.
func isHeaderText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
