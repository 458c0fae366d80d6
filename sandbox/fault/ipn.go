package fault

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// IPNs are the IPNs of one payment, sealed and in the order in which they are sent: one,
// unless faults make it another number.
type IPNs struct {
	Callbacks []message.Callback
	Delay     time.Duration // how long after the outcome they are sent

	salt    string
	outcome ledger.Outcome
	say     func(ledger.Outcome) any // the message of an IPN about this outcome
}

// IPNs seals the message about the payment's outcome and lets these faults strike. The
// message about an outcome comes from say.
func (f Faults) IPNs(outcome ledger.Outcome, salt string, say func(ledger.Outcome) any) *IPNs {
	p := &IPNs{salt: salt, outcome: outcome, say: say}
	p.Callbacks = []message.Callback{p.about(outcome)}
	for _, one := range f {
		if one.ipns != nil {
			one.ipns(p)
		}
	}
	return p
}

func (p *IPNs) about(outcome ledger.Outcome) message.Callback {
	return message.Seal(p.say(outcome), p.salt)
}

// change changes every IPN.
func (p *IPNs) change(by func(*message.Callback)) {
	for i := range p.Callbacks {
		by(&p.Callbacks[i])
	}
}

// rewrite changes the message in every IPN. The signatures stay as they were.
func (p *IPNs) rewrite(by func(text []byte) []byte) {
	p.change(func(c *message.Callback) { c.Data = base64.StdEncoding.EncodeToString(by(c.Text())) })
}

// sign signs every IPN as it is now.
func (p *IPNs) sign() {
	p.change(func(c *message.Callback) { c.Signature = message.Sign([]byte(c.Data), p.salt) })
}

func (p *IPNs) paid() bool { return p.outcome == ledger.Success || p.outcome == ledger.Authorised }

// expiredBefore and cancelledAfter contradict only a paid payment: one that was not paid
// has one IPN.
func expiredBefore(p *IPNs) {
	if p.paid() {
		p.Callbacks = append([]message.Callback{p.about(ledger.Expired)}, p.Callbacks...)
	}
}

func cancelledAfter(p *IPNs) {
	if p.paid() {
		p.Callbacks = append(p.Callbacks, p.about(ledger.Cancelled))
	}
}

func ipnDayBehind(p *IPNs) {
	p.rewrite(dayBefore)
	p.sign()
}

func ipnPlus(p *IPNs) {
	p.rewrite(withPlus)
	p.sign()
}

func ipnOfOtherOrder(p *IPNs) {
	p.rewrite(otherOrder)
	p.sign()
}

func ipnOfOtherAmount(p *IPNs) {
	p.rewrite(otherAmount)
	p.sign()
}

func ipnOfOtherCurrency(p *IPNs) {
	p.rewrite(otherCurrency)
	p.sign()
}

var responseMessage = regexp.MustCompile(`"responseMessage":"[^"]*`)

// withPlus appends to responseMessage what makes + and / in Base64. A > or a ? in the last
// place of a group of three bytes does, and three in a row have one there.
func withPlus(text []byte) []byte {
	return responseMessage.ReplaceAll(text, []byte("$0 >>>???"))
}

func twice(p *IPNs) { p.Callbacks = append(p.Callbacks, p.Callbacks...) }

// raiseAmount puts a digit in front of the amount and leaves the signature as it was.
func raiseAmount(p *IPNs) {
	p.rewrite(func(text []byte) []byte {
		return bytes.Replace(text, []byte(`"orderAmount":"`), []byte(`"orderAmount":"9`), 1)
	})
}

func signIPNWithOtherSalt(p *IPNs) {
	p.change(func(c *message.Callback) { c.Signature = message.Sign([]byte(c.Data), p.salt+"?") })
}

func removeIPNSignature(p *IPNs) {
	p.change(func(c *message.Callback) { c.Signature = "" })
}

// lateness is how late a late IPN is.
const lateness = 5 * time.Second

func late(p *IPNs) { p.Delay = lateness }

func lose(p *IPNs) { p.Callbacks = nil }
