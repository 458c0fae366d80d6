package sandbox

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestPayment(t *testing.T) {
	for name, test := range map[string]struct {
		outcome     string
		status      string
		message     string
		description string
		stage       string
	}{
		"success": {"success", "200", "Transaction is successful.", "Success", "SUCCESSFUL"},
		"failure": {"failure", "505", "Authentication failed", "Payment failed", "FAILURE"},
		"cancel":  {"cancel", "499", "Canceled by user", "Canceled by user", "FAILURE"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"thank you"}`)
			id, page := g.pay(`,"ipnURL":"` + ipnURL + `"` +
				`,"successURL":"https://shop.example/success?basket=7%2B7"` +
				`,"failureURL":"https://shop.example/failure?basket=7%2B7"` +
				`,"cancelURL":"https://shop.example/cancel?basket=7%2B7"`)

			g.wantStanding(id, "INIT", "", "Transaction is not completed.")
			g.open(page, nil)
			g.wantStanding(id, "PROCESSING", "", "Transaction is not completed.")
			returned, address := g.returned(g.press(page, test.outcome))
			g.wantStanding(id, test.stage, test.status, test.description)

			ipn := one(t, ipns)
			for kind, m := range map[string]answered{"IPN": ipn, "redirect": returned} {
				if m.RequestID != "pay-1" || m.ResponseCode != test.status || m.ResponseMessage != test.message || len(m.ResponseDateTime) != 14 {
					t.Errorf("%s: %+v", kind, m)
				}
				g.wantData(kind, m.ResponseData, map[string]string{
					"transactionID": id, "orderID": "A-1", "orderNumber": "205249008064", "orderAmount": "12.50",
					"orderCurrency": "USD", "orderDateTime": "20260102030405",
					"orderDescription": "Cà phê <sữa> & đá", "language": "vi",
				})
			}
			if address.Host != "shop.example" || address.Path != "/"+test.outcome || address.Query().Get("basket") != "7+7" {
				t.Errorf("redirected to %s", address)
			}
			g.wantLog("IPN answered", map[string]any{
				"transaction_id": id, "transaction_status": test.status, "http_status": int64(200), "ipn_status": "200",
			})
		})
	}
}

func (g gateway) wantStanding(id, stage, status, description string) {
	g.Helper()
	answer := g.query(id)
	if answer.ResponseCode != "200" {
		g.Errorf("query answers %+v", answer)
	}
	g.wantData("query", answer.ResponseData, map[string]string{
		"transactionID": id, "transactionStage": stage, "transactionStatus": status, "transactionDescription": description,
		"orderID": "A-1", "orderNumber": "205249008064", "orderAmount": "12.50", "orderCurrency": "USD",
		"orderDateTime": "20260102030405", "orderDescription": "Cà phê <sữa> & đá",
	})
}

// wantData demands these fields, a transactionDateTime, and no field besides.
func (g gateway) wantData(kind string, got, want map[string]string) {
	g.Helper()
	if len(got["transactionDateTime"]) != 14 {
		g.Errorf("%s: transactionDateTime %q", kind, got["transactionDateTime"])
	}
	if len(got) != len(want)+1 {
		g.Errorf("%s: fields %v, want %v", kind, got, want)
	}
	for field, value := range want {
		if got[field] != value {
			g.Errorf("%s: %s is %q, want %q", kind, field, got[field], value)
		}
	}
}

func (g gateway) wantLog(message string, fields map[string]any) {
	g.Helper()
	logged := g.logs.FilterMessage(message).All()
	if len(logged) != 1 {
		g.Fatalf("%q was logged %d times", message, len(logged))
	}
	for field, value := range fields {
		if got := logged[0].ContextMap()[field]; got != value {
			g.Errorf("logged %s %v, want %v", field, got, value)
		}
	}
}

// one takes the only message that has arrived by now.
func one(t *testing.T, ipns <-chan answered) answered {
	t.Helper()
	if len(ipns) != 1 {
		t.Fatalf("%d IPNs arrived before the redirect, want 1", len(ipns))
	}
	return <-ipns
}

func TestVersion2(t *testing.T) {
	for name, test := range map[string]struct {
		request        string
		outcome        string
		method, source string
		inRedirect     bool
	}{
		"named by the merchant": {`,"apiVersion":2,"paymentMethod":"WALLET","sourceType":"MOMO"`, "success", "WALLET", "MOMO", true},
		"as text":               {`,"apiVersion":"2","sourceType":"VIETCOMBANK"`, "success", "DOMESTIC", "VIETCOMBANK", true},
		"failed":                {`,"apiVersion":2`, "failure", "DOMESTIC", "SACOMBANK", true},
		"source left open":      {`,"apiVersion":2,"paymentMethod":"INTERNATIONAL"`, "success", "INTERNATIONAL", "VISA", true},
		"cancelled":             {`,"apiVersion":2`, "cancel", "DOMESTIC", "SACOMBANK", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			_, page := g.pay(test.request + `,"ipnURL":"` + ipnURL + `","successURL":"http://shop.example"` +
				`,"failureURL":"http://shop.example","cancelURL":"http://shop.example"`)
			returned, _ := g.returned(g.press(page, test.outcome))
			ipn := one(t, ipns)
			data := ipn.ResponseData
			if data["transactionStatus"] != ipn.ResponseCode || data["transactionDescription"] == "" || len(data["transactionDescription"]) > 20 {
				t.Errorf("IPN %v", data)
			}
			if data["paymentMethod"] != test.method || data["sourceType"] != test.source {
				t.Errorf("paid with %s %s", data["paymentMethod"], data["sourceType"])
			}
			if _, has := returned.ResponseData["transactionStatus"]; has != test.inRedirect {
				t.Errorf("redirect %v", returned.ResponseData)
			}
		})
	}
}

func TestSecondPress(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	id, page := g.pay(`,"ipnURL":"` + ipnURL + `","successURL":"http://shop.example/success","cancelURL":"http://shop.example/cancel"`)

	first := g.press(page, "success").Header.Get("Location")
	second := g.press(page, "cancel").Header.Get("Location")
	if first != second || !strings.HasPrefix(first, "http://shop.example/success?data=") {
		t.Errorf("redirected to %s, then to %s", first, second)
	}
	one(t, ipns)
	g.wantStanding(id, "SUCCESSFUL", "200", "Success")
	if text, _ := g.open(page, nil); !strings.Contains(text, "The payment was successful") || strings.Contains(text, "<form") {
		t.Errorf("page %s", text)
	}
}

// The app gets the IPN before any of the presses takes the browser to it.
func TestPressesAtOnce(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	_, page := g.pay(`,"ipnURL":"` + ipnURL + `","successURL":"http://shop.example/success"`)
	var presses sync.WaitGroup
	for range 8 {
		presses.Go(func() {
			response, err := g.try(t.Context(), http.MethodPost, page, "outcome=success", form)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			if response.StatusCode != http.StatusSeeOther || len(ipns) != 1 {
				t.Errorf("HTTP %d after %d IPNs", response.StatusCode, len(ipns))
			}
		})
	}
	presses.Wait()
}

// An app may query the payment while it answers the IPN.
func TestQueryDuringIPN(t *testing.T) {
	g := serve(t, new(Handler))
	questions := make(chan string, 1)
	answers := make(chan *http.Response, 1)
	app := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		question := <-questions
		answer, err := g.try(r.Context(), http.MethodPost, "/api/v1/transaction/query", question, g.signed(question))
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	})
	id, page := g.pay(`,"ipnURL":"` + app + `"`)
	questions <- envelope("query-1", `{"transactionID":"`+id+`"}`)
	g.press(page, "success")

	answer := <-answers
	defer answer.Body.Close()
	if text := read(t, answer); !strings.Contains(text, `"transactionStage":"SUCCESSFUL"`) {
		t.Errorf("standing %s", text)
	}
}

func TestIPNAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status    int
		body      string
		ipnStatus string
		shown     string
	}{
		"accepted":        {200, `{"ipnStatus":"200"}`, "200", "{&#34;ipnStatus&#34;:&#34;200&#34;}"},
		"known before":    {200, `{"ipnStatus":409}`, "409", "HTTP 200"},
		"no body":         {200, "", "", "HTTP 200"},
		"not JSON":        {500, "<b>broken</b>", "", "&lt;b&gt;broken&lt;/b&gt;"},
		"not text":        {200, "\xff", "", "\uFFFD"},
		"endless":         {200, strings.Repeat("a", 3<<10), "", strings.Repeat("a", 2<<10) + "</pre>"},
		"status too long": {200, `{"ipnStatus":"` + strings.Repeat("2", 51) + `"}`, "", "HTTP 200"},
		"redirect":        {302, "", "", "HTTP 302"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(test.status, test.body)
			_, page := g.pay(`,"ipnURL":"` + ipnURL + `"`)
			response := g.press(page, "success")
			text := read(t, response)
			one(t, ipns)
			if response.StatusCode != http.StatusOK || !strings.Contains(text, test.shown) {
				t.Errorf("HTTP %d, %s", response.StatusCode, text)
			}
			g.wantLog("IPN answered", map[string]any{"http_status": int64(test.status), "ipn_status": test.ipnStatus})
		})
	}
}

func TestUndeliveredIPN(t *testing.T) {
	broken := listen(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, test := range map[string]struct{ ipnURL, want string }{
		"connection breaks":      {broken + "?secret=s3cr3t", "EOF"},
		"nothing listens":        {gone.URL + "?secret=s3cr3t", "dial tcp"},
		"not this machine":       {"http://192.0.2.1/ipn?secret=s3cr3t", errNotLoopback.Error()},
		"not this machine, IPv6": {"http://[2001:db8::1]/ipn?secret=s3cr3t", errNotLoopback.Error()},
		"mapped address":         {"http://[::ffff:192.0.2.1]/ipn?secret=s3cr3t", errNotLoopback.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, page := g.pay(`,"ipnURL":"` + test.ipnURL + `","successURL":"http://shop.example/success"`)
			if m, _ := g.returned(g.press(page, "success")); m.ResponseCode != "200" {
				t.Errorf("redirected with %+v", m)
			}
			logged := g.logs.FilterMessage("IPN not delivered").All()
			if len(logged) != 1 {
				t.Fatalf("logged %v", g.logs.All())
			}
			reason := logged[0].ContextMap()["reason"].(string)
			if !strings.Contains(reason, test.want) || strings.Contains(reason, "s3cr3t") {
				t.Errorf("reason %q, want %q", reason, test.want)
			}
			if text, _ := g.open(page, nil); !strings.Contains(text, "The IPN was not delivered") {
				t.Errorf("page %s", text)
			}
		})
	}
}

// The unspecified address leads to this machine, but is not a loopback address.
func TestIPNAnywhere(t *testing.T) {
	if err := loopbackOnly("tcp", "0.0.0.0:80", nil); !errors.Is(err, errNotLoopback) {
		t.Fatalf("without the option: %v", err)
	}
	g := serve(t, &Handler{IPNAnywhere: true})
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	_, page := g.pay(`,"ipnURL":"` + strings.Replace(ipnURL, "127.0.0.1", "0.0.0.0", 1) + `"`)
	g.press(page, "success")
	one(t, ipns)
}
