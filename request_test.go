package galaxypay

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

func operationNamed(t *testing.T, name string) *operation.Operation {
	t.Helper()
	ops := operation.All()
	at := slices.Index(operation.Names(), name)
	if at < 0 {
		t.Fatalf("no operation %s", name)
	}
	return &ops[at]
}

// callOf is a call on its way, up to where it is validated.
func callOf(t *testing.T, p *Proxy, name, body string) *call {
	t.Helper()
	req, err := parseRequest([]byte(body))
	if err != nil {
		t.Fatalf("%s: %s at %d", body, err.Fault, err.Offset)
	}
	c := &call{operation: operationNamed(t, name), request: req}
	p.complete(c)
	return c
}

// faultWords are the faults of a problem as "field code".
func faultWords(f *problem.Problem) []string {
	var list []string
	if f != nil {
		for _, e := range f.Fields {
			list = append(list, e.Name+" "+e.Code)
		}
	}
	return list
}

func TestSentencesOfFaults(t *testing.T) {
	for _, test := range []struct{ operation, body, field, en, vi string }{
		{"query", `{}`, "transactionID", "This field is required.", "Trường này là bắt buộc."},
		{"query", `{"transactionID":[]}`, "transactionID", "Expected text or a number.", "Cần văn bản hoặc số."},
		{"query", `{"transactionID":"` + strings.Repeat("x", 51) + `"}`, "transactionID", "Expected at most 50 characters.", "Tối đa 50 ký tự."},
		{"createPaymentLink", `{"orderAmount":-1}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. Without an orderCurrency of three letters the amount counts as VND, which has no fraction.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. Khi không có orderCurrency gồm ba chữ cái, số tiền được tính theo VND, không có phần thập phân."},
		{"pay", `{"orderAmount":"109.000","orderCurrency":"VND"}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. VND has no fraction; only .0 and .00 pass. Probably meant: 109000.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. VND không có phần thập phân; chỉ chấp nhận .0 và .00. Có lẽ ý bạn là: 109000."},
		{"refund", `{"orderAmount":"1,234.56","orderCurrency":"usd"}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. USD has at most 2 digits after the point. Probably meant: 1234.56.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. USD có tối đa 2 chữ số sau dấu chấm. Có lẽ ý bạn là: 1234.56."},
		{"pay", `{"orderAmount":"109.000","orderCurrency":"USD"}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. USD has at most 2 digits after the point.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. USD có tối đa 2 chữ số sau dấu chấm."},
		{"pay", `{"orderAmount":-1}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. How many digits may stand after the point depends on the currency, which is missing or wrong here; VND has none.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. Số chữ số sau dấu chấm tùy theo loại tiền tệ, ở đây đang thiếu hoặc sai; VND không có phần thập phân."},
		{"pay", `{"orderAmount":"10 995","orderCurrency":"Đồng"}`, "orderAmount", "Expected a decimal number of zero or more, without separators and without an exponent. How many digits may stand after the point depends on the currency, which is missing or wrong here; VND has none. Probably meant: 10995.", "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. Số chữ số sau dấu chấm tùy theo loại tiền tệ, ở đây đang thiếu hoặc sai; VND không có phần thập phân. Có lẽ ý bạn là: 10995."},
		{"pay", `{"orderAmount":"12345678901234567","orderCurrency":"VND"}`, "orderAmount", "Expected at most 16 digits.", "Tối đa 16 chữ số."},
		{"createPaymentLink", `{"paymentDays":100}`, "paymentDays", "Expected at most 2 digits.", "Tối đa 2 chữ số."},
		{"pay", `{"orderCurrency":"Đồng"}`, "orderCurrency", "Expected the three letters of an ISO 4217 currency code, such as VND.", "Cần mã tiền tệ ISO 4217 gồm ba chữ cái, ví dụ VND."},
		{"pay", `{"orderCurrency":["VND"]}`, "orderCurrency", "Expected the three letters of an ISO 4217 currency code, such as VND.", "Cần mã tiền tệ ISO 4217 gồm ba chữ cái, ví dụ VND."},
		{"pay", `{"orderDateTime":"20/11/2026"}`, "orderDateTime", "Expected a real date and time as yyyyMMddHHmmss.", "Cần ngày giờ có thật theo dạng yyyyMMddHHmmss."},
		{"pay", `{"orderDateTime":"2026-11-20T12:00:00+07:00"}`, "orderDateTime", "Expected a real date and time as yyyyMMddHHmmss.", "Cần ngày giờ có thật theo dạng yyyyMMddHHmmss."},
		{"pay", `{"language":"tiếng Việt"}`, "language", "Expected one of: vi, en.", "Cần một trong các giá trị: vi, en."},
		{"pay", `{"language":["vi"]}`, "language", "Expected one of: vi, en.", "Cần một trong các giá trị: vi, en."},
		{"pay", `{"paymentMethod":{"code":"DOMESTIC"}}`, "paymentMethod", "Expected one of: DOMESTIC, INTERNATIONAL, WALLET, HUB, QRPAY, BNPL.", "Cần một trong các giá trị: DOMESTIC, INTERNATIONAL, WALLET, HUB, QRPAY, BNPL."},
		{"pay", `{"sourceType":"the bank of the customer"}`, "sourceType", "Expected the code of a bank, card brand, wallet or other provider, of at most 20 characters.", "Cần mã của ngân hàng, thương hiệu thẻ, ví hoặc nhà cung cấp khác, tối đa 20 ký tự."},
		{"pay", `{"extraData":{"customer":{"gender":"female"}}}`, "extraData.customer.gender", "Expected M or F.", "Cần M hoặc F."},
		{"pay", `{"extraData":{"billing":{"country":"Việt Nam"}}}`, "extraData.billing.country", "Expected the two letters of a country, such as VN.", "Cần hai chữ cái của quốc gia, ví dụ VN."},
		{"pay", `{"extraData":{"customer":{"email":"` + strings.Repeat("x", 51) + `"}}}`, "extraData.customer.email", "Expected an e-mail address of at most 50 characters.", "Cần địa chỉ thư điện tử tối đa 50 ký tự."},
		{"pay", `{"extraData":{"customer":{"phoneNumber":"` + strings.Repeat("x", 51) + `"}}}`, "extraData.customer.phoneNumber", "Expected a phone number of at most 50 characters.", "Cần số điện thoại tối đa 50 ký tự."},
		{"fastPay", `{"cardExpireDate":"12/2026"}`, "cardExpireDate", "Expected month and year as MM/YY.", "Cần tháng và năm theo dạng MM/YY."},
		{"payWithOption", `{}`, "apiOperation", "This field is required, with one of these values: PAY, PAY_WITH_CREATE_TOKEN.", "Trường này là bắt buộc, với một trong các giá trị: PAY, PAY_WITH_CREATE_TOKEN."},
		{"payWithOption", `{"apiOperation":null}`, "apiOperation", "This field is required, with one of these values: PAY, PAY_WITH_CREATE_TOKEN.", "Trường này là bắt buộc, với một trong các giá trị: PAY, PAY_WITH_CREATE_TOKEN."},
		{"pay", `{"orderAmount":"0.00","orderCurrency":"VND"}`, "orderAmount", "Expected an amount of more than 0.", "Cần số tiền lớn hơn 0."},
		{"pay", `{"orderAmount":[]}`, "orderAmount", "Expected a decimal number of zero or more, without separators.", "Cần số thập phân không âm, không có dấu phân cách."},
		{"pay", `{"orderDateTime":1}`, "orderDateTime", "Expected a real date and time as yyyyMMddHHmmss.", "Cần ngày giờ có thật theo dạng yyyyMMddHHmmss."},
		{"pay", `{"language":"fr"}`, "language", "Expected one of: vi, en.", "Cần một trong các giá trị: vi, en."},
		{"pay", `{"isAutoCapture":[]}`, "isAutoCapture", "Expected true or false.", "Cần giá trị true hoặc false."},
		{"pay", `{"ipnURL":"shop"}`, "ipnURL", "Expected an absolute http or https address.", "Cần địa chỉ http hoặc https đầy đủ."},
		{"pay", `{"successURL":"shop"}`, "successURL", "Expected an absolute address, such as https://shop.example/result.", "Cần địa chỉ đầy đủ, ví dụ https://shop.example/result."},
		{"pay", `{"extraData":[]}`, "extraData", "Expected a JSON object.", "Cần một đối tượng JSON."},
		{"createPaymentLink", `{"paymentMethods":{}}`, "paymentMethods", "Expected a JSON array of codes, none of them null or empty.", "Cần một mảng JSON gồm các mã, không mã nào null hoặc rỗng."},
		{"pay", `{"extraData":{"payment_detail":"x"}}`, "extraData.payment_detail", "Expected a JSON array.", "Cần một mảng JSON."},
		{"createPaymentLink", `{"paymentMethods":["QRPAY",null]}`, "paymentMethods", "Expected a JSON array of codes, none of them null or empty.", "Cần một mảng JSON gồm các mã, không mã nào null hoặc rỗng."},
		{"createPaymentLink", `{"expiryDuration":"1.5"}`, "expiryDuration", "Expected digits only.", "Chỉ gồm chữ số."},
		{"createPaymentLink", `{}`, "expiryDuration", "This field is required unless one of these is sent: paymentDays.", "Trường này là bắt buộc, trừ khi gửi một trong các trường: paymentDays."},
		{"pay", `{"paymentMethod":"HUB"}`, "sourceType", "This field is required unless paymentMethod is DOMESTIC, INTERNATIONAL.", "Trường này là bắt buộc, trừ khi paymentMethod là DOMESTIC, INTERNATIONAL."},
		{"pay", `{"sourceOfFund":"TOKEN"}`, "token", "This field is required when sourceOfFund is TOKEN.", "Trường này là bắt buộc khi sourceOfFund là TOKEN."},
	} {
		p := new(Proxy)
		f := p.validate(t.Context(), callOf(t, p, test.operation, test.body))
		if f == nil || f.Code != problem.CodeFieldsInvalid || f.Outcome != problem.NotSent || f.Status() != http.StatusUnprocessableEntity {
			t.Fatalf("%s: failure %+v", test.body, f)
		}
		for in, want := range map[language.Tag]string{language.English: test.en, language.Vietnamese: test.vi} {
			errs := f.Body(in).Errors
			at := slices.IndexFunc(errs, func(e problem.FieldError) bool { return e.Field == test.field })
			if at < 0 || errs[at].Detail != want {
				t.Errorf("%s: %s: errors %+v, want %q", in, test.body, errs, want)
			}
		}
	}
}

// Card numbers, names and tokens are in these requests. A problem goes into the app's
// log and to its developers, so nothing of a value may be in it.
func TestFaultsHoldNothingOfTheRequest(t *testing.T) {
	const canary = "CANARY-9704000000000018"
	wrong := []string{
		`"` + canary + strings.Repeat(canary, 40) + `"`, `["` + canary + `"]`, `{"` + canary + `":"` + canary + `"}`, `"` + canary + `"`,
		`{"customer":{"email":"` + strings.Repeat(canary, 3) + `","gender":"` + canary + `"},"identifier":"` + strings.Repeat(canary, 3) + `","billing":"` + canary + `"}`,
		`-9704000000000018`, `97040000000000189704000000000018970400000000001897040000000000189704000000000018`, `true`,
	}
	told := make(map[string]bool)
	for i := range operation.All() {
		op := operation.All()[i]
		for _, value := range wrong {
			var members []string
			for _, f := range op.Request {
				if f.Fixed == "" {
					members = append(members, fmt.Sprintf("%q:%s", f.Name, value))
				}
			}
			data := "{" + strings.Join(append(members, `"`+canary+`":"`+canary+`"`), ",") + "}"
			for _, body := range []string{data, `{"requestID":"` + strings.Repeat(canary, 3) + `","requestDateTime":"` + canary + `","requestData":` + data + `}`} {
				p := new(Proxy)
				f := p.validate(t.Context(), callOf(t, p, op.Name, body))
				if f == nil {
					continue
				}
				for _, e := range f.Fields {
					told[e.Code] = true
				}
				for _, accept := range []string{"vi", "en"} {
					w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/pay", nil)
					r.Header.Set("Accept-Language", accept)
					if err := f.Write(w, r); err != nil {
						t.Fatal(err)
					}
					if text := w.Body.String(); strings.Contains(text, "CANARY") || strings.Contains(text, "9704") {
						t.Errorf("%s: a value came out: %s", op.Name, text)
					}
				}
			}
		}
	}
	for _, code := range sourcetest.Constants(t, "operation", "Code") {
		if !told[code] {
			t.Errorf("no fault with the code %s was made", code)
		}
	}
}

const someOrder = `"orderID":"1","orderAmount":"100000","orderCurrency":"VND","orderDateTime":20260615190000,"orderDescription":"Vé","paymentMethod":"DOMESTIC"`

func TestValidate(t *testing.T) {
	french := []field{{"language", []byte(`"fr"`)}}
	currency := []field{{"orderCurrency", []byte(`"VND"`)}}
	without := strings.Replace(someOrder, `"orderCurrency":"VND",`, "", 1)
	for name, test := range map[string]struct {
		proxy           Proxy
		operation, body string
		want            []string
	}{
		"right":                               {Proxy{}, "pay", `{` + someOrder + `}`, nil},
		"on":                                  {Proxy{Validate: "on"}, "query", `{}`, []string{"transactionID required"}},
		"by default":                          {Proxy{}, "query", `{}`, []string{"transactionID required"}},
		"off":                                 {Proxy{Validate: "off"}, "query", `{}`, nil},
		"off, own envelope":                   {Proxy{Validate: "off"}, "query", `{"requestID":"1","requestDateTime":"1","requestData":{}}`, nil},
		"a default supplies it":               {Proxy{defaults: currency}, "pay", `{` + without + `}`, nil},
		"no default does":                     {Proxy{}, "pay", `{` + without + `}`, []string{"orderCurrency required"}},
		"a default in the place of null":      {Proxy{defaults: currency}, "pay", `{"orderCurrency":null,` + without + `}`, nil},
		"a default in the place of nothing":   {Proxy{defaults: currency}, "pay", `{` + without + `,"orderCurrency":""}`, nil},
		"a default may be wrong there too":    {Proxy{defaults: french}, "pay", `{"language":null,` + someOrder + `}`, []string{"language value"}},
		"null without a default":              {Proxy{}, "pay", `{"orderCurrency":null,` + without + `}`, []string{"orderCurrency required"}},
		"empty without a default":             {Proxy{}, "pay", `{"orderCurrency":"",` + without + `}`, []string{"orderCurrency required"}},
		"a blank is not empty":                {Proxy{defaults: []field{{"language", []byte(`"vi"`)}}}, "pay", `{"language":" ",` + someOrder + `}`, []string{"language value"}},
		"nulls of optional fields":            {Proxy{}, "pay", `{"ipnURL":null,"language":"","extraData":null,"isAutoCapture":null,"sourceOfFund":null,` + someOrder + `}`, nil},
		"null of a fixed field":               {Proxy{}, "pay", `{"apiOperation":null,` + someOrder + `}`, nil},
		"own envelope, null of a fixed field": {Proxy{}, "pay", `{"requestID":"1","requestDateTime":20260615190000,"requestData":{"apiOperation":null,` + someOrder + `}}`, []string{"requestData.apiOperation required"}},
		"a default may be wrong":              {Proxy{defaults: french}, "pay", `{` + someOrder + `}`, []string{"language value"}},
		"a default is not asked for":          {Proxy{defaults: french}, "query", `{"transactionID":1}`, nil},
		"the app's value wins":                {Proxy{defaults: french}, "pay", `{"language":"vi",` + someOrder + `}`, nil},
		"own envelope":                        {Proxy{}, "query", `{"requestID":"1","requestDateTime":"20260615190000","requestData":{"transactionID":1}}`, nil},
		"own envelope, date as a number":      {Proxy{}, "query", `{"requestID":1,"requestDateTime":20260615190000,"requestData":{"transactionID":1}}`, nil},
		"own envelope, all wrong":             {Proxy{}, "query", `{"requestID":"` + strings.Repeat("x", 51) + `","requestDateTime":20260230000000,"requestData":{}}`, []string{"requestID too_long", "requestDateTime date_time", "requestData.transactionID required"}},
		"own envelope, id at its limit":       {Proxy{}, "query", `{"requestID":"` + strings.Repeat("x", 50) + `","requestDateTime":20260615190000,"requestData":{"transactionID":1}}`, nil},
		"own envelope, nothing is added":      {Proxy{defaults: currency}, "pay", `{"requestID":"1","requestDateTime":20260615190000,"requestData":{` + without + `}}`, []string{"requestData.apiOperation required", "requestData.orderCurrency required"}},
		"own envelope, faults further inside": {Proxy{}, "pay", `{"requestID":"1","requestDateTime":20260615190000,"requestData":{"apiOperation":"PAY","extraData":{"billing":{"country":"VNM"}},` + someOrder + `}}`, []string{"requestData.extraData.billing.country too_long"}},
		"requestData that is not an object":   {Proxy{}, "query", `{"requestData":"{}","transactionID":1}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := test.proxy.validate(t.Context(), callOf(t, &test.proxy, test.operation, test.body))
			if got := faultWords(f); !slices.Equal(got, test.want) {
				t.Errorf("faults %q, want %q", got, test.want)
			}
			if (f == nil) != (test.want == nil) {
				t.Errorf("failure %v", f)
			}
		})
	}
	t.Run("a path that the catalogue does not know", func(t *testing.T) {
		req, err := parseRequest([]byte(`{"orderAmount":"abc"}`))
		if err != nil {
			t.Fatal(err.Fault)
		}
		if f := new(Proxy).validate(t.Context(), &call{operation: &operation.Operation{Name: operation.Other}, request: req}); f != nil {
			t.Errorf("faults %q", faultWords(f))
		}
	})
}

// Whatever else is in a valid request, and however it is written, the gateway gets
// the very bytes, with what is added behind them; validation has no part in that.
func TestPropertyValidRequestsKeepTheirBytes(t *testing.T) {
	now := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	bodies := map[string]string{
		"pay": someOrder, "payWithCreateToken": someOrder, "payWithToken": someOrder + `,"token":"1"`, "payWithOption": `"apiOperation":"PAY",` + someOrder,
		"checkout": someOrder + `,"orderNetAmount":1.0,"orderFeeAmount":0.00,"orderDiscountAmount":"0"`, "query": `"transactionID":"1"`, "deleteToken": `"token":"1"`, "void": `"x":1`,
	}
	space := rapid.SampledFrom([]string{"", " ", "\n", "\r\n\t", "    "})
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(bodies))).Draw(rt, "operation")
		members, _ := rawjson.Members([]byte("{" + bodies[name] + "}"))
		var parts []string
		for _, m := range members {
			parts = append(parts, fmt.Sprintf("%q%s:%s%s", m.Name, space.Draw(rt, "space"), space.Draw(rt, "space"), m.Value))
		}
		extra := []string{`"a":1.10`, `"b":"\u1ec7\/"`, `"c":[1,{ "d" : null } ]`, `"extraData":{"customer":{"email":"Đ"}}`, `"e":"\ud83d"`, `"f":"e` + "\u0323\u0302" + `"`, `"g":100000000000000000000000001`}
		parts = append(parts, rapid.SliceOfDistinct(rapid.SampledFrom(extra), rapid.ID[string]).Draw(rt, "extra")...)
		parts = rapid.Permutation(parts).Draw(rt, "order")
		inner := "{" + space.Draw(rt, "space") + strings.Join(parts, ","+space.Draw(rt, "space")) + space.Draw(rt, "space") + "}"
		body := []byte(space.Draw(rt, "space") + inner + space.Draw(rt, "space"))
		before := string(body)

		p := &Proxy{defaults: []field{{"customerToken", []byte(`"x"`)}}}
		x := callOf(t, p, name, before)
		if f := p.validate(t.Context(), x); f != nil {
			rt.Fatalf("%s: faults %q", before, faultWords(f))
		}
		x.request.requestID = "id-1"
		added := ""
		for _, f := range x.added {
			added += `,"` + f.name + `":` + string(f.value)
		}
		want := `{"requestID":"id-1","requestDateTime":"20260615190000","requestData":` + strings.TrimSuffix(inner, "}") + added + `}}`
		got := string(appendEnvelope(nil, &x.request, now, x.added))
		if got != want {
			rt.Fatalf("sent %s\nwant %s", got, want)
		}
		if !json.Valid([]byte(got)) {
			rt.Fatalf("no JSON is sent: %s", got)
		}
		// The same, in an envelope of the app's own, is sent as it is.
		own := callOf(t, p, name, got)
		if f := p.validate(t.Context(), own); f != nil {
			rt.Fatalf("%s: faults %q", got, faultWords(f))
		}
		if again := string(appendEnvelope(nil, &own.request, now, own.added)); again != got {
			rt.Fatalf("sent %s\nwant %s", again, got)
		}
	})
}

// What is not one JSON object never gets as far as validation.
func TestPropertyBrokenJSONIsNotValidated(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(`{` + someOrder + `,"extraData":{"customer":{"email":"Đ"},"x":[1,2]}}`)
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			text[rapid.IntRange(0, len(text)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
		}
		req, err := parseRequest(text)
		if (err == nil) != rawjson.IsObject(text) && !strings.Contains(string(text), "requestData") {
			rt.Fatalf("read: %v, is an object: %t", err, rawjson.IsObject(text))
		}
		if err != nil {
			if req.data != nil {
				rt.Fatal("members in spite of a fault")
			}
			return
		}
		p := new(Proxy)
		x := &call{operation: operationNamed(t, "pay"), request: req}
		p.complete(x)
		p.validate(t.Context(), x) // anything but a panic
	})
}

func TestCheckEnvelope(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want *problem.Problem
	}{
		"not enveloped":          {`{"requestID":""}`, nil},
		"right":                  {`{"requestID":"i","requestDateTime":1,"requestData":{}}`, nil},
		"no requestID":           {`{"requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID null":         {`{"requestID":null,"requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID empty":        {`{"requestID":"","requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID an object":    {`{"requestID":{},"requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID true":         {`{"requestID":true,"requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID with a blank": {`{"requestID":"a b","requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID of two lines": {`{"requestID":"a\r\nX-Y: z","requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestID not ASCII":    {`{"requestID":"mã","requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"requestid":              {`{"requestid":"i","requestDateTime":1,"requestData":{}}`, problem.EnvelopeRequestID()},
		"no requestDateTime":     {`{"requestID":"i","requestData":{}}`, problem.EnvelopeDateTime()},
		"requestDateTime null":   {`{"requestID":"i","requestDateTime":null,"requestData":{}}`, problem.EnvelopeDateTime()},
		"requestDateTime empty":  {`{"requestID":"i","requestDateTime":"","requestData":{}}`, problem.EnvelopeDateTime()},
		"requestDateTime a list": {`{"requestID":"i","requestDateTime":[1],"requestData":{}}`, problem.EnvelopeDateTime()},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := parseRequest([]byte(test.body))
			if err != nil {
				t.Fatal(err.Fault)
			}
			if got := req.checkEnvelope(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}
