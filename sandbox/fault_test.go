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
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
	"answer_gzip": func(r received) {
		text := unpack(r.T, r.body)
		r.wantSigned(text, defaultSalt)
		if r.Header.Get("Content-Encoding") != "gzip" || decode[answered](r.T, text).ResponseCode != "200" {
			r.Errorf("%v: %s", r.Header, text)
		}
	},
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
				ctx, leave = context.WithTimeout(ctx, time.Second)
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

// Time is that of the bubble here, and passes at once.
func TestFaultsTakeTheirTime(t *testing.T) {
	for name, test := range map[string]struct {
		fault  func(*outgoing)
		leaves bool
		from   time.Duration
		to     time.Duration
	}{
		"hang":                    {hang, false, hangTime, hangTime},
		"hang, the caller leaves": {hang, true, 0, 0},
		"slow":                    {drip, false, dripPause, dripPieces * dripPause},
		"slow, the caller leaves": {drip, true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				if test.leaves {
					leave()
				}
				o := &outgoing{
					ResponseWriter: httptest.NewRecorder(),
					request:        httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil),
					body:           bytes.Repeat([]byte("x"), 300),
				}
				test.fault(o)
				began := time.Now()
				func() {
					defer func() { _ = recover() }()
					o.send(o)
				}()
				if took := time.Since(began); took < test.from || took > test.to {
					t.Errorf("took %s", took)
				}
			})
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
	for name, fault := range map[string]string{
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
			answer := g.ask("/api/v1/transaction/pay", faulty(fault, ""))
			want := "extraData.sandboxFault is not one of " + faultNames()
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
	has      bool // there is a signature
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
		var l letter
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
				case <-time.After(5 * time.Second):
					t.Fatal("no IPN within five seconds")
				}
			}
		})
	}
}

// A payment that was not paid is not taken back.
func TestCancelAfterFailure(t *testing.T) {
	g := serve(t, new(Handler))
	ipnURL, letters := g.letterbox()
	_, page := g.pay(`,"extraData":{"sandboxFault":"ipn_cancel_after_paid"},"ipnURL":"` + ipnURL + `"`)
	g.press(page, "failure")
	if len(letters) != 1 {
		t.Errorf("%d IPNs", len(letters))
	}
}

// Every fault has a test, and a line in the documentation of the handler.
func TestFaultsAreCovered(t *testing.T) {
	source, err := os.ReadFile("module.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		_, answers := answerFaults[f.name]
		_, silent := silentFaults[f.name]
		_, ipns := ipnFaults[f.name]
		if !answers && !silent && !ipns {
			t.Errorf("%s has no test", f.name)
		}
		if line := "//   - " + f.name + ": " + f.about; !regexp.MustCompile(regexp.QuoteMeta(line) + `[,.]\n`).Match(source) {
			t.Errorf("not in the documentation: %s", line)
		}
	}
}
