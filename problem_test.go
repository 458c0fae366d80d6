package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// contract is the table of problems as it was promised to users. A program may
// rely on every line, so a change here breaks somebody.
var contract = map[Code]struct {
	status  int
	outcome string
}{
	"body_invalid":               {400, "not_sent"},
	"caller_not_allowed":         {403, "not_sent"},
	"operation_unknown":          {404, "not_sent"},
	"method_not_allowed":         {405, "not_sent"},
	"body_too_large":             {413, "not_sent"},
	"content_type_unsupported":   {415, "not_sent"},
	"fields_invalid":             {422, "not_sent"},
	"overloaded":                 {503, "not_sent"},
	"gateway_bad_request":        {400, "rejected"},
	"gateway_unauthorized":       {502, "rejected"},
	"payment_expired":            {402, "rejected"},
	"payment_cancelled":          {402, "rejected"},
	"authentication_failed":      {402, "rejected"},
	"transaction_duplicate":      {409, "rejected"},
	"provider_unreachable":       {502, "rejected"},
	"provider_unavailable":       {503, "rejected"},
	"provider_timeout":           {504, "unknown"},
	"response_code_unexpected":   {502, "unknown"},
	"response_signature_missing": {502, "unknown"},
	"response_signature_invalid": {502, "unknown"},
	"response_malformed":         {502, "unknown"},
	"gateway_unreachable":        {502, "not_sent"},
	"gateway_timeout":            {504, "unknown"},
	"gateway_no_answer":          {502, "unknown"},
	"signature_invalid":          {403, ""},
	"callback_malformed":         {400, ""},
	"app_unavailable":            {503, ""},
	"inbox_unavailable":          {503, ""},
}

// codes are the codes that the source declares.
func codes(t *testing.T) []Code {
	t.Helper()
	var all []Code
	for _, value := range constantsOf(t, ".", "Code") {
		all = append(all, Code(value))
	}
	return all
}

func TestContractOfProblems(t *testing.T) {
	declared := codes(t)
	if len(declared) != len(contract) {
		t.Errorf("%d codes are declared, %d are promised", len(declared), len(contract))
	}
	for _, code := range declared {
		want, ok := contract[code]
		if !ok {
			t.Errorf("%s is declared, but promised nowhere", code)
			continue
		}
		f := fail(code, msgMethod)
		if f.status() != want.status || string(f.outcome()) != want.outcome {
			t.Errorf("%s: %d %q, expected %d %q", code, f.status(), f.outcome(), want.status, want.outcome)
		}
	}
}

// A refusal that nobody proved may be forged while the payment went through, so no
// code of it may say that the gateway refused.
func TestUnprovenFailuresAreUnknown(t *testing.T) {
	for _, code := range codes(t) {
		f := fail(code, msgMethod)
		f.unproven = true
		if f.outcome() != Unknown || f.problem(english).Outcome != Unknown {
			t.Errorf("%s, unproven, has the outcome %s", code, f.outcome())
		}
	}
}

// Codes such as body_too_large serve both directions; a callback's problem tells of
// no outcome, whatever the code.
func TestCallbacksHaveNoOutcome(t *testing.T) {
	for _, code := range codes(t) {
		f := fail(code, msgMethod)
		f.callback = true
		if f.outcome() != "" || f.problem(english).Outcome != "" {
			t.Errorf("%s of a callback has the outcome %s", code, f.outcome())
		}
		if f.status() != contract[code].status {
			t.Errorf("%s of a callback has the status %d", code, f.status())
		}
	}
}

func TestCataloguesOfProblemsAreComplete(t *testing.T) {
	declared := codes(t)
	for _, code := range declared {
		if _, ok := kinds[code]; !ok {
			t.Errorf("%s has no kind", code)
		}
		if english.title(code) == "" || vietnamese.title(code) == "" {
			t.Errorf("%s lacks a title", code)
		}
		if english.title(code) == vietnamese.title(code) {
			t.Errorf("%s has the same title in both languages", code)
		}
	}
	for code := range kinds {
		if !slices.Contains(declared, code) {
			t.Errorf("kinds has %s, which is no code", code)
		}
	}
	for code := range titles {
		if !slices.Contains(declared, code) {
			t.Errorf("titles has %s, which is no code", code)
		}
	}
	seen := make(map[words]Code)
	for code, title := range titles {
		if other, ok := seen[title]; ok {
			t.Errorf("%s and %s have one title", code, other)
		}
		seen[title] = code
	}
}

// docs/problems.md is where every problem's type leads to, to the heading of its
// code. The line under it tells status and outcome.
func TestProblemsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[Code]string)
	for _, section := range strings.Split("\n"+string(page), "\n### ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		described[Code(strings.TrimSpace(heading))] = text
	}
	declared := codes(t)
	for _, code := range declared {
		text, ok := described[code]
		if !ok {
			t.Errorf("no heading for %s", code)
			continue
		}
		want := strconv.Itoa(kinds[code].status)
		if outcome := kinds[code].outcome; outcome != "" {
			want += ", `" + string(outcome) + "`"
		}
		if !strings.HasPrefix(text, want+".") && !strings.HasPrefix(text, want+":") {
			t.Errorf("the text on %s does not begin with %q", code, want+".")
		}
	}
	for code := range described {
		if !slices.Contains(declared, code) {
			t.Errorf("a heading for %s, which is no code", code)
		}
	}
}

// The gateway's page lists ten codes; 200 is none of the refusals. A code that is
// not listed, such as 00 of old guides, must stay unexpected.
func TestRefusals(t *testing.T) {
	want := map[string]Code{
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

// exampleFailure has everything that a failure can have.
func exampleFailure() *failure {
	f := fail(CodeGatewayBadRequest, msgRefused, "400")
	f.operation, f.requestID = "pay", "id-1"
	f.responseCode, f.responseMessage = "400", "orderAmount < 1 & bad"
	f.errors = []fieldFault{
		{field: "apiOperation", code: "fixed", detail: msgFixedField, args: []any{"apiOperation", "pay"}},
		{field: "sourceOfFund", code: "fixed", detail: msgFixedField, args: []any{"sourceOfFund", "payWithToken"}},
	}
	return f
}

func TestProblem(t *testing.T) {
	const address = "https://github.com/galaxypay-sidecar/caddy-galaxypay/blob/main/docs/problems.md#"
	for name, test := range map[string]struct {
		failure *failure
		in      language
		want    string
	}{
		"everything, in English": {exampleFailure(), english, `{
			"type": "` + address + `gateway_bad_request", "title": "The gateway refused the request", "status": 400,
			"detail": "The gateway answered 400; its message is in responseMessage.",
			"code": "gateway_bad_request", "outcome": "rejected", "operation": "pay", "requestID": "id-1",
			"responseCode": "400", "responseMessage": "orderAmount < 1 & bad",
			"errors": [
				{"field": "apiOperation", "code": "fixed", "detail": "The field apiOperation has a fixed value in the operation pay; leave it out, or post to the operation it belongs to."},
				{"field": "sourceOfFund", "code": "fixed", "detail": "The field sourceOfFund has a fixed value in the operation payWithToken; leave it out, or post to the operation it belongs to."}
			]}`},
		"everything, in Vietnamese": {exampleFailure(), vietnamese, `{
			"type": "` + address + `gateway_bad_request", "title": "Cổng thanh toán từ chối yêu cầu", "status": 400,
			"detail": "Cổng thanh toán trả lời mã 400; thông báo nằm trong responseMessage.",
			"code": "gateway_bad_request", "outcome": "rejected", "operation": "pay", "requestID": "id-1",
			"responseCode": "400", "responseMessage": "orderAmount < 1 & bad",
			"errors": [
				{"field": "apiOperation", "code": "fixed", "detail": "Trường apiOperation có giá trị cố định trong nghiệp vụ pay; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ."},
				{"field": "sourceOfFund", "code": "fixed", "detail": "Trường sourceOfFund có giá trị cố định trong nghiệp vụ payWithToken; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ."}
			]}`},
		"what is not known is left out": {fail(CodeCallerNotAllowed, msgCallerOrigin), english, `{
			"type": "` + address + `caller_not_allowed", "title": "The caller is not allowed", "status": 403,
			"detail": "Requests with an Origin header come from web pages, which must not sign payments. Call from the server.",
			"code": "caller_not_allowed", "outcome": "not_sent"}`},
		"a callback has no outcome": {fail(CodeSignatureInvalid, msgCallbackSignature), english, `{
			"type": "` + address + `signature_invalid", "title": "The message is not proven", "status": 403,
			"detail": "The signature does not fit the data.", "code": "signature_invalid"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(test.failure.problem(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, string(got), test.want) {
				t.Errorf("wrote %s", got)
			}
		})
	}
}

func sameJSON(t *testing.T, one, other string) bool {
	t.Helper()
	normal := func(text string) string {
		var parsed any
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := json.Marshal(parsed)
		if err != nil {
			t.Fatal(err)
		}
		return string(again)
	}
	return normal(one) == normal(other)
}

func TestWriteProblem(t *testing.T) {
	for name, test := range map[string]struct{ accept, language, title string }{
		"no wish":    {"", "en", "The gateway refused the request"},
		"Vietnamese": {"vi-VN,vi;q=0.9,en;q=0.5", "vi", "Cổng thanh toán từ chối yêu cầu"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/pay", nil)
			r.Header.Set("Accept-Language", test.accept)
			if err := writeProblem(w, r, exampleFailure()); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusBadRequest {
				t.Errorf("status %d", w.Code)
			}
			if want := (http.Header{
				"Content-Type":           {"application/problem+json"},
				"Content-Language":       {test.language},
				"Content-Length":         {strconv.Itoa(w.Body.Len())},
				"Cache-Control":          {"no-store"},
				"X-Content-Type-Options": {"nosniff"},
			}); !maps.EqualFunc(w.Header(), want, slices.Equal) {
				t.Errorf("headers %v", w.Header())
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if p.Title != test.title || p.Status != w.Code || len(p.Errors) != 2 {
				t.Errorf("wrote %+v", p)
			}
		})
	}
}

// Text of the gateway's may hold anything; the answer must be valid all the same.
func TestWriteProblemWithStrangeTexts(t *testing.T) {
	for _, text := range []string{"\x00\x1f\"\\</script>", "\xff\xfe", "\u2028", strings.Repeat("x", 1<<16), "%d %s %!"} {
		f := fail(CodeGatewayBadRequest, msgRefused, "400")
		f.responseMessage = text
		w := httptest.NewRecorder()
		if err := writeProblem(w, httptest.NewRequest(http.MethodPost, "/", nil), f); err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.ResponseMessage != strings.ToValidUTF8(text, "\ufffd\ufffd") {
			t.Errorf("%.20q came out as %.20q, error %v", text, p.ResponseMessage, err)
		}
	}
}

// goneClient is a client that takes the header and no byte of the body.
type goneClient struct{ http.ResponseWriter }

var errGone = errors.New("the client hung up")

func (goneClient) Write([]byte) (int, error) { return 0, errGone }

func TestWriteProblemToNobody(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if err := writeProblem(goneClient{httptest.NewRecorder()}, r, exampleFailure()); !errors.Is(err, errGone) {
		t.Errorf("error %v", err)
	}
}

func TestWriteBody(t *testing.T) {
	for _, body := range []string{"", "{}", strings.Repeat("ễ", 1000)} {
		w := httptest.NewRecorder()
		if err := writeBody(w, http.StatusTeapot, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTeapot || w.Body.String() != body || w.Header().Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("status %d, Content-Length %s, body %.10q", w.Code, w.Header().Get("Content-Length"), w.Body)
		}
	}
}

// Codes stand in URLs, logs and metrics, and programs compare with them.
func TestCodesAreWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, code := range codes(t) {
		if !word.MatchString(string(code)) {
			t.Errorf("%q", code)
		}
	}
}
