package sandbox

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// post is the IPNs of one payment, sealed and in the order in which they are sent: one,
// unless faults make it another number.
type post struct {
	t       transaction
	salt    string
	letters []message.Callback
	delay   time.Duration // how long after the outcome they are sent
}

// post seals what the app is told and lets the payment's faults strike.
func (t transaction) post(salt string) *post {
	p := &post{t: t, salt: salt, letters: []message.Callback{message.Seal(t.ipn(), salt)}}
	for _, f := range t.faults {
		if f.misroute != nil {
			f.misroute(p)
		}
	}
	return p
}

// change changes every letter.
func (p *post) change(by func(*message.Callback)) {
	for i := range p.letters {
		by(&p.letters[i])
	}
}

// rewrite changes what every letter says. The signatures stay as they were.
func (p *post) rewrite(by func(text []byte) []byte) {
	p.change(func(s *message.Callback) {
		s.Data = base64.StdEncoding.EncodeToString(by(s.Text()))
	})
}

// sign proves every letter as it is now.
func (p *post) sign() {
	p.change(func(s *message.Callback) { s.Signature = message.Sign([]byte(s.Data), p.salt) })
}

func (p *post) paid() bool { return p.t.outcome == success || p.t.outcome == authorised }

// contrary is an IPN that says something else than what became of the payment.
func (p *post) contrary(end outcome) message.Callback {
	t := p.t
	t.outcome, t.stored = end, nil
	return message.Seal(t.ipn(), p.salt)
}

// expireFirst and takeBack contradict only what was said: a payment that was not paid
// has one IPN.
func expireFirst(p *post) {
	if p.paid() {
		p.letters = append([]message.Callback{p.contrary(expired)}, p.letters...)
	}
}

func takeBack(p *post) {
	if p.paid() {
		p.letters = append(p.letters, p.contrary(cancel))
	}
}

func setBackIPN(p *post) {
	p.rewrite(dayBefore)
	p.sign()
}

func addPlus(p *post) {
	p.rewrite(withPlus)
	p.sign()
}

var spoken = regexp.MustCompile(`"responseMessage":"[^"]*`)

// withPlus appends to responseMessage what makes + and / in Base64. A > or a ? in the last
// place of a group of three bytes does, and three in a row have one there.
func withPlus(text []byte) []byte {
	return spoken.ReplaceAll(text, []byte("$0 >>>???"))
}

func repeat(p *post) { p.letters = append(p.letters, p.letters...) }

// raiseAmount puts a digit in front of the amount and leaves the signature as it was.
func raiseAmount(p *post) {
	p.rewrite(func(text []byte) []byte {
		return bytes.Replace(text, []byte(`"orderAmount":"`), []byte(`"orderAmount":"9`), 1)
	})
}

func sealWrongly(p *post) {
	p.change(func(s *message.Callback) { s.Signature = message.Sign([]byte(s.Data), p.salt+"?") })
}

func unseal(p *post) {
	p.change(func(s *message.Callback) { s.Signature = "" })
}

// lateness is how late a late IPN is.
const lateness = 5 * time.Second

func delay(p *post) { p.delay = lateness }

func lose(p *post) { p.letters = nil }
