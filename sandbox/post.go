package sandbox

import (
	"encoding/base64"
	"strings"
)

// post is the IPNs of one payment, sealed and in the order in which they are sent: one,
// unless faults make it another number.
type post struct {
	t       transaction
	salt    string
	letters []sealed
}

// post seals what the app is told and lets the payment's faults strike.
func (t transaction) post(salt string) []sealed {
	p := &post{t: t, salt: salt, letters: []sealed{seal(t.ipn(), salt)}}
	for _, f := range t.faults {
		if f.misroute != nil {
			f.misroute(p)
		}
	}
	return p.letters
}

// change changes every letter.
func (p *post) change(by func(*sealed)) {
	for i := range p.letters {
		by(&p.letters[i])
	}
}

// takeBack contradicts only what was said: a payment that was not paid has one IPN.
func takeBack(p *post) {
	if p.t.outcome != success && p.t.outcome != authorised {
		return
	}
	cancelled := p.t
	cancelled.outcome, cancelled.stored = cancel, nil
	p.letters = append(p.letters, seal(cancelled.ipn(), p.salt))
}

func repeat(p *post) { p.letters = append(p.letters, p.letters...) }

// raiseAmount puts a digit in front of the amount and leaves the signature as it was.
func raiseAmount(p *post) {
	p.change(func(s *sealed) {
		text, _ := base64.StdEncoding.DecodeString(s.Data) // what seal encoded
		raised := strings.Replace(string(text), `"orderAmount":"`, `"orderAmount":"9`, 1)
		s.Data = base64.StdEncoding.EncodeToString([]byte(raised))
	})
}

func sealWrongly(p *post) {
	p.change(func(s *sealed) { s.Signature = sign([]byte(s.Data), p.salt+"?") })
}

func unseal(p *post) {
	p.change(func(s *sealed) { s.Signature = "" })
}

func lose(p *post) { p.letters = nil }
