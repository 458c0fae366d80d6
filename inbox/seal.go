package inbox

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Errors of Sealer.Open.
var (
	// ErrCannotOpen: the message is sealed, and no key that is configured opens it.
	ErrCannotOpen = errors.New("the message cannot be decrypted")
	// ErrNotSealed: the message is not sealed, and the Sealer refuses such ones.
	ErrNotSealed = errors.New("the message is not encrypted, and unencrypted ones are refused")
)

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// Key is a key with the name under which sealed messages refer to it.
type Key struct {
	// ID is 1 to 64 characters of printable ASCII without blanks. It is stored with every
	// message, and stands in errors.
	ID string
	// Secret is KeySize random bytes.
	Secret []byte
}

// ParseSecret reads a key that is written as 64 hex digits or as Base64. Its error does not
// quote the text.
func ParseSecret(text string) ([]byte, error) {
	decode := base64.RawStdEncoding.Strict().DecodeString
	if len(text) == hex.EncodedLen(KeySize) {
		decode = hex.DecodeString
	}
	secret, err := decode(strings.TrimRight(text, "="))
	if err != nil || len(secret) != KeySize {
		return nil, fmt.Errorf("expected %d bytes, as 64 hex digits or as Base64", KeySize)
	}
	return secret, nil
}

// Sealer encrypts messages for the time that a store keeps them. The first of its keys
// seals, all of them open, so a key is replaced by putting a new one in front of it.
//
// A nil Sealer seals nothing, and fails to open a sealed message: without its keys, an inbox
// must not hand ciphertext to an app.
type Sealer struct {
	active string
	keys   map[string]cipher.AEAD
	strict bool
}

// NewSealer makes a Sealer of the active key and older ones. A strict one refuses messages
// that are not sealed: an attacker who can write to the store could have put them there. Any
// other opens them too, so that encryption can be switched on later.
func NewSealer(strict bool, active Key, older ...Key) (*Sealer, error) {
	s := &Sealer{active: active.ID, keys: make(map[string]cipher.AEAD), strict: strict}
	for _, key := range append([]Key{active}, older...) {
		if !isKeyID(key.ID) {
			return nil, errors.New("expected a key id of 1 to 64 printable ASCII characters without blanks")
		}
		if s.keys[key.ID] != nil {
			return nil, fmt.Errorf("two keys have the id %s", key.ID)
		}
		var err error
		if s.keys[key.ID], err = newAEAD(key.Secret); err != nil {
			return nil, fmt.Errorf("key %s: %w", key.ID, err)
		}
	}
	return s, nil
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("expected %d bytes, got %d", KeySize, len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func isKeyID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// A sealed message is: sealedForm, the length of the key's id in a byte, the id, nonce,
// ciphertext, tag. No JSON begins with its first byte. The other control characters below the
// tab are reserved for later forms.
const sealedForm = 1

func isSealed(message []byte) bool {
	return len(message) > 0 && message[0] < '\t'
}

// Seal returns the message of the event as a store is to keep it.
func (s *Sealer) Seal(e Event) ([]byte, error) { return s.SealText(e.Message, boundTo(e)...) }

// Open returns the message of a stored event as it was before Seal. Its errors are
// ErrCannotOpen and ErrNotSealed; they name the key, and hold nothing of the message.
func (s *Sealer) Open(e Event) ([]byte, error) { return s.OpenText(e.Message, boundTo(e)...) }

// boundTo is what the message of an event is tied to: an attacker who can write to the store cannot
// move it to another event or another merchant, nor make a failed payment a paid one.
func boundTo(e Event) []string { return []string{e.ID, e.Queue, e.PaymentStatus} }

// SealText returns a text as a store is to keep it. OpenText opens it with the same bound only.
func (s *Sealer) SealText(text []byte, bound ...string) ([]byte, error) {
	if isSealed(text) {
		return nil, errors.New("a message must be JSON to be told from a sealed one")
	}
	if s == nil {
		return text, nil
	}
	head := append([]byte{sealedForm, byte(len(s.active))}, s.active...)            //nolint:gosec // G115: isKeyID bounds it
	return s.keys[s.active].Seal(head, nil, text, additionalData(head, bound)), nil //nolint:gosec // G407: this kind of AEAD draws the nonce itself
}

// OpenText returns a stored text as it was before SealText. Its errors are those of Open.
func (s *Sealer) OpenText(stored []byte, bound ...string) ([]byte, error) {
	if !isSealed(stored) {
		if s != nil && s.strict {
			return nil, ErrNotSealed
		}
		return stored, nil
	}
	id, head, sealed, ok := cutHead(stored)
	if !ok {
		return nil, fmt.Errorf("%w: it is damaged, or of a newer version", ErrCannotOpen)
	}
	if s == nil || s.keys[id] == nil {
		return nil, fmt.Errorf("%w: key %s is not configured", ErrCannotOpen, id)
	}
	text, err := s.keys[id].Open(nil, nil, sealed, additionalData(head, bound))
	if err != nil {
		return nil, fmt.Errorf("%w: key %s does not fit: another key has this id now, or the record was altered", ErrCannotOpen, id)
	}
	return text, nil
}

// cutHead splits a sealed message.
func cutHead(message []byte) (id string, head, sealed []byte, ok bool) {
	if len(message) < 2 || message[0] != sealedForm || len(message) < 2+int(message[1]) {
		return "", nil, nil, false
	}
	end := 2 + int(message[1])
	id = string(message[2:end])
	return id, message[:end], message[end:], isKeyID(id)
}

// additionalData is what a sealed text is bound to, as the cipher takes it.
func additionalData(head []byte, bound []string) []byte {
	data := append([]byte(nil), head...)
	for _, field := range bound {
		data = binary.AppendUvarint(data, uint64(len(field)))
		data = append(data, field...)
	}
	return data
}
