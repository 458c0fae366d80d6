package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// fast is the requestData of a payment without a page.
func fast(more string) string {
	return strings.Replace(purchase(`,"paymentMethod":"INTERNATIONAL"`+more), `"PAY"`, `"FAST_PAY"`, 1)
}

func TestFastPay(t *testing.T) {
	const unpublished = `"cardNumber":"4111111111111111"`
	for name, test := range map[string]struct {
		more                 string
		status, text, stages string
	}{
		"test card":              {`,"sourceOfFund":"CARD",` + cardData, "200", "Success", "SUCCESSFUL"},
		"source left open":       {`,` + cardData, "200", "Success", "SUCCESSFUL"},
		"other card":             {`,"sourceOfFund":"CARD",` + unpublished, "505", "Payment failed", "FAILURE"},
		"other card, token too":  {`,"sourceOfFund":"CARD","token":"gone",` + unpublished, "505", "Payment failed", "FAILURE"},
		"token":                  {`,"sourceOfFund":"TOKEN","token":"$"`, "200", "Success", "SUCCESSFUL"},
		"token, source open":     {`,"token":"$"`, "200", "Success", "SUCCESSFUL"},
		"token, other card too":  {`,"sourceOfFund":"TOKEN","token":"$",` + unpublished, "200", "Success", "SUCCESSFUL"},
		"token, source is empty": {`,"sourceOfFund":"","token":"$"`, "200", "Success", "SUCCESSFUL"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			token := g.createToken("create-1")
			body := envelope("fast-1", fast(strings.ReplaceAll(test.more, "$", token)+`,"ipnURL":"`+ipnURL+`"`))
			answer := g.ask("/api/v1/transaction/pay", body)
			id := answer.ResponseData["transactionID"]
			if answer.ResponseCode != "200" || answer.ResponseData["transactionStatus"] != test.status ||
				answer.ResponseData["transactionDescription"] != test.text || len(answer.ResponseData) != 3 {
				t.Fatalf("answer %+v", answer)
			}
			ipn := next(t, ipns)
			if ipn.RequestID != "fast-1" || ipn.ResponseCode != test.status || ipn.ResponseData["transactionID"] != id {
				t.Errorf("IPN %+v", ipn)
			}
			g.wantStanding(id, test.stages, test.status, test.text)
			if repeated := g.ask("/api/v1/transaction/pay", body); repeated.ResponseCode != "409" || len(ipns) != 0 {
				t.Errorf("repeated: %+v, %d IPNs", repeated, len(ipns))
			}
		})
	}
}

// next waits for a message that follows an answer.
func next(t *testing.T, ipns <-chan answered) answered {
	t.Helper()
	select {
	case m := <-ipns:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no IPN within thirty seconds")
	}
	return answered{}
}

func TestFastPayRefusals(t *testing.T) {
	for name, test := range map[string]struct{ data, want string }{
		"no card":           {fast(""), "cardNumber is missing"},
		"no token":          {fast(`,"sourceOfFund":"TOKEN",` + cardData), "token is missing"},
		"unknown token":     {fast(`,"sourceOfFund":"TOKEN","token":"gone"`), "token is unknown or no longer valid"},
		"not a card number": {fast(`,"cardNumber":"4012"`), "cardNumber is not a card number"},
		"no order":          {`{"apiOperation":"FAST_PAY",` + cardData + `}`, "orderID is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask("/api/v1/transaction/pay", envelope("1", test.data))
			if answer.ResponseCode != "400" || answer.ResponseMessage != test.want {
				t.Errorf("answer %+v, want 400 %s", answer, test.want)
			}
		})
	}
}

// An app that does one thing at a time takes its IPN after it has read the answer.
func TestFastPayAnswersBeforeTheIPN(t *testing.T) {
	g := serve(t, new(Handler))
	answered, told := make(chan struct{}), make(chan struct{})
	app := listen(t, func(http.ResponseWriter, *http.Request) {
		<-answered
		close(told)
	})
	g.ask("/api/v1/transaction/pay", envelope("fast-1", fast(`,`+cardData+`,"ipnURL":"`+app+`"`)))
	close(answered)
	<-told
}

// A charged payment has a page that shows what happened, and no button.
func TestFastPayPage(t *testing.T) {
	g := serve(t, new(Handler))
	id := g.ask("/api/v1/transaction/pay", envelope("fast-1", fast(`,`+cardData))).ResponseData["transactionID"]
	if text, _ := g.open("/pay/"+id, nil); !strings.Contains(text, "The payment was successful") || strings.Contains(text, "<form") {
		t.Errorf("page %s", text)
	}
}
