package galaxypay

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func TestQuote(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"nothing":           {"", 5, `""`},
		"short":             {"abc", 5, `"abc"`},
		"just fits":         {"abcde", 5, `"abcde"`},
		"cut":               {"abcdef", 5, `"abcde"`},
		"cut by characters": {"ễễễễ", 3, `"ễễễ"`},
		"line ends":         {"a\r\nb: c\td", 50, `"ab: cd"`},
		"controls":          {"a\x00\x1b[31mb\x7f\u0085", 50, `"a[31mb"`},
		"hidden letters":    {"a\u200b\u202eb\ufeff", 50, `"ab"`},
		"no UTF-8":          {"a\xffb", 50, "\"a\ufffdb\""},
		"hidden, then cut":  {"\n\n\nabc", 3, `"abc"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quote(test.text, test.limit); got != test.want {
				t.Errorf("%s, expected %s", got, test.want)
			}
		})
	}
}

// The gateway's page lists ten codes; 200 is none of the refusals. A code that is
// not listed, such as 00 of old guides, must stay unexpected.
func TestRefusals(t *testing.T) {
	want := map[string]problem.Code{
		"400": "gateway_bad_request",
		"401": "gateway_unauthorized",
		"408": "payment_expired",
		"409": "transaction_duplicate",
		"499": "payment_cancelled",
		"502": "provider_unreachable",
		"503": "provider_unavailable",
		"504": "provider_timeout",
		"505": "authentication_failed",
	}
	if !maps.Equal(refusals, want) {
		t.Errorf("refusals are %v", refusals)
	}
}

// A refusal that is not proven may be forged while the payment went through, so no code of
// it may say that the gateway refused.
func TestUnprovenRefusalsAreUnknown(t *testing.T) {
	for code := range refusals {
		c := &call{unproven: true, reply: reply{body: []byte(`{"responseCode":"` + code + `"}`)}}
		prob := (&Proxy{merchant: &merchant{secrets: new(secrets)}}).unwrap(c)
		if prob.Outcome != problem.Unknown || prob.Body(language.English).Outcome != problem.Unknown {
			t.Errorf("%s, unproven, has the outcome %s", code, prob.Outcome)
		}
	}
}

// Codes such as body_too_large serve both directions; a callback's problem speaks of
// no outcome, whatever the code.
func TestCallbacksHaveNoOutcome(t *testing.T) {
	for _, prob := range []*problem.Problem{
		problem.BodyTooLarge(1), problem.MethodNotAllowed("POST"), problem.ContentEncoding(),
		problem.CallbackData(), problem.CallbackSignature(), problem.AppUnavailable(), problem.MessageNotKept(),
	} {
		w := httptest.NewRecorder()
		if err := answerProblem(w, httptest.NewRequest(http.MethodPost, "/", nil), prob); err != nil {
			t.Fatal(err)
		}
		if w.Code != prob.Code.Status() || strings.Contains(w.Body.String(), "outcome") {
			t.Errorf("%s of a callback: HTTP %d, %s", prob.Code, w.Code, w.Body)
		}
	}
}

// What two parsers read in two ways is no answer.
func TestAmbiguousReplies(t *testing.T) {
	for text, want := range map[string]problem.Code{
		`{"requestID":"r","responseCode":"200","responseData":{"transactionID":"1"}}`:                           "",
		`{"requestID":"r","responseCode":"200","extra":1,"EXTRA":2,"responseData":{"name":"1","Name":"2"}}`:     "",
		`{"requestID":"r","responseCode":"200","responsecode":"409"}`:                                           problem.CodeResponseMalformed,
		`{"requestID":"r","responseCode":"200","responseData":{},"RESPONSEDATA":{}}`:                            problem.CodeResponseMalformed,
		`{"requestID":"r","responseCode":"200","responseData":{"transactionID":"1","transactionId":"2"}}`:       problem.CodeResponseMalformed,
		`{"requestID":"r","responseCode":"200","responseData":{"endpoint":"1","Endpoint":"2"}}`:                 problem.CodeResponseMalformed,
		`{"requestID":"r","responseCode":"409","responseData":{"transactionStatus":"","TransactionStatus":""}}`: problem.CodeResponseMalformed,
	} {
		c := &call{request: request{requestID: "r"}, reply: reply{body: []byte(text)}}
		got := problem.Code("")
		if prob := (&Proxy{merchant: &merchant{secrets: new(secrets)}}).unwrap(c); prob != nil {
			got = prob.Code
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
