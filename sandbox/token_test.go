package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const (
	visa     = "4012000033330026"
	cardData = `"cardNumber":"` + visa + `","cardHolderName":"NGUYEN VAN B","cardExpireDate":"01/39","cardVerificationValue":"987"`
)

// storing is the requestData of a payment that stores the card.
func storing(more string) string {
	return strings.Replace(purchase(more), `"PAY"`, `"PAY_WITH_CREATE_TOKEN"`, 1)
}

// charging is the requestData of a payment with a stored card.
func charging(token string) string {
	return purchase(`,"sourceOfFund":"TOKEN","token":"` + token + `"`)
}

// createToken stores a card and returns its token.
func (g gateway) createToken(requestID string) string {
	g.Helper()
	answer := g.ask("/api/v1/tokenization/createToken", envelope(requestID, `{"paymentMethod":"INTERNATIONAL",`+cardData+`}`))
	if answer.ResponseCode != "200" {
		g.Fatalf("token refused: %+v", answer)
	}
	return answer.ResponseData["token"]
}

// cards are those that queryTokens lists.
func (g gateway) cards() []map[string]string {
	g.Helper()
	answer := g.ask("/api/v1/tokenization/queryTokens", envelope("list", `{"customerToken":"anyone"}`))
	if answer.ResponseData["customerID"] == "" || answer.ResponseData["customerName"] == "" {
		g.Errorf("list %v", answer.ResponseData)
	}
	return decode[[]map[string]string](g.T, answer.ResponseData["tokens"])
}

func TestTokenComesWithTheIPNOnly(t *testing.T) {
	for name, test := range map[string]struct {
		path, data, outcome string
		want                map[string]string // nil: no tokenization
	}{
		"domestic": {"pay", storing(""), "success", map[string]string{
			"accountBrand": "NAPAS", "accountSource": "SACOMBANK", "accountNumber": "************0018", "accountName": "NGUYEN VAN A",
		}},
		"named bank": {"pay", storing(`,"sourceType":"VIETCOMBANK"`), "success", map[string]string{
			"accountBrand": "NAPAS", "accountSource": "VIETCOMBANK", "accountNumber": "************0018", "accountName": "NGUYEN VAN A",
		}},
		"card of the merchant": {"pay", storing(`,"paymentMethod":"INTERNATIONAL","sourceOfFund":"CARD",` + cardData), "success", map[string]string{
			"accountBrand": "VISA", "accountSource": "SANDBOX", "accountNumber": "************0026", "accountName": "NGUYEN VAN B",
		}},
		"authorised": {"pay", storing(`,"paymentMethod":"INTERNATIONAL","isAutoCapture":false`), "success", map[string]string{
			"accountBrand": "MASTER", "accountSource": "SANDBOX", "accountNumber": "************3667", "accountName": "NGUYEN VAN A",
		}},
		"method chosen on the page": {"payWithOption", storing(""), "success", map[string]string{
			"accountBrand": "NAPAS", "accountSource": "SACOMBANK", "accountNumber": "************0018", "accountName": "NGUYEN VAN A",
		}},
		"not asked for":       {"pay", purchase(""), "success", nil},
		"failed":              {"pay", storing(""), "failure", nil},
		"cancelled":           {"pay", storing(""), "cancel", nil},
		"method without card": {"payWithOption", storing(`,"paymentMethod":"WALLET","sourceType":"MOMO"`), "success", nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			data := strings.TrimSuffix(test.data, "}") + `,"ipnURL":"` + ipnURL + `","successURL":"http://shop.example","failureURL":"http://shop.example","cancelURL":"http://shop.example"}`
			page := g.ask("/api/v1/transaction/"+test.path, envelope("pay-1", data)).ResponseData["endpoint"]
			returned, _ := g.returned(g.press(page, test.outcome))
			if _, has := returned.ResponseData["tokenization"]; has {
				t.Error("the browser gets the token")
			}
			text, has := one(t, ipns).ResponseData["tokenization"]
			if has != (test.want != nil) || has != (len(g.cards()) == 1) {
				t.Fatalf("tokenization %q, %d cards", text, len(g.cards()))
			}
			if !has {
				return
			}
			got := decode[map[string]string](t, text)
			if !regexp.MustCompile(`^\d{4}[0-9A-F]{32}$`).MatchString(got["token"]) || got["status"] != "200" || got["message"] != "Success" || len(got) != 7 {
				t.Errorf("tokenization %v", got)
			}
			for field, want := range test.want {
				if got[field] != want {
					t.Errorf("%s is %q, want %q", field, got[field], want)
				}
			}
			if answer := g.ask("/api/v1/transaction/pay", envelope("pay-2", charging(got["token"]))); answer.ResponseCode != "200" {
				t.Errorf("paying with the token: %+v", answer)
			}
		})
	}
}

func TestTokenLife(t *testing.T) {
	const ended = "token is unknown or no longer valid"
	for name, test := range map[string]struct{ path, data string }{
		"deleted":                     {"deleteToken", `{"token":"%[1]s"}`},
		"removed":                     {"removeToken", `{"token":"%[1]s"}`},
		"removed by the customer":     {"removeToken", `{"customerToken":"anyone","tokenID":"%[2]s"}`},
		"removed, tokenID is a digit": {"removeToken", `{"customerToken":"anyone","tokenID":%[2]s}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			token, other := g.createToken("create-1"), g.createToken("create-2")
			cards := g.cards()
			if len(cards) != 2 || len(cards[1]) != 5 || cards[1]["accountNumber"] != "************0026" || cards[0]["tokenID"] == cards[1]["tokenID"] {
				t.Fatalf("cards %v", cards)
			}
			end := envelope("end", fmt.Sprintf(test.data, token, cards[1]["tokenID"]))
			path := "/api/v1/tokenization/" + test.path
			for _, s := range []struct{ name, path, body, code, message string }{
				{"paying", "/api/v1/transaction/pay", envelope("pay-1", charging(token)), "200", "Success"},
				{"ending", path, end, "200", "Success"},
				{"repeating it", path, end, "409", repeated},
				{"ending again", path, strings.Replace(end, `"end"`, `"end-again"`, 1), "400", ended},
				{"repeating the payment", "/api/v1/transaction/pay", envelope("pay-1", charging(token)), "409", repeated},
				{"repeating it as a fast one", "/api/v1/transaction/pay", envelope("pay-1", fast(`,"token":"`+token+`"`)), "409", repeated},
				{"paying again", "/api/v1/transaction/pay", envelope("pay-2", charging(token)), "400", ended},
				{"paying with the other", "/api/v1/transaction/pay", envelope("pay-2", charging(other)), "200", "Success"},
			} {
				if answer := g.ask(s.path, s.body); answer.ResponseCode != s.code || answer.ResponseMessage != s.message {
					t.Errorf("%s: %s %s", s.name, answer.ResponseCode, answer.ResponseMessage)
				}
			}
			if left := g.cards(); len(left) != 1 || left[0]["tokenID"] != cards[0]["tokenID"] {
				t.Errorf("cards left %v", left)
			}
		})
	}
}

func TestTokenRefusals(t *testing.T) {
	create, remove := "/api/v1/tokenization/createToken", "/api/v1/tokenization/removeToken"
	for name, test := range map[string]struct{ path, data, want string }{
		"no number":             {create, `{"paymentMethod":"DOMESTIC"}`, "cardNumber is missing"},
		"no CVV":                {create, `{"paymentMethod":"INTERNATIONAL",` + strings.Replace(cardData, "cardVerificationValue", "cvv", 1) + `}`, "cardVerificationValue is missing"},
		"CVV too long":          {create, `{"paymentMethod":"INTERNATIONAL",` + strings.Replace(cardData, "987", "9876", 1) + `}`, "cardVerificationValue is longer than 3 characters"},
		"number too short":      {create, `{"paymentMethod":"INTERNATIONAL",` + strings.Replace(cardData, visa, "40120000333", 1) + `}`, "cardNumber is not a card number"},
		"number with letters":   {create, `{"paymentMethod":"INTERNATIONAL",` + strings.Replace(cardData, visa, "4012x00033330026", 1) + `}`, "cardNumber is not a card number"},
		"nothing to delete":     {"/api/v1/tokenization/deleteToken", `{}`, "token is missing"},
		"nothing to remove":     {remove, `{}`, "token is missing"},
		"customer without card": {remove, `{"customerToken":"anyone"}`, "tokenID is missing"},
		"card without customer": {remove, `{"tokenID":"1"}`, "customerToken is missing"},
		"unknown card":          {remove, `{"customerToken":"anyone","tokenID":"1"}`, "token is unknown or no longer valid"},
		"no customer":           {"/api/v1/tokenization/queryTokens", `{}`, "customerToken is missing"},
		"unknown token":         {"/api/v1/transaction/pay", charging("3235D5767D5257694B02B602040945D80405"), "token is unknown or no longer valid"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask(test.path, envelope("1", test.data))
			if answer.ResponseCode != "400" || answer.ResponseMessage != test.want || answer.ResponseData != nil {
				t.Errorf("answer %+v, want 400 %s", answer, test.want)
			}
		})
	}
}

func TestTokenIsCreatedOnce(t *testing.T) {
	g := serve(t, new(Handler))
	g.createToken("create-1")
	answer := g.ask("/api/v1/tokenization/createToken", envelope("create-1", `{"paymentMethod":"INTERNATIONAL",`+cardData+`}`))
	if answer.ResponseCode != "409" || len(g.cards()) != 1 {
		t.Errorf("answer %+v, %d cards", answer, len(g.cards()))
	}
}

// Whatever is stored of a card, its number and CVV are not among it.
func TestCardDataIsNotKept(t *testing.T) {
	h := new(Handler)
	g := serve(t, h)
	g.createToken("create-1")
	g.ask("/api/v1/transaction/pay", envelope("pay-1", storing(`,"sourceOfFund":"CARD",`+strings.Replace(cardData, "987", "C#V", 1))))
	kept := fmt.Sprintf("%+v", h.ledger.Tokens(10))
	for _, payment := range h.ledger.Newest(10) {
		kept += fmt.Sprintf("%+v %+v", payment, *payment.Card)
	}
	if !strings.Contains(kept, "************0026") {
		t.Errorf("the card is not kept: %s", kept)
	}
	for _, secret := range []string{visa, "C#V", "01/39"} {
		if strings.Contains(kept, secret) {
			t.Errorf("%s is kept: %s", secret, kept)
		}
	}
}
