package galaxypay

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Outcome tells the app what it may do after a call that did not succeed.
type Outcome string

// The outcomes.
const (
	// NotSent: nothing reached the gateway; correct it and try again.
	NotSent Outcome = "not_sent"
	// Rejected: the gateway's proven answer is no.
	Rejected Outcome = "rejected"
	// Unknown: it may have been carried out. Wait for the IPN or ask query;
	// never pay again under a new id.
	Unknown Outcome = "unknown"
)

// Code is the stable name of a failure. Programs branch on it; titles and details
// are for people and may change.
type Code string

// The codes of the outbound side, some of them shared by callbacks.
const (
	CodeBodyInvalid              Code = "body_invalid"
	CodeCallerNotAllowed         Code = "caller_not_allowed"
	CodeOperationUnknown         Code = "operation_unknown"
	CodeMethodNotAllowed         Code = "method_not_allowed"
	CodeBodyTooLarge             Code = "body_too_large"
	CodeContentTypeUnsupported   Code = "content_type_unsupported"
	CodeFieldsInvalid            Code = "fields_invalid"
	CodeOverloaded               Code = "overloaded"
	CodeGatewayBadRequest        Code = "gateway_bad_request"
	CodeGatewayUnauthorized      Code = "gateway_unauthorized"
	CodePaymentExpired           Code = "payment_expired"
	CodePaymentCancelled         Code = "payment_cancelled"
	CodeAuthenticationFailed     Code = "authentication_failed"
	CodeTransactionDuplicate     Code = "transaction_duplicate"
	CodeProviderUnreachable      Code = "provider_unreachable"
	CodeProviderUnavailable      Code = "provider_unavailable"
	CodeProviderTimeout          Code = "provider_timeout"
	CodeResponseCodeUnexpected   Code = "response_code_unexpected"
	CodeResponseSignatureMissing Code = "response_signature_missing"
	CodeResponseSignatureInvalid Code = "response_signature_invalid"
	CodeResponseMalformed        Code = "response_malformed"
	CodeGatewayUnreachable       Code = "gateway_unreachable"
	CodeGatewayTimeout           Code = "gateway_timeout"
	CodeGatewayNoAnswer          Code = "gateway_no_answer"
)

// The codes of callbacks alone.
const (
	CodeSignatureInvalid  Code = "signature_invalid"
	CodeCallbackMalformed Code = "callback_malformed"
	CodeAppUnavailable    Code = "app_unavailable"
	CodeInboxUnavailable  Code = "inbox_unavailable"
)

// kinds holds, for each code, the HTTP status and the outcome that go with it.
// Callback codes have no outcome: nothing was to be sent.
var kinds = map[Code]struct {
	status  int
	outcome Outcome
}{
	CodeBodyInvalid:              {http.StatusBadRequest, NotSent},
	CodeCallerNotAllowed:         {http.StatusForbidden, NotSent},
	CodeOperationUnknown:         {http.StatusNotFound, NotSent},
	CodeMethodNotAllowed:         {http.StatusMethodNotAllowed, NotSent},
	CodeBodyTooLarge:             {http.StatusRequestEntityTooLarge, NotSent},
	CodeContentTypeUnsupported:   {http.StatusUnsupportedMediaType, NotSent},
	CodeFieldsInvalid:            {http.StatusUnprocessableEntity, NotSent},
	CodeOverloaded:               {http.StatusServiceUnavailable, NotSent},
	CodeGatewayBadRequest:        {http.StatusBadRequest, Rejected},
	CodeGatewayUnauthorized:      {http.StatusBadGateway, Rejected},
	CodePaymentExpired:           {http.StatusPaymentRequired, Rejected},
	CodePaymentCancelled:         {http.StatusPaymentRequired, Rejected},
	CodeAuthenticationFailed:     {http.StatusPaymentRequired, Rejected},
	CodeTransactionDuplicate:     {http.StatusConflict, Rejected},
	CodeProviderUnreachable:      {http.StatusBadGateway, Rejected},
	CodeProviderUnavailable:      {http.StatusServiceUnavailable, Rejected},
	CodeProviderTimeout:          {http.StatusGatewayTimeout, Unknown},
	CodeResponseCodeUnexpected:   {http.StatusBadGateway, Unknown},
	CodeResponseSignatureMissing: {http.StatusBadGateway, Unknown},
	CodeResponseSignatureInvalid: {http.StatusBadGateway, Unknown},
	CodeResponseMalformed:        {http.StatusBadGateway, Unknown},
	CodeGatewayUnreachable:       {http.StatusBadGateway, NotSent},
	CodeGatewayTimeout:           {http.StatusGatewayTimeout, Unknown},
	CodeGatewayNoAnswer:          {http.StatusBadGateway, Unknown},

	CodeSignatureInvalid:  {http.StatusForbidden, ""},
	CodeCallbackMalformed: {http.StatusBadRequest, ""},
	CodeAppUnavailable:    {http.StatusServiceUnavailable, ""},
	CodeInboxUnavailable:  {http.StatusServiceUnavailable, ""},
}

// refusals maps the gateway's response codes, other than 200, to ours.
// Source: the gateway's page "Response Codes", ten rows.
var refusals = map[string]Code{
	"400": CodeGatewayBadRequest,
	"401": CodeGatewayUnauthorized,
	"408": CodePaymentExpired,
	"409": CodeTransactionDuplicate,
	"499": CodePaymentCancelled,
	"502": CodeProviderUnreachable,
	"503": CodeProviderUnavailable,
	"504": CodeProviderTimeout,
	"505": CodeAuthenticationFailed,
}

// FieldError is one entry of a problem's errors: what is wrong with one field.
type FieldError struct {
	// Field is the dotted path of the field, for example "extraData.customer.email".
	Field string `json:"field"`
	// Code is the stable name of the fault.
	Code string `json:"code"`
	// Detail is a sentence for people.
	Detail string `json:"detail"`
}

// Problem is the body of every answer that is not a success: RFC 9457 with
// members of our own.
type Problem struct {
	// Type is the address of the failure's description.
	Type string `json:"type"`
	// Title is the failure in a few words.
	Title string `json:"title"`
	// Status repeats the HTTP status.
	Status int `json:"status"`
	// Detail says what is wrong here and what to do. It never holds a payload,
	// a key or a salt.
	Detail string `json:"detail"`
	// Code is the stable name of the failure.
	Code Code `json:"code"`
	// Outcome says whether the gateway may have acted; empty for callbacks.
	Outcome Outcome `json:"outcome,omitempty"`
	// Operation is the short name of the operation, where it is known.
	Operation string `json:"operation,omitempty"`
	// RequestID is the requestID of the message, where there is one.
	RequestID string `json:"requestID,omitempty"`
	// ResponseCode is the gateway's, from a proven answer only.
	ResponseCode string `json:"responseCode,omitempty"`
	// ResponseMessage is the gateway's, from a proven answer only.
	ResponseMessage string `json:"responseMessage,omitempty"`
	// Errors lists what is wrong field by field.
	Errors []FieldError `json:"errors,omitempty"`
}

// problemTypes is the page that describes every code, under a heading of its name.
const problemTypes = "https://github.com/galaxypay-sidecar/caddy-galaxypay/blob/main/docs/problems.md#"

// failure is why a request or a callback stops, before it is put into words.
type failure struct {
	code            Code
	detail          message
	args            []any // for the detail's verbs
	callback        bool  // of a callback, not of a call
	unproven        bool  // the gateway's word, but not proven: verify report
	operation       string
	requestID       string
	responseCode    string
	responseMessage string
	errors          []fieldFault
}

// fieldFault is what is wrong with one field, before it is put into words.
type fieldFault struct {
	field  string
	code   string
	detail message
	args   []any
}

func fail(code Code, detail message, args ...any) *failure {
	return &failure{code: code, detail: detail, args: args}
}

func (f *failure) status() int { return kinds[f.code].status }

// outcome is empty for callbacks: there, nothing was to be sent. A refusal that is
// not proven may be forged, so the payment may have been made.
func (f *failure) outcome() Outcome {
	switch {
	case f.callback:
		return ""
	case f.unproven:
		return Unknown
	}
	return kinds[f.code].outcome
}

// problem puts the failure into words of the given language.
func (f *failure) problem(in language) Problem {
	var errs []FieldError
	for _, e := range f.errors {
		errs = append(errs, FieldError{Field: e.field, Code: e.code, Detail: in.say(e.detail, e.args...)})
	}
	return Problem{
		Type:            problemTypes + string(f.code),
		Title:           in.title(f.code),
		Status:          f.status(),
		Detail:          in.say(f.detail, f.args...),
		Code:            f.code,
		Outcome:         f.outcome(),
		Operation:       f.operation,
		RequestID:       f.requestID,
		ResponseCode:    f.responseCode,
		ResponseMessage: f.responseMessage,
		Errors:          errs,
	}
}

// writeProblem answers with the failure as application/problem+json.
func writeProblem(w http.ResponseWriter, r *http.Request, f *failure) error {
	in := languageOf(r)
	body, _ := json.Marshal(f.problem(in)) // texts and a number: there is nothing to fail
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", string(in))
	return writeBody(w, f.status(), body)
}

// writeBody sends a whole body with its length.
func writeBody(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
