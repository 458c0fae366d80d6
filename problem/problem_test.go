package problem

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// example has everything that a problem can have.
func example() *Problem {
	p := Refused(CodeGatewayBadRequest, "400", "orderAmount < 1 & bad")
	p.Operation, p.RequestID = "pay", "id-1"
	p.Fields = []Field{
		FixedField("apiOperation", "apiOperation", "pay"),
		FixedField("sourceOfFund", "sourceOfFund", "payWithToken"),
	}
	return p
}

func TestBody(t *testing.T) {
	const address = "https://github.com/galaxypay-sidecar/caddy-galaxypay/blob/main/docs/problems.md#"
	for name, test := range map[string]struct {
		problem *Problem
		in      language.Tag
		want    string
	}{
		"everything, in English": {example(), language.English, `{
			"type": "` + address + `gateway_bad_request", "title": "The gateway refused the request", "status": 400,
			"detail": "The gateway answered 400; its message is in responseMessage.",
			"code": "gateway_bad_request", "outcome": "rejected", "operation": "pay", "requestID": "id-1",
			"responseCode": "400", "responseMessage": "orderAmount < 1 & bad",
			"errors": [
				{"field": "apiOperation", "code": "fixed", "detail": "The field apiOperation has a fixed value in the operation pay; leave it out, or post to the operation it belongs to."},
				{"field": "sourceOfFund", "code": "fixed", "detail": "The field sourceOfFund has a fixed value in the operation payWithToken; leave it out, or post to the operation it belongs to."}
			]}`},
		"everything, in Vietnamese": {example(), language.Vietnamese, `{
			"type": "` + address + `gateway_bad_request", "title": "Cổng thanh toán từ chối yêu cầu", "status": 400,
			"detail": "Cổng thanh toán trả lời mã 400; thông báo nằm trong responseMessage.",
			"code": "gateway_bad_request", "outcome": "rejected", "operation": "pay", "requestID": "id-1",
			"responseCode": "400", "responseMessage": "orderAmount < 1 & bad",
			"errors": [
				{"field": "apiOperation", "code": "fixed", "detail": "Trường apiOperation có giá trị cố định trong nghiệp vụ pay; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ."},
				{"field": "sourceOfFund", "code": "fixed", "detail": "Trường sourceOfFund có giá trị cố định trong nghiệp vụ payWithToken; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ."}
			]}`},
		"what is not known is left out": {CallerOrigin(), language.English, `{
			"type": "` + address + `caller_not_allowed", "title": "The caller is not allowed", "status": 403,
			"detail": "Requests with an Origin header come from web pages, which must not sign payments. Call from the server.",
			"code": "caller_not_allowed", "outcome": "not_sent"}`},
		"a callback has no outcome": {CallbackSignature(), language.English, `{
			"type": "` + address + `signature_invalid", "title": "The message is not proven", "status": 403,
			"detail": "The signature does not fit the data.", "code": "signature_invalid"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(test.problem.Body(test.in))
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

func TestWrite(t *testing.T) {
	for name, test := range map[string]struct{ accept, language, title string }{
		"no wish":    {"", "en", "The gateway refused the request"},
		"Vietnamese": {"vi-VN,vi;q=0.9,en;q=0.5", "vi", "Cổng thanh toán từ chối yêu cầu"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/pay", nil)
			r.Header.Set("Accept-Language", test.accept)
			if err := example().Write(w, r); err != nil {
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
			var body Body
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if body.Title != test.title || body.Status != w.Code || len(body.Errors) != 2 {
				t.Errorf("wrote %+v", body)
			}
		})
	}
}

// Text of the gateway's may hold anything; the answer must still be valid.
func TestWriteStrangeTexts(t *testing.T) {
	for _, text := range []string{"\x00\x1f\"\\</script>", "\xff\xfe", "\u2028", strings.Repeat("x", 1<<16), "%d %s %!"} {
		w := httptest.NewRecorder()
		if err := Refused(CodeGatewayBadRequest, "400", text).Write(w, httptest.NewRequest(http.MethodPost, "/", nil)); err != nil {
			t.Fatal(err)
		}
		var body Body
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.ResponseMessage != strings.ToValidUTF8(text, "\ufffd\ufffd") {
			t.Errorf("%.20q came out as %.20q, error %v", text, body.ResponseMessage, err)
		}
	}
}

// goneClient is a client that takes the header and no byte of the body.
type goneClient struct{ http.ResponseWriter }

var errGone = errors.New("the client hung up")

func (goneClient) Write([]byte) (int, error) { return 0, errGone }

func TestWriteToAClientThatHungUp(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if err := example().Write(goneClient{httptest.NewRecorder()}, r); !errors.Is(err, errGone) {
		t.Errorf("error %v", err)
	}
}
