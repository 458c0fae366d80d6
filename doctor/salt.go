package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// secretsOf are the other secrets of a kind.
func secretsOf(kinds ...Kind) func([]byte, *Case) []change {
	return func(_ []byte, c *Case) []change {
		var changes []change
		for _, kind := range kinds {
			if kind == published {
				changes = append(changes, change{value: []byte(publishedSalt), secret: "the sandbox"})
			}
			for _, other := range c.Others {
				if other.Kind == kind {
					changes = append(changes, change{value: other.Value, secret: other.Name})
				}
			}
		}
		return changes
	}
}

// around are a salt without some characters around it, and with each of some ends.
func around(trimmed string, before, after []string) func([]byte, *Case) []change {
	return func(salt []byte, _ *Case) []change {
		changes := []change{{value: bytes.Trim(salt, trimmed), detail: "without"}}
		for i := range before {
			value := before[i] + string(salt) + after[i]
			changes = append(changes, change{value: []byte(value), detail: "with " + quoted([]byte(before[i]+after[i]))})
		}
		return changes
	}
}

var (
	saltLineEnd = around("\r\n", []string{"", "", "", ""}, []string{"\n", "\r\n", "\r", "\n\n"})
	saltBlank   = around(" \t\u00a0\u200b", []string{"", " ", " ", ""}, []string{" ", "", " ", "\t"})
	saltQuotes  = around("\"'`“”‘’", []string{`"`, `'`, "`", "“"}, []string{`"`, `'`, "`", "”"})
)

func saltBOM(salt []byte, _ *Case) []change {
	return []change{
		{value: bytes.TrimPrefix(salt, []byte(utf8BOM)), detail: "without"},
		{value: append([]byte(utf8BOM), salt...), detail: "with"},
		{value: append(slices.Clip(salt), 0), detail: `with a NUL after it`},
		{value: bytes.TrimRight(salt, "\x00"), detail: "without a NUL after it"},
	}
}

func saltEncoding(salt []byte, _ *Case) []change {
	text := string(salt)
	var changes []change
	add := func(value []byte, detail string) { changes = append(changes, change{value: value, detail: detail}) }
	if decoded, err := hex.DecodeString(text); err == nil {
		add(decoded, "decoded from hex")
	}
	if decoded := decodeBase64(salt); decoded != nil {
		add(decoded, "decoded from Base64")
	}
	add(inHex(salt), "in hex")
	add(bytes.ToUpper(inHex(salt)), "in upper-case hex")
	add(base64.StdEncoding.AppendEncode(nil, salt), "in Base64")
	add(base64.RawStdEncoding.AppendEncode(nil, salt), "in Base64 without =")
	return changes
}

func saltEscaped(salt []byte, _ *Case) []change {
	text := string(salt)
	values := []string{html.UnescapeString(text), html.EscapeString(text), url.QueryEscape(text), strings.ReplaceAll(text, "+", " ")}
	for _, decode := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if plain, err := decode(text); err == nil {
			values = append(values, plain)
		}
	}
	var changes []change
	for _, value := range values {
		changes = append(changes, change{value: []byte(value)})
	}
	return changes
}

var variable = regexp.MustCompile(`\$\{?[A-Za-z0-9_]*\}?`)

// saltInShell is what shells and Compose make of a salt.
func saltInShell(salt []byte, _ *Case) []change {
	text := string(salt)
	values := []string{
		strings.ReplaceAll(text, `\`, ""), string(withoutSlashes(salt)), variable.ReplaceAllString(text, ""), strings.ReplaceAll(text, "$$", "$"),
		strings.ReplaceAll(text, "$", "$$"), strings.ReplaceAll(text, "!", `\!`), strings.ReplaceAll(text, "!", ""), strings.ReplaceAll(text, "$", `\$`),
	}
	for _, mark := range "$!#&;|<>`\"' " { // a shell, or a .env file, ends a word there
		if before, _, found := strings.Cut(text, string(mark)); found && before != "" {
			values = append(values, before)
		}
	}
	var changes []change
	for _, value := range values {
		changes = append(changes, change{value: []byte(value)})
	}
	return changes
}

// placeholders are what signs where no tool has put the salt in.
func saltPlaceholder(_ []byte, _ *Case) []change {
	var changes []change
	for _, value := range []string{
		"null", "undefined", "None", "nil", "NULL", "false", "True", "changeme", "change-me", "salt", "SALT", "secret", "your-salt", "YOUR_SALT", "your_salt", "xxx", "***",
		"{env.GALAXYPAY_SALT}", "${GALAXYPAY_SALT}", "$GALAXYPAY_SALT", "%GALAXYPAY_SALT%", "<salt>", "[object Object]", "[object Promise]",
	} {
		changes = append(changes, change{value: []byte(value), detail: value})
	}
	return changes
}

func saltLetterCase(salt []byte, _ *Case) []change {
	return []change{
		{value: bytes.ToUpper(salt), detail: "in upper case"},
		{value: bytes.ToLower(salt), detail: "in lower case"},
	}
}
