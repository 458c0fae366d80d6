package sandbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// linkTo is the requestData of a payment link, with more members at its end.
func linkTo(more string) string {
	return override(`{"orderID":"L-1","orderName":"Trà & bánh","orderAmount":12.50,"orderCurrency":"USD","orderDescription":"Hộp quà",`+
		`"expiryDuration":3,"paymentMethods":["QRPAY","MOMO"],"paymentFields":["email","fullname","shoeSize"]}`, more)
}

const createLink = "/api/v1/transaction/createPaymentLink"

func TestPaymentLink(t *testing.T) {
	for outcome, want := range map[string]struct{ code, message, stage string }{
		"success": {"200", "Transaction is successful.", "SUCCESSFUL"},
		"failure": {"505", "Authentication failed", "FAILURE"},
		"cancel":  {"499", "Canceled by user", "FAILURE"},
	} {
		t.Run(outcome, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			created := g.ask(createLink, envelope("link-1", linkTo(`,"ipnURL":"`+ipnURL+`"`)))
			orderNo, page := created.ResponseData["orderNo"], created.ResponseData["shortLink"]
			if created.ResponseCode != "200" || len(created.ResponseData) != 2 || !strings.HasPrefix(page, g.url+"/") {
				t.Fatalf("answer %+v", created)
			}
			text, _ := g.open(page, nil)
			for _, part := range []string{"Trà &amp; bánh", "Hộp quà", "12.50 USD", `name="email"`, `name="fullname"`} {
				if !strings.Contains(text, part) {
					t.Errorf("%s is missing in %s", part, text)
				}
			}
			if strings.Contains(text, `name="phone"`) || strings.Contains(text, "shoeSize") {
				t.Errorf("page asks for too much: %s", text)
			}
			g.exchange(http.MethodPost, page, "outcome="+outcome+"&email=an%40example.com&fullname=Nguy%E1%BB%85n+An&phone=090&shippingAddress=", form)

			ipn := one(t, ipns)
			if ipn.ResponseCode != want.code || ipn.ResponseMessage != want.message || len(ipn.ResponseDateTime) != 14 {
				t.Errorf("IPN %+v", ipn)
			}
			if len(ipn.ResponseData) != 3 || ipn.ResponseData["orderNo"] != orderNo || ipn.ResponseData["orderAmount"] != "12.50" ||
				ipn.ResponseData["extraData"] != `{"fullName":"Nguyễn An","email":"an@example.com"}` {
				t.Errorf("IPN data %v", ipn.ResponseData)
			}
			if standing := g.query(orderNo).ResponseData; standing["transactionStage"] != want.stage || standing["orderID"] != "L-1" {
				t.Errorf("standing %v", standing)
			}
		})
	}
}

// Decoding JSON in Go takes requestID for requestId, so this looks at the text.
func TestPaymentLinkSpellsRequestId(t *testing.T) {
	text := string(message.Encode(ipnMessage(ledger.Transaction{RequestID: "link-1", Payment: ledger.Payment{Link: new(ledger.Link)}})))
	if !strings.Contains(text, `"requestId":"link-1"`) || strings.Contains(text, "requestID") || strings.Contains(text, "extraData") {
		t.Errorf("IPN %s", text)
	}
}

func TestPaymentLinkRefusals(t *testing.T) {
	without := func(member string) string { return strings.Replace(linkTo(""), member, "", 1) }
	for name, test := range map[string]struct{ data, want string }{
		"no name":         {without(`"orderName":"Trà & bánh",`), "orderName is missing"},
		"no life":         {without(`"expiryDuration":3,`), "expiryDuration is missing"},
		"no time to live": {linkTo(`,"expiryDuration":0`), "expiryDuration is not a number from 1 to ten years"},
		"ages to live":    {linkTo(`,"expiryDuration":3651`), "expiryDuration is not a number from 1 to ten years"},
		"no number":       {linkTo(`,"expiryDuration":"soon"`), "expiryDuration is not a whole number"},
		"other unit":      {linkTo(`,"expiryUnit":"WEEK"`), "expiryUnit is not one of DAY, HOUR, MINUTE"},
		"no methods":      {linkTo(`,"paymentMethods":null`), "paymentMethods is missing"},
		"one method":      {linkTo(`,"paymentMethods":"MOMO"`), "paymentMethods is not an array"},
		"fields in text":  {linkTo(`,"paymentFields":[1]`), "paymentFields is not an array of texts"},
		"amount":          {linkTo(`,"orderAmount":"a lot"`), "orderAmount " + notAmount},
		"ipnURL":          {linkTo(`,"ipnURL":"ftp://shop.example"`), "ipnURL is not an http or https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask(createLink, envelope("1", test.data))
			if answer.ResponseCode != "400" || answer.ResponseMessage != test.want {
				t.Errorf("answer %+v, want 400 %s", answer, test.want)
			}
		})
	}
}

func TestPaymentLinkOnce(t *testing.T) {
	g := serve(t, new(Handler))
	for _, want := range []string{"200", "409"} {
		if answer := g.ask(createLink, envelope("link-1", linkTo(""))); answer.ResponseCode != want {
			t.Errorf("answer %+v, want %s", answer, want)
		}
	}
}

func TestOlderPaymentLink(t *testing.T) {
	g := serve(t, new(Handler))
	older := strings.NewReplacer(`"expiryDuration"`, `"paymentDays"`, `"orderCurrency":"VND",`, "").Replace(linkTo(""))
	created := g.ask(createLink, envelope("link-1", older))
	if text, _ := g.open(created.ResponseData["shortLink"], nil); !strings.Contains(text, "12.50 USD") {
		t.Errorf("answer %+v, page %s", created, text)
	}
}

func TestPayerDetailTooLong(t *testing.T) {
	g := serve(t, new(Handler))
	created := g.ask(createLink, envelope("link-1", linkTo(""))).ResponseData
	response := g.exchange(http.MethodPost, created["shortLink"], "outcome=success&email="+strings.Repeat("a", 51), form)
	if response.StatusCode != http.StatusBadRequest || g.query(created["orderNo"]).ResponseData["transactionStage"] != "INIT" {
		t.Errorf("HTTP %d: %s", response.StatusCode, read(t, response))
	}
}

func TestQRCodeLeadsToThePage(t *testing.T) {
	g := serve(t, new(Handler))
	data := g.ask("/api/v1/transaction/payWithQR", envelope("qr-1", purchase(`,"orderAmount":12500,"orderCurrency":"VND","paymentMethod":"QRPAY","sourceType":"QRPAY"`))).ResponseData
	if data["qrCode"] == "" || data["qrCode"] != data["endpoint"] {
		t.Errorf("answer %v", data)
	}
	if text, _ := g.open(data["qrCode"], nil); !strings.Contains(text, "Pay your order") {
		t.Errorf("page %s", text)
	}
	for operation, data := range map[string]string{"pay": purchase(""), "checkout": purchase(`,"orderNetAmount":12.50,"orderFeeAmount":0,"orderDiscountAmount":0`)} {
		if _, has := g.ask("/api/v1/transaction/"+operation, envelope(operation, data)).ResponseData["qrCode"]; has {
			t.Errorf("%s answers with a QR code", operation)
		}
	}
}
