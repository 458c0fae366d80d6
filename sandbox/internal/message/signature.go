package message

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Sign returns the lower-case hex SHA-256 of the text with the salt right behind it:
// no HMAC, no separator (integration guide 3.6.1, section 1.6, and its samples). The
// text of a request is its body, the text of a callback is its Base64 data. That
// an answer is signed like a request is a conclusion: the documents demand the
// header and do not say what it covers.
func Sign(text []byte, salt string) string {
	sum := digest(text, salt)
	return hex.EncodeToString(sum[:])
}

// Verify reports whether signature, hex digits in either case, is the text's.
func Verify(text []byte, salt, signature string) bool {
	claimed, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	sum := digest(text, salt)
	return subtle.ConstantTimeCompare(sum[:], claimed) == 1
}

func digest(text []byte, salt string) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(text)
	h.Write([]byte(salt))
	h.Sum(sum[:0])
	return sum
}
