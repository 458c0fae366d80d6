package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"unicode/utf8"
)

// fields is a JSON object with its values left as they were written. A Go struct would
// accept orderid for orderID, and would lose how a number was spelled.
type fields map[string]json.RawMessage

var errNotText = errors.New("must be a string or a number")

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

// value is text for the catalogue, which tells operations apart by their fields.
func (f fields) value(name string) (string, bool) {
	text, _ := f.text(name)
	return text, text != ""
}

// has tells whether a field is there and says something.
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

// required takes a field that must be there and must not be empty.
func (r *reader) required(name string, maxLength int) string {
	value := r.optional(name, maxLength)
	if value == "" {
		r.fail(name, "is missing")
	}
	return value
}

// optional takes a field that may be left out. The longest lengths are those of the
// gateway's field tables, in characters; they also bound what a transaction can hold.
func (r *reader) optional(name string, maxLength int) string {
	value, err := r.fields.text(name)
	if err != nil {
		r.fail(name, err.Error())
		return ""
	}
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

// flag takes an optional true or false, as text or not.
func (r *reader) flag(name string, byDefault bool) bool {
	switch r.optional(name, 20) {
	case "":
		return byDefault
	case "true":
		return true
	case "false":
		return false
	}
	r.fail(name, "is neither true nor false")
	return byDefault
}

// address takes an optional URL to which a browser or an IPN can be sent.
func (r *reader) address(name string) *url.URL {
	value := r.optional(name, 500)
	if value == "" {
		return nil
	}
	address, err := url.Parse(value)
	if err != nil || address.Hostname() == "" || (address.Scheme != "http" && address.Scheme != "https") {
		r.fail(name, "is not an http or https URL")
		return nil
	}
	return address
}

func (r *reader) fail(name, reason string) {
	r.refuse(errors.New(name + " " + reason))
}

func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
}
