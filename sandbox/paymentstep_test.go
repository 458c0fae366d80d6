package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// typed are the fields of the card form with a published test card in it.
func typed(number string) url.Values {
	card, _ := card.FindTestCard(number)
	return url.Values{
		"cardNumber": {card.Number}, "cardHolderName": {"TRAN THI B"}, "cardExpireDate": {card.Date}, "cardVerificationValue": {card.CVV},
	}
}

func otp(value string) url.Values { return url.Values{"otp": {value}} }

// send posts a form of the payment page.
func (g gateway) send(page string, fields url.Values) *http.Response {
	g.Helper()
	return g.exchange(http.MethodPost, page, fields.Encode(), form)
}

// goOn sends a form and demands that the page goes on to its next step.
func (g gateway) goOn(page string, fields url.Values) {
	g.Helper()
	response := g.send(page, fields)
	if response.StatusCode != http.StatusSeeOther || !strings.HasSuffix(page, response.Header.Get("Location")) {
		g.Fatalf("HTTP %d to %q: %s", response.StatusCode, response.Header.Get("Location"), read(g.T, response))
	}
}

// wantParts demands that the page holds these parts, and opens it for that.
func (g gateway) wantParts(page string, parts ...string) {
	g.Helper()
	text, _ := g.open(page, nil)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			g.Errorf("%s is missing in %s", part, text)
		}
	}
}

const toShop = `,"apiVersion":2,"successURL":"http://shop.example/success","failureURL":"http://shop.example/failure"`

func TestEveryTestCardPays(t *testing.T) {
	for _, card := range card.TestCards() {
		t.Run(card.Number, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			id, page := g.pay(toShop + `,"paymentMethod":"` + card.Method + `","ipnURL":"` + ipnURL + `"`)
			g.wantParts(page, `<form id="card" method="post"`, `name="cardNumber" value=""`, `data-card="`+card.Number+`"`)
			g.wantParts(page+"?card="+card.Number, `name="cardNumber" value="`+card.Number+`"`, `name="cardExpireDate" value="`+card.Date+`"`)
			last := typed(card.Number)
			if card.OTP {
				g.goOn(page, last)
				g.wantParts(page, `<form id="otp" method="post"`, "************"+card.Number[12:], "<code>otp</code>")
				if len(ipns) != 0 {
					t.Error("the app got an IPN before the password")
				}
				last = otp("otp")
			}
			m, _ := g.returned(g.send(page, last))
			if m.ResponseCode != "200" || m.ResponseData["paymentMethod"] != card.Method {
				t.Errorf("redirected with %+v", m)
			}
			one(t, ipns)
			g.wantStanding(id, "SUCCESSFUL", "200", "Success")
		})
	}
}

func TestCardForm(t *testing.T) {
	const (
		other        = "use a published test card: real card numbers do not belong here"
		details      = "not the one published for this test card"
		frictionless = "4456530000000064"
	)
	for name, test := range map[string]struct {
		method string
		change url.Values
		want   string // in the page; empty: the card is taken
	}{
		"as published":            {card.International, nil, ""},
		"with spaces and dashes":  {card.International, url.Values{"cardNumber": {"4456-5300 0000 0064"}}, ""},
		"another card":            {card.International, url.Values{"cardNumber": {"4111111111111111"}}, other},
		"no number":               {card.International, url.Values{"cardNumber": {""}}, other},
		"markup":                  {card.International, url.Values{"cardNumber": {"<script>alert(1)</script>"}}, other},
		"domestic card":           {card.International, typed("9704000000000018"), other},
		"international card":      {card.Domestic, nil, other},
		"no name":                 {card.International, url.Values{"cardHolderName": {" "}}, "name on the card is missing"},
		"name of 50 characters":   {card.International, url.Values{"cardHolderName": {strings.Repeat("ữ", 50)}}, ""},
		"name of 51 characters":   {card.International, url.Values{"cardHolderName": {strings.Repeat("ữ", 51)}}, "too long"},
		"another date":            {card.International, url.Values{"cardExpireDate": {"01/39"}}, details},
		"no date":                 {card.International, url.Values{"cardExpireDate": {""}}, details},
		"another CVV":             {card.International, url.Values{"cardVerificationValue": {"999"}}, details},
		"date and CVV left blank": {card.International, url.Values{"cardExpireDate": {""}, "cardVerificationValue": {""}}, details},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, page := g.pay(toShop + `,"paymentMethod":"` + test.method + `"`)
			fields := typed(frictionless)
			maps.Copy(fields, test.change)
			response := g.send(page, fields)
			if test.want == "" {
				g.returned(response)
				return
			}
			text := read(t, response)
			if response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(strings.ToLower(text), test.want) || !strings.Contains(text, `id="card"`) {
				t.Errorf("HTTP %d: %s", response.StatusCode, text)
			}
			if strings.Contains(text, "4111111111111111") || strings.Contains(text, "alert(1)") {
				t.Errorf("what was typed is shown again: %s", text)
			}
			g.wantStanding(id, "INIT", "", "Transaction is not completed.")
		})
	}
}

// A person could take the page for the gateway's and type the number of a real card.
func TestOtherCardsAreNotKept(t *testing.T) {
	h := new(Handler)
	g := serve(t, h)
	id, page := g.pay(`,"paymentMethod":"INTERNATIONAL"`)
	fields := typed(visa)
	fields.Set("cardNumber", "4111111111111111")
	fields.Set("cardVerificationValue", "C#V")
	g.send(page, fields)
	kept, _ := h.ledger.Find(id)
	traces := fmt.Sprintf("%+v %+v %+v", kept, kept.Card, g.logs.All())
	for _, secret := range []string{"4111111111111111", "*1111", "C#V", "TRAN THI B"} {
		if strings.Contains(traces, secret) {
			t.Errorf("%s is kept: %s", secret, traces)
		}
	}
}

func TestOTP(t *testing.T) {
	for name, test := range map[string]struct {
		given []string
		stage string
		code  string
	}{
		"right":                       {[]string{"otp"}, "SUCCESSFUL", "200"},
		"right after two wrong":       {[]string{"", "OTP", "otp"}, "SUCCESSFUL", "200"},
		"wrong":                       {[]string{"123456"}, "PROCESSING", ""},
		"wrong three times":           {[]string{"1", "2", "3"}, "FAILURE", "505"},
		"right after it was too late": {[]string{"1", "2", "3", "otp"}, "FAILURE", "505"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, page := g.pay(toShop)
			g.goOn(page, typed("9704000000000018"))
			g.open(page, nil)
			for i, given := range test.given {
				response := g.send(page, otp(given))
				if given == "otp" || i >= 2 {
					if m, _ := g.returned(response); m.ResponseCode != test.code {
						t.Errorf("redirected with %+v", m)
					}
					continue
				}
				if text := read(t, response); response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, "This password is wrong") || !strings.Contains(text, `id="otp"`) {
					t.Errorf("HTTP %d: %s", response.StatusCode, text)
				}
			}
			if data := g.query(id).ResponseData; data["transactionStage"] != test.stage || data["transactionStatus"] != test.code {
				t.Errorf("standing %v", data)
			}
		})
	}
}

// A browser cannot skip a step: what comes out of turn changes nothing.
func TestStepsOutOfTurn(t *testing.T) {
	for name, test := range map[string]struct {
		before []url.Values
		sent   url.Values
		want   string // the form that is still shown
	}{
		"password without a card": {nil, otp("otp"), `id="card"`},
		"card after the card":     {[]url.Values{typed("9704000000000018")}, typed("9704000000000018"), `id="otp"`},
		"payer of no link":        {nil, url.Values{"fullname": {"A"}}, `id="card"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, page := g.pay(toShop)
			for _, fields := range test.before {
				g.goOn(page, fields)
			}
			g.goOn(page, test.sent)
			g.wantParts(page, test.want)
			g.wantStanding(id, "PROCESSING", "", "Transaction is not completed.")
		})
	}
}

// The password has to be typed wherever the card comes from: the customer, the merchant or a token.
func TestCardThatIsKnown(t *testing.T) {
	withOTP := strings.Replace(cardData, visa, "5506920809243667", 1)
	for name, test := range map[string]struct{ card, form, last string }{
		"with a password":    {`,"sourceOfFund":"CARD",` + withOTP, `id="otp"`, "otp=otp"},
		"not published":      {`,"sourceOfFund":"CARD",` + strings.Replace(cardData, visa, "4111111111111111", 1), `id="otp"`, "otp=otp"},
		"without a password": {`,"sourceOfFund":"CARD",` + cardData, `id="known"`, "outcome=success"},
		"stored":             {`,"sourceOfFund":"TOKEN","token":"$"`, `id="known"`, "outcome=success"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			card := strings.Replace(test.card, "$", g.createToken("create-1"), 1)
			_, page := g.pay(toShop + `,"paymentMethod":"INTERNATIONAL"` + card)
			g.wantParts(page, test.form, "************")
			if m, _ := g.returned(g.exchange(http.MethodPost, page, test.last, form)); m.ResponseCode != "200" {
				t.Errorf("redirected with %+v", m)
			}
		})
	}
}

func TestPanel(t *testing.T) {
	for outcome, want := range map[string]struct{ code, description, shown string }{
		"success": {"200", "Success", "The payment was successful"},
		"refused": {"505", "Refused by the bank", "The bank refused the payment"},
		"failure": {"505", "Payment failed", "The payment failed"},
		"cancel":  {"499", "Canceled by user", "The payment was cancelled"},
		"expired": {"408", "Transaction expired", "The payment has expired"},
	} {
		t.Run(outcome, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			_, page := g.pay(`,"apiVersion":2,"ipnURL":"` + ipnURL + `"`)
			g.wantParts(page, `name="outcome" value="`+outcome+`"`)
			if text := read(t, g.press(page, outcome)); !strings.Contains(text, want.shown) {
				t.Errorf("page %s", text)
			}
			ipn := one(t, ipns)
			if ipn.ResponseCode != want.code || ipn.ResponseData["transactionDescription"] != want.description {
				t.Errorf("IPN %+v", ipn)
			}
		})
	}
	g := serve(t, new(Handler))
	_, page := g.pay("")
	for _, outcome := range []string{"authorised", "voided", "", "SUCCESS"} {
		if response := g.press(page, outcome); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: HTTP %d", outcome, response.StatusCode)
		}
	}
}
