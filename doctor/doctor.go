// Package doctor finds out why a text, a signature and a salt do not fit. It tries every mistake of a table alone, then in pairs.
// A hit is certain: by chance, no two SHA-256 are the same. A hit explains a signature; it never makes a message proven.
//
// No secret is in a report, and no hash of one: short secrets can be guessed from it.
package doctor

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Kind is what a secret is.
type Kind int

// The kinds of secrets.
const (
	Salt      Kind = iota // that should have signed
	Other                 // another salt: of another merchant or environment
	Previous              // a salt that was replaced
	APIKey                // no salt at all
	published             // the sandbox's
)

// publishedSalt is the salt of the sandbox and of the gateway's published examples. It protects nothing.
const publishedSalt = "GO@2021"

// Secret is one that may have signed.
type Secret struct {
	// Name is what a report calls it.
	Name string
	Kind Kind
	// Value is the secret to the byte. It is in no report.
	Value []byte
}

// Case is what does not fit.
type Case struct {
	// Text is what was signed, to the byte.
	Text []byte
	// OtherText is a second copy of the text, from another place; nil where there is none.
	OtherText []byte
	// Signature is the signature as it was received or made.
	Signature string
	// Salt is the secret that should have signed.
	Salt Secret
	// Others are secrets that may have signed in its place.
	Others []Secret
}

// Report says why a case does not fit.
type Report struct {
	// Proven says that all fits plainly, but for the case of the signature's letters.
	Proven bool `json:"proven"`
	// Secret is the name of the secret that has signed; "" where nothing fits, or where no secret was used.
	Secret string `json:"secret,omitempty"`
	// Bytes is the length of the text.
	Bytes int `json:"bytes"`
	// TextSHA256 is the SHA-256 of the text alone, to compare with another copy; "" for a text so short that it may be a secret.
	TextSHA256 string `json:"textSHA256,omitempty"`
	// Causes are the mistakes that together explain the signature: none, one or two, and those of the signature's spelling.
	Causes []Cause `json:"causes"`
	// OrElse are mistakes each of which alone explains the signature too.
	OrElse []string `json:"orElse,omitempty"`
	// Difference is where the given text begins to differ from the one that was signed, or from the second copy.
	Difference *Difference `json:"difference,omitempty"`
	// SaltDifference is what stands around the one salt and not around the other.
	SaltDifference *SaltDifference `json:"saltDifference,omitempty"`
	// Looks are mistakes that were recognised and not proven. They are looked for only where nothing fits.
	Looks []Look `json:"looks,omitempty"`
	// Tried is how much was tried.
	Tried Tried `json:"tried"`
}

// Cause is a mistake that explains the signature.
type Cause struct {
	Name string `json:"name"`
	// Changes is what it changes: text, salt, formula or signature.
	Changes Part `json:"changes"`
	// Detail is the variant that fits, in a short notation; "" where there is only one.
	Detail string `json:"detail,omitempty"`
	// About says in a sentence what has happened.
	About language.Text `json:"about"`
	// Do says in a sentence what to change, Code how in several programming languages.
	Do   language.Text `json:"do"`
	Code []Snippet     `json:"code,omitempty"`
}

// Look is something that was recognised, which may be the cause.
type Look struct {
	Name  string        `json:"name"`
	About language.Text `json:"about"`
}

// Tried is how much was tried.
type Tried struct {
	// Mistakes are the names of all mistakes in the table.
	Mistakes []string `json:"mistakes"`
	// Combinations is how many texts, salts and formulas were hashed.
	Combinations int `json:"combinations"`
	// Pairs says whether all pairs of mistakes were tried; it is false where one mistake was enough, and for very long texts.
	Pairs bool `json:"pairs"`
}

// shortestHashed is the length below which a text may be a secret that was given in its place: its hash is not shown.
const shortestHashed = 64

// Examine finds out why a case does not fit.
func Examine(c Case) Report {
	r := Report{Bytes: len(c.Text), Causes: []Cause{}, Tried: Tried{Mistakes: Names()}}
	if len(c.Text) >= shortestHashed {
		sum := sha256.Sum256(c.Text)
		r.TextSHA256 = hex.EncodeToString(sum[:])
	}
	s := newSearch(&c)
	found := s.run()
	r.Tried.Combinations, r.Tried.Pairs = s.combinations, s.pairs
	if found == nil {
		r.Looks = looksOf(&c)
		if c.OtherText != nil {
			r.Difference = differenceOf(c.OtherText, c.Text, c.secrets())
		}
		return r
	}
	found.tell(&r, &c)
	r.OrElse = s.orElse
	return r
}

// secrets are all that no report may hold.
func (c *Case) secrets() [][]byte {
	values := [][]byte{c.Salt.Value}
	for _, other := range c.Others {
		values = append(values, other.Value)
	}
	return values
}

// tell writes what was found into a report.
func (h *hit) tell(r *Report, c *Case) {
	r.Secret = h.secret
	steps := h.steps
	for _, m := range h.claim.mistakes {
		steps = append(steps, step{mistake: m})
	}
	for _, s := range steps {
		r.Causes = append(r.Causes, s.cause())
	}
	r.Proven = len(steps) == 0 || len(steps) == 1 && steps[0].mistake == mistakeUpperCase
	if h.text != nil {
		r.Difference = differenceOf(h.text, c.Text, append(c.secrets(), h.salt))
	}
	if h.saltOf != nil {
		r.SaltDifference = saltDifferenceOf(h.salt, h.saltOf)
	}
}

func (s step) cause() Cause {
	m := s.mistake
	return Cause{Name: m.Name, Changes: m.Changes, Detail: s.detail, About: m.About, Do: advice[m.advice].do, Code: advice[m.advice].code}
}
