package doctor

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// look recognises something that may be the cause, or the reason why nothing can be proven.
type look struct {
	Look
	sees func(*Case) bool
}

// looksOf are those that recognise something.
func looksOf(c *Case) []Look {
	var found []Look
	for _, l := range looks {
		if l.sees(c) {
			found = append(found, l.Look)
		}
	}
	return found
}

var (
	template  = regexp.MustCompile(`^(?:\$\{?.*\}?|%\w+%|<.*>|\{+.*\}+|\*+|x+|changeme|change-me|null|undefined|None|nil|your[-_ ].*)$`)
	base64Set = regexp.MustCompile(`^[A-Za-z0-9+/_=\s-]+$`)
	lostDigit = regexp.MustCompile(`\.0+$|[eE]`)
	printedAs = regexp.MustCompile(`^(?:b'|b"|\{'|array \(|Array\s*\(|stdClass Object|object\(|\{\w+=|\[object |System\.|[\w.]+@[0-9a-f]{5,8}$)`)
)

func textBegins(prefixes ...string) func(*Case) bool {
	return func(c *Case) bool {
		text := bytes.TrimLeft(c.Text, " \t\r\n")
		for _, prefix := range prefixes {
			if bytes.HasPrefix(text, []byte(prefix)) {
				return true
			}
		}
		return false
	}
}

func hexDigits(lengths ...int) func(*Case) bool {
	return func(c *Case) bool {
		text, _ := normalised(c.Signature)
		for _, length := range lengths {
			if len(text) == length && isHex(strings.ToLower(text)) {
				return true
			}
		}
		return false
	}
}

var looks = []look{
	{Look{"signature-missing", language.Both(
		"There is no signature. Look for the header or field signature: it may be dropped on the way, or have another name, such as x-signature or sign.",
		"Không có chữ ký. Hãy tìm header hoặc trường signature: có thể bị mất trên đường đi hoặc mang tên khác, như x-signature hoặc sign.")},
		func(c *Case) bool { text, _ := normalised(c.Signature); return text == "" }},
	{Look{"signature-not-hex", language.Both(
		"The signature is neither hex digits nor the Base64 of a digest: it may be another field, or a masked one.",
		"Chữ ký không phải chữ số hex, cũng không phải Base64 của giá trị băm: có thể là trường khác hoặc đã bị che.")},
		func(c *Case) bool {
			text, _ := normalised(c.Signature)
			return text != "" && len(claimsOf(c.Signature)) == 0
		}},
	{Look{"signature-md5", language.Both("The signature has the length of MD5.", "Chữ ký có độ dài của MD5.")}, hexDigits(32)},
	{Look{"signature-sha1", language.Both("The signature has the length of SHA-1.", "Chữ ký có độ dài của SHA-1.")}, hexDigits(40)},
	{Look{"signature-sha512", language.Both("The signature has the length of SHA-512.", "Chữ ký có độ dài của SHA-512.")}, hexDigits(128)},
	{Look{"signature-length", language.Both(
		"The signature does not have 64 hex digits: a part of it is lost, or something was added.",
		"Chữ ký không đủ 64 chữ số hex: bị mất một phần hoặc có phần thừa.")},
		func(c *Case) bool {
			text, _ := normalised(c.Signature)
			return isHex(strings.ToLower(text)) && len(text) != 64 && !hexDigits(32, 40, 128)(c)
		}},
	{Look{"salt-empty", language.Both(
		"The salt is empty: the variable or the file that it comes from has nothing in it. Nothing can be proven with it.",
		"Salt rỗng: biến hoặc file chứa nó không có gì. Không thể xác thực bằng salt rỗng.")},
		func(c *Case) bool { return len(bytes.TrimSpace(c.Salt.Value)) == 0 }},
	{Look{"salt-is-placeholder", language.Both(
		"The salt looks like a placeholder or a masked value: no tool has put the secret in its place.",
		"Salt trông như placeholder hoặc giá trị bị che: chưa công cụ nào thay bằng giá trị thật.")},
		func(c *Case) bool { return template.Match(bytes.TrimSpace(c.Salt.Value)) }},
	{Look{"salt-has-shell-characters", language.Both(
		"The salt has characters that mean something to a shell or in a .env file. Compare its length with that of the salt that was issued.",
		"Salt có ký tự mang ý nghĩa riêng với shell hoặc file .env. Hãy so độ dài với salt được cấp.")},
		func(c *Case) bool {
			return bytes.ContainsAny(c.Salt.Value, "$!\\`#") && !template.Match(bytes.TrimSpace(c.Salt.Value))
		}},
	{Look{"text-empty", language.Both("The text is empty.", "Văn bản rỗng.")},
		func(c *Case) bool { return len(c.Text) == 0 }},
	{Look{"text-is-a-page", language.Both(
		"The text is a web page, not a message of the gateway: an error page, a captcha or a redirect of something on the way. Look at the status and the header Server.",
		"Văn bản là trang web, không phải thông điệp của cổng: trang lỗi, captcha hoặc chuyển hướng của hệ thống trung gian. Hãy xem mã trạng thái và header Server.")},
		textBegins("<")},
	{Look{"text-compressed", language.Both(
		"The text is compressed: unpack it first.", "Văn bản đang bị nén: hãy giải nén trước.")},
		textBegins("\x1f\x8b", "\x28\xb5\x2f\xfd")},
	{Look{"text-cut", language.Both(
		"The text is cut or masked: its JSON breaks off, its Base64 has an impossible length, or it holds ... or ***.",
		"Văn bản bị cắt hoặc bị che: JSON dở dang, Base64 có độ dài không thể có, hoặc chứa ... hay ***.")},
		isCut},
	{Look{"text-encrypted", language.Both(
		"The text is hex digits in blocks of 16 bytes: the encrypted data of the retired versions 1 and 2 of the gateway, which signed the JSON in it.",
		"Văn bản là các chữ số hex theo khối 16 byte: dữ liệu mã hóa của phiên bản 1 và 2 đã bỏ, vốn ký phần JSON bên trong.")},
		func(c *Case) bool {
			return len(c.Text) >= 64 && len(c.Text)%32 == 0 && isHex(strings.ToLower(string(c.Text)))
		}},
	{Look{"text-printed", language.Both(
		"The text is what a program prints of a value, not JSON: str() of Python, print_r of PHP, toString() of Java.",
		"Văn bản là thứ chương trình in ra của một giá trị, không phải JSON: str() của Python, print_r của PHP, toString() của Java.")},
		func(c *Case) bool { return printedAs.Match(c.Text) }},
	{Look{"numbers-rewritten", language.Both(
		"A number in the text has .0 or an exponent: it was read as a floating-point number and written again.",
		"Một con số trong văn bản có .0 hoặc số mũ: đã bị đọc thành số thực rồi ghi lại.")},
		hasLostDigits},
}

func hasLostDigits(c *Case) bool {
	tree := treeOf(c.Text)
	if tree == nil {
		return false
	}
	numbers, _ := numbersIn(c.Text, tree)
	return slices.ContainsFunc(numbers, func(n *node) bool { return lostDigit.Match(n.raw(c.Text)) })
}

func isCut(c *Case) bool {
	text := bytes.TrimSpace(c.Text)
	switch {
	case len(text) == 0:
		return false
	case bytes.Contains(text, []byte("…")) || bytes.Contains(text, []byte("***")) || bytes.HasSuffix(text, []byte("...")):
		return true
	case text[0] == '{' || text[0] == '[':
		return treeOf(text) == nil && !printedAs.Match(text)
	}
	const group = 4 // no Base64 text is one character longer than whole groups
	return base64Set.Match(text) && len(bytes.TrimRight(text, "="))%group == 1
}
