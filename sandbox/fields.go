package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// fields is a JSON object with its values left as they were written. A Go struct would
// accept orderid for orderID, and would lose how a number was spelled.
type fields map[string]json.RawMessage

func newFields(members []rawjson.Member) fields {
	f := make(fields, len(members))
	for _, m := range members {
		f[string(m.Name)] = m.Value
	}
	return f
}

var errNotText = errors.New(notText)

// text returns a field the way the gateway repeats it: a string's value, or the very
// literal of a number, so that 12.50 stays 12.50; true and false are taken like numbers.
// An absent field and null are "".
func (f fields) text(name string) (string, error) {
	literal := string(f[name])
	if literal == "" || literal == "null" {
		return "", nil
	}
	switch literal[0] {
	case '{', '[':
		return "", errNotText
	case '"':
		var value string
		err := json.Unmarshal(f[name], &value)
		return value, err
	}
	return literal, nil
}

// value is text for the catalogue, which distinguishes operations by their fields.
func (f fields) value(name string) (string, bool) {
	text, _ := f.text(name)
	return text, text != ""
}

// has reports whether a field is there and says something.
func (f fields) has(name string) bool {
	literal := string(f[name])
	return literal != "" && literal != "null" && literal != `""`
}

// reader takes fields one by one and keeps the first thing that is wrong with them, in
// words for the caller and without the field's value.
type reader struct {
	fields fields
	err    error
}

// maxText bounds what a transaction can hold, in bytes. It is above every length of the
// gateway's field tables, which the catalogue checks: those count characters, and no
// accents, of which a letter can have any number.
const maxText = 4 << 10

// required takes a field that must be there and must not be empty.
func (r *reader) required(name string) string {
	value := r.optional(name)
	if value == "" {
		r.fail(name, "is missing")
	}
	return value
}

// optional takes a field that may be left out.
func (r *reader) optional(name string) string {
	value, err := r.fields.text(name)
	if err != nil {
		r.fail(name, err.Error())
		return ""
	}
	if len(value) > maxText {
		r.fail(name, fmt.Sprintf("is longer than %d bytes", maxText))
		return ""
	}
	return value
}

// upTo is optional for a field that the catalogue does not know, with its greatest
// length in characters.
func (r *reader) upTo(name string, maxLength int) string {
	value := r.optional(name)
	if utf8.RuneCountInString(value) > maxLength {
		r.fail(name, fmt.Sprintf("is longer than %d characters", maxLength))
		return ""
	}
	return value
}

// list takes a mandatory array of texts.
func (r *reader) list(name string) []string {
	var list []string
	if json.Unmarshal(r.fields[name], &list) != nil || list == nil {
		r.fail(name, "is not an array of texts")
	}
	return list
}

const notFlag = "is neither true nor false"

// flag takes an optional true or false, as text or not. The catalogue does not list it for
// every operation that opens a payment, so it is judged here.
func (r *reader) flag(name string, byDefault bool) bool {
	switch r.optional(name) {
	case "":
		return byDefault
	case "true":
		return true
	case "false":
		return false
	}
	r.fail(name, notFlag)
	return byDefault
}

const notLink = "is not an absolute address"

// address takes an optional URL. What kind of address it must be is for the catalogue to
// judge.
func (r *reader) address(name string) *url.URL {
	value := r.optional(name)
	if value == "" {
		return nil
	}
	address, err := url.Parse(value)
	if err != nil {
		r.fail(name, notLink)
		return nil
	}
	return address
}

// browserAddress takes an optional address to which the customer's browser can be sent, an app's
// own scheme included. The payment page offers it to be clicked, so nothing that a
// browser runs or opens by itself may pass.
func (r *reader) browserAddress(name string) *url.URL {
	address := r.address(name)
	if address != nil && slices.Contains(ownSchemes, address.Scheme) {
		r.fail(name, notLink)
		return nil
	}
	return address
}

// ownSchemes are those that a browser handles in the page that names them, or on this
// machine.
var ownSchemes = []string{"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}

func (r *reader) fail(name, reason string) {
	r.refuse(errors.New(name + " " + reason))
}

func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
}

// faults takes the faults that the request names.
func (r *reader) faults() fault.Faults {
	description, _ := r.fields.text("orderDescription")
	requested, err := fault.Requested(r.fields["extraData"], description)
	if err != nil {
		r.refuse(err)
	}
	return requested
}
