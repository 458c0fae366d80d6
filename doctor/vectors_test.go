package doctor

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // G501: one of the mistakes
	"crypto/sha1" //nolint:gosec // G505: one of the mistakes
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// The salts and the key of the vectors. Each is long enough to be found wherever it is printed.
const (
	testSalt = "canary-salt$7f3a!Q+2"
	testKey  = "canary-api-key-5f1d7c"
	oldSalt  = "canary-previous-salt-11"
	uatSalt  = "canary-other-salt-22"
)

// sample is a text with everything in it that programs write in different ways.
const sample = `{"requestID":"a1","requestDateTime":"20261128160000","requestData":{"orderID":"DH-1","orderAmount":109000,"orderDescription":"Trà sữa <lớn>","ipnURL":"https://shop.example/ipn"}}`

// callbackData is the data of a callback, with + and / in it, and = at its end.
var callbackData = base64.StdEncoding.EncodeToString([]byte(`{"responseCode":"200","responseData":{"orderDescription":"Trà sữa ~~~>>>???!"}}`))

// vector is one mistake as it is made. The signature is of signed and signedSalt; zero values mean the given ones.
type vector struct {
	mistake    string
	name       string
	given      string
	signed     string
	salt       string
	signedSalt string
	otherText  string
	sign       func(text, salt string) string // nil: as the gateway
	oneWay     bool                           // the exchange of given and signed is another mistake
}

func hex256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func inHexDigits(h hash.Hash, text string) string {
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func gatewaySign(text, salt string) string { return hex256(text + salt) }

func hmacHex(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func (v vector) filled() vector {
	if v.given == "" {
		v.given = sample
	}
	if v.signed == "" {
		v.signed = v.given
	}
	if v.salt == "" {
		v.salt = testSalt
	}
	if v.signedSalt == "" {
		v.signedSalt = v.salt
	}
	if v.sign == nil {
		v.sign = gatewaySign
	}
	return v
}

// asCase is the case that a user would bring.
func (v vector) asCase() Case {
	v = v.filled()
	c := Case{
		Text: []byte(v.given), Signature: v.sign(v.signed, v.signedSalt), Salt: Secret{Name: "--salt", Value: []byte(v.salt)},
		Others: []Secret{{"--other-salt", Other, []byte(uatSalt)}, {"--previous-salt", Previous, []byte(oldSalt)}, {"--api-key", APIKey, []byte(testKey)}},
	}
	if v.otherText != "" {
		c.OtherText = []byte(v.otherText)
	}
	return c
}

// turned exchanges what was signed and what is given.
func (v vector) turned() vector {
	v = v.filled()
	v.given, v.signed = v.signed, v.given
	v.salt, v.signedSalt = v.signedSalt, v.salt
	return v
}

func replace(text string, oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(text)
}

const indented2 = "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    {}\n  ]\n}"

var textVectors = []vector{
	{mistake: "another-text", name: "the copy of the other side", given: `{"orderID":"1"}`, signed: `{"orderID":"2"}`, otherText: `{"orderID":"2"}`, oneWay: true},
	{mistake: "rewritten-json", name: "indented by 2", given: `{"a":1,"b":[true,{}]}`, signed: indented2},
	{mistake: "rewritten-json", name: "indented by 4", given: `{"a":1}`, signed: "{\n    \"a\": 1\n}"},
	{mistake: "rewritten-json", name: "indented by a tab", given: `{"a":1}`, signed: "{\n\t\"a\": 1\n}"},
	{mistake: "rewritten-json", name: "blanks of Python", given: `{"a":1,"b":["x, y",2]}`, signed: `{"a": 1, "b": ["x, y", 2]}`},
	{mistake: "rewritten-json", name: "Jackson", given: `{"a":1,"b":2}`, signed: "{\n  \"a\" : 1,\n  \"b\" : 2\n}"},
	{mistake: "sorted-keys", name: "at every depth", given: `{"b":{"d":1,"c":2},"a":3}`, signed: `{"a":3,"b":{"c":2,"d":1}}`, oneWay: true},
	{mistake: "decoded-data", name: "JSON of data", given: string(decodeBase64([]byte(callbackData))), signed: callbackData},
	{mistake: "whole-body", name: "JSON", given: `{"signature":"x","data":"` + callbackData + `"}`, signed: callbackData, oneWay: true},
	{mistake: "whole-body", name: "a form", given: "signature=x&data=" + replace(callbackData, "+", "%2B", "/", "%2F", "=", "%3D"), signed: callbackData, oneWay: true},
	{mistake: "whole-body", name: "headers", given: "HTTP/1.1 200 OK\r\nsignature: x\r\n\r\n" + sample, signed: sample, oneWay: true},
	{mistake: "plus-as-blank", name: "a form", given: replace(callbackData, "+", " "), signed: callbackData},
	{mistake: "percent-encoded", name: "Base64", given: replace(callbackData, "+", "%2B", "/", "%2F", "=", "%3D"), signed: callbackData},
	{mistake: "percent-encoded", name: "Base64, lower case", given: replace(callbackData, "+", "%2b", "/", "%2f", "=", "%3d"), signed: callbackData},
	{mistake: "percent-encoded", name: "twice", given: replace(callbackData, "+", "%252B", "/", "%252F", "=", "%253D"), signed: callbackData, oneWay: true},
	{mistake: "escaped-unicode", name: "lower case", signed: replace(sample, "à", `\u00e0`, "ữ", `\u1eef`, "ớ", `\u1edb`)},
	{mistake: "escaped-unicode", name: "upper case", signed: replace(sample, "à", `\u00E0`, "ữ", `\u1EEF`, "ớ", `\u1EDB`)},
	{mistake: "escaped-unicode", name: "two units", given: `{"a":"🎁"}`, signed: `{"a":"\ud83c\udf81"}`},
	{mistake: "escaped-slashes", name: "PHP", signed: replace(sample, "/", `\/`)},
	{mistake: "escaped-html", name: "Go", signed: replace(sample, "<", `\u003c`, ">", `\u003e`)},
	{mistake: "rewritten-by-encoder", name: "PHP", signed: replace(sample, "/", `\/`, "à", `\u00e0`, "ữ", `\u1eef`, "ớ", `\u1edb`)},
	{mistake: "rewritten-by-encoder", name: "Python", given: `{"a":"Trà","b":1}`, signed: `{"a": "Tr\u00e0", "b": 1}`, oneWay: true},
	{mistake: "rewritten-by-encoder", name: ".NET", given: `{"a":"Trà 1+1"}`, signed: `{"a":"Tr\u00E0 1\u002B1"}`},
	{mistake: "rewritten-by-encoder", name: "Go, of a map", given: `{"b":"<","a":1}`, signed: `{"a":1,"b":"\u003c"}`, oneWay: true},
	{mistake: "wrong-charset", name: "question marks", signed: replace(sample, "à", "?", "ữ", "?", "ớ", "?"), oneWay: true},
	{mistake: "wrong-charset", name: "ISO-8859-1", given: `{"a":"Trà"}`, signed: "{\"a\":\"Tr\xe0\"}"},
	{mistake: "wrong-charset", name: "mojibake", given: "{\"a\":\"TrÃ\u00a0\"}", signed: `{"a":"Trà"}`, oneWay: true},
	{mistake: "wrong-charset", name: "mojibake of the other side", given: `{"a":"é"}`, signed: `{"a":"Ã©"}`},
	{mistake: "wrong-charset", name: "UTF-16 with a BOM", given: `{"a":1}`, signed: "\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00"},
	{mistake: "end-of-text", name: "a line end", signed: sample + "\r\n", oneWay: true},
	{mistake: "end-of-text", name: "a line end too many", given: sample + "\n", signed: sample, oneWay: true},
	{mistake: "line-ends", name: "CRLF", given: indented2, signed: replace(indented2, "\n", "\r\n"), oneWay: true},
	{mistake: "line-ends", name: "LF", given: "a\r\nb\r\n", signed: "a\nb\n"},
	{mistake: "added-slashes", name: "WordPress", given: `{\"a\":\"it\'s\"}`, signed: `{"a":"it's"}`},
	{mistake: "json-string", name: "quoted", given: `"{\"a\":1}"`, signed: `{"a":1}`},
	{mistake: "json-string", name: "quoted twice", given: `"\"{\\\"a\\\":1}\""`, signed: `{"a":1}`, oneWay: true},
	{mistake: "html-escaped", name: "a page", given: `{&quot;a&quot;:&quot;x &amp; y&quot;}`, signed: `{"a":"x & y"}`},
	{mistake: "html-escaped", name: "Base64", given: replace(callbackData, "+", "&#43;"), signed: callbackData, oneWay: true},
	{mistake: "base64-variant", name: "URL-safe", given: replace(callbackData, "+", "-", "/", "_"), signed: callbackData},
	{mistake: "base64-variant", name: "without =", given: strings.TrimRight(callbackData, "="), signed: callbackData},
	{mistake: "base64-variant", name: "lines", given: callbackData[:76] + "\r\n" + callbackData[76:], signed: callbackData},
	{
		mistake: "encoded-again", name: "Python", given: callbackData,
		signed: base64.StdEncoding.EncodeToString([]byte(`{"responseCode": "200", "responseData": {"orderDescription": "Tr\u00e0 s\u1eefa ~~~>>>???!"}}`)), oneWay: true,
	},
	{mistake: "text-bom", name: ".NET", signed: utf8BOM + sample},
	{mistake: "normal-form", name: "decomposed", given: "{\"a\":\"Tra\u0300\"}", signed: "{\"a\":\"Trà\"}"},
	{mistake: "compressed", name: "gzip", given: gzipped(sample), signed: sample, oneWay: true},
	{mistake: "only-a-part", name: "requestData", signed: sample[strings.Index(sample, `{"orderID"`) : len(sample)-1], oneWay: true},
	{mistake: "only-a-part", name: "in a string", given: `{"responseCode":"200","responseData":"{\"a\":1}"}`, signed: `{"a":1}`, oneWay: true},
	{mistake: "fields-added", name: "requestID", signed: replace(sample, `"requestID":"a1",`, ""), oneWay: true},
	{mistake: "fields-added", name: "the last one", signed: replace(sample, `,"ipnURL":"https://shop.example/ipn"`, ""), oneWay: true},
	{mistake: "empty-fields", name: "null", given: `{"a":null,"b":{"c":null,"d":""}}`, signed: `{"b":{"d":""}}`, oneWay: true},
	{mistake: "empty-fields", name: `null and ""`, given: `{"a":null,"b":{"c":null,"d":""}}`, signed: `{"b":{}}`, oneWay: true},
	{mistake: "numbers-retyped", name: "in quotation marks", signed: replace(sample, "109000", `"109000"`)},
	{mistake: "numbers-retyped", name: "one of two", given: `{"a":1,"b":2}`, signed: `{"a":1,"b":"2"}`},
	{mistake: "numbers-retyped", name: "with .0", signed: replace(sample, "109000", "109000.0")},
	{mistake: "numbers-retyped", name: "exponent", given: `{"orderAmount":1.09e5}`, signed: `{"orderAmount":109000}`, oneWay: true},
	{mistake: "numbers-retyped", name: "digits lost", given: `{"id":1234567890123456789}`, signed: `{"id":1234567890123456800}`, oneWay: true},
	{mistake: "numbers-retyped", name: "PHP", given: `{"id":2205069900000000000000000}`, signed: `{"id":2.2050699e+24}`, oneWay: true},
	{mistake: "printed-value", name: "bytes of Python", given: "b'" + callbackData + "'", signed: callbackData},
	{mistake: "printed-value", name: "a dict of Python", given: `{"a":"x","b":true,"c":null}`, signed: `{'a': 'x', 'b': True, 'c': None}`},
	{mistake: "printed-value", name: "a map of Java", given: `{"a":"x","b":{"c":1}}`, signed: `{a=x, b={c=1}}`, oneWay: true},
	{mistake: "printed-value", name: "an object of JavaScript", signed: "[object Object]", oneWay: true},
	{
		mistake: "retired-scheme", name: "the published text", signed: "970437205249008064atm1.1.1.1vi100000VNDDEMO TRANSACTION1646797594onpurchaseChrome 96.0Windows1.1.1.1",
		given: `{"requestData":{"language":"vi","bank":"970437","billNumber":"205249008064","cardType":"atm","customerIP":"1.1.1.1","orderAmount":100000,"orderCurrency":"VND","orderDescription":"DEMO TRANSACTION","orderTime":1646797594,"otp":"on","request":"purchase","user":{"agent":"Chrome 96.0","device":"Windows","ip":"1.1.1.1"}}}`, oneWay: true,
	},
	{mistake: "salt-in-text", name: "after it", given: sample + testSalt, signed: sample, oneWay: true},
}

var saltVectors = []vector{
	{mistake: "other-salt", name: "another merchant's", signedSalt: uatSalt, oneWay: true},
	{mistake: "sandbox-salt", name: "published", signedSalt: "GO@2021", oneWay: true},
	{mistake: "previous-salt", name: "rotated", signedSalt: oldSalt, oneWay: true},
	{mistake: "api-key-as-salt", name: "exchanged", signedSalt: testKey, oneWay: true},
	{mistake: "salt-line-end", name: "LF", signedSalt: testSalt + "\n"},
	{mistake: "salt-line-end", name: "CRLF", signedSalt: testSalt + "\r\n"},
	{mistake: "salt-line-end", name: "CR", signedSalt: testSalt + "\r"},
	{mistake: "salt-blank", name: "after", signedSalt: testSalt + " "},
	{mistake: "salt-blank", name: "before", signedSalt: " " + testSalt},
	{mistake: "salt-quotes", name: "double", signedSalt: `"` + testSalt + `"`},
	{mistake: "salt-quotes", name: "single", signedSalt: "'" + testSalt + "'"},
	{mistake: "salt-bom", name: "UTF-8", signedSalt: utf8BOM + testSalt},
	{mistake: "salt-bom", name: "NUL", signedSalt: testSalt + "\x00"},
	{mistake: "salt-encoding", name: "hex", signedSalt: hex.EncodeToString([]byte(testSalt))},
	{mistake: "salt-encoding", name: "Base64", signedSalt: base64.StdEncoding.EncodeToString([]byte(testSalt))},
	{mistake: "salt-escaped", name: "percent", signedSalt: "canary-salt%247f3a%21Q%2B2"},
	{mistake: "salt-escaped", name: "HTML", salt: "canary&salt", signedSalt: "canary&amp;salt"},
	{mistake: "salt-escaped", name: "plus as blank", signedSalt: replace(testSalt, "+", " "), oneWay: true},
	{mistake: "salt-placeholder", name: "Caddy", signedSalt: "{env.GALAXYPAY_SALT}", oneWay: true},
	{mistake: "salt-placeholder", name: "undefined", signedSalt: "undefined", oneWay: true},
	{mistake: "salt-in-shell", name: "a variable", signedSalt: "canary-salt!Q+2", oneWay: true},
	{mistake: "salt-in-shell", name: "a history mark", signedSalt: `canary-salt$7f3a\!Q+2`},
	{mistake: "salt-in-shell", name: "backslashes", salt: `canary\salt\\x`, signedSalt: `canarysalt\x`, oneWay: true},
	{mistake: "salt-in-shell", name: "a comment", salt: "canary#salt", signedSalt: "canary", oneWay: true},
	{mistake: "salt-letter-case", name: "upper", signedSalt: strings.ToUpper(testSalt), oneWay: true},
}

var formulaVectors = []vector{
	{mistake: "hmac", name: "salt as key", sign: func(t, k string) string { return hmacHex(k, t) }},
	{mistake: "hmac", name: "text as key", sign: hmacHex},
	{mistake: "salt-first", name: "salt + text", sign: func(t, k string) string { return hex256(k + t) }},
	{mistake: "glue", name: "colon", sign: func(t, k string) string { return hex256(t + ":" + k) }},
	{mistake: "glue", name: "salt, dot, text", sign: func(t, k string) string { return hex256(k + "." + t) }},
	{mistake: "no-salt", name: "forgotten", sign: func(t, _ string) string { return hex256(t) }},
	{mistake: "salt-twice", name: "twice", sign: func(t, k string) string { return hex256(t + k + k) }},
	{mistake: "hashed-twice", name: "hex again", sign: func(t, k string) string { return hex256(hex256(t + k)) }},
	{mistake: "hashed-twice", name: "hash of the text", sign: func(t, k string) string { return hex256(hex256(t) + k) }},
	{mistake: "other-hash", name: "MD5", sign: func(t, k string) string { return inHexDigits(md5.New(), t+k) }},    //nolint:gosec // G401: likewise
	{mistake: "other-hash", name: "SHA-1", sign: func(t, k string) string { return inHexDigits(sha1.New(), t+k) }}, //nolint:gosec // G401: likewise
	{mistake: "other-hash", name: "SHA-512", sign: func(t, k string) string { return inHexDigits(sha512.New(), t+k) }},
	{mistake: "other-hash", name: "SHA-512/256", sign: func(t, k string) string { return inHexDigits(sha512.New512_256(), t+k) }},
	{mistake: "wrong-charset", name: "UTF-16 of both", given: `{"a":1}`, sign: func(t, k string) string { return hex256(wide(t + k)) }},
}

// wide is an ASCII text in UTF-16LE.
func wide(text string) string {
	var out strings.Builder
	for i := range len(text) {
		out.WriteByte(text[i])
		out.WriteByte(0)
	}
	return out.String()
}

var signatureVectors = []vector{
	{mistake: "signature-upper-case", name: "all", sign: spelled(strings.ToUpper)},
	{mistake: "signature-prefixed", name: "sha256=", sign: spelled(func(s string) string { return "sha256=" + s })},
	{mistake: "signature-prefixed", name: "0x", sign: spelled(func(s string) string { return "0x" + s })},
	{mistake: "signature-prefixed", name: "a header", sign: spelled(func(s string) string { return "signature: " + s })},
	{mistake: "signature-surrounded", name: "line end", sign: spelled(func(s string) string { return s + "\r\n" })},
	{mistake: "signature-surrounded", name: "quotation marks", sign: spelled(func(s string) string { return `"` + s + `"` })},
	{mistake: "signature-separated", name: "BitConverter", sign: spelled(func(s string) string { return pairs(s, "-") })},
	{mistake: "signature-base64", name: "standard", sign: spelled(func(s string) string { return base64.StdEncoding.EncodeToString(unhex(s)) })},
	{mistake: "signature-base64", name: "URL-safe", sign: spelled(func(s string) string { return base64.RawURLEncoding.EncodeToString(unhex(s)) })},
	{mistake: "signature-base64", name: "of the hex digits", sign: spelled(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	{mistake: "signature-cut", name: "63 digits", sign: spelled(func(s string) string { return s[:63] })},
	{mistake: "signature-cut", name: "65 digits", sign: spelled(func(s string) string { return s + "0" })},
	{mistake: "signature-cut", name: "a column of 40", sign: spelled(func(s string) string { return s[:40] })},
	{mistake: "signature-zeros-lost", name: "each byte", given: textWithZero, sign: spelled(withoutZeros)},
}

// textWithZero has a signature in which several bytes begin with a zero.
const textWithZero = `{"orderID":"DH-2","orderAmount":120000}`

func spelled(spell func(string) string) func(text, salt string) string {
	return func(text, salt string) string { return spell(gatewaySign(text, salt)) }
}

func pairs(digits, glue string) string {
	var each []string
	for i := 0; i < len(digits); i += 2 {
		each = append(each, digits[i:i+2])
	}
	return strings.Join(each, glue)
}

func withoutZeros(digits string) string {
	var out strings.Builder
	for pair := range strings.SplitSeq(pairs(digits, " "), " ") {
		if pair[0] == '0' {
			pair = pair[1:]
		}
		out.WriteString(pair)
	}
	return out.String()
}

func unhex(digits string) []byte {
	b, _ := hex.DecodeString(digits)
	return b
}
