package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

var offer = regexp.MustCompile(`<a data-method="([A-Z]+)" href="\?method=([A-Z]+)">`)

// offers are the methods to choose from on the page.
func (g gateway) offers(page string) (methods []string) {
	g.Helper()
	text, _ := g.open(page, nil)
	for _, found := range offer.FindAllStringSubmatch(text, -1) {
		if found[1] != found[2] {
			g.Errorf("%s leads to %s", found[1], found[2])
		}
		methods = append(methods, found[1])
	}
	return methods
}

// open asks for a payment whose method is left to the customer.
func (g gateway) payWithOption(more string) (id, page string) {
	g.Helper()
	answer := g.ask("/api/v1/transaction/payWithOption", envelope("pay-1", purchase(`,"paymentMethod":null`+more)))
	if answer.ResponseCode != "200" {
		g.Fatalf("payment refused: %+v", answer)
	}
	return answer.ResponseData["transactionID"], answer.ResponseData["endpoint"]
}

func TestChosenMethod(t *testing.T) {
	for method, test := range map[string]struct {
		card   string
		source string
	}{
		card.Domestic:      {"9704000000000018", "SACOMBANK"},
		card.International: {"5506920809243667", "MASTER"},
		ledger.Wallet:      {"", "MOMO"},
		ledger.QRPay:       {"", "QRPAY"},
	} {
		t.Run(method, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			_, page := g.payWithOption(toShop + `,"ipnURL":"` + ipnURL + `"`)
			if got := g.offers(page); !slices.Equal(got, []string{card.Domestic, card.International, ledger.Wallet, ledger.QRPay}) {
				t.Fatalf("offered %v", got)
			}
			g.open(page+"?method="+method, nil)
			last := otp("otp")
			if test.card != "" {
				g.goOn(page, typed(test.card))
			} else {
				g.wantParts(page, `id="qr"`)
				last = map[string][]string{"outcome": {"success"}}
			}
			returned, _ := g.returned(g.send(page, last))
			for kind, data := range map[string]values{"redirect": returned.ResponseData, "IPN": one(t, ipns).ResponseData} {
				if data["paymentMethod"] != method || data["sourceType"] != test.source {
					t.Errorf("%s: paid with %s %s", kind, data["paymentMethod"], data["sourceType"])
				}
			}
		})
	}
}

func TestChosenMethodIsThatOfTheToken(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	_, page := g.payWithOption(toShop + `,"apiOperation":"PAY_WITH_CREATE_TOKEN","ipnURL":"` + ipnURL + `"`)
	g.open(page+"?method=INTERNATIONAL", nil)
	g.returned(g.send(page, typed(visa)))
	got := decode[map[string]string](t, one(t, ipns).ResponseData["tokenization"])
	for field, want := range map[string]string{
		"accountBrand": "VISA", "accountSource": "SANDBOX", "accountNumber": "************0026", "accountName": "TRAN THI B",
	} {
		if got[field] != want {
			t.Errorf("%s is %q, want %q", field, got[field], want)
		}
	}
}

func TestChoosingAgain(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.payWithOption("")
	for _, visit := range []struct{ query, want string }{
		{"?method=DOMESTIC", `id="card"`},
		{"", `id="card"`},
		{"?method=BNPL", `id="card"`},
		{"?method=WALLET", `id="qr"`},
		{"?method=", `data-method="WALLET"`},
		{"?method=INTERNATIONAL", `name="cardVerificationValue"`},
	} {
		g.wantParts(page+visit.query, visit.want)
	}
	g.goOn(page, typed("5506920809243667"))
	g.wantParts(page+"?method=INTERNATIONAL", `id="otp"`) // the same method keeps the card
	g.wantParts(page+"?method=DOMESTIC", `id="card"`)
}

// Going back to the choice gives no customer another three tries.
func TestWrongPasswordsStayCounted(t *testing.T) {
	g := serve(t, new(Handler))
	id, page := g.payWithOption(toShop)
	for range 3 {
		g.open(page+"?method=", nil)
		g.open(page+"?method=DOMESTIC", nil)
		g.goOn(page, typed("9704000000000018"))
		g.send(page, otp("wrong"))
	}
	g.wantStanding(id, "FAILURE", "505", "Payment failed")
}

func TestNamedMethodIsNotForChoice(t *testing.T) {
	for name, more := range map[string]string{
		"method":          "",
		"method and card": `,"paymentMethod":"INTERNATIONAL","sourceOfFund":"CARD",` + cardData,
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, page := g.pay(more)
			before := g.offers(page)
			text, _ := g.open(page+"?method=WALLET", nil)
			if len(before) != 0 || strings.Contains(text, `id="qr"`) || strings.Contains(text, `class="back"`) {
				t.Errorf("offered %v: %s", before, text)
			}
		})
	}
}

func TestMethodsOfALink(t *testing.T) {
	for name, test := range map[string]struct {
		providers string
		want      []string
		shown     string
	}{
		"two":            {`["QRPAY","MOMO"]`, []string{ledger.Wallet, ledger.QRPay}, ""},
		"all":            {`["GALAXYPAY","MPGS","QRPAY","MOMO","ZALOPAY","NAPAS"]`, []string{card.Domestic, card.International, ledger.Wallet, ledger.QRPay}, ""},
		"wallets":        {`["GALAXYPAY","ZALOPAY"]`, nil, `id="qr"`},
		"NAPAS":          {`["NAPAS"]`, nil, `id="card"`},
		"none is known":  {`["SHOPEEPAY"]`, []string{card.Domestic, card.International, ledger.Wallet, ledger.QRPay}, ""},
		"another beside": {`["SHOPEEPAY","MPGS"]`, nil, `name="cardVerificationValue"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			link := strings.NewReplacer(`["QRPAY","MOMO"]`, test.providers, `["email","fullname","shoeSize"]`, `[]`).Replace(linkTo(""))
			page := g.ask(createLink, envelope("link-1", link)).ResponseData["shortLink"]
			if got := g.offers(page); !slices.Equal(got, test.want) {
				t.Errorf("offered %v", got)
			}
			g.wantParts(page, test.shown)
		})
	}
}

// The payer's details are a step of their own, before the choice.
func TestPayerStep(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	page := g.ask(createLink, envelope("link-1", linkTo(`,"ipnURL":"`+ipnURL+`"`))).ResponseData["shortLink"]
	g.wantParts(page, `<form id="payer" method="post"`, `name="fullname" maxlength="50"`)
	long := g.send(page, map[string][]string{"fullname": {strings.Repeat("ễ", 51)}, "email": {""}})
	if text := read(t, long); long.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, "50 characters") {
		t.Errorf("HTTP %d: %s", long.StatusCode, text)
	}
	g.goOn(page, map[string][]string{"fullname": {"Nguyễn An"}, "email": {""}, "phone": {"090"}})
	g.wantParts(page, `data-method="WALLET"`)
	g.press(page, "success")
	if got := one(t, ipns).ResponseData["extraData"]; got != `{"fullName":"Nguyễn An"}` {
		t.Errorf("extraData %s", got)
	}
}
