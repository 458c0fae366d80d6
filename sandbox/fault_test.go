package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// faulty is a payment that asks for faults, which are JSON.
func faulty(faults, more string) string {
	return envelope("pay-1", purchase(`,"extraData":{"sandboxFault":`+faults+`}`+more))
}

// received is an answer as it was on the wire.
type received struct {
	*testing.T
	*http.Response
	body   string
	broken error // why the body has no end
}

func (r received) wantSigned(text, salt string) {
	r.Helper()
	if got := r.Header.Get("signature"); got != hash(text, salt) {
		r.Errorf("signature %q is not that of the text", got)
	}
}

// order sends a faulty payment and takes the answer as it comes.
func (g gateway) order(ctx context.Context, faults string) (received, error) {
	g.Helper()
	body := faulty(faults, "")
	header := g.signed(body)
	header.Set("Accept-Encoding", "identity") // keeps the client from unpacking by itself
	response, err := g.try(ctx, http.MethodPost, "/api/v1/transaction/pay", body, header)
	if err != nil {
		return received{}, err
	}
	defer response.Body.Close()
	text, broken := io.ReadAll(response.Body)
	return received{g.T, response, string(text), broken}, nil
}

// wantOpened demands that the sandbox knows so many payments.
func (g gateway) wantOpened(n int) {
	g.Helper()
	if text, _ := g.open("/", nil); strings.Count(text, "<td>INIT</td>") != n {
		g.Errorf("not %d payments in %s", n, text)
	}
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// answerFaults say for each fault what is on the wire.
var answerFaults = map[string]func(r received){
	"answer_unsigned": func(r received) {
		if _, has := r.Header["Signature"]; has || decode[answered](r.T, r.body).ResponseCode != "200" {
			r.Errorf("signed %v: %s", r.Header, r.body)
		}
	},
	"answer_tampered": func(r received) {
		original := strings.Replace(r.body, `"responseDateTime":"3`, `"responseDateTime":"2`, 1)
		r.wantSigned(original, defaultSalt)
		if original == r.body || decode[answered](r.T, r.body).ResponseCode != "200" {
			r.Errorf("not tampered with: %s", r.body)
		}
	},
	"answer_wrong_salt": func(r received) {
		r.wantSigned(r.body, defaultSalt+"?")
	},
	"answer_html_502": func(r received) {
		if r.StatusCode != http.StatusBadGateway || r.Header.Get("Content-Type") != "text/html" ||
			r.Header.Get("signature") != "" || !strings.HasPrefix(r.body, "<html>") {
			r.Errorf("HTTP %d %v: %s", r.StatusCode, r.Header, r.body)
		}
	},
	"answer_empty": func(r received) {
		r.wantSigned("", defaultSalt)
		if r.ContentLength != 0 || r.body != "" {
			r.Errorf("body %q, length %d", r.body, r.ContentLength)
		}
	},
	"answer_1mib": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		if len(r.body) != 1<<20 || decode[answered](r.T, r.body).ResponseCode != "200" {
			r.Errorf("%d bytes", len(r.body))
		}
	},
	"answer_cut": func(r received) {
		if !errors.Is(r.broken, io.ErrUnexpectedEOF) || r.body == "" || len(r.body) != int(r.ContentLength)/2 {
			r.Errorf("%d of %d bytes, %v", len(r.body), r.ContentLength, r.broken)
		}
	},
	"answer_slow": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		if int(r.ContentLength) != len(r.body) || decode[answered](r.T, r.body).ResponseCode != "200" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_numbers": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		if !strings.Contains(r.body, `"responseCode":200,`) || !json.Valid([]byte(r.body)) {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_data_string": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		data := decode[struct{ ResponseData string }](r.T, r.body).ResponseData
		if decode[values](r.T, data)["transactionID"] == "" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_extra_fields": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		m := decode[struct {
			SandboxExtra any
			ResponseData values
		}](r.T, r.body)
		if m.SandboxExtra == nil || m.ResponseData["sandboxExtra"] == "" || m.ResponseData["transactionID"] == "" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_code_00": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		if m := decode[answered](r.T, r.body); m.ResponseCode != "00" || m.ResponseData["transactionID"] == "" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_other_request": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		m := decode[answered](r.T, r.body)
		if m.RequestID == "pay-1" || m.RequestID == "" || m.ResponseCode != "200" || m.ResponseData["transactionID"] == "" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_clock_skew": func(r received) {
		r.wantSigned(r.body, defaultSalt)
		m := decode[answered](r.T, r.body)
		wantDayBehind(r.T, m.ResponseDateTime)
		if m.ResponseCode != "200" {
			r.Errorf("body %s", r.body)
		}
	},
	"answer_gzip": func(r received) {
		text := unpack(r.T, r.body)
		r.wantSigned(text, defaultSalt)
		if r.Header.Get("Content-Encoding") != "gzip" || decode[answered](r.T, text).ResponseCode != "200" {
			r.Errorf("%v: %s", r.Header, text)
		}
	},
}

// wantDayBehind demands that a stamp is a day behind the clock, to the minute.
func wantDayBehind(t *testing.T, stamp string) {
	t.Helper()
	then, err := time.ParseInLocation("20060102150405", stamp, time.FixedZone("", 7*60*60))
	if behind := time.Since(then).Round(time.Minute); err != nil || behind != 24*time.Hour {
		t.Errorf("%s is %s behind, %v", stamp, behind, err)
	}
}

func TestAnswerFaults(t *testing.T) {
	for name, check := range answerFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, &Handler{APIKey: name}) // a ledger of its own
			r, err := g.order(t.Context(), `"`+name+`"`)
			if err != nil {
				t.Fatal(err)
			}
			if r.broken != nil && name != "answer_cut" {
				t.Error(r.broken)
			}
			check(r)
			g.wantOpened(1)
		})
	}
}

// refusals say for each fault with which responseCode the request is refused.
var refusals = map[string]string{
	"answer_code_401": "401", "answer_code_408": "408", "answer_code_409": "409", "answer_code_499": "499",
	"answer_code_502": "502", "answer_code_503": "503", "answer_code_504": "504", "answer_code_505": "505",
}

func TestRefusalFaults(t *testing.T) {
	for name, code := range refusals {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			answer := g.ask("/api/v1/transaction/pay", faulty(`"`+name+`"`, ""))
			if answer.RequestID != "pay-1" || answer.ResponseCode != code || answer.ResponseMessage == "" || answer.ResponseData != nil {
				t.Errorf("answer %+v", answer)
			}
			g.wantOpened(0)
			g.pay("") // under the same requestID
		})
	}
}

// silentFaults give no answer at all; the value is how many payments are open then.
var silentFaults = map[string]int{"reset_before": 0, "reset_after": 1, "answer_hang": 1}

func TestSilentFaults(t *testing.T) {
	for name, opened := range silentFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, &Handler{APIKey: name}) // a ledger of its own
			ctx, want := t.Context(), io.EOF
			if name == "answer_hang" {
				var leave context.CancelFunc
				ctx, leave = context.WithTimeout(ctx, 3*time.Second) // enough to get there
				defer leave()
				want = context.DeadlineExceeded
			}
			r, err := g.order(ctx, `"`+name+`"`)
			if !errors.Is(err, want) {
				t.Errorf("answer %+v, %v", r.Response, err)
			}
			g.wantOpened(opened)
		})
	}
}

// What follows an answer follows a broken one too.
func TestBrokenAnswerIsFollowedByTheIPN(t *testing.T) {
	for _, name := range []string{"reset_after", "answer_cut"} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			body := envelope("fast-1", fast(`,`+cardData+`,"extraData":{"sandboxFault":"`+name+`"},"ipnURL":"`+ipnURL+`"`))
			response, err := g.try(t.Context(), http.MethodPost, "/api/v1/transaction/pay", body, g.signed(body))
			if err == nil {
				response.Body.Close()
			}
			if ipn := next(t, ipns); ipn.ResponseCode != "200" {
				t.Errorf("IPN %+v", ipn)
			}
		})
	}
}

func TestFaultsTogether(t *testing.T) {
	g := serve(t, new(Handler))
	r, err := g.order(t.Context(), `["answer_unsigned","answer_extra_fields","answer_numbers"]`)
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("signature") != "" || !strings.Contains(r.body, `"responseCode":200,`) || strings.Count(r.body, "sandboxExtra") != 2 {
		t.Errorf("%v: %s", r.Header, r.body)
	}
}

// The codes of an answer may be numbers, but 00 is none in JSON.
func TestNumberedCode00(t *testing.T) {
	r, err := serve(t, new(Handler)).order(t.Context(), `["answer_code_00","answer_numbers"]`)
	if err != nil || decode[answered](t, r.body).ResponseCode != "00" {
		t.Errorf("%s, %v", r.body, err)
	}
}

// described is a payment with a description of its own.
func described(description, more string) string {
	return envelope("pay-1", strings.Replace(purchase(more), "Cà phê", description+" Cà phê", 1))
}

func TestTaggedFaults(t *testing.T) {
	for name, test := range map[string]struct{ description, more string }{
		"tags alone":      {"[fault:answer_unsigned] and [fault:answer_extra_fields][fault:answer_numbers]", ""},
		"tags and fields": {"[fault:answer_numbers] [fault:answer_unsigned]", `,"extraData":{"sandboxFault":["answer_extra_fields","answer_unsigned"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			response := g.post("/api/v1/transaction/pay", described(test.description, test.more))
			text := read(t, response)
			if response.Header.Get("signature") != "" || !strings.Contains(text, `"responseCode":200,`) || strings.Count(text, "sandboxExtra") != 2 {
				t.Errorf("%v: %s", response.Header, text)
			}
		})
	}
}

func TestUnknownTag(t *testing.T) {
	for name, description := range map[string]string{
		"misspelled": "[fault:answer_unsinged]",
		"one of two": "[fault:answer_unsigned][fault:answer_unsinged]",
		"empty":      "[fault:]",
		"with space": "[fault: answer_unsigned]",
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			answer := g.ask("/api/v1/transaction/pay", described(description, ""))
			want := "a fault in orderDescription is not one of " + fault.All().String()
			if answer.ResponseCode != "400" || answer.ResponseMessage != want {
				t.Errorf("answer %+v", answer)
			}
			g.wantOpened(0)
		})
	}
}

func TestNoTag(t *testing.T) {
	for _, description := range []string{"fault:answer_unsigned", "[fault answer_unsigned]", "[fault:answer_unsigned", "[Fault:answer_unsigned]"} {
		t.Run(description, func(t *testing.T) {
			answer := serve(t, new(Handler)).ask("/api/v1/transaction/pay", described(description, ""))
			if answer.ResponseCode != "200" {
				t.Errorf("answer %+v", answer)
			}
		})
	}
}

func TestNoFault(t *testing.T) {
	for name, extra := range map[string]string{
		"empty array":     `{"sandboxFault":[]}`,
		"null":            `{"sandboxFault":null}`,
		"other extraData": `{"basket":"7"}`,
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, new(Handler)).pay(`,"extraData":` + extra)
		})
	}
}

func TestUnknownFault(t *testing.T) {
	for name, named := range map[string]string{
		"misspelled":        `"answer_unsinged"`,
		"one of two":        `["answer_unsigned","answer_unsinged"]`,
		"other case":        `"Answer_Unsigned"`,
		"empty":             `""`,
		"number":            `7`,
		"array of numbers":  `[7]`,
		"object":            `{"answer_unsigned":true}`,
		"known and no text": `["reset_before",7]`,
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			answer := g.ask("/api/v1/transaction/pay", faulty(named, ""))
			want := "extraData.sandboxFault is not one of " + fault.All().String()
			if answer.ResponseCode != "400" || answer.ResponseMessage != want {
				t.Errorf("answer %+v", answer)
			}
			g.wantOpened(0)
		})
	}
}

// letter is an IPN as it was on the wire.
type letter struct {
	m        answered
	data     string // in Base64
	has      bool   // there is a signature
	proven   bool
	original bool // it is proven with the amount that was ordered
}

func (g gateway) letterbox() (ipnURL string, letters <-chan letter) {
	received := make(chan letter, 10)
	ipnURL = listen(g.T, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var s struct {
			Data      []byte
			Signature *string
		}
		if err != nil || json.Unmarshal(body, &s) != nil {
			g.Errorf("IPN %s, %v", body, err)
			return
		}
		l := letter{data: base64.StdEncoding.EncodeToString(s.Data)}
		if err := json.Unmarshal(s.Data, &l.m); err != nil {
			g.Error(err)
		}
		if l.has = s.Signature != nil; l.has {
			signedAs := func(text []byte) bool {
				return *s.Signature == hash(base64.StdEncoding.EncodeToString(text), g.salt)
			}
			l.proven = signedAs(s.Data)
			l.original = signedAs(bytes.Replace(s.Data, []byte(`"912.50"`), []byte(`"12.50"`), 1))
		}
		received <- l
	})
	return ipnURL, received
}

// sent is what is wanted of an IPN.
type sent struct {
	code, amount          string
	has, proven, original bool
}

var paid = sent{"200", "12.50", true, true, true}

// ipnFaults say for each fault which IPNs a paid payment has.
var ipnFaults = map[string][]sent{
	"ipn_lost":              nil,
	"ipn_twice":             {paid, paid},
	"ipn_wrong_salt":        {{"200", "12.50", true, false, false}},
	"ipn_unsigned":          {{"200", "12.50", false, false, false}},
	"ipn_tampered_amount":   {{"200", "912.50", true, false, true}},
	"ipn_cancel_after_paid": {paid, {"499", "12.50", true, true, true}},

	"ipn_paid_after_expired": {{"408", "12.50", true, true, true}, paid},
	"ipn_clock_skew":         {paid},
	"ipn_plus":               {paid},

	"ipn_other_order":    {paid},
	"ipn_other_amount":   {{"200", "13.50", true, true, true}},
	"ipn_other_currency": {paid},
	"ipn_before_answer":  {paid},
}

// letterFaults say what else is wanted of each IPN.
var letterFaults = map[string]func(*testing.T, letter){
	"ipn_clock_skew": func(t *testing.T, l letter) {
		t.Helper()
		wantDayBehind(t, l.m.ResponseDateTime)
	},
	"ipn_other_order":    wantOther("orderID", "OTHER-A-1"),
	"ipn_other_amount":   wantOther("orderAmount", "13.50"),
	"ipn_other_currency": wantOther("orderCurrency", "VND"),
	"ipn_plus": func(t *testing.T, l letter) {
		t.Helper()
		if !strings.Contains(l.data, "+") || !strings.Contains(l.data, "/") {
			t.Errorf("no + or no / in %s", l.data)
		}
	},
}

// wantOther demands that this member of an IPN is another one than was ordered, and all others of the order are not.
func wantOther(member, value string) func(*testing.T, letter) {
	return func(t *testing.T, l letter) {
		t.Helper()
		wantOrder(t, l.m.ResponseData, member, value)
	}
}

// wantOrder demands the members of the order that was made, but for one.
func wantOrder(t *testing.T, got values, member, value string) {
	t.Helper()
	want := values{"orderID": "A-1", "orderAmount": "12.50", "orderCurrency": "USD"}
	want[member] = value
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %s, want %s", name, got[name], value)
		}
	}
}

func TestIPNFaults(t *testing.T) {
	for name, want := range ipnFaults {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, letters := g.letterbox()
			id, page := g.pay(`,"extraData":{"sandboxFault":"` + name + `"},"ipnURL":"` + ipnURL + `"`)
			g.press(page, "success")
			if len(letters) != len(want) {
				t.Fatalf("%d IPNs, want %d", len(letters), len(want))
			}
			for _, w := range want {
				l := <-letters
				got := sent{l.m.ResponseCode, l.m.ResponseData["orderAmount"], l.has, l.proven, l.original}
				if got != w || l.m.ResponseData["transactionID"] != id {
					t.Errorf("IPN %+v, want %+v", got, w)
				}
				if check := letterFaults[name]; check != nil {
					check(t, l)
				}
			}
			g.wantStanding(id, "SUCCESSFUL", "200", "Success")
		})
	}
}

// A payment link, and a payment without a page, have the faults of their requests too.
func TestIPNFaultsWithoutPay(t *testing.T) {
	const fault = `,"extraData":{"sandboxFault":["ipn_twice","ipn_unsigned"]}`
	for name, order := range map[string]func(g gateway, ipnURL string){
		"fast pay": func(g gateway, ipnURL string) {
			g.ask("/api/v1/transaction/pay", envelope("fast-1", fast(`,`+cardData+fault+ipnURL)))
		},
		"payment link": func(g gateway, ipnURL string) {
			link := g.ask(createLink, envelope("link-1", linkTo(fault+ipnURL)))
			g.press(link.ResponseData["shortLink"], "success")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, letters := g.letterbox()
			order(g, `,"ipnURL":"`+ipnURL+`"`)
			for range 2 {
				select {
				case l := <-letters:
					if l.has || l.m.ResponseCode != "200" {
						t.Errorf("IPN %+v", l)
					}
				case <-time.After(30 * time.Second):
					t.Fatal("no IPN within thirty seconds")
				}
			}
		})
	}
}

// A payment that was not paid is not contradicted.
func TestContraryAfterFailure(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, letters := g.letterbox()
	_, page := g.pay(`,"extraData":{"sandboxFault":["ipn_cancel_after_paid","ipn_paid_after_expired"]},"ipnURL":"` + ipnURL + `"`)
	g.press(page, "failure")
	if len(letters) != 1 {
		t.Errorf("%d IPNs", len(letters))
	}
}

const late = `,"extraData":{"sandboxFault":"ipn_late"},"successURL":"http://shop.example/success"`

// The browser is back before the IPN is sent, five seconds after the outcome.
func TestLateIPN(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		_, page := g.pay(late + `,"ipnURL":"` + ipnURL + `"`)
		if m, _ := g.returned(g.press(page, "success")); m.ResponseCode != "200" {
			t.Errorf("result %+v", m)
		}
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		if len(ipns) != 0 {
			t.Errorf("%d IPNs before their time", len(ipns))
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if m := one(t, ipns); m.ResponseCode != "200" {
			t.Errorf("IPN %+v", m)
		}
	})
}

// A late IPN that is still to come ends with the configuration, and nothing waits for it any
// more; the bubble does not end while it does.
func TestLateIPNEndsWithTheConfiguration(t *testing.T) {
	h := new(Handler)
	inBubble(t, h, func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		id, page := g.pay(late + `,"ipnURL":"` + ipnURL + `"`)
		g.press(page, "success")
		h.stop()
		synctest.Wait()
		if ipn := g.seen(id).IPN; ipn.State != ipnNotSent || ipn.Attempts != 0 || ipn.Failure == "" {
			t.Errorf("IPN %+v", ipn)
		}
		time.Sleep(time.Minute)
		if len(ipns) != 0 {
			t.Errorf("%d IPNs after the end", len(ipns))
		}
	})
}

// The payment is paid and its IPN is there before the answer to the request, whatever opens it.
func TestIPNBeforeTheAnswer(t *testing.T) {
	const early = `,"extraData":{"sandboxFault":"ipn_before_answer"},"ipnURL":"`
	for name, test := range map[string]struct {
		path string
		body func(more string) string
	}{
		"pay":          {"/api/v1/transaction/pay", func(more string) string { return envelope("pay-1", purchase(more)) }},
		"payment link": {createLink, func(more string) string { return envelope("link-1", linkTo(more)) }},
		"fast pay":     {"/api/v1/transaction/pay", func(more string) string { return envelope("fast-1", fast(`,`+cardData+more)) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, letters := g.letterbox()
			answer := g.ask(test.path, test.body(early+ipnURL+`"`))
			if answer.ResponseCode != "200" || len(letters) != 1 {
				t.Fatalf("answer %+v after %d IPNs", answer, len(letters))
			}
			if l := <-letters; !l.proven || l.m.ResponseCode != "200" {
				t.Errorf("IPN %+v", l)
			}
		})
	}
}

// queryFaults say for each fault how the payment stands by a query: while it is open, and after each outcome. The last one is after
// a void.
var queryFaults = map[string]map[string]string{
	"query_contradicts": {
		"": "INIT", "success": "FAILURE 505", "failure": "SUCCESSFUL 200", "cancel": "SUCCESSFUL 200", "expired": "SUCCESSFUL 200", "void": "SUCCESSFUL 200",
	},
	"query_lags":         {"": "INIT", "success": "PROCESSING", "failure": "PROCESSING", "cancel": "PROCESSING", "expired": "PROCESSING", "void": "PROCESSING"},
	"query_other_amount": {"": "INIT", "success": "SUCCESSFUL 200", "failure": "FAILURE 505"},
	"query_unknown":      {"": "400", "success": "400", "failure": "400"},
}

func TestQueryFaults(t *testing.T) {
	for name, stands := range queryFaults {
		for outcome, want := range stands {
			t.Run(name+" "+outcome, func(t *testing.T) {
				g := serve(t, new(Handler))
				id, page := g.pay(`,"isAutoCapture":false,"extraData":{"sandboxFault":"` + name + `"}`)
				switch outcome {
				case "":
				case "void":
					g.press(page, "success")
					g.ask("/api/v1/transaction/void", envelope("void-1", `{"transactionID":"`+id+`"}`))
				default:
					g.press(page, outcome)
				}
				if got := g.standing(id, name); got != want {
					t.Errorf("it is %s, want %s", got, want)
				}
			})
		}
	}
}

// standing is how a payment stands by a query that has this fault: its stage and status, or the code of a refusal.
func (g gateway) standing(id, fault string) string {
	g.Helper()
	answer := g.query(id)
	if answer.ResponseCode != "200" {
		return answer.ResponseCode
	}
	amount := "12.50"
	if fault == "query_other_amount" {
		amount = "13.50"
	}
	wantOrder(g.T, answer.ResponseData, "orderAmount", amount)
	return strings.TrimSpace(answer.ResponseData["transactionStage"] + " " + answer.ResponseData["transactionStatus"])
}

// A query that lags says the truth in the end, by the sandbox's own clock.
func TestQueryLagIsOver(t *testing.T) {
	g := serve(t, new(Handler))
	id, page := g.pay(`,"extraData":{"sandboxFault":"query_lags"}`)
	g.press(page, "success")
	for _, step := range []struct{ advance, want string }{{"25s", "PROCESSING"}, {"5s", "SUCCESSFUL 200"}} {
		g.exchange(http.MethodPost, "/sandbox/clock", `{"advance":"`+step.advance+`"}`, http.Header{"Content-Type": {"application/json"}})
		if got := g.standing(id, "query_lags"); got != step.want {
			t.Errorf("after another %s it is %s, want %s", step.advance, got, step.want)
		}
	}
}

// Faults of queries strike where the query names them too, and where they are set for everything; the faults that a payment
// names for the answer to its own request do not.
func TestQueryFaultsOfTheQuery(t *testing.T) {
	for name, test := range map[string]struct{ ofPayment, ofQuery, ofAll, want string }{
		"of the query":         {`[]`, `["query_unknown"]`, `[]`, "400"},
		"of everything":        {`[]`, `[]`, `["query_unknown"]`, "400"},
		"of the payment's own": {`["answer_extra_fields"]`, `[]`, `[]`, "INIT"},
		"none":                 {`[]`, `[]`, `[]`, "INIT"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, _ := g.pay(`,"extraData":{"sandboxFault":` + test.ofPayment + `}`)
			g.exchange(http.MethodPut, "/sandbox/faults", `{"faults":`+test.ofAll+`}`, http.Header{"Content-Type": {"application/json"}})
			answer := g.ask("/api/v1/transaction/query", envelope("query-1", `{"transactionID":"`+id+`","extraData":{"sandboxFault":`+test.ofQuery+`}}`))
			got := answer.ResponseCode
			if got == "200" {
				got = answer.ResponseData["transactionStage"]
			}
			if got != test.want {
				t.Errorf("it is %s, want %s: %+v", got, test.want, answer)
			}
		})
	}
}

// resultFaults say for each fault what is wanted of the address the browser is sent to.
var resultFaults = map[string]func(g gateway, query string){
	"result_other_order":    wantOtherResult("orderID", "OTHER-A-1"),
	"result_other_amount":   wantOtherResult("orderAmount", "13.50"),
	"result_other_currency": wantOtherResult("orderCurrency", "VND"),
	"result_plus": func(g gateway, query string) {
		_, result, _ := strings.Cut(query, "&")
		if strings.Contains(query, " ") || !strings.Contains(result, "+") || strings.Contains(result, "%2B") {
			g.Errorf("query %s", query)
		}
		values, err := url.ParseQuery(query)
		if err != nil || !strings.Contains(values.Get("data"), " ") || values.Get("basket") != "7+7" {
			g.Errorf("query %s, %v", query, err)
		}
		data := strings.ReplaceAll(values.Get("data"), " ", "+")
		if m := g.unseal(data, values.Get("signature")); m.ResponseData["orderAmount"] != "12.50" {
			g.Errorf("result %+v", m)
		}
	},
}

// wantOtherResult demands that this member of a proven result is another one than was ordered.
func wantOtherResult(member, value string) func(g gateway, query string) {
	return func(g gateway, query string) {
		g.Helper()
		sent, err := url.ParseQuery(query)
		if err != nil {
			g.Fatal(err)
		}
		wantOrder(g.T, g.unseal(sent.Get("data"), sent.Get("signature")).ResponseData, member, value)
	}
}

func TestResultFaults(t *testing.T) {
	for name, check := range resultFaults {
		for _, outcome := range []string{"success", "failure", "cancel"} {
			t.Run(name+" "+outcome, func(t *testing.T) {
				g := serve(t, new(Handler))
				address := strings.ReplaceAll(addresses, "shop.example/"+outcome, "shop.example/"+outcome+"?basket=7%2B7")
				_, page := g.pay(`,"extraData":{"sandboxFault":"` + name + `"}` + address)
				_, query, _ := strings.Cut(g.press(page, outcome).Header.Get("Location"), "?")
				check(g, query)
			})
		}
	}
}

// Every fault has a test.
func TestFaultsAreCovered(t *testing.T) {
	for _, name := range fault.All().Names() {
		_, answers := answerFaults[name]
		_, silent := silentFaults[name]
		_, ipns := ipnFaults[name]
		_, refuses := refusals[name]
		_, results := resultFaults[name]
		_, queries := queryFaults[name]
		if !answers && !silent && !ipns && !refuses && !results && !queries && name != "ipn_late" {
			t.Errorf("%s has no test", name)
		}
	}
}
