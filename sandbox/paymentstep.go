package sandbox

import (
	"net/url"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// pageStep is what an open payment waits for on its page. Its value is the name of the page's
// template. It follows from what the ledger holds and never from what a browser says.
type pageStep string

const (
	payerStep   pageStep = "payer"  // the details that a link asks its payer for
	methodStep  pageStep = "method" // the choice of a method
	cardStep    pageStep = "card"   // the data of a card
	otpStep     pageStep = "otp"    // the one-time password
	cardIsKnown pageStep = "known"  // nothing but the customer's yes
	appStep     pageStep = "app"    // a wallet, a bank's app, or whatever else is not a card
)

func currentStep(t ledger.Transaction) pageStep {
	switch {
	case t.Link != nil && len(t.Link.Asks) > 0 && !t.Identified:
		return payerStep
	case t.Card != nil && t.Card.OTP:
		return otpStep
	case t.Card != nil:
		return cardIsKnown
	case t.Method == "":
		return methodStep
	case t.Method == card.Domestic, t.Method == card.International:
		return cardStep
	}
	return appStep
}

// complaint names what is wrong with a form; empty: nothing. The pages have a text for each.
type complaint string

const (
	payerTooLong  complaint = "payer_too_long"
	cardUnknown   complaint = "card_unknown"
	nameMissing   complaint = "name_missing"
	detailsDiffer complaint = "details_differ"
	otpWrong      complaint = "otp_wrong"
)

// inputs names the inputs that a complaint about this form is about.
func (c complaint) inputs(form url.Values) map[string]bool {
	switch c {
	case cardUnknown:
		return map[string]bool{"cardNumber": true}
	case nameMissing:
		return map[string]bool{"cardHolderName": true}
	case detailsDiffer:
		return map[string]bool{"cardExpireDate": true, "cardVerificationValue": true}
	case otpWrong:
		return map[string]bool{"otp": true}
	case payerTooLong:
		return tooLong(form)
	}
	return nil
}

// formTakers carry out a step with what its form says. They run under the ledger's lock.
var formTakers = map[pageStep]func(*ledger.Transaction, url.Values) (ledger.Outcome, complaint){
	payerStep: takePayer,
	cardStep:  takeCard,
	otpStep:   takeOTP,
}

// stepOf returns which step a form is of, by a field that no other has.
func stepOf(form url.Values) pageStep {
	switch {
	case form.Has("otp"):
		return otpStep
	case form.Has("cardNumber"):
		return cardStep
	case slices.ContainsFunc(ledger.PayerFields(), form.Has):
		return payerStep
	}
	return ""
}

// take carries out a step if the payment waits for it. A form that comes twice, or after
// the customer went on in another window, changes nothing.
func take(t *ledger.Transaction, sent pageStep, form url.Values) (ledger.Outcome, complaint) {
	if currentStep(*t) != sent {
		return "", ""
	}
	return formTakers[sent](t, form)
}
