// Package webpage holds what the pages for people at work have in common: colors for light and dark, and the style of
// texts, fields and buttons.
package webpage

import (
	_ "embed"
	"html/template"
)

//go:embed base.html
var base string

// New returns templates with one in them: "style", rules for a style element.
func New() *template.Template { return template.Must(template.New("base").Parse(base)) }
