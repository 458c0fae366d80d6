package doctor

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// mostBytes is how much is hashed for one case at most, in bytes; pairs of mistakes in a very long text are left out beyond it.
const mostBytes = 1 << 30

// step is a mistake that was made, and its variant.
type step struct {
	mistake *Mistake
	detail  string
}

// variant is a text or a salt after a mistake.
type variant struct {
	value  []byte
	steps  []step
	secret string // the name of a salt
	of     []byte // the salt that it was made of
}

// hit is a combination that fits the signature.
type hit struct {
	steps  []step
	claim  claim
	secret string
	text   []byte // nil where it is the given one
	salt   []byte
	saltOf []byte // nil where the salt is one of the given ones
}

type search struct {
	c            *Case
	claims       []claim
	texts        []variant // each after one mistake
	salts        []variant
	formulas     []formulaStep
	combinations int
	hashed       int
	pairs        bool
	orElse       []string
}

// formulaStep is a wrong formula, and the mistake that it is.
type formulaStep struct {
	formula
	steps []step
}

var right = formulaStep{formula: formula{sum: func(text, salt []byte) []byte { return sum256(text, salt) }, size: sha256.Size}}

func newSearch(c *Case) *search {
	s := &search{c: c, claims: claimsOf(c.Signature)}
	for i := range mistakes {
		m := &mistakes[i]
		if m.text != nil {
			s.texts = append(s.texts, textsAfter(m, variant{value: c.Text}, c)...)
		}
		if m.salt != nil {
			s.salts = append(s.salts, saltsAfter(m, variant{value: c.Salt.Value, secret: c.Salt.Name}, c)...)
		}
		for _, f := range m.formulas {
			s.formulas = append(s.formulas, formulaStep{f, []step{{m, f.notation}}})
		}
	}
	return s
}

// textsAfter are a text after a mistake, without those that it leaves as they are.
func textsAfter(m *Mistake, before variant, c *Case) []variant {
	var after []variant
	for _, v := range m.text(before.value, c) {
		if !bytes.Equal(v.value, before.value) && !bytes.Equal(v.value, c.Text) {
			after = append(after, variant{value: v.value, steps: append(slices.Clone(before.steps), step{m, v.detail})})
		}
	}
	return after
}

// saltsAfter are a salt after a mistake, without those that it leaves as they are.
func saltsAfter(m *Mistake, before variant, c *Case) []variant {
	var after []variant
	for _, v := range m.salt(before.value, c) {
		if len(v.value) == 0 || bytes.Equal(v.value, before.value) || bytes.Equal(v.value, c.Salt.Value) {
			continue
		}
		next := variant{value: v.value, steps: append(slices.Clone(before.steps), step{m, v.detail}), secret: before.secret, of: before.value}
		if v.secret != "" {
			next.secret, next.of = v.secret, nil
		}
		after = append(after, next)
	}
	return after
}

// run tries everything, few mistakes first, and returns what fits.
func (s *search) run() *hit {
	if len(s.claims) == 0 {
		return nil
	}
	text, salt := variant{value: s.c.Text}, variant{value: s.c.Salt.Value, secret: s.c.Salt.Name}
	if h := s.try(text, salt, right); h != nil {
		return h
	}
	if h := s.alone(text, salt); h != nil {
		return h
	}
	return s.inPairs(text, salt)
}

// alone tries one mistake at a time, by rank. Where one fits, the others that do are noted.
func (s *search) alone(text, salt variant) *hit {
	var hits []*hit
	note := func(h *hit) {
		if h != nil {
			hits = append(hits, h)
		}
	}
	for _, t := range s.texts {
		note(s.try(t, salt, right))
	}
	for _, k := range s.salts {
		note(s.try(text, k, right))
	}
	for _, f := range s.formulas {
		note(s.try(text, salt, f))
	}
	if len(hits) == 0 {
		return nil
	}
	slices.SortStableFunc(hits, func(a, b *hit) int { return a.steps[0].mistake.rank() - b.steps[0].mistake.rank() })
	for _, h := range hits[1:] {
		if name := h.steps[0].mistake.Name; name != hits[0].steps[0].mistake.Name && !slices.Contains(s.orElse, name) {
			s.orElse = append(s.orElse, name)
		}
	}
	return hits[0]
}

// inPairs tries two mistakes at a time: first those of different parts, then two of the text, then two of the salt.
func (s *search) inPairs(text, salt variant) *hit {
	s.pairs = true
	for _, t := range s.texts {
		for _, k := range s.salts {
			if h := s.try(t, k, right); h != nil {
				return h
			}
		}
		for _, f := range s.formulas {
			if h := s.try(t, salt, f); h != nil {
				return h
			}
		}
	}
	for _, k := range s.salts {
		for _, f := range s.formulas {
			if h := s.try(text, k, f); h != nil {
				return h
			}
		}
	}
	if h := s.twoOfSalt(text); h != nil {
		return h
	}
	return s.twoOfText(salt)
}

func (s *search) twoOfText(salt variant) *hit {
	for _, first := range s.texts {
		for i := range mistakes {
			m := &mistakes[i]
			if m.text == nil || m == first.steps[0].mistake {
				continue
			}
			if s.hashed > mostBytes {
				s.pairs = false
				return nil
			}
			for _, t := range textsAfter(m, first, s.c) {
				if h := s.try(t, salt, right); h != nil {
					return h
				}
			}
		}
	}
	return nil
}

func (s *search) twoOfSalt(text variant) *hit {
	for _, first := range s.salts {
		for i := range mistakes {
			m := &mistakes[i]
			if m.salt == nil || m.picks || m == first.steps[0].mistake {
				continue
			}
			for _, k := range saltsAfter(m, first, s.c) {
				if h := s.try(text, k, right); h != nil {
					return h
				}
			}
		}
	}
	return nil
}

// try hashes one combination. An empty salt proves nothing: without a salt is a formula of its own.
func (s *search) try(text, salt variant, f formulaStep) *hit {
	if len(salt.value) == 0 && !f.saltless {
		return nil
	}
	if !slices.ContainsFunc(s.claims, func(c claim) bool { return c.size == 0 || c.size == f.size }) {
		return nil
	}
	s.combinations++
	s.hashed += len(text.value)
	sum := f.sum(text.value, salt.value)
	for _, c := range s.claims {
		if c.size != 0 && c.size != f.size || !c.fits(sum) {
			continue
		}
		h := &hit{claim: c, secret: salt.secret, salt: salt.value, saltOf: salt.of}
		h.steps = slices.Concat(text.steps, salt.steps, f.steps)
		if len(text.steps) > 0 {
			h.text = text.value
		}
		if f.saltless {
			h.secret = ""
		}
		return h
	}
	return nil
}
