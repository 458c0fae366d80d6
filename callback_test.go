package galaxypay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func TestFromJSON(t *testing.T) {
	for name, test := range map[string]struct{ body, data, signature string }{
		"both":                    {`{"data":"YQ==","signature":"ab"}`, "YQ==", "ab"},
		"other order, more":       {`{"x":1,"signature":"ab","data":"YQ=="}`, "YQ==", "ab"},
		"escaped slash":           {`{"data":"a\/b","signature":"ab"}`, "a/b", "ab"},
		"escaped plus":            {`{"data":"a\u002bb","signature":"\u0061b"}`, "a+b", "ab"},
		"escaped names":           {`{"d\u0061ta":"YQ==","s\u0069gnature":"ab"}`, "YQ==", "ab"},
		"plus and slash":          {`{"data":"a+b/","signature":"ab"}`, "a+b/", "ab"},
		"blank stays":             {`{"data":"a b","signature":"ab"}`, "a b", "ab"},
		"line ends stay":          {`{"data":"YQ\r\n==\n","signature":"ab"}`, "YQ\r\n==\n", "ab"},
		"white space around":      {"\n {\"data\" : \"YQ==\"} \n", "YQ==", ""},
		"no signature":            {`{"data":"YQ=="}`, "YQ==", ""},
		"signature empty":         {`{"data":"YQ==","signature":""}`, "YQ==", ""},
		"signature null":          {`{"data":"YQ==","signature":null}`, "YQ==", ""},
		"signature a number":      {`{"data":"YQ==","signature":12}`, "YQ==", ""},
		"signature a list":        {`{"data":"YQ==","signature":["ab"]}`, "YQ==", ""},
		"signature in other case": {`{"data":"YQ==","Signature":"ab"}`, "YQ==", ""},
	} {
		t.Run(name, func(t *testing.T) {
			msg, f := fromJSON([]byte(test.body))
			if f != nil {
				t.Fatalf("refused: %s", outcomeOf(f))
			}
			if string(msg.data) != test.data || msg.signature != test.signature {
				t.Errorf("data %q, signature %q", msg.data, msg.signature)
			}
		})
	}
	const noData, noObject = "callback_malformed callback_no_data", "callback_malformed callback_body"
	for name, test := range map[string]struct{ body, want string }{
		"nothing":           {"", noObject},
		"no JSON":           {`data=YQ==&signature=ab`, noObject},
		"a list":            {`[{"data":"YQ==","signature":"ab"}]`, noObject},
		"a text":            {`"YQ=="`, noObject},
		"two objects":       {`{"data":"YQ=="}{"data":"YQ=="}`, noObject},
		"data twice":        {`{"data":"YQ==","data":"Yg==","signature":"ab"}`, noObject},
		"signature twice":   {`{"data":"YQ==","signature":"ab","signature":"cd"}`, noObject},
		"Latin-1":           {"{\"data\":\"YQ==\",\"x\":\"\xe9\"}", noObject},
		"two BOMs":          {utf8BOM + utf8BOM + `{"data":"YQ=="}`, noObject},
		"no data":           {`{"signature":"ab"}`, noData},
		"data empty":        {`{"data":"","signature":"ab"}`, noData},
		"data null":         {`{"data":null,"signature":"ab"}`, noData},
		"data an object":    {`{"data":{"responseCode":"200"},"signature":"ab"}`, noData},
		"data a number":     {`{"data":1,"signature":"ab"}`, noData},
		"data deeper":       {`{"a":{"data":"YQ==","signature":"ab"}}`, noData},
		"data in capitals":  {`{"DATA":"YQ==","signature":"ab"}`, noData},
		"plain JSON, naked": {`{"responseCode":"200","responseData":{}}`, noData},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if msg, f := fromJSON([]byte(test.body)); outcomeOf(f) != test.want || msg.data != nil || msg.signature != "" {
				t.Errorf("data %q, failure %q, expected %q", msg.data, outcomeOf(f), test.want)
			}
		})
	}
}

func TestFromForm(t *testing.T) {
	for name, test := range map[string]struct{ form, data, signature string }{
		"both":                     {"data=YQ==&signature=ab", "YQ==", "ab"},
		"percent-encoded":          {"data=a%2Bb%2F%3D%3D&signature=ab", "a+b/==", "ab"},
		"plus as it is":            {"data=a+b/==&signature=ab", "a+b/==", "ab"},
		"plus turned into a blank": {"data=a%20b/==&signature=ab", "a+b/==", "ab"},
		"both kinds of plus":       {"data=a+b%2Bc%20d&signature=ab", "a+b+c+d", "ab"},
		"plus in a row":            {"data=++++&signature=ab", "++++", "ab"},
		"plus at the ends":         {"data=+a+&signature=ab", "+a+", "ab"},
		"other order, more":        {"order=1&signature=ab&x=&data=YQ==&y", "YQ==", "ab"},
		"encoded names":            {"d%61ta=YQ==&%73ignature=ab", "YQ==", "ab"},
		"no signature":             {"data=YQ==", "YQ==", ""},
		"signature empty":          {"data=YQ==&signature=", "YQ==", ""},
		"signature without value":  {"data=YQ==&signature", "YQ==", ""},
		"plus in the signature":    {"data=YQ==&signature=a+b", "YQ==", "a b"},
		"look-alikes":              {"data[]=x&Data=y&data.x=z&data=YQ==&signature=ab", "YQ==", "ab"},

		// The merchant's own parameters are none of our business, however written.
		"bad escape elsewhere":     {"discount=100%&data=YQ==&signature=ab", "YQ==", "ab"},
		"bad name elsewhere":       {"%zz=1&data=YQ==&signature=ab", "YQ==", "ab"},
		"semicolon elsewhere":      {"cart=1;2&data=YQ==&signature=ab", "YQ==", "ab"},
		"same name twice, another": {"x=1&x=2&data=YQ==&signature=ab", "YQ==", "ab"},
		"empty pairs":              {"&&data=YQ==&&signature=ab&", "YQ==", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			msg, f := fromForm(test.form)
			if f != nil {
				t.Fatalf("refused: %s", outcomeOf(f))
			}
			if string(msg.data) != test.data || msg.signature != test.signature {
				t.Errorf("data %q, signature %q", msg.data, msg.signature)
			}
		})
	}
	const (
		noData = "callback_malformed callback_no_data"
		twice  = "callback_malformed callback_twice"
		form   = "callback_malformed callback_form"
	)
	for name, test := range map[string]struct{ form, want string }{
		"nothing":                 {"", noData},
		"no data":                 {"signature=ab", noData},
		"data empty":              {"data=&signature=ab", noData},
		"data without value":      {"data&signature=ab", noData},
		"data in capitals":        {"DATA=YQ==&signature=ab", noData},
		"JSON":                    {`{"data":"YQ==","signature":"ab"}`, noData},
		"data twice":              {"data=YQ==&data=Yg==&signature=ab", twice},
		"data twice, the same":    {"data=YQ==&signature=ab&data=YQ==", twice},
		"data twice, one empty":   {"data=&data=YQ==&signature=ab", twice},
		"data twice, one encoded": {"data=YQ==&%64ata=Yg==&signature=ab", twice},
		"signature twice":         {"data=YQ==&signature=ab&signature=cd", twice},
		"signature twice, empty":  {"data=YQ==&signature&signature=ab", twice},
		"bad escape in data":      {"data=YQ%3&signature=ab", form},
		"bad escape in signature": {"data=YQ==&signature=%zz", form},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if msg, f := fromForm(test.form); outcomeOf(f) != test.want || msg.data != nil || msg.signature != "" {
				t.Errorf("data %q, failure %q, expected %q", msg.data, outcomeOf(f), test.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	for name, test := range map[string]struct{ data, want string }{
		"no padding needed":        {"YWJj", "abc"},
		"one padding sign":         {"YWI=", "ab"},
		"two padding signs":        {"YQ==", "a"},
		"padding missing":          {"YQ", "a"},
		"padding missing, one":     {"YWI", "ab"},
		"padding half missing":     {"YQ=", "a"},
		"plus and slash":           {"+/+/", "\xfb\xff\xbf"},
		"Vietnamese":               {"xJDGoW4=", "Đơn"},
		"line ends":                {"YW\r\nJj\n", "abc"},
		"line end behind padding":  {"YQ==\r\n", "a"},
		"line end between padding": {"YQ=\n=\n", "a"},
		"BOM stays for the parser": {base64.StdEncoding.EncodeToString([]byte(utf8BOM + "{}")), utf8BOM + "{}"},
		"nothing":                  {"", ""},
		"only padding":             {"==", ""},
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte(test.data)
			got, f := decode(data)
			if f != nil || string(got) != test.want {
				t.Errorf("decoded %q, failure %q, expected %q", got, outcomeOf(f), test.want)
			}
			if string(data) != test.data {
				t.Error("the signed text was changed")
			}
		})
	}
	for name, data := range map[string]string{
		"URL alphabet":         "-_-_",
		"blank":                "YW Jj",
		"tab":                  "YWJj\t",
		"one digit left over":  "YWJjY",
		"padding in between":   "YQ==YWJj",
		"padding in front":     "=YWJj",
		"percent escapes":      "YQ%3D%3D",
		"JSON":                 `{"responseCode":"200"}`,
		"hex with a minus":     "ab-cd",
		"letters of elsewhere": "Đơn=",
		"NUL":                  "YWJj\x00",
		"tilde at the end":     "YWJj~",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got, f := decode([]byte(data)); outcomeOf(f) != "callback_malformed callback_base64" || got != nil {
				t.Errorf("decoded %q, failure %q", got, outcomeOf(f))
			}
		})
	}
}

// Whatever a strict decoder takes, ours decodes to the same bytes. Beyond that it
// tolerates, on purpose, other numbers of padding signs, and set bits behind the
// last whole byte; both are covered by the signature.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "YQ==", "YQ", "YR==", "YWI=", "YWJj", "+/+/", "-_-_", "YQ=\n=", "YQ==\n", "=", "Y", "YQ==YQ=="} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, failed := decode(data)
		strict, err := base64.StdEncoding.Strict().DecodeString(string(data))
		if err == nil && (failed != nil || !bytes.Equal(got, strict)) {
			t.Fatalf("decoded %q, failure %q, by the strict decoder %q", got, outcomeOf(failed), strict)
		}
		if failed == nil {
			digits := strings.TrimRight(strings.NewReplacer("\r", "", "\n", "").Replace(string(data)), "=")
			plain, err := base64.RawStdEncoding.DecodeString(digits)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("decoded %q, by the standard library %q, error %v", got, plain, err)
			}
		}
	})
}

func TestWithoutOurs(t *testing.T) {
	for query, want := range map[string]string{
		"":                             "",
		"data=x":                       "",
		"data=x&signature=y":           "",
		"signature=y&data=x":           "",
		"order=1&data=x&signature=y":   "order=1",
		"data=x&order=1&signature=y":   "order=1",
		"data=x&signature=y&order=1":   "order=1",
		"b=2&data=x&a=1&signature=y&c": "b=2&a=1&c",
		"data=x&data=y&signature=z&signature=z&a=1": "a=1",
		"d%61ta=x&signatur%65=y&a=1":                "a=1",
		"data&signature&a":                          "a",
		"data=&signature=&a=":                       "a=",
		"a=%41+b%20c&data=x":                        "a=%41+b%20c",
		"discount=100%&cart=1;2&data=x":             "discount=100%&cart=1;2",
		"%zz=data&data=x":                           "%zz=data",
		"a=data&b=signature":                        "a=data&b=signature",
		"database=1&mydata=2&Data=3&data[]=4":       "database=1&mydata=2&Data=3&data[]=4",
		"a=1&&b=2&":                                 "a=1&&b=2&",
		"a=data=x&data=a=1":                         "a=data=x",
	} {
		if got := withoutOurs(query); got != want {
			t.Errorf("%q becomes %q, expected %q", query, got, want)
		}
	}
}

// callbackHandler is IPN or Result.
type callbackHandler interface {
	receive(http.ResponseWriter, *http.Request) (*callback, *problem.Problem)
	forward(*http.Request, *callback) *http.Request
}

func receiverFor(salt string) Receiver {
	return Receiver{MaxBody: defaultMaxBody, bodies: bodies.New(defaultMaxBody, maxUnfinished), metrics: freshMetrics(), merchant: &merchant{name: "airline", secrets: &secrets{signer: signer{salt: []byte(salt)}}}}
}

func callbackFor(kind, salt string) callbackHandler {
	if kind == kindIPN {
		return &IPN{Receiver: receiverFor(salt)}
	}
	return &Result{Receiver: receiverFor(salt)}
}

// Each message of the vectors, in each way that it may come, is proven, decoded to
// its very bytes and judged.
func TestReceiveTheVectors(t *testing.T) {
	for id, want := range map[string]struct {
		status    PaymentStatus
		kind      string // where results arrive
		requestID string
	}{
		"callback-cancel": {Cancelled, "cancel", "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3"},
		"callback-result": {Paid, "result", "14653fa1-2f69-4f4f-9d4b-240e1bebbdf3"},
		"plus-and-slash":  {Paid, "result", "aaa04cf8d97f4c6ebede69135d1bce35"},
		"tokenization":    {Paid, "result", "14653fa12f694f4f9d4b240e1bebbdf3"},
		"payment-link":    {Paid, "result", "cd80bae6-3d24-44a8-9760-71b3e17fe27c"},
	} {
		v := vectorNamed(t, id)
		posted, err := json.Marshal(map[string]string{"data": v.Text, "signature": v.Signature})
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"data": {v.Text}, "signature": {strings.ToUpper(v.Signature)}}.Encode()
		raw := "signature=" + v.Signature + "&data=" + v.Text // where + means a blank
		for way, test := range map[string]struct {
			kind, method, contentType, body, query string
		}{
			"IPN as JSON":           {"ipn", http.MethodPost, "application/json", string(posted), ""},
			"IPN as JSON, untyped":  {"ipn", http.MethodPost, "", string(posted), ""},
			"IPN as JSON, charset":  {"ipn", http.MethodPost, "application/json; charset=UTF-8", string(posted), ""},
			"IPN as a form":         {"ipn", http.MethodPost, "application/x-www-form-urlencoded", form, "own=1"},
			"result in the query":   {"result", http.MethodGet, "", "", form},
			"result, plus left raw": {"result", http.MethodGet, "", "", raw + "&own=100%"},
			"result as a form":      {"result", http.MethodPost, "application/x-www-form-urlencoded; charset=utf-8", form, ""},
			"result, form left raw": {"result", http.MethodPost, "application/x-www-form-urlencoded", raw, "data=other"},
			"result as JSON":        {"result", http.MethodPost, "application/json", string(posted), ""},
		} {
			t.Run(id+", "+way, func(t *testing.T) {
				r := httptest.NewRequest(test.method, "/cb", strings.NewReader(test.body))
				r.URL.RawQuery = test.query
				if test.contentType != "" {
					r.Header.Set("Content-Type", test.contentType)
				}
				cb, f := callbackFor(test.kind, v.Salt).receive(httptest.NewRecorder(), r)
				if f != nil {
					t.Fatalf("refused: %s", outcomeOf(f))
				}
				if string(cb.message) != v.Message {
					t.Errorf("decoded %s", cb.message)
				}
				wantKind := want.kind
				if test.kind == kindIPN {
					wantKind = "ipn"
				}
				if cb.status != want.status || cb.kind != wantKind || cb.requestID != want.requestID {
					t.Errorf("%s, %s, %s", cb.status, cb.kind, cb.requestID)
				}
				if cb.deliveryID != fmt.Sprintf("%x", sha256.Sum256([]byte(v.Text))) {
					t.Errorf("delivery id %s", cb.deliveryID)
				}
			})
		}
	}
}

// signedForm is a callback with any text as its data, signed as the gateway would.
func signedForm(text, salt string) string {
	return url.Values{"data": {text}, "signature": {plainSignature(text, salt)}}.Encode()
}

func TestReceiveRefuses(t *testing.T) {
	const salt = "a salt of the tests"
	encode := func(message string) string { return base64.StdEncoding.EncodeToString([]byte(message)) }
	paid := encode(`{"responseCode":"200"}`)
	for name, test := range map[string]struct {
		kind, method, contentType, body, query string
		want                                   string
		allow                                  string
	}{
		"unsigned":              {body: "data=" + url.QueryEscape(paid), want: "signature_invalid callback_unsigned"},
		"signed with naught":    {body: signedForm(paid, ""), want: "signature_invalid callback_signature"},
		"signed by another":     {body: signedForm(paid, "another salt"), want: "signature_invalid callback_signature"},
		"signature of another":  {body: "data=" + encode(`{"responseCode":"499"}`) + "&signature=" + plainSignature(paid, salt), want: "signature_invalid callback_signature"},
		"message itself signed": {body: "data=" + paid + "&signature=" + plainSignature(`{"responseCode":"200"}`, salt), want: "signature_invalid callback_signature"},
		"no Base64":             {body: signedForm(`{"responseCode":"200"}`, salt), want: "callback_malformed callback_base64"},
		"no JSON":               {body: signedForm(encode("responseCode=200"), salt), want: "callback_malformed callback_data"},
		"a list":                {body: signedForm(encode(`[]`), salt), want: "callback_malformed callback_data"},
		"a text":                {body: signedForm(encode(`"{}"`), salt), want: "callback_malformed callback_data"},
		"empty":                 {body: signedForm("==", salt), want: "callback_malformed callback_data"},
		"two verdicts":          {body: signedForm(encode(`{"responseCode":"499","responseCode":"200"}`), salt), want: "callback_malformed callback_data"},
		"two cases":             {body: signedForm(encode(`{"responseCode":"499","responsecode":"200"}`), salt), want: "callback_malformed callback_data"},
		"two cases of data":     {body: signedForm(encode(`{"responseCode":"200","responseData":{},"ResponseData":{}}`), salt), want: "callback_malformed callback_data"},
		"two cases, escaped":    {body: signedForm(encode(`{"responseCode":"200","response\u0063ODE":"499"}`), salt), want: "callback_malformed callback_data"},
		"two cases of a status": {body: signedForm(encode(`{"responseCode":"200","responseData":{"transactionStatus":"200","TransactionStatus":"499"}}`), salt), want: "callback_malformed callback_data"},
		"two cases of an id":    {body: signedForm(encode(`{"responseCode":"200","responseData":{"orderID":"1","orderId":"2"}}`), salt), want: "callback_malformed callback_data"},
		"two cases, in a text":  {body: signedForm(encode(`{"responseCode":"200","responseData":"{\"orderAmount\":1,\"orderamount\":2}"}`), salt), want: "callback_malformed callback_data"},
		"two messages":          {body: signedForm(encode(`{"responseCode":"499"}{"responseCode":"200"}`), salt), want: "callback_malformed callback_data"},
		"Latin-1":               {body: signedForm(encode("{\"responseMessage\":\"Nguy\xean\"}"), salt), want: "callback_malformed callback_data"},
		"IPN by GET":            {method: http.MethodGet, query: signedForm(paid, salt), want: "method_not_allowed method", allow: "POST"},
		"IPN by PUT":            {method: http.MethodPut, body: signedForm(paid, salt), want: "method_not_allowed method", allow: "POST"},
		"IPN in the query":      {query: signedForm(paid, salt), want: "callback_malformed callback_no_data"},
		"result by PUT":         {kind: kindResult, method: http.MethodPut, query: signedForm(paid, salt), want: "method_not_allowed method", allow: "GET, HEAD, POST"},
		"result by HEAD":        {kind: kindResult, method: http.MethodHead, query: signedForm(paid, "another salt"), want: "signature_invalid callback_signature"},
		"result, query too big": {kind: kindResult, method: http.MethodGet, query: signedForm(paid, salt) + "&x=" + strings.Repeat("x", defaultMaxBody), want: "body_too_large body_too_large"},
		"body too big":          {body: signedForm(paid, salt) + "&x=" + strings.Repeat("x", defaultMaxBody), want: "body_too_large body_too_large"},
		"multipart, empty":      {contentType: "multipart/form-data; boundary=x", body: "--x--", want: "callback_malformed callback_no_data"},
		"multipart, broken off": {contentType: "multipart/form-data; boundary=x", body: multipartForm("x", "data", paid)[:60], want: "callback_malformed callback_form"},
		"multipart, no end":     {body: "--x", want: "callback_malformed callback_no_data"},
		"multipart, two dashes": {body: "--\r\n" + signedForm(paid, salt), want: "callback_malformed callback_no_data"},
		"multipart, twice":      {contentType: "multipart/form-data; boundary=x", body: multipartForm("x", "data", paid, "data", paid), want: "callback_malformed callback_twice"},
		"multipart, unsigned":   {contentType: "multipart/form-data; boundary=x", body: multipartForm("x", "data", paid), want: "signature_invalid callback_unsigned"},
		"empty object":          {contentType: "text/plain", body: `{}`, want: "callback_malformed callback_no_data"},
		"JSON in UTF-16":        {contentType: "application/json; charset=utf-16", body: "\xff\xfe{\x00}\x00", want: "callback_malformed callback_no_data"},
		"a list, called JSON":   {contentType: "application/json", body: `[]`, want: "callback_malformed callback_no_data"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, method, contentType := test.kind, test.method, test.contentType
			if kind == "" {
				kind = kindIPN
			}
			if method == "" {
				method = http.MethodPost
			}
			if contentType == "" {
				contentType = "application/x-www-form-urlencoded"
			}
			r := httptest.NewRequest(method, "/cb", strings.NewReader(test.body))
			r.URL.RawQuery = test.query
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			cb, f := callbackFor(kind, salt).receive(w, r)
			if cb != nil || outcomeOf(f) != test.want {
				t.Errorf("failure %q, expected %q", outcomeOf(f), test.want)
			}
			if got := w.Header().Get("Allow"); got != test.allow {
				t.Errorf("Allow: %s", got)
			}
		})
	}
}

// multipartForm is a body of that kind, with pairs of names and values.
func multipartForm(boundary string, pairs ...string) string {
	var b strings.Builder
	for pair := range slices.Chunk(pairs, 2) {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, pair[0], pair[1])
	}
	return b.String() + "--" + boundary + "--\r\n"
}

// The signature is the proof, whatever the body is called.
func TestReceiveByWhatTheBodyIs(t *testing.T) {
	const salt = "a salt of the tests"
	data := base64.StdEncoding.EncodeToString([]byte(`{"responseCode":"499"}`))
	form := signedForm(data, salt)
	object := `{"data":"` + data + `","signature":"` + plainSignature(data, salt) + `"}`
	parts := multipartForm("x", "other", "1", "data", data, "signature", plainSignature(data, salt))
	for name, test := range map[string]struct{ contentType, body string }{
		"a form":                      {"application/x-www-form-urlencoded", form},
		"a form called JSON":          {"application/json", form},
		"a form called text":          {"text/plain", form},
		"a form without a type":       {"", form},
		"a form of nonsense type":     {";;", form},
		"a form after a BOM":          {"application/x-www-form-urlencoded", utf8BOM + form},
		"JSON":                        {"application/json", object},
		"JSON called a form":          {"application/x-www-form-urlencoded", object},
		"JSON called text":            {"text/plain; charset=utf-8", object},
		"JSON called multipart":       {"multipart/form-data; boundary=x", object},
		"JSON in a misspelled type":   {"application/jsn", object},
		"JSON in an unknown charset":  {"application/json; charset=utf-16", object},
		"JSON without a type":         {"", object},
		"JSON of nonsense type":       {";;", object},
		"JSON after blanks":           {"", " \r\n\t" + object},
		"JSON after a BOM":            {"text/html", utf8BOM + object},
		"JSON after a BOM and blanks": {"text/html", utf8BOM + "\n" + object},
		"multipart":                   {"multipart/form-data; boundary=x", parts},
		"multipart, in quotes":        {`Multipart/Form-Data; boundary="x"`, parts},
		"multipart, no boundary":      {"multipart/form-data", parts},
		"multipart, other boundary":   {"multipart/form-data; boundary=y", parts},
		"multipart, called JSON":      {"application/json", parts},
		"multipart, called a form":    {"application/x-www-form-urlencoded", parts},
		"multipart without a type":    {"", parts},
		"multipart of nonsense type":  {";;", parts},
		"multipart, bare line ends":   {"", strings.ReplaceAll(parts, "\r\n", "\n")},
		"multipart after a BOM":       {"", utf8BOM + parts},
		"multipart after a line":      {"multipart/form-data; boundary=x", "\r\n" + parts},
		"multipart after a preamble":  {"multipart/form-data; boundary=x", "To be ignored\r\n" + parts},
		"multipart, blanks behind":    {"", strings.Replace(parts, "--x\r\n", "--x \t\r\n", 1)},
		"a form called multipart":     {"multipart/form-data; boundary=x", form},
		"a form called so, no more":   {"multipart/form-data", form},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			if test.contentType == "" {
				r.Header.Del("Content-Type")
			}
			cb, f := callbackFor(kindIPN, salt).receive(httptest.NewRecorder(), r)
			if f != nil || cb.status != Cancelled {
				t.Errorf("received %+v, failure %q", cb, outcomeOf(f))
			}
		})
	}
}

func TestReceiveDropsOneBOM(t *testing.T) {
	const salt = "a salt of the tests"
	receive := func(message string) (*callback, *problem.Problem) {
		text := base64.StdEncoding.EncodeToString([]byte(message))
		r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(signedForm(text, salt)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return callbackFor(kindIPN, salt).receive(httptest.NewRecorder(), r)
	}
	if cb, f := receive(utf8BOM + ` {"responseCode":"200"} `); f != nil || string(cb.message) != ` {"responseCode":"200"} ` {
		t.Errorf("received %+v, failure %q", cb, outcomeOf(f))
	}
	if _, f := receive(utf8BOM + utf8BOM + `{"responseCode":"200"}`); outcomeOf(f) != "callback_malformed callback_data" {
		t.Errorf("failure %q for two of them", outcomeOf(f))
	}
}

// What a browser brings to the result address after cancelling is a cancel
// callback; an IPN about a cancelled payment is still an IPN.
func TestKindOfCallback(t *testing.T) {
	for _, test := range []struct {
		kind, message, want string
		status              PaymentStatus
	}{
		{"result", `{"responseCode":"499"}`, "cancel", Cancelled},
		{"result", `{"responseCode":"200","responseData":{"transactionStatus":499}}`, "cancel", Cancelled},
		{"result", `{"responseCode":"200","responseData":{"orderID":"1"}}`, "result", Paid},
		{"result", `{"responseCode":"408"}`, "result", Expired},
		{"result", `{}`, "result", Failed},
		{"ipn", `{"responseCode":"499"}`, "ipn", Cancelled},
		{"ipn", `{"responseCode":"200","responseData":{"orderID":"1"}}`, "ipn", Paid},
	} {
		text := base64.StdEncoding.EncodeToString([]byte(test.message))
		r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(signedForm(text, "salt")))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		cb, f := callbackFor(test.kind, "salt").receive(httptest.NewRecorder(), r)
		if f != nil || cb.kind != test.want || cb.status != test.status {
			t.Errorf("%s of %s: %+v, failure %q", test.kind, test.message, cb, outcomeOf(f))
		}
	}
}

func TestForward(t *testing.T) {
	message := `{"responseCode":"200","responseMessage":"Giao dịch"}`
	r := httptest.NewRequest(http.MethodGet, "/galaxypay/result?data=x&own=%41&signature=y", strings.NewReader("data=x"))
	r.Header = http.Header{
		"Galaxypay-Payment-Status": {"paid"}, "Galaxypay_callback": {"ipn"}, "Connection": {"Galaxypay-Payment-Status"},
		"Content-Type": {"text/html"}, "Content-Length": {"6"}, "Content-Encoding": {"identity"}, "Content-Md5": {"x"}, "Digest": {"x"},
		"Content-Digest": {"x"}, "Repr-Digest": {"x"}, "Trailer": {"X"}, "Transfer-Encoding": {"chunked"}, "Expect": {"100-continue"}, "Upgrade": {"h2c"},
		"Cookie": {"session=1"}, "Accept-Language": {"vi"}, "X-Forwarded-For": {"192.0.2.1"},
	}
	r.TransferEncoding, r.Trailer = []string{"chunked"}, http.Header{"X": nil}

	r = callbackFor(kindResult, "salt").forward(r, &callback{message: []byte(message), deliveryID: "0123", kind: "cancel", status: Cancelled})

	if want := (http.Header{
		"Galaxypay-Callback": {"cancel"}, "Galaxypay-Merchant": {"airline"}, "Galaxypay-Payment-Status": {"cancelled"}, "Galaxypay-Delivery-Id": {"0123"},
		"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(message))},
		"Cookie": {"session=1"}, "Accept-Language": {"vi"}, "X-Forwarded-For": {"192.0.2.1"},
	}); !maps.EqualFunc(r.Header, want, slices.Equal) {
		t.Errorf("headers %v", r.Header)
	}
	if r.Method != http.MethodPost || r.URL.Path != "/galaxypay/result" || r.URL.RawQuery != "own=%41" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != message || r.ContentLength != int64(len(message)) {
		t.Errorf("body %s of length %d, error %v", body, r.ContentLength, err)
	}
	if r.TransferEncoding != nil || r.Trailer != nil {
		t.Error("the old body's framing is still there")
	}
}

// Caddy remembers the request as it came, and FastCGI gives an app REQUEST_URI from
// that; our two fields must not get to an app by this way either.
func TestForwardTakesOurFieldsOutOfTheOriginal(t *testing.T) {
	original := httptest.NewRequest(http.MethodGet, "/first?data=x&own=%41&signature=y", nil)
	forward := func(remembered any) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/rewritten?data=x&signature=y", nil)
		r = r.WithContext(context.WithValue(t.Context(), caddyhttp.OriginalRequestCtxKey, remembered))
		return callbackFor(kindResult, "salt").forward(r, &callback{message: []byte("{}")})
	}
	remembered, ok := forward(*original).Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || remembered.RequestURI != "/first?own=%41" || remembered.URL.String() != "/first?own=%41" {
		t.Errorf("remembered is %s, %s", remembered.RequestURI, remembered.URL)
	}
	if original.URL.RawQuery != "data=x&own=%41&signature=y" {
		t.Error("the address was changed for others that remember it")
	}
	for _, nothing := range []any{nil, http.Request{}, original} {
		if r := forward(nothing); r.URL.String() != "/rewritten" {
			t.Errorf("forwarded %s", r.URL)
		}
	}
}

// A handler of the site that panics is a failure of the site: the customer gets a page, and what it panicked with stays out of the log.
func TestResultOfAPanic(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	c := &Result{Receiver: receiverFor("x")}
	c.log = zap.New(core)
	panics := func(with any) (recovered any, err error) {
		defer func() { recovered = recover() }()
		err = c.serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), caddyhttp.HandlerFunc(
			func(http.ResponseWriter, *http.Request) error { panic(with) }))
		return nil, err
	}
	recovered, err := panics("secret-canary")
	if recovered != nil || !errors.Is(err, errPanicked) {
		t.Errorf("error %v, panic %v", err, recovered)
	}
	if logs.Len() != 1 || strings.Contains(fmt.Sprint(logs.All()), "canary") {
		t.Errorf("log %v", logs.All())
	}
	if recovered, _ := panics(http.ErrAbortHandler); recovered != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
		t.Errorf("the connection is not broken off: %v", recovered)
	}
}
