package secret

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	utf8BOM    = "\xef\xbb\xbf"
	utf16BOMLE = "\xff\xfe"
	utf16BOMBE = "\xfe\xff"
)

// Check refuses a text that is no secret as it was issued: something was added to it, or a
// tool did not put the secret in. Every signature would be wrong, without a word why.
func Check(text string) error {
	switch {
	case text == "":
		return errors.New("empty; check the variable or file it comes from")
	case strings.HasPrefix(text, utf16BOMLE) || strings.HasPrefix(text, utf16BOMBE):
		return errors.New("is text in UTF-16; save the file it comes from as UTF-8 without a byte order mark")
	case strings.HasPrefix(text, utf8BOM):
		return errors.New("begins with a byte order mark; save the file it comes from without one")
	case strings.Contains(text, "\x00"):
		return errors.New("holds a NUL; expected one line of text, in UTF-8 (UTF-16 looks like this)")
	case !utf8.ValidString(text):
		return errors.New("is not UTF-8; save the file it comes from as UTF-8")
	case strings.TrimSpace(text) != text:
		return errors.New("has white space around it; check for a stray blank or line end in the variable or file it comes from")
	case strings.ContainsAny(text, "\n\r\v\f\u0085\u2028\u2029"):
		return errors.New("has more than one line; expected the secret alone in the variable or file it comes from")
	case strings.ContainsFunc(text, isInvisible):
		return errors.New("holds a control character or an invisible one; type it again, or copy it from another place")
	case assignment.MatchString(text):
		return errors.New("is a line such as NAME=secret, as in a file of environment variables; write the secret alone, without the name and the sign =")
	case isQuoted(text):
		return errors.New("is in quotation marks; remove them: the tool that sets the variable or writes the file does not")
	case IsTemplate(text):
		return errors.New("is still a placeholder, such as ${NAME}, %NAME%, <name> or {env.NAME}: no tool has put the value in; give it as {env.NAME} or {file./path} in the configuration")
	}
	return nil
}

// checkReference refuses an option in which a reference to a secret was spelled wrong, so that
// what it refers to would not be the whole secret, or nothing of it.
func checkReference(value string) error {
	switch {
	case bareReference.MatchString(value):
		return errors.New("has no braces; expected {env.NAME} or {file./path}")
	case dollarReference.MatchString(value):
		return errors.New("has a $ in front of a placeholder; expected {env.NAME} or {file./path} alone")
	case hasReference.MatchString(value) && !isBalanced(value):
		return errors.New(`has a brace too few or too many; expected {env.NAME} or {file./path}; a literal brace is written \{`)
	}
	return nil
}

var (
	bareReference   = regexp.MustCompile(`^(env|file)\.`)
	dollarReference = regexp.MustCompile(`\$\{(env|file)\.`)
	hasReference    = regexp.MustCompile(`(^|[^\\])\{(env\.|file\.|\$)`)
)

// isBalanced reports whether every brace that is not escaped has its counterpart.
func isBalanced(value string) bool {
	value = strings.NewReplacer(`\{`, "", `\}`, "").Replace(value)
	depth := 0
	for _, c := range value {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

// assignment is a line that sets a variable. Secrets are random, or end with signs =: a name of a variable with a value behind
// it is none.
var assignment = regexp.MustCompile(`^(export\s+)?([A-Z][A-Z0-9]*(_[A-Z0-9]+)+|(?i:([a-z]+[_.-])*(api[_.-]?key|salt|secret|key)))\s*=\s*[^=\s]`)

// isInvisible reports whether nothing of a character is to be seen: control characters, zero
// width, marks of direction.
func isInvisible(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) }

// quotationMarks are pairs that tools leave around a value, and that editors put there.
var quotationMarks = []string{`""`, `''`, "``", "“”", "‘’", "„“", "«»"}

func isQuoted(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	for _, pair := range quotationMarks {
		if utf8.RuneCountInString(text) > 1 && pair == string(first)+string(last) {
			return true
		}
	}
	return false
}

// templates are placeholders of shells, Windows, Compose, Kubernetes, templates, guides, and
// Caddy. Each is the whole text: a secret may hold such characters.
var templates = []*regexp.Regexp{
	regexp.MustCompile(`^\$\{[^{}]*\}?$`),
	regexp.MustCompile(`^\$\([^()]*\)?$`),
	regexp.MustCompile(`^\$\$?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`),
	regexp.MustCompile(`^%[A-Za-z_][A-Za-z0-9_]*%$`),
	regexp.MustCompile(`^<[^<>]*>$`),
	regexp.MustCompile(`^\$?\{\{.*\}\}$`),
	regexp.MustCompile(`^\{[^{}]*\}$`),
	regexp.MustCompile(`^\{(env\.|file\.|\$)`),
}

// IsTemplate reports whether a text is a placeholder in which no tool has put a value.
func IsTemplate(text string) bool {
	for _, template := range templates {
		if template.MatchString(text) {
			return true
		}
	}
	return false
}

// IsBase64OfText reports whether a text looks like the Base64 of another text, as kubectl
// shows secrets. Base64 of random bytes does not: some of those cannot be printed.
func IsBase64OfText(text string) bool {
	const shortest = 8 // of the decoded text: less can be chance
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) < shortest {
		return false
	}
	return !strings.ContainsFunc(strings.TrimSpace(string(decoded)), func(r rune) bool { return r < ' ' || r > '~' })
}
