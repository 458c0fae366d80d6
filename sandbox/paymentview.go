package sandbox

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// paymentView is a transaction in the reader's language.
type paymentView struct {
	ID        string
	Title     string     // of the page while the payment is open
	Questions []question // what the payer of a link is asked for
	Order     ledger.Order
	Amount    string // readable, with its currency
	Stage     string
	Good      bool // paid, or held for capture
	Happened  string
	IPN       string
	IPNAnswer string
	Told      string // the status, once the app has got the IPN
}

// question is an input of the payment form.
type question struct{ Name, Label string }

func viewPayment(t ledger.Transaction, in language.Tag) paymentView {
	view := paymentView{
		ID:        t.ID,
		Title:     payTitle.In(in),
		Order:     t.Order,
		Amount:    readable(t.Order.Amount, in) + " " + t.Order.Currency,
		Stage:     t.Stage(),
		Good:      t.Stage() == ledger.StageSuccessful,
		Happened:  outcomeTexts[t.Standing()].In(in),
		IPN:       viewIPN(t, in),
		IPNAnswer: t.Delivery.Answer,
	}
	select {
	case <-t.Announced:
		view.Told = t.Outcome.Result().Status
	default:
	}
	if t.Link == nil {
		return view
	}
	view.Title = t.Link.Name
	for _, name := range t.Link.Asks {
		view.Questions = append(view.Questions, question{Name: name, Label: payerTexts[name].In(in)})
	}
	return view
}

func viewIPN(t ledger.Transaction, in language.Tag) string {
	switch {
	case t.IPNURL == nil:
		return noIPN.In(in)
	case t.Delivery.Failure != "":
		return fmt.Sprintf(ipnFailed.In(in), t.Delivery.Failure)
	case t.Delivery.Status != 0:
		return fmt.Sprintf(ipnAnswer.In(in), t.Delivery.Status)
	}
	return ipnSending.In(in)
}

// readable writes an amount as people do, by its value: zeros behind the point could be taken
// for a group of thousands, and say nothing.
func readable(amount string, in language.Tag) string {
	whole, fraction, _ := strings.Cut(amount, ".")
	whole = cmp.Or(strings.TrimLeft(whole, "0"), "0")
	if strings.Trim(fraction, "0") == "" || len(fraction) > 2 {
		fraction = strings.TrimRight(fraction, "0")
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + thousands.In(in) + whole[at:]
	}
	if fraction != "" {
		whole += point.In(in) + fraction
	}
	return whole
}

// stepView is what an open payment waits for.
type stepView struct {
	Heading     string
	Wrong       map[string]bool // the inputs that the complaint is about
	Due         string          // the time of expiry
	Left        string          // until then
	LeftSeconds int
	Method      string
	MethodName  string
	Methods     []choice // offered; empty: there is nothing to choose
	Cards       []card.TestCard
	Card        card.TestCard // fills the form
	Paying      *card.Account // the card that is paid with
	OTP         string
	QR          template.URL
}

// choice is a method that the page offers.
type choice struct{ Method, Name string }

func viewStep(t ledger.Transaction, in language.Tag, now time.Time) stepView {
	left := (t.ExpiresAt.Sub(now) + time.Second - 1).Truncate(time.Second) // never over too early
	view := stepView{
		Heading:     heading(t, in),
		Due:         t.ExpiresAt.In(message.Vietnam).Format("15:04:05 02/01/2006"),
		Left:        clockTime(left),
		LeftSeconds: int(left.Seconds()),
		Method:      t.Method,
		MethodName:  cmp.Or(methodTexts[t.Method].In(in), t.Method),
		Cards:       card.TestCardsOf(t.Method),
		Paying:      t.Card,
		OTP:         testOTP,
	}
	for _, method := range t.Offers {
		view.Methods = append(view.Methods, choice{Method: method, Name: methodTexts[method].In(in)})
	}
	return view
}

// heading says what an open payment waits for. A method that the customer chose is named.
func heading(t ledger.Transaction, in language.Tag) string {
	step := currentStep(t)
	text := stepTexts[step].In(in)
	if step != cardStep && step != appStep {
		return text
	}
	return text + " · " + cmp.Or(methodTexts[t.Method].In(in), t.Method)
}

// clockTime writes a duration as the page's script does, 04:59 or 71:59:59.
func clockTime(d time.Duration) string {
	hours, rest := int(d.Hours()), int(d.Seconds())%3600
	if hours == 0 {
		return fmt.Sprintf("%02d:%02d", rest/60, rest%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", hours, rest/60, rest%60)
}
