package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
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

func kinds(exchanges []exchangeJSON) (kinds []string) {
	for _, e := range exchanges {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func value(headers []header, name string) string {
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
	if got.Operation != "pay" || got.RequestID != "pay-1" || got.order.ID != "A-1" || got.Amount != "12.50" ||
		got.Stage != "SUCCESSFUL" || got.Outcome != success || got.SettledAt.IsZero() || got.Page != "/pay/"+id {
		t.Errorf("transaction %+v", got)
	}
	if want := []string{kindRequest, kindIPN, kindRedirect}; !slices.Equal(kinds(got.Exchanges), want) {
		t.Fatalf("exchanges %v, want %v", kinds(got.Exchanges), want)
	}
	asked, told, led := got.Exchanges[0], got.Exchanges[1], got.Exchanges[2]

	if asked.Method != http.MethodPost || asked.Address != "/api/v1/transaction/pay" || asked.Body.Text != body || asked.Body.Length != len(body) ||
		asked.SignedText != body+"<salt>" || asked.Signature != hash(body, g.salt) || asked.Verdict != signedRight {
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

	if told.Attempt != 1 || told.Address != ipnURL+"/ipn?shop=…&…" || told.Verdict != signedRight || told.Answer.Status != http.StatusOK ||
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

	if led.Address != back || led.Answer != nil || led.Message.Text != told.Message.Text || led.Verdict != signedRight {
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
	if strange := g.strange(); len(strange) != 1 || strange[0].Operation != "query" || strange[0].Verdict != signedRight {
		t.Errorf("exchanges of no transaction: %+v", strange)
	}
}

func TestWireLogOfStrangers(t *testing.T) {
	body := envelope("pay-1", purchase(""))
	for name, test := range map[string]struct {
		header http.Header
		want   verdict
	}{
		"no apiKey":           {http.Header{"Signature": {hash(body, defaultSalt)}}, unknownCaller},
		"unknown apiKey":      {http.Header{"Apikey": {"somebody"}, "Signature": {hash(body, defaultSalt)}}, unknownCaller},
		"no signature":        {http.Header{"Apikey": {defaultAPIKey}}, signatureGone},
		"wrong signature":     {http.Header{"Apikey": {defaultAPIKey}, "Signature": {hash(body, "other")}}, signedWrong},
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
		if strings.Contains(h.Value, "s3cr3t") || len(h.Value) > maxKeptValue+len("…") {
			t.Errorf("%s: %s", h.Name, h.Value)
		}
	}
}

// What faults make of an answer is kept as it went over the wire.
func TestWireLogOfFaults(t *testing.T) {
	for fault, check := range map[string]func(*heard) bool{
		"answer_cut": func(a *heard) bool {
			return a.Broken && a.Status == 200 && a.Body.Length > 0 && !strings.HasSuffix(a.Body.Text, "}")
		},
		"reset_after":  func(a *heard) bool { return a.Broken && a.Status == 0 && a.Body == nil },
		"reset_before": func(a *heard) bool { return a.Broken && a.Status == 0 && a.Body == nil },
		"answer_1mib": func(a *heard) bool {
			return !a.Broken && a.Body.Cut && a.Body.Length == 1<<20 && len(a.Body.Text) == maxKeptBody
		},
		"answer_gzip": func(a *heard) bool {
			return !a.Broken && a.Body.Base64 && value(a.Headers, "Content-Encoding") == "gzip"
		},
		"answer_unsigned": func(a *heard) bool { return !a.Broken && a.Signature == "" },
		"answer_empty":    func(a *heard) bool { return !a.Broken && a.Status == 200 && a.Body == nil },
		"answer_html_502": func(a *heard) bool { return !a.Broken && a.Status == 502 && strings.HasPrefix(a.Body.Text, "<html>") },
		"answer_tampered": func(a *heard) bool { return strings.Contains(a.Body.Text, `"responseDateTime":"3`) },
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

func TestWireLogOfLostIPN(t *testing.T) {
	g := serve(t, new(Handler))
	id, page := g.pay(`,"ipnURL":"http://127.0.0.1:1/","extraData":{"sandboxFault":"ipn_lost"}`)
	g.press(page, "success")
	got := g.seen(id)
	lost := got.Exchanges[1]
	if lost.Kind != kindIPN || lost.Body != nil || lost.Attempt != 0 || lost.Answer.Failure == "" || !slices.Equal(lost.Faults, []string{"ipn_lost"}) {
		t.Errorf("kept %+v", lost)
	}
	if got.IPN.State != ipnFailed || got.IPN.Attempts != 0 {
		t.Errorf("IPN %+v", got.IPN)
	}
}

func TestWireLogJudgesCallbacks(t *testing.T) {
	for fault, want := range map[string]verdict{
		"ipn_wrong_salt": signedWrong, "ipn_tampered_amount": signedWrong, "ipn_unsigned": signatureGone, "ipn_twice": signedRight,
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

func TestCardsAreHidden(t *testing.T) {
	const card, test = "4111111111111111", "4012000033330026"
	hidden := strings.Repeat("•", 16)
	for name, c := range map[string]struct{ body, want string }{
		"card":             {`{"a":1,"requestData":{"cardNumber":"` + card + `","b":2}}`, `{"a":1,"requestData":{"cardNumber":"` + hidden + `","b":2}}`},
		"as a number":      {`{"cardNumber": ` + card + ` }`, `{"cardNumber": ` + hidden + ` }`},
		"in groups":        {`{"cardNumber":"4111 1111 1111 1111"}`, `{"cardNumber":"•••• •••• •••• ••••"}`},
		"test card":        {`{"cardNumber":"` + test + `"}`, `{"cardNumber":"` + test + `"}`},
		"CVV":              {`{"cardVerificationValue":"123"}`, `{"cardVerificationValue":"•••"}`},
		"CVV of test card": {`{"cardNumber":"` + test + `","cardVerificationValue":"123"}`, `{"cardNumber":"` + test + `","cardVerificationValue":"•••"}`},
		"other case":       {`{"CARDNUMBER":"` + card + `"}`, `{"CARDNUMBER":"` + hidden + `"}`},
		"escaped name":     {`{"card\u004eumber":"` + card + `"}`, `{"card\u004eumber":"` + hidden + `"}`},
		"escaped digits":   {`{"cardNumber":"\u0034111111111111111"}`, `{"cardNumber":"\u•••••••••••••••••••"}`},
		"list":             {`{"cardNumber":["` + card + `"]}`, `{"cardNumber":["` + hidden + `"]}`},
		"JSON inside text": {`{"requestData":"{\"cardNumber\":\"` + card + `\"}"}`, `{"requestData":"{\"cardNumber\":\"` + hidden + `\"}"}`},
		"twice":            {`{"cardNumber":"` + card + `","cardNumber":"` + card + `"}`, `{"cardNumber":"` + hidden + `","cardNumber":"` + hidden + `"}`},
		"form":             {`cardNumber=` + card + `&cardVerificationValue=123`, `cardNumber=` + hidden + `&cardVerificationValue=•••`},
		"encoded form":     {`x=%7B%22cardNumber%22%3A%22x` + card, `x=%7B%22cardNumber%••%3A%22x` + hidden},
		"behind a mistake": {`{"a":1]{"cardNumber":"` + card + `"}`, `{"a":1]{"cardNumber":"` + hidden + `"}`},
		"broken off":       {`{"cardNumber":"` + card, `{"cardNumber":"` + hidden},
		"other numbers":    {`{"orderNumber":205249008064,"orderAmount":12.50}`, `{"orderNumber":205249008064,"orderAmount":12.50}`},
		"nothing":          {``, ``},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(withoutCards([]byte(c.body))); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A number must not survive because the body is cut in the middle of it.
func TestCardsAreHiddenBeforeTheCut(t *testing.T) {
	padding := strings.Repeat("x", maxKeptBody-40)
	body := `{"a":"` + padding + `","cardNumber":"4111111111111111"}`
	c := keepRequestBody([]byte(body))
	if strings.Contains(c.Text, "4111") || c.Length != len(body) || !c.Cut || len(c.Text) > maxKeptBody {
		t.Errorf("kept …%s, %d bytes of %d, cut: %t", c.Text[len(c.Text)-60:], len(c.Text), c.Length, c.Cut)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want content
	}{
		"short":              {"đ", content{Text: "đ", Length: 2}},
		"empty":              {"", content{}},
		"not text":           {"\xff", content{Text: "/w==", Base64: true, Length: 1}},
		"as long as allowed": {strings.Repeat("x", maxKeptBody), content{Text: strings.Repeat("x", maxKeptBody), Length: maxKeptBody}},
		"longer":             {strings.Repeat("x", maxKeptBody+1), content{Text: strings.Repeat("x", maxKeptBody), Length: maxKeptBody + 1, Cut: true}},
		"cut in a letter":    {strings.Repeat("x", maxKeptBody-1) + "đ", content{Text: strings.Repeat("x", maxKeptBody-1), Length: maxKeptBody + 1, Cut: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := *keepBody([]byte(test.body), len(test.body)); got != test.want {
				t.Errorf("kept %d bytes of %d, cut: %t, Base64: %t", len(got.Text), got.Length, got.Cut, got.Base64)
			}
		})
	}
}

func TestWireLogIsBounded(t *testing.T) {
	small, large := exchange{}, exchange{Body: &content{Text: strings.Repeat("x", maxKeptBody)}}
	for name, test := range map[string]struct {
		repeated exchange
		want     int
	}{
		"by number": {small, transactionLimit.exchanges},
		"by size":   {large, transactionLimit.size / large.size()},
	} {
		t.Run(name, func(t *testing.T) {
			var log wireLog
			log = log.with(exchange{Operation: "pay"}, transactionLimit)
			for range 100 {
				log = log.with(test.repeated, transactionLimit)
			}
			log = log.with(exchange{Operation: "query"}, transactionLimit)
			first, last := log.exchanges[0], log.exchanges[len(log.exchanges)-1]
			if len(log.exchanges) > transactionLimit.exchanges || log.size() > transactionLimit.size || len(log.exchanges) < test.want ||
				len(log.exchanges)+log.leftOut != 102 || first.Operation != "pay" || last.Operation != "query" {
				t.Errorf("%d kept of size %d, %d left out, from %q to %q", len(log.exchanges), log.size(), log.leftOut, first.Operation, last.Operation)
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
