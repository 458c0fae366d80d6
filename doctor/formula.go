package doctor

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // G501: it is looked for, not relied on
	"crypto/sha1" //nolint:gosec // G505: likewise
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// formula makes a digest of a text and a salt.
type formula struct {
	notation string
	size     int // of the digest, in bytes
	saltless bool
	sum      func(text, salt []byte) []byte
}

func sum256(parts ...[]byte) []byte { return sumOf(sha256.New, parts...) }

func sumOf(algorithm func() hash.Hash, parts ...[]byte) []byte {
	h := algorithm()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func hmacOf(algorithm func() hash.Hash, key, text []byte) []byte {
	h := hmac.New(algorithm, key)
	h.Write(text)
	return h.Sum(nil)
}

func sha256Formula(notation string, sum func(text, salt []byte) []byte) formula {
	return formula{notation: notation, size: sha256.Size, sum: sum}
}

var hmacs = []formula{
	sha256Formula("HMAC-SHA256(key: salt, text)", func(t, k []byte) []byte { return hmacOf(sha256.New, k, t) }),
	sha256Formula("HMAC-SHA256(key: text, salt)", func(t, k []byte) []byte { return hmacOf(sha256.New, t, k) }),
	sha256Formula("HMAC-SHA256(key: salt, text + salt)", func(t, k []byte) []byte {
		return hmacOf(sha256.New, k, append(slices.Clip(t), k...))
	}),
}

var saltFirst = []formula{
	sha256Formula("SHA-256(salt + text)", func(t, k []byte) []byte { return sum256(k, t) }),
	sha256Formula("SHA-256(salt + text + salt)", func(t, k []byte) []byte { return sum256(k, t, k) }),
}

var glued = glueFormulas(":", ".", "|", "&", ",", ";", "-", "_", "+", "#", "/", " ", "\n", "\x00")

func glueFormulas(glues ...string) []formula {
	var formulas []formula
	for _, glue := range glues {
		g := []byte(glue)
		shown := quoted(g)
		formulas = append(formulas, sha256Formula("SHA-256(salt + "+shown+" + text)", func(t, k []byte) []byte { return sum256(k, g, t) }))
		if strings.Trim(glue, " \n\x00") == "" { // end-of-text is the same
			continue
		}
		formulas = append(formulas, sha256Formula("SHA-256(text + "+shown+" + salt)", func(t, k []byte) []byte { return sum256(t, g, k) }))
	}
	return formulas
}

var noSalt = []formula{{notation: "SHA-256(text)", size: sha256.Size, saltless: true, sum: func(t, _ []byte) []byte { return sum256(t) }}}

var saltTwice = []formula{sha256Formula("SHA-256(text + salt + salt)", func(t, k []byte) []byte { return sum256(t, k, k) })}

var hashedTwice = []formula{
	sha256Formula("SHA-256(SHA-256(text + salt))", func(t, k []byte) []byte { return sum256(sum256(t, k)) }),
	sha256Formula("SHA-256(hex(SHA-256(text + salt)))", func(t, k []byte) []byte { return sum256(inHex(sum256(t, k))) }),
	sha256Formula("SHA-256(hex(SHA-256(text)) + salt)", func(t, k []byte) []byte { return sum256(inHex(sum256(t)), k) }),
	sha256Formula("SHA-256(text + hex(SHA-256(salt)))", func(t, k []byte) []byte { return sum256(t, inHex(sum256(k))) }),
}

func inHex(sum []byte) []byte { return hex.AppendEncode(nil, sum) }

var inUTF16 = []formula{
	sha256Formula("SHA-256(text + salt in UTF-16LE)", func(t, k []byte) []byte {
		return sum256(utf16Of(t, unicode.LittleEndian), utf16Of(k, unicode.LittleEndian))
	}),
	sha256Formula("SHA-256(text + salt in UTF-16BE)", func(t, k []byte) []byte { return sum256(utf16Of(t, unicode.BigEndian), utf16Of(k, unicode.BigEndian)) }),
}

func utf16Of(text []byte, order unicode.Endianness) []byte {
	encoded, _ := unicode.UTF16(order, unicode.IgnoreBOM).NewEncoder().Bytes(text)
	return encoded
}

// algorithms are other hashes, by the name that people know them by.
var algorithms = []struct {
	name string
	new  func() hash.Hash
}{
	{"MD5", md5.New},
	{"SHA-1", sha1.New},
	{"SHA-224", sha256.New224},
	{"SHA-384", sha512.New384},
	{"SHA-512", sha512.New},
	{"SHA-512/256", sha512.New512_256},
	{"SHA3-256", func() hash.Hash { return sha3.New256() }},
	{"SHA3-512", func() hash.Hash { return sha3.New512() }},
}

var otherHashes = otherHashFormulas()

func otherHashFormulas() []formula {
	var formulas []formula
	for _, a := range algorithms {
		size := a.new().Size()
		formulas = append(formulas,
			formula{notation: a.name + "(text + salt)", size: size, sum: func(t, k []byte) []byte { return sumOf(a.new, t, k) }},
			formula{notation: a.name + "(salt + text)", size: size, sum: func(t, k []byte) []byte { return sumOf(a.new, k, t) }},
			formula{notation: "HMAC-" + a.name + "(key: salt, text)", size: size, sum: func(t, k []byte) []byte { return hmacOf(a.new, k, t) }},
			formula{notation: a.name + "(text)", size: size, saltless: true, sum: func(t, _ []byte) []byte { return sumOf(a.new, t) }})
	}
	return formulas
}
