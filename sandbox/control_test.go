package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// control calls the control API and returns its answer as it is.
func (g gateway) control(method, path, body string) (status int, text string) {
	g.Helper()
	response := g.exchange(method, "/sandbox/"+path, body, http.Header{"Content-Type": {"application/json"}})
	return response.StatusCode, read(g.T, response)
}

// do is control for what must go well; out may be nil.
func (g gateway) do(method, path, body string, out any) {
	g.Helper()
	status, text := g.control(method, path, body)
	if status >= http.StatusMultipleChoices {
		g.Fatalf("%s %s: HTTP %d: %s", method, path, status, text)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		g.Fatalf("%v in %s", err, text)
	}
}

// viewed is a transaction as the control API shows it.
type viewed struct {
	ID, Outcome, Stage, OrderID, Refunded string
	IPN                                   struct{ State string }
	Faults                                []string
	SettledAt                             time.Time
}

func (g gateway) act(id, action, body string) (v viewed) {
	g.Helper()
	g.do(http.MethodPost, "transactions/"+id+"/"+action, body, &v)
	return v
}

func TestControlSettles(t *testing.T) {
	for name, test := range map[string]struct{ action, body, more, outcome, code, message string }{
		"complete":               {"complete", "", "", "success", "200", "Transaction is successful."},
		"complete, held":         {"complete", "{}", `,"isAutoCapture":false`, "authorised", "200", "Transaction is successful."},
		"fail":                   {"fail", "", "", "failure", "505", "Authentication failed"},
		"fail by authentication": {"fail", `{"reason":"authentication"}`, "", "failure", "505", "Authentication failed"},
		"fail by the bank":       {"fail", `{"reason":"refused"}`, "", "refused", "505", "Refused by the bank"},
		"cancel":                 {"cancel", "", "", "cancel", "499", "Canceled by user"},
		"expire":                 {"expire", "", "", "expired", "408", "Transaction is expired."},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			ipnURL, ipns := g.app(http.StatusOK, "{}")
			id, _ := g.pay(test.more + `,"ipnURL":"` + ipnURL + `"`)
			if v := g.act(id, test.action, test.body); v.ID != id || v.Outcome != test.outcome || v.IPN.State != "answered" {
				t.Errorf("answer %+v", v)
			}
			if m := one(t, ipns); m.ResponseCode != test.code || m.ResponseMessage != test.message {
				t.Errorf("IPN %+v", m)
			}
			if status := g.query(id).ResponseData["transactionStatus"]; status != test.code {
				t.Errorf("query says %s", status)
			}
			if status, text := g.control(http.MethodPost, "transactions/"+id+"/complete", ""); status != http.StatusConflict || !strings.Contains(text, test.outcome) {
				t.Errorf("a second time: HTTP %d: %s", status, text)
			}
			if len(ipns) != 0 {
				t.Error("the app got a second IPN")
			}
		})
	}
}

func TestControlRefuses(t *testing.T) {
	const none = "transactions/1/"
	for name, test := range map[string]struct {
		method, path, body, kind string
		status                   int
		detail                   string
	}{
		"complete, unknown":    {"POST", none + "complete", "", "", 404, "transactionID is unknown"},
		"fail, unknown":        {"POST", none + "fail", "", "", 404, "transactionID is unknown"},
		"resend, unknown":      {"POST", none + "resend-ipn", "", "", 404, "transactionID is unknown"},
		"refund, unknown":      {"POST", none + "refund", "", "", 404, "transactionID is unknown"},
		"capture, unknown":     {"POST", none + "capture", "", "", 404, "transactionID is unknown"},
		"unknown reason":       {"POST", none + "fail", `{"reason":"weather"}`, "application/json", 400, "reason must be"},
		"unknown member":       {"POST", none + "complete", `{"reason":"refused"}`, "application/json", 400, "JSON object"},
		"two bodies":           {"POST", none + "complete", `{}{}`, "application/json", 400, "JSON object"},
		"not JSON":             {"POST", none + "complete", `x`, "application/json; charset=utf-8", 400, "JSON object"},
		"form":                 {"POST", none + "complete", `a=b`, "application/x-www-form-urlencoded", 415, "application/json"},
		"no type":              {"PUT", "faults", `{"faults":[]}`, "", 415, "application/json"},
		"endless":              {"POST", none + "complete", strings.Repeat(" ", maxRequestBody+1), "application/json", 413, "256 KiB"},
		"amount of nothing":    {"POST", none + "refund", `{"amount":"0"}`, "application/json", 400, "amount must be"},
		"amount in words":      {"POST", none + "refund", `{"amount":"all"}`, "application/json", 400, "amount must be"},
		"unknown fault":        {"PUT", "faults", `{"faults":["ipn_twice","ipn_thrice"]}`, "application/json", 400, "ipn_twice"},
		"no faults":            {"PUT", "faults", `{}`, "application/json", 400, "array of names"},
		"no duration":          {"POST", "clock", "", "", 400, "longer than 0"},
		"backwards":            {"POST", "clock", `{"advance":"-1s"}`, "application/json", 400, "longer than 0"},
		"not a duration":       {"POST", "clock", `{"advance":"soon"}`, "application/json", 400, "longer than 0"},
		"too far":              {"POST", "clock", `{"advance":"3651d"}`, "application/json", 400, "ten years"},
		"no payment":           {"POST", "transactions", "", "", 400, "missing"},
		"incomplete payment":   {"POST", "transactions", `{"orderID":"A-1"}`, "application/json", 400, "is missing"},
		"unknown fault in it":  {"POST", "transactions", purchase(`,"extraData":{"sandboxFault":"x"}`), "application/json", 400, "sandboxFault"},
		"unknown address":      {"POST", none + "repeat", "", "", 404, "nothing at this address"},
		"unknown apiOperation": {"POST", "transactions", strings.Replace(purchase(""), `"PAY"`, `"STEAL"`, 1), "application/json", 400, "apiOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, new(Handler))
			response := g.exchange(test.method, "/sandbox/"+test.path, test.body, http.Header{"Content-Type": {test.kind}})
			problem := decode[struct {
				Status int
				Detail string
			}](t, read(t, response))
			if response.StatusCode != test.status || problem.Status != test.status || !strings.Contains(problem.Detail, test.detail) {
				t.Errorf("HTTP %d: %+v", response.StatusCode, problem)
			}
		})
	}
}

func TestControlIsNotForOtherPages(t *testing.T) {
	g := serve(t, new(Handler))
	for method, paths := range map[string][]string{
		http.MethodGet: {"faults", "clock"},
		http.MethodPut: {"faults"},
		http.MethodPost: {
			"transactions", "clock", "reset", "transactions/1/complete", "transactions/1/fail", "transactions/1/cancel", "transactions/1/expire",
			"transactions/1/resend-ipn", "transactions/1/refund", "transactions/1/capture", "transactions/1/void",
		},
	} {
		for _, path := range paths {
			response := g.exchange(method, "/sandbox/"+path, "", http.Header{"Origin": {"http://shop.example"}})
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: HTTP %d", method, path, response.StatusCode)
			}
		}
	}
}

func TestControlOpens(t *testing.T) {
	g := serve(t, new(Handler))
	var v viewed
	g.do(http.MethodPost, "transactions", strings.Replace(purchase(""), `"apiOperation":"PAY",`, "", 1), &v)
	if v.OrderID != "A-1" || v.Stage != "INIT" {
		t.Errorf("opened %+v", v)
	}
	g.act(v.ID, "complete", "")
	g.wantStanding(v.ID, "SUCCESSFUL", "200", "Success")
}

func TestControlRefunds(t *testing.T) {
	g := serve(t, new(Handler))
	id, _ := g.pay("")
	conflict := func(action, body, detail string) {
		t.Helper()
		if status, text := g.control(http.MethodPost, "transactions/"+id+"/"+action, body); status != http.StatusConflict || !strings.Contains(text, detail) {
			t.Errorf("%s: HTTP %d: %s", action, status, text)
		}
	}
	conflict("refund", "", notPaid)
	conflict("void", "", notHeld)
	g.act(id, "complete", "")
	if v := g.act(id, "refund", `{"amount":"2.5"}`); v.Refunded != "2.5" {
		t.Errorf("refunded %+v", v)
	}
	conflict("refund", `{"amount":"10.01"}`, "more than what is left")
	if v := g.act(id, "refund", ""); v.Refunded != "12.5" {
		t.Errorf("refunded %+v", v)
	}
	conflict("refund", "", "the whole payment is already refunded")
}

func TestControlFinishes(t *testing.T) {
	for action, want := range map[string]string{"capture": "success", "void": "voided"} {
		t.Run(action, func(t *testing.T) {
			g := serve(t, new(Handler))
			id, _ := g.pay(`,"isAutoCapture":false`)
			g.act(id, "complete", "")
			if v := g.act(id, action, ""); v.Outcome != want {
				t.Errorf("answer %+v", v)
			}
			if status, text := g.control(http.MethodPost, "transactions/"+id+"/"+action, ""); status != http.StatusConflict || !strings.Contains(text, "already") {
				t.Errorf("a second time: HTTP %d: %s", status, text)
			}
		})
	}
}

// What was lost arrives when it is sent again.
func TestControlResends(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, ipns := g.app(http.StatusOK, "{}")
	id, _ := g.pay(`,"extraData":{"sandboxFault":"ipn_lost"},"ipnURL":"` + ipnURL + `"`)
	resend := "transactions/" + id + "/resend-ipn"
	if status, text := g.control(http.MethodPost, resend, ""); status != http.StatusConflict || !strings.Contains(text, "open") {
		t.Errorf("while it is open: HTTP %d: %s", status, text)
	}
	if v := g.act(id, "complete", ""); v.IPN.State != "failed" || len(ipns) != 0 {
		t.Errorf("%d IPNs, %+v", len(ipns), v)
	}
	if v := g.act(id, "resend-ipn", ""); v.IPN.State != "answered" {
		t.Errorf("answer %+v", v)
	}
	if m := one(t, ipns); m.ResponseCode != "200" {
		t.Errorf("IPN %+v", m)
	}
}

// With a new time the IPN is another message about the same payment; without, it is the same message.
func TestControlResendsWithNewTime(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, letters := g.letterbox()
	id, _ := g.pay(`,"ipnURL":"` + ipnURL + `"`)
	settled := g.act(id, "complete", "").SettledAt
	first := <-letters
	g.do(http.MethodPost, "clock", `{"advance":"1h"}`, nil)
	for body, same := range map[string]bool{"": true, `{"newTime":false}`: true, `{"newTime":true}`: false} {
		v := g.act(id, "resend-ipn", body)
		again := <-letters
		if (again.data == first.data) != same || !again.proven || again.m.ResponseData["transactionID"] != id {
			t.Errorf("%s: %+v, first %+v", body, again, first)
		}
		if later := again.m.ResponseDateTime > first.m.ResponseDateTime; later == same {
			t.Errorf("%s: at %s, first at %s", body, again.m.ResponseDateTime, first.m.ResponseDateTime)
		}
		if !v.SettledAt.Equal(settled) {
			t.Errorf("%s: the payment was settled at %s, now it is %s", body, settled, v.SettledAt)
		}
	}
	if status, text := g.control(http.MethodPost, "transactions/"+id+"/resend-ipn", `{"newTime":"now"}`); status != http.StatusBadRequest {
		t.Errorf("HTTP %d: %s", status, text)
	}
}

// In strict mode half of the IPNs come twice, late or in the wrong order. Payments that name faults have
// those only.
func TestStrict(t *testing.T) {
	g := serve(t, &Handler{Strict: true})
	ipnURL, letters := g.letterbox()
	drawn, atOnce := make(map[string]int), 0
	complete := func(more string) viewed {
		var opened viewed
		g.do(http.MethodPost, "transactions", purchase(`,"ipnURL":"`+ipnURL+`"`+more), &opened)
		ended := g.act(opened.ID, "complete", "")
		for len(letters) > 0 {
			<-letters
			atOnce++
		}
		return ended
	}
	for range 8 {
		drawn[strings.Join(complete("").Faults, " ")]++
	}
	want := map[string]int{"": 4, "ipn_twice": 1, "ipn_late": 1, "ipn_cancel_after_paid": 1, "ipn_paid_after_expired": 1}
	if !maps.Equal(drawn, want) || atOnce != 4+2+2+2 {
		t.Errorf("%v, %d IPNs at once", drawn, atOnce)
	}
	for range 8 {
		if v := complete(`,"extraData":{"sandboxFault":"ipn_lost"}`); !slices.Equal(v.Faults, []string{"ipn_lost"}) {
			t.Errorf("with a fault of its own: %v", v.Faults)
		}
	}
}

func TestControlResendsNothing(t *testing.T) {
	g := serve(t, new(Handler))
	id, _ := g.pay("")
	g.act(id, "complete", "")
	if status, text := g.control(http.MethodPost, "transactions/"+id+"/resend-ipn", ""); status != http.StatusConflict || !strings.Contains(text, "ipnURL") {
		t.Errorf("HTTP %d: %s", status, text)
	}
}

func TestGlobalFaults(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, letters := g.letterbox()
	id, _ := g.pay(`,"extraData":{"sandboxFault":"ipn_twice"},"ipnURL":"` + ipnURL + `"`)
	var shown struct {
		Faults []string
		Known  []knownFault
	}
	g.do(http.MethodPut, "faults", `{"faults":["ipn_unsigned","answer_unsigned"]}`, &shown)
	if !slices.Equal(shown.Faults, []string{"answer_unsigned", "ipn_unsigned"}) || len(shown.Known) != len(fault.All()) || shown.Known[0].About == "" {
		t.Errorf("shown %+v", shown)
	}
	inEnglish := shown.Known[0].About
	g.do(http.MethodGet, "faults?language=vi", "", &shown)
	if about := shown.Known[0].About; about == "" || about == inEnglish {
		t.Errorf("explained in Vietnamese: %q", about)
	}
	for range 2 { // until they are cleared
		if r, err := g.order(t.Context(), `[]`); err != nil || r.Header.Get("signature") != "" {
			t.Errorf("answer %v, %v", r.Header, err)
		}
	}
	g.act(id, "complete", "")
	g.act(id, "resend-ipn", "")
	for range 3 { // two by the payment's own fault, one more without it
		if l := <-letters; l.has {
			t.Errorf("IPN %+v", l)
		}
	}

	g.do(http.MethodPut, "faults", `{"faults":[]}`, nil)
	g.act(id, "resend-ipn", "")
	if l := <-letters; !l.proven || len(letters) != 0 {
		t.Errorf("IPN %+v, and %d more", l, len(letters))
	}
	g.wantStanding(id, "SUCCESSFUL", "200", "Success")
}

func TestGlobalResultFault(t *testing.T) {
	g := serve(t, new(Handler))
	_, page := g.pay(addresses)
	g.do(http.MethodPut, "faults", `{"faults":["result_plus"]}`, nil)
	if location := g.press(page, "success").Header.Get("Location"); !strings.Contains(location, "+") {
		t.Errorf("sent to %s", location)
	}
}

func TestClockAdvances(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		id, _ := g.pay(`,"ipnURL":"` + ipnURL + `"`)
		var shown struct{ Now time.Time }
		for _, want := range []time.Time{time.Now().Add(16 * time.Minute), time.Now().Add(16*time.Minute + 48*time.Hour)} {
			g.do(http.MethodPost, "clock", `{"advance":"`+want.Sub(latest(shown.Now, time.Now())).String()+`"}`, &shown)
			if !shown.Now.Equal(want) {
				t.Errorf("it is %s, want %s", shown.Now, want)
			}
		}
		g.wantStanding(id, "FAILURE", "408", "Transaction expired")
		if m := next(t, ipns); m.ResponseDateTime != message.Stamp(shown.Now) {
			t.Errorf("IPN %+v", m)
		}
		g.do(http.MethodGet, "clock", "", &shown)
		if !shown.Now.Equal(time.Now().Add(16*time.Minute + 48*time.Hour)) {
			t.Errorf("it is %s", shown.Now)
		}
	})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// The bound holds for the sum of all steps.
func TestClockStaysWithinTenYears(t *testing.T) {
	g := serve(t, new(Handler))
	g.do(http.MethodPost, "clock", `{"advance":"3649d"}`, nil)
	if status, _ := g.control(http.MethodPost, "clock", `{"advance":"2d"}`); status != http.StatusBadRequest {
		t.Errorf("HTTP %d", status)
	}
	g.do(http.MethodPost, "clock", `{"advance":"1d"}`, nil)
}

func TestReset(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		id, _ := g.pay("")
		token := g.createToken("create-1")
		g.do(http.MethodPost, "clock", `{"advance":"1h"}`, nil)
		g.do(http.MethodPut, "faults", `{"faults":["answer_unsigned"]}`, nil)
		g.do(http.MethodPost, "reset", "", nil)

		if status, _ := g.control(http.MethodGet, "transactions/"+id, ""); status != http.StatusNotFound {
			t.Errorf("transaction: HTTP %d", status)
		}
		if answer := g.ask("/api/v1/transaction/pay", envelope("pay-2", charging(token))); answer.ResponseCode != "400" {
			t.Errorf("token: %+v", answer)
		}
		var shown struct{ Now time.Time }
		if g.do(http.MethodGet, "clock", "", &shown); !shown.Now.Equal(time.Now()) {
			t.Errorf("it is %s", shown.Now)
		}
		g.pay("") // under the first one's requestID, and signed
	})
}

// A reset while an IPN is on its way leaves no request waiting.
func TestResetDuringIPN(t *testing.T) {
	g := serve(t, new(Handler))
	app := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		response, err := g.try(r.Context(), http.MethodPost, "/sandbox/reset", "", nil)
		if err != nil || response.StatusCode != http.StatusNoContent {
			t.Errorf("reset: %v, %v", response, err)
			return
		}
		response.Body.Close()
	})
	id, _ := g.pay(`,"ipnURL":"` + app + `"`)
	if v := g.act(id, "complete", ""); v.Outcome != "success" {
		t.Errorf("answer %+v", v)
	}
	if status, _ := g.control(http.MethodGet, "transactions/"+id, ""); status != http.StatusNotFound {
		t.Errorf("afterwards: HTTP %d", status)
	}
}

// A reset forgets a late IPN too.
func TestResetBeforeLateIPN(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		id, _ := g.pay(late + `,"ipnURL":"` + ipnURL + `"`)
		g.act(id, "complete", "")
		g.do(http.MethodPost, "reset", "", nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		id, _ = g.pay(`,"ipnURL":"` + ipnURL + `"`)
		g.act(id, "cancel", "")
		if m := one(t, ipns); m.ResponseData["transactionID"] != id {
			t.Errorf("IPN %+v", m)
		}
	})
}

// Faults and the clock stay as they are while the configuration around them changes.
func TestControlOverReload(t *testing.T) {
	g := gateway{T: t, url: load(t, "galaxypay_sandbox"), apiKey: defaultAPIKey, salt: defaultSalt, transport: newTransport(t)}
	g.do(http.MethodPut, "faults", `{"faults":["ipn_twice"]}`, nil)
	g.do(http.MethodPost, "clock", `{"advance":"48h"}`, nil)
	g.url = load(t, "galaxypay_sandbox {\n ipn_anywhere\n}")
	var shown struct {
		Faults []string
		Now    time.Time
	}
	g.do(http.MethodGet, "faults", "", &shown)
	g.do(http.MethodGet, "clock", "", &shown)
	if !slices.Equal(shown.Faults, []string{"ipn_twice"}) || time.Until(shown.Now) < 47*time.Hour {
		t.Errorf("after a reload: %+v", shown)
	}
}
