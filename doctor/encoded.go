package doctor

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"html"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

const utf8BOM = "\xef\xbb\xbf"

var toStandard = strings.NewReplacer("-", "+", "_", "/", " ", "+", "\r", "", "\n", "", "=", "")

// decodeBase64 is what a text holds in Base64, in any of its variants; nil where it is none.
func decodeBase64(text []byte) []byte {
	plain := toStandard.Replace(string(text))
	decoded, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || len(decoded) == 0 {
		return nil
	}
	return decoded
}

func base64Decoded(text []byte, _ *Case) []change {
	changes := []change{{value: decodeBase64(text), detail: "decoded"}}
	if treeOf(text) != nil {
		changes = append(changes,
			change{value: base64.StdEncoding.AppendEncode(nil, text), detail: "encoded"},
			change{value: base64.URLEncoding.AppendEncode(nil, text), detail: "encoded, URL-safe"},
			change{value: base64.RawURLEncoding.AppendEncode(nil, text), detail: "encoded, URL-safe without ="})
	}
	return withoutNil(changes)
}

func withoutNil(changes []change) []change {
	var kept []change
	for _, c := range changes {
		if c.value != nil {
			kept = append(kept, c)
		}
	}
	return kept
}

// wholeBody is the field data of a body, or the body of a saved HTTP message.
func wholeBody(text []byte, _ *Case) []change {
	var changes []change
	if tree := treeOf(text); tree != nil {
		if data := tree.find(text, "data"); data != nil && data.kind == '"' {
			changes = append(changes, change{value: unquoted(data.raw(text)), detail: "the field data"})
		}
	}
	if values, err := url.ParseQuery(strings.TrimSpace(string(text))); err == nil && values.Get("data") != "" {
		data := values.Get("data")
		changes = append(changes,
			change{value: []byte(strings.ReplaceAll(data, " ", "+")), detail: "the field data"},
			change{value: []byte(data), detail: "the field data, with blanks"})
	}
	for _, line := range []string{"\r\n\r\n", "\n\n"} {
		if head, body, found := bytes.Cut(text, []byte(line)); found && bytes.Contains(head, []byte(": ")) {
			changes = append(changes, change{value: body, detail: "the body without headers"})
		}
	}
	return changes
}

func plusAsBlank(text []byte, _ *Case) []change {
	return []change{
		{value: bytes.ReplaceAll(text, []byte(" "), []byte("+")), detail: "+"},
		{value: bytes.ReplaceAll(text, []byte("+"), []byte(" ")), detail: "a blank"},
	}
}

func percentEncoded(text []byte, _ *Case) []change {
	plain := string(text)
	var changes []change
	add := func(value, detail string) { changes = append(changes, change{value: []byte(value), detail: detail}) }
	if once, err := url.PathUnescape(plain); err == nil {
		add(once, "decoded")
		if twice, err := url.PathUnescape(once); err == nil {
			add(twice, "decoded twice")
		}
	}
	if form, err := url.QueryUnescape(plain); err == nil {
		add(form, "decoded as a form")
	}
	escaped := url.QueryEscape(plain)
	add(escaped, "encoded")
	add(strings.ReplaceAll(escaped, "+", "%20"), "encoded, %20")
	add(toPercent.Replace(plain), "encoded, %2b")
	return changes
}

var (
	toPercent   = strings.NewReplacer("+", "%2b", "/", "%2f", "=", "%3d")
	toHTML      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	toHTMLOfPHP = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;")
)

func htmlEscaped(text []byte, _ *Case) []change {
	plain := string(text)
	return []change{
		{value: []byte(html.UnescapeString(plain)), detail: "decoded"},
		{value: []byte(toHTML.Replace(plain)), detail: "encoded"},
		{value: []byte(toHTMLOfPHP.Replace(plain)), detail: "encoded, &#039;"},
		{value: []byte(html.EscapeString(plain)), detail: "encoded, &#34;"},
	}
}

// charsets are those that texts with Vietnamese in them meet.
var charsets = []struct {
	name string
	encoding.Encoding
}{
	{"ISO-8859-1", charmap.ISO8859_1},
	{"windows-1252", charmap.Windows1252},
	{"windows-1258", charmap.Windows1258},
}

func wrongCharset(text []byte, _ *Case) []change {
	changes := []change{{value: onlyASCII(text, "?"), detail: "? for each letter that is not ASCII"}}
	for _, c := range charsets {
		if decoded, err := c.NewDecoder().Bytes(text); err == nil {
			changes = append(changes, change{value: decoded, detail: "read as " + c.name})
		}
		changes = append(changes,
			change{value: encodedIn(c.Encoding, text, "?"), detail: "in " + c.name},
			change{value: encodedIn(c.Encoding, text, "\xef\xbf\xbd"), detail: "mojibake undone, " + c.name})
	}
	return append(changes, utf16Changes(text)...)
}

func utf16Changes(text []byte) []change {
	var changes []change
	for _, order := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		name := "UTF-16LE"
		if order == unicode.BigEndian {
			name = "UTF-16BE"
		}
		changes = append(changes,
			change{value: utf16Of(text, order), detail: "in " + name},
			change{value: append(utf16Of([]byte(bom), order), utf16Of(text, order)...), detail: "in " + name + " with a BOM"})
		if bytes.IndexByte(text, 0) < 0 && !bytes.HasPrefix(text, []byte("\xff\xfe")) && !bytes.HasPrefix(text, []byte("\xfe\xff")) {
			continue
		}
		if decoded, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(text); err == nil {
			changes = append(changes, change{value: decoded, detail: "read as " + name})
		}
	}
	return changes
}

const bom = "\ufeff"

// onlyASCII writes each other character in one way.
func onlyASCII(text []byte, instead string) []byte {
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < utf8.RuneSelf {
			out = append(out, text[0])
		} else {
			out = append(out, instead...)
		}
		text = text[size:]
	}
	return out
}

// encodedIn writes a text in a character set, with a replacement for what is not in it.
func encodedIn(e encoding.Encoding, text []byte, instead string) []byte {
	encoder := e.NewEncoder()
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		_, size := utf8.DecodeRune(text)
		if size == 1 {
			out = append(out, text[0])
		} else if b, err := encoder.Bytes(text[:size]); err == nil {
			out = append(out, b...)
		} else {
			out = append(out, instead...)
		}
		text = text[size:]
	}
	return out
}

func normalForms(text []byte, _ *Case) []change {
	return []change{
		{value: norm.NFC.Bytes(text), detail: "NFC"},
		{value: norm.NFD.Bytes(text), detail: "NFD"},
	}
}

func endOfText(text []byte, _ *Case) []change {
	add := func(end string) []byte { return append(slices.Clip(text), end...) }
	return []change{
		{value: bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), detail: "without the last line end"},
		{value: bytes.TrimSpace(text), detail: "without white space around it"},
		{value: add("\n"), detail: `with "\n" after it`},
		{value: add("\r\n"), detail: `with "\r\n" after it`},
		{value: add(" "), detail: "with a blank after it"},
		{value: add("\x00"), detail: "with a NUL after it"},
		{value: append([]byte("\n"), text...), detail: `with "\n" before it`},
	}
}

func lineEnds(text []byte, _ *Case) []change {
	lf := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return []change{
		{value: lf, detail: "LF"},
		{value: bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")), detail: "CRLF"},
		{value: bytes.ReplaceAll(lf, []byte("\n"), []byte("\r")), detail: "CR"},
	}
}

func byteOrderMark(text []byte, _ *Case) []change {
	return []change{
		{value: bytes.TrimPrefix(text, []byte(utf8BOM)), detail: "without"},
		{value: append([]byte(utf8BOM), text...), detail: "with"},
	}
}

// base64Variants are other spellings of the same Base64. Line ends after 76 characters come from MIME encoders, after 64 from PEM.
func base64Variants(text []byte, _ *Case) []change {
	decoded := decodeBase64(text)
	if decoded == nil {
		return nil
	}
	standard := base64.StdEncoding.AppendEncode(nil, decoded)
	return []change{
		{value: standard, detail: "standard alphabet, padded, on one line"},
		{value: base64.RawStdEncoding.AppendEncode(nil, decoded), detail: "without ="},
		{value: base64.URLEncoding.AppendEncode(nil, decoded), detail: "URL-safe"},
		{value: base64.RawURLEncoding.AppendEncode(nil, decoded), detail: "URL-safe without ="},
		{value: broken(standard, 76, "\r\n"), detail: "lines of 76, CRLF"},
		{value: broken(standard, 76, "\n"), detail: "lines of 76, LF"},
		{value: broken(standard, 64, "\n"), detail: "lines of 64, LF"},
	}
}

// broken ends a line after so many characters, but not the last one.
func broken(text []byte, width int, end string) []byte {
	var out []byte
	for len(text) > width {
		out = append(append(out, text[:width]...), end...)
		text = text[width:]
	}
	return append(out, text...)
}

// longestUnpacked bounds what a compressed text may become.
const longestUnpacked = 1 << 20

func compressed(text []byte, _ *Case) []change {
	var changes []change
	add := func(r io.Reader, err error, name string) {
		if err != nil {
			return
		}
		if plain, err := io.ReadAll(io.LimitReader(r, longestUnpacked)); err == nil && len(plain) > 0 && len(plain) < longestUnpacked {
			changes = append(changes, change{value: plain, detail: name})
		}
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(text))
	add(unzipped, err, "gzip")
	inflated, err := zlib.NewReader(bytes.NewReader(text))
	add(inflated, err, "deflate")
	if len(text) > 0 && text[0] < ' ' {
		add(flate.NewReader(bytes.NewReader(text)), nil, "raw deflate")
	}
	return changes
}

// unquoted is the text of a JSON string; nil for anything else.
func unquoted(raw []byte) []byte {
	tree := treeOf([]byte("[" + string(raw) + "]"))
	if tree == nil || len(tree.elements) != 1 || tree.elements[0].kind != '"' {
		return nil
	}
	text, _ := rawjson.Unquote(bytes.TrimSpace(raw))
	return text
}
