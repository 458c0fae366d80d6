// Package language holds what the project says to people: each text in English and in
// Vietnamese, and the choice between the two.
package language

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Tag names a language as HTML and HTTP do.
type Tag string

// The languages.
const (
	English    Tag = "en"
	Vietnamese Tag = "vi"
)

// Tags are all of them. English comes first: it is what everything falls back to.
func Tags() []Tag { return []Tag{English, Vietnamese} }

var matcher = language.NewMatcher([]language.Tag{language.English, language.Vietnamese})

// Of chooses by the request's Accept-Language: Vietnamese where the client prefers it to
// English, else English.
func Of(r *http.Request) Tag {
	accept := strings.Join(r.Header.Values("Accept-Language"), ",")
	if accept == "" {
		return English
	}
	_, index := language.MatchStrings(matcher, accept)
	return Tags()[index]
}

// Is reports whether a text is one of the tags.
func Is(text string) bool { return slices.Contains(Tags(), Tag(text)) }

// Wanted prefers the parameter language of the page's own address, then the given ones in their order, then what the
// browser prefers.
func Wanted(r *http.Request, preferred ...string) Tag {
	for _, wanted := range append([]string{r.URL.Query().Get("language")}, preferred...) {
		if Is(wanted) {
			return Tag(wanted)
		}
	}
	return Of(r)
}

// Text is one text in both languages.
type Text struct {
	En string `json:"en"`
	Vi string `json:"vi"`
}

// Both is short for a Text of the two.
func Both(en, vi string) Text { return Text{En: en, Vi: vi} }

// In returns the text in a language; in English for a tag that is none of ours.
func (t Text) In(tag Tag) string {
	if tag == Vietnamese {
		return t.Vi
	}
	return t.En
}

// Texts returns those of a table in one language.
func Texts(tag Tag, table map[string]Text) map[string]string {
	texts := make(map[string]string, len(table))
	for key, text := range table {
		texts[key] = text.In(tag)
	}
	return texts
}
