// Package problem is how the sidecar says no: a code and an outcome for programs, a
// sentence in the reader's language for people, as RFC 9457 has it.
//
// Each way to fail is one function, which brings the code, the sentence in both languages
// and what the sentence needs to know. A new one needs nothing else but a code, where none
// fits.
package problem

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
)

// Problem is why a call or a callback stops.
type Problem struct {
	// Code is the stable name of the problem.
	Code Code

	// Outcome says whether the gateway may have acted. It is that of the code, unless more
	// is known; empty for callbacks, where nothing was to be sent.
	Outcome Outcome

	// Operation is the short name of the operation, RequestID the requestID of the
	// envelope, where they are known.
	Operation string
	RequestID string

	// ResponseCode and ResponseMessage are the gateway's.
	ResponseCode    string
	ResponseMessage string

	// Fields is what is wrong field by field.
	Fields []Field

	detail sentence
	status int // 0: that of the code
}

// sentence is a text for people, with the arguments for its verbs.
type sentence struct {
	text language.Text
	args []any
}

func say(en, vi string, args ...any) sentence {
	return sentence{language.Both(en, vi), args}
}

func (s sentence) in(tag language.Tag) string {
	return fmt.Sprintf(s.text.In(tag), s.args...)
}

func of(code Code, detail sentence) *Problem {
	return &Problem{Code: code, Outcome: code.Outcome(), detail: detail}
}

// Status is the HTTP status of the answer: that of the code, unless more is known.
func (p *Problem) Status() int { return cmp.Or(p.status, p.Code.Status()) }

// Body is a problem as programs read it: RFC 9457 with members of our own.
type Body struct {
	// Type is the address of the problem's description.
	Type string `json:"type"`
	// Title is the problem in a few words.
	Title string `json:"title"`
	// Status repeats the HTTP status.
	Status int `json:"status"`
	// Detail says what is wrong here and what to do. It never holds a payload, a key or
	// a salt.
	Detail string `json:"detail"`
	// Code is the stable name of the problem.
	Code Code `json:"code"`
	// Outcome says whether the gateway may have acted; empty for callbacks.
	Outcome Outcome `json:"outcome,omitempty"`
	// Operation is the short name of the operation, where it is known.
	Operation string `json:"operation,omitempty"`
	// RequestID is the requestID of the envelope, where there is one.
	RequestID string `json:"requestID,omitempty"`
	// ResponseCode is the gateway's.
	ResponseCode string `json:"responseCode,omitempty"`
	// ResponseMessage is the gateway's.
	ResponseMessage string `json:"responseMessage,omitempty"`
	// Errors lists what is wrong field by field.
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is one entry of a body's errors.
type FieldError struct {
	// Field is the dotted path of the field, for example "extraData.customer.email".
	Field string `json:"field"`
	// Code is the stable name of the fault.
	Code string `json:"code"`
	// Detail is a sentence for people.
	Detail string `json:"detail"`
}

// pages is the page that describes every code, under a heading of its name.
const pages = "https://github.com/galaxypay-sidecar/caddy-galaxypay/blob/main/docs/problems.md#"

// Body puts the problem into words of a language.
func (p *Problem) Body(in language.Tag) Body {
	var errs []FieldError
	for _, f := range p.Fields {
		errs = append(errs, FieldError{Field: f.Name, Code: f.Code, Detail: f.detail.in(in)})
	}
	return Body{
		Type:            pages + string(p.Code),
		Title:           p.Code.Title().In(in),
		Status:          p.Status(),
		Detail:          p.detail.in(in),
		Code:            p.Code,
		Outcome:         p.Outcome,
		Operation:       p.Operation,
		RequestID:       p.RequestID,
		ResponseCode:    p.ResponseCode,
		ResponseMessage: p.ResponseMessage,
		Errors:          errs,
	}
}

// Write answers the request with the problem, in the language that it prefers.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) error {
	in := language.Of(r)
	body, _ := json.Marshal(p.Body(in)) // texts and a number: there is nothing to fail
	w.Header().Set("Content-Language", string(in))
	return respond.Whole(w, p.Status(), "application/problem+json", body)
}
