package doctor

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Difference is where the text that was signed and the given one begin to differ.
type Difference struct {
	// Offset counts bytes from 0 on.
	Offset int `json:"offset"`
	// Signed and Given are the next bytes of the two texts, in quotation marks, with what must not be seen as dots; "" at the end.
	Signed string `json:"signed"`
	Given  string `json:"given"`
	// SignedBytes and GivenBytes are the lengths of the two texts.
	SignedBytes int `json:"signedBytes"`
	GivenBytes  int `json:"givenBytes"`
}

// SaltDifference is what stands around the salt that has signed, or around the given one. It shows nothing but line ends, blanks,
// quotation marks and marks that cannot be seen.
type SaltDifference struct {
	SignedBytes int `json:"signedBytes"`
	GivenBytes  int `json:"givenBytes"`
	// Before and After are the bytes that one of them has more; "" for none, and where anything else is different.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// The lengths of what is shown of two texts. In Base64 a few characters are enough.
const (
	shownOfJSON   = 8
	shownOfBase64 = 4
)

func differenceOf(signed, given []byte, secrets [][]byte) *Difference {
	if bytes.Equal(signed, given) {
		return nil
	}
	at := 0
	for at < len(signed) && at < len(given) && signed[at] == given[at] {
		at++
	}
	length := shownOfBase64
	if treeOf(signed) != nil || treeOf(given) != nil {
		length = shownOfJSON
	}
	return &Difference{
		Offset: at, SignedBytes: len(signed), GivenBytes: len(given),
		Signed: shown(signed, at, length, secrets), Given: shown(given, at, length, secrets),
	}
}

// private finds values that are not shown: card data, tokens, and every long number.
var private = regexp.MustCompile(`(?i)\\*"(?:card\w*|cvv|token|account\w*|\w*name|phone|email|\w*address|\w*apikey)\\*"\s*:\s*\\*"?[^",}]*|[0-9]{9,}`)

// shown is a piece of a text, without anything secret.
func shown(text []byte, at, length int, secrets [][]byte) string {
	if at >= len(text) {
		return ""
	}
	hidden := hiddenBytes(text, secrets)
	var out []byte
	for i := at; i < len(text) && i < at+length; i++ {
		if hidden[i] {
			out = append(out, '*')
			continue
		}
		out = append(out, text[i])
	}
	for utf8.RuneStart(text[at]) && len(out) > 1 && !utf8.Valid(out) && utf8.Valid(text) { // no half letter at the end
		out = out[:len(out)-1]
	}
	return quoted(out)
}

func hiddenBytes(text []byte, secrets [][]byte) []bool {
	hidden := make([]bool, len(text))
	hide := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
	}
	for _, span := range private.FindAllIndex(text, -1) {
		hide(span[0], span[1])
	}
	for _, secret := range secrets {
		for from := 0; len(secret) > 0; {
			at := bytes.Index(text[from:], secret)
			if at < 0 {
				break
			}
			hide(from+at, from+at+len(secret))
			from += at + 1
		}
	}
	return hidden
}

// quoted shows bytes as a text in quotation marks; what cannot be seen as \n, \x00 or \ufeff.
func quoted(text []byte) string { return strconv.Quote(string(text)) }

// saltDifferenceOf compares the salt that has signed with the one that it was made of.
func saltDifferenceOf(signed, given []byte) *SaltDifference {
	d := &SaltDifference{SignedBytes: len(signed), GivenBytes: len(given)}
	long, short := signed, given
	if len(long) < len(short) {
		long, short = short, long
	}
	at := bytes.Index(long, short)
	if at < 0 {
		return d
	}
	before, after := long[:at], long[at+len(short):]
	if isHarmless(before) && isHarmless(after) {
		d.Before, d.After = quotedOrNone(before), quotedOrNone(after)
	}
	return d
}

func quotedOrNone(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	return quoted(text)
}

// isHarmless reports whether nothing of a secret is in a text.
func isHarmless(text []byte) bool {
	for _, r := range string(text) {
		if !slices.Contains([]rune(" \t\r\n\x00\"'`“”‘’\ufeff\u00a0\u200b"), r) {
			return false
		}
	}
	return true
}
