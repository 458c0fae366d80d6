package galaxypay

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// The fuzz targets ask the standard library what a text says. It is independent of
// the scanner, so the two do not share a mistake.

// objectIn returns the members of a text that is one JSON object. What the sidecar
// refuses on purpose, and the standard library would let pass, counts as none: bytes
// that are not UTF-8, and names given twice at any depth.
func objectIn(text []byte) (map[string]json.RawMessage, bool) {
	if !json.Valid(text) || !utf8.Valid(text) || !inOneReading(json.NewDecoder(bytes.NewReader(text))) {
		return nil, false
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(text, &members)
	return members, err == nil && members != nil // null is not an object
}

// inOneReading reports whether the next value gives no name twice.
func inOneReading(d *json.Decoder) bool {
	opening, err := d.Token()
	if err != nil {
		return false
	}
	if delimiter, ok := opening.(json.Delim); !ok || delimiter != '{' && delimiter != '[' {
		return true
	}
	names := make(map[string]bool)
	for d.More() {
		if opening == json.Delim('{') {
			token, err := d.Token()
			name, _ := token.(string)
			if err != nil || names[name] {
				return false
			}
			names[name] = true
		}
		if !inOneReading(d) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}

// valueIn parses a JSON value; numbers keep their spelling.
func valueIn(value []byte) (parsed any) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	_ = d.Decode(&parsed) // an absent value is nil
	return parsed
}

// textIn returns a string or a number as text, "" for any other value.
func textIn(value []byte) string {
	switch parsed := valueIn(value).(type) {
	case string:
		return parsed
	case json.Number:
		return parsed.String()
	}
	return ""
}

// dataIn returns responseData as the app gets it: nil where there is none, and the
// object itself where a string holds it.
func dataIn(value []byte) []byte {
	text, ok := valueIn(value).(string)
	if _, isObject := objectIn([]byte(text)); ok && isObject {
		return []byte(text)
	}
	if string(value) == "null" {
		return nil
	}
	return value
}
