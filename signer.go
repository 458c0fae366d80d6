package galaxypay

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"sync"
	"time"
)

// verdict is what checking a signature found.
type verdict int

const (
	signatureInvalid verdict = iota // the zero value refuses
	signatureMissing
	signatureProven   // by the current salt
	signaturePrevious // proven too, by a previous salt
)

// isProven reports whether the text comes from one who has the salt.
func (v verdict) isProven() bool { return v == signatureProven || v == signaturePrevious }

// String is how metrics name it.
func (v verdict) String() string {
	switch v {
	case signatureProven:
		return "current"
	case signaturePrevious:
		return "previous"
	case signatureMissing:
		return "missing"
	default:
		return "invalid"
	}
}

// previousSalt still verifies after a rotation, but never signs.
type previousSalt struct {
	salt  []byte
	until time.Time // zero: for as long as it is configured
}

// signer makes and checks the gateway's signatures for one merchant:
// lower-case hex of SHA-256(text + salt). It is plain SHA-256 and not an HMAC,
// and the salt follows the text without a separator: so the integration guide
// 3.6.1, section 1.6, and its published examples.
type signer struct {
	salt     []byte
	previous []previousSalt
}

// sign returns the signature of text, the exact bytes that will be sent.
func (s *signer) sign(text []byte) string {
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)

	var digits [2 * sha256.Size]byte
	hex.Encode(digits[:], h.digest(text, s.salt))
	return string(digits[:])
}

// verify checks signature against text, the exact bytes received, with the
// current salt first and then with every previous one that has not expired.
func (s *signer) verify(text []byte, signature string, now time.Time) verdict {
	if signature == "" {
		return signatureMissing
	}
	var claimed [sha256.Size]byte
	if len(signature) != hex.EncodedLen(len(claimed)) {
		return signatureInvalid
	}
	if _, err := hex.Decode(claimed[:], []byte(signature)); err != nil {
		return signatureInvalid
	}

	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	if h.matches(text, s.salt, claimed[:]) {
		return signatureProven
	}
	for _, p := range s.previous {
		if !p.until.IsZero() && !now.Before(p.until) {
			continue
		}
		if h.matches(text, p.salt, claimed[:]) {
			return signaturePrevious
		}
	}
	return signatureInvalid
}

// hasher keeps the hash state and its result together, so that neither is
// allocated for each message.
type hasher struct {
	hash.Hash
	sum [sha256.Size]byte
}

var hashers = sync.Pool{New: func() any { return &hasher{Hash: sha256.New()} }}

// digest returns SHA-256(text + salt); the result is valid until the next call.
func (h *hasher) digest(text, salt []byte) []byte {
	h.Reset()
	h.Write(text)
	h.Write(salt)
	return h.Sum(h.sum[:0])
}

// matches compares in constant time: an early exit would show a forger how many
// leading digits of a guess are right.
func (h *hasher) matches(text, salt, claimed []byte) bool {
	return subtle.ConstantTimeCompare(h.digest(text, salt), claimed) == 1
}
