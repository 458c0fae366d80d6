package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// seen is what the sandbox shows of a transaction.
type seen = transactionJSON

// look reads the JSON view at an address of the sandbox, which must hold no secret.
func look[T any](g gateway, path string) T {
	g.Helper()
	response := g.exchange(http.MethodGet, path, "", nil)
	text := read(g.T, response)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		g.Fatalf("HTTP %d: %s", response.StatusCode, text)
	}
	if strings.Contains(text, g.salt) || strings.Contains(text, g.apiKey+`"`) {
		g.Errorf("a secret is in %s", text)
	}
	return decode[T](g.T, text)
}

func (g gateway) seen(id string) seen {
	g.Helper()
	return look[seen](g, "/sandbox/transactions/"+id)
}

// strange are the exchanges that belong to no transaction.
func (g gateway) strange() []exchangeJSON {
	g.Helper()
	return look[struct{ Exchanges []exchangeJSON }](g, "/sandbox/exchanges").Exchanges
}

func kinds(exchanges []exchangeJSON) (kinds []wirelog.Kind) {
	for _, e := range exchanges {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func value(headers []wirelog.Header, name string) string {
	for _, h := range headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func TestWireLogOfAPayment(t *testing.T) {
	g := serve(t, &Handler{Salt: "a salt of its own"})
	ipnURL, _ := g.app(http.StatusOK, `{"ipnStatus":"200"}`)
	body := envelope("pay-1", purchase(`,"ipnURL":"`+ipnURL+`/ipn?shop=private&private","successURL":"http://shop.example/?data=theirs"`))
	answer := g.post("/api/v1/transaction/pay", body)
	text := read(t, answer)
	opened := decode[answered](t, text)
	id := opened.ResponseData["transactionID"]
	back := g.press("/pay/"+id, "success").Header.Get("Location")

	got := g.seen(id)
	if got.Operation != "pay" || got.RequestID != "pay-1" || got.Order.ID != "A-1" || got.Amount != "12.50" ||
		got.Stage != "SUCCESSFUL" || got.Outcome != ledger.Success || got.SettledAt.IsZero() || got.Page != "/pay/"+id {
		t.Errorf("transaction %+v", got)
	}
	if want := []wirelog.Kind{wirelog.Request, wirelog.IPN, wirelog.Redirect}; !slices.Equal(kinds(got.Exchanges), want) {
		t.Fatalf("exchanges %v, want %v", kinds(got.Exchanges), want)
	}
	asked, told, led := got.Exchanges[0], got.Exchanges[1], got.Exchanges[2]

	if asked.Method != http.MethodPost || asked.Address != "/api/v1/transaction/pay" || asked.Body.Text != body || asked.Body.Length != len(body) ||
		asked.SignedText != body+"<salt>" || asked.Signature != hash(body, g.salt) || asked.Verdict != wirelog.SignatureRight {
		t.Errorf("request %+v", asked)
	}
	if key := value(asked.Headers, "apiKey"); key != "sand••••" {
		t.Errorf("apiKey is shown as %q", key)
	}
	if signature := value(asked.Headers, "signature"); signature != asked.Signature {
		t.Errorf("signature is shown as %q", signature)
	}
	if a := asked.Answer; a.Status != http.StatusOK || a.Broken || a.Body.Text != text || a.Signature != hash(text, g.salt) ||
		value(a.Headers, "Content-Type") != "application/json" {
		t.Errorf("answer %+v", a)
	}

	if told.Attempt != 1 || told.Address != ipnURL+"/ipn?shop=…&…" || told.Verdict != wirelog.SignatureRight || told.Answer.Status != http.StatusOK ||
		told.Answer.Body.Text != `{"ipnStatus":"200"}` || !strings.HasPrefix(told.Message.Text, `{"requestID":"pay-1"`) {
		t.Errorf("IPN %+v", told)
	}
	letter := decode[message.Callback](t, told.Body.Text)
	if told.SignedText != letter.Data+"<salt>" || told.Signature != hash(letter.Data, g.salt) {
		t.Errorf("IPN signed %s over %s", told.Signature, told.SignedText)
	}
	if got.IPN.State != ipnAnswered || got.IPN.Attempts != 1 || got.IPN.Status != http.StatusOK || got.IPN.Address != told.Address {
		t.Errorf("IPN state %+v", got.IPN)
	}

	if led.Address != back || led.Answer != nil || led.Message.Text != told.Message.Text || led.Verdict != wirelog.SignatureRight {
		t.Errorf("redirect %+v", led)
	}
}

func TestWireLogFollowsATransaction(t *testing.T) {
	g := serve(t, new(Handler))
	id, _ := g.pay("")
	g.query(id)
	g.ask("/api/v1/transaction/pay", envelope("pay-1", purchase(""))) // a duplicate
	g.ask("/api/v1/transaction/query", envelope("query-1", `{"transactionID":"1"}`))

	var operations []string
	for _, e := range g.seen(id).Exchanges {
		operations = append(operations, e.Operation)
	}
	if want := []string{"pay", "query", "pay"}; !slices.Equal(operations, want) {
		t.Errorf("exchanges %v, want %v", operations, want)
	}
	if strange := g.strange(); len(strange) != 1 || strange[0].Operation != "query" || strange[0].Verdict != wirelog.SignatureRight {
		t.Errorf("exchanges of no transaction: %+v", strange)
	}
}

func TestWireLogOfStrangers(t *testing.T) {
	body := envelope("pay-1", purchase(""))
	for name, test := range map[string]struct {
		header http.Header
		want   wirelog.Verdict
	}{
		"no apiKey":           {http.Header{"Signature": {hash(body, defaultSalt)}}, wirelog.UnknownAPIKey},
		"unknown apiKey":      {http.Header{"Apikey": {"somebody"}, "Signature": {hash(body, defaultSalt)}}, wirelog.UnknownAPIKey},
		"no signature":        {http.Header{"Apikey": {defaultAPIKey}}, wirelog.SignatureMissing},
		"wrong signature":     {http.Header{"Apikey": {defaultAPIKey}, "Signature": {hash(body, "other")}}, wirelog.SignatureWrong},
		"refused before that": {http.Header{"Origin": {"http://shop.example"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			response := g.exchange(http.MethodPost, "/api/v1/transaction/pay", body, test.header)
			answer := read(t, response)
			strange := g.strange()
			if len(strange) != 1 {
				t.Fatalf("%d exchanges are kept", len(strange))
			}
			got := strange[0]
			if got.Verdict != test.want || got.Answer.Status != response.StatusCode || got.Answer.Body.Text != answer || got.Answer.Broken ||
				got.Signature != test.header.Get("signature") {
				t.Errorf("exchange %+v, answer %+v", got, got.Answer)
			}
		})
	}
}

func TestWireLogHidesCredentials(t *testing.T) {
	g := serve(t, new(Handler))
	header := http.Header{"Authorization": {"Basic s3cr3t"}, "Cookie": {"s3cr3t"}, "Apikey": {"somes3cr3t"}, "X-Long": {strings.Repeat("x", 4_000)}}
	read(t, g.exchange(http.MethodPost, "/api/v1/transaction/pay", "{}", header))
	for _, h := range g.strange()[0].Headers {
		if strings.Contains(h.Value, "s3cr3t") || len(h.Value) > 512+len("…") {
			t.Errorf("%s: %s", h.Name, h.Value)
		}
	}
}

// What faults make of an answer is kept as it went over the wire.
func TestWireLogOfFaults(t *testing.T) {
	for fault, check := range map[string]func(*wirelog.Answer) bool{
		"answer_cut": func(a *wirelog.Answer) bool {
			return a.Broken && a.Status == 200 && a.Body.Length > 0 && !strings.HasSuffix(a.Body.Text, "}")
		},
		"reset_after":  func(a *wirelog.Answer) bool { return a.Broken && a.Status == 0 && a.Body == nil },
		"reset_before": func(a *wirelog.Answer) bool { return a.Broken && a.Status == 0 && a.Body == nil },
		"answer_1mib": func(a *wirelog.Answer) bool {
			return !a.Broken && a.Body.Cut && a.Body.Length == 1<<20 && len(a.Body.Text) == 16<<10
		},
		"answer_gzip": func(a *wirelog.Answer) bool {
			return !a.Broken && a.Body.Base64 && value(a.Headers, "Content-Encoding") == "gzip"
		},
		"answer_unsigned": func(a *wirelog.Answer) bool { return !a.Broken && a.Signature == "" },
		"answer_empty":    func(a *wirelog.Answer) bool { return !a.Broken && a.Status == 200 && a.Body == nil },
		"answer_html_502": func(a *wirelog.Answer) bool {
			return !a.Broken && a.Status == 502 && strings.HasPrefix(a.Body.Text, "<html>")
		},
		"answer_tampered": func(a *wirelog.Answer) bool { return strings.Contains(a.Body.Text, `"responseDateTime":"3`) },
	} {
		t.Run(fault, func(t *testing.T) {
			g := serve(t, new(Handler))
			_, _ = g.order(t.Context(), `"`+fault+`"`)
			kept := g.strange()
			for _, v := range look[struct{ Transactions []seen }](g, "/sandbox/transactions").Transactions {
				kept = g.seen(v.ID).Exchanges
			}
			if len(kept) != 1 || !slices.Equal(kept[0].Faults, []string{fault}) || !check(kept[0].Answer) {
				t.Errorf("kept %+v", kept)
			}
		})
	}
}

// The record of a query names the faults that have struck it, and not those of the payment's own request.
func TestWireLogOfQueryFaults(t *testing.T) {
	g := serve(t, new(Handler))
	id, _ := g.pay(`,"extraData":{"sandboxFault":["query_unknown","answer_extra_fields"]}`)
	g.query(id)
	got := g.seen(id).Exchanges
	if len(got) != 2 || !slices.Equal(got[0].Faults, []string{"answer_extra_fields"}) || !slices.Equal(got[1].Faults, []string{"query_unknown"}) {
		t.Errorf("kept %+v", got)
	}
}

func TestWireLogOfLostIPN(t *testing.T) {
	g := serve(t, new(Handler))
	id, page := g.pay(`,"ipnURL":"http://127.0.0.1:1/","extraData":{"sandboxFault":"ipn_lost"}`)
	g.press(page, "success")
	got := g.seen(id)
	lost := got.Exchanges[1]
	if lost.Kind != wirelog.IPN || lost.Body != nil || lost.Attempt != 0 || lost.Answer.Failure == "" || !slices.Equal(lost.Faults, []string{"ipn_lost"}) {
		t.Errorf("kept %+v", lost)
	}
	if got.IPN.State != ipnNotSent || got.IPN.Attempts != 0 {
		t.Errorf("IPN %+v", got.IPN)
	}
}

func TestWireLogJudgesCallbacks(t *testing.T) {
	for fault, want := range map[string]wirelog.Verdict{
		"ipn_wrong_salt": wirelog.SignatureWrong, "ipn_tampered_amount": wirelog.SignatureWrong, "ipn_unsigned": wirelog.SignatureMissing, "ipn_twice": wirelog.SignatureRight,
	} {
		t.Run(fault, func(t *testing.T) {
			g := serve(t, new(Handler))
			address := listen(t, func(http.ResponseWriter, *http.Request) {})
			id, page := g.pay(`,"ipnURL":"` + address + `","extraData":{"sandboxFault":"` + fault + `"}`)
			g.press(page, "success")
			if told := g.seen(id).Exchanges[1]; told.Verdict != want {
				t.Errorf("verdict %q, want %q", told.Verdict, want)
			}
		})
	}
}

func TestTransactionList(t *testing.T) {
	g := serve(t, new(Handler))
	var ids []string
	for _, orderID := range []string{"A", "B", "A"} {
		body := envelope("pay-"+orderID+strings.Repeat("x", len(ids)), strings.Replace(purchase(""), `"A-1"`, `"`+orderID+`"`, 1))
		ids = append(ids, g.ask("/api/v1/transaction/pay", body).ResponseData["transactionID"])
	}
	for path, want := range map[string][]string{
		"/sandbox/transactions":           {ids[2], ids[1], ids[0]},
		"/sandbox/transactions?orderID=A": {ids[2], ids[0]},
		"/sandbox/transactions?orderID=C": nil,
		"/sandbox/transactions?orderID=":  nil,
	} {
		t.Run(path, func(t *testing.T) {
			var got []string
			for _, v := range look[struct{ Transactions []seen }](g, path).Transactions {
				got = append(got, v.ID)
				if v.Exchanges != nil {
					t.Error("the list holds exchanges")
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	if response := g.exchange(http.MethodGet, "/sandbox/transactions/1", "", nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("unknown transaction: HTTP %d", response.StatusCode)
	}
}
