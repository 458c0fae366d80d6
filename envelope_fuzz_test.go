package galaxypay

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

var (
	printable = regexp.MustCompile(`^[!-~]+$`)
	digits14  = regexp.MustCompile(`^[0-9]{14}$`)
	wireID    = regexp.MustCompile(`^([0-9a-f]{32}|[A-Za-z0-9-]{1,50})$`)
)

// takesRequest is what the sidecar must take from an app, by the standard library.
func takesRequest(body []byte) (takes, enveloped bool) {
	object, ok := objectIn(body)
	if !ok || !bytes.HasPrefix(object["requestData"], []byte("{")) {
		return ok, false
	}
	return printable.MatchString(textIn(object["requestID"])) && textIn(object["requestDateTime"]) != "", true
}

// Whatever object an app posts, its bytes are unchanged in a message that every
// parser reads alike, the signature is the one of these very bytes, and nothing is
// added but what the app left out. An envelope of its own goes out as it came.
func FuzzWrap(f *testing.F) {
	const own = `{"requestID":"id-1","requestDateTime":"20260615190000","requestData":{"orderID":"1"}}`
	for i, seed := range []string{
		`{}`, `{ }`, `{"a":1}`, " {\"a\" : [ {} ]\n} ", `{"requestData":"{}"}`, `{"":{"requestData":{}}}`, own, "\n " + own + " \n", `{"a":1,"a":2}`, `{"a":1}}`,
		`{"requestID":1,"requestDateTime":2,"requestData":{"a":{"b":1,"b":2}}}`, `{"requestID":"a b","requestDateTime":2,"requestData":{}}`, `{"request\u0044ata":{}}`,
		`{"apiOperation":"PAY","language":null,"ipnURL":""}`, `{"sourceOfFund":"CARD","ipnURL":{"x":[1.0,1E+2]}}`, `{"apiOperatio\u006e":"PAY"}`, `{"apiOperation" : null ,"x":{"ipnURL":null},"ipnURL":null,"language":""}`, "{\"a\":\"\xe9\"}", `{"a":"\ud83d"}`,
	} {
		f.Add([]byte(seed), "key-"+seed, uint8(i))
	}
	p := &Proxy{defaults: []field{{"ipnURL", []byte(`"https://shop.example/?a=1\u0026b=2"`)}, {"language", []byte(`"vi"`)}}}
	ops := append(operation.All(), operation.Operation{Name: operation.Other})
	f.Fuzz(func(t *testing.T, body []byte, key string, which uint8) {
		before := bytes.Clone(body)
		req, fault := parseRequest(body)
		takes, enveloped := takesRequest(body)
		taken := fault == nil && req.checkEnvelope() == nil
		if taken != takes {
			t.Fatalf("taken: %t, by the standard library %t", taken, takes)
		}
		if !taken {
			return
		}
		x := &call{request: req, operation: &ops[int(which)%len(ops)]}
		p.complete(x)
		if !x.request.enveloped {
			x.request.key = key
		}
		p.wrap(x)
		salt := "salt of " + key
		if got := (&signer{salt: []byte(salt)}).sign(x.envelope); got != plainSignature(string(x.envelope), salt) {
			t.Errorf("signed %s", got)
		}
		if !bytes.Equal(body, before) {
			t.Error("the body was changed")
		}
		if req.enveloped != enveloped {
			t.Fatalf("an envelope: %t, by the standard library %t", req.enveloped, enveloped)
		}
		if enveloped {
			if !bytes.Equal(x.envelope, body) {
				t.Errorf("sent %q", x.envelope)
			}
			return
		}
		checkWrapped(t, p, x, body, key)
	})
}

func checkWrapped(t *testing.T, p *Proxy, x *call, body []byte, key string) {
	t.Helper()
	message, ok := objectIn(x.envelope)
	if !ok || len(message) != 3 {
		t.Fatalf("sent %q", x.envelope)
	}
	id, dateTime := valueIn(message["requestID"]), valueIn(message["requestDateTime"])
	if text, ok := id.(string); !ok || text != x.request.requestID || !wireID.MatchString(text) || plainRequestID.MatchString(key) && text != key {
		t.Errorf("requestID %v for the key %q", id, key)
	}
	if text, ok := dateTime.(string); !ok || !digits14.MatchString(text) {
		t.Errorf("requestDateTime %v", dateTime)
	}

	app, _ := objectIn(body)
	data, _ := objectIn(message["requestData"])
	want := maps.Clone(app)
	size := len(bytes.Trim(body, " \t\r\n"))
	filled := false
	for name, value := range suppliedBy(p, x.operation) {
		was, sent := app[name]
		switch {
		case !sent:
			size += len(`"":`) + len(name) + len(value)
			if len(want) > 0 {
				size += len(",")
			}
		case string(was) == "null" || string(was) == `""`:
			size += len(value) - len(was)
			filled = true
		default:
			continue
		}
		want[name] = value
	}
	if !maps.EqualFunc(data, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) || len(message["requestData"]) != size {
		t.Errorf("sent %s, posted %q", message["requestData"], body)
	}
	posted := bytes.Trim(body, " \t\r\n")
	posted = posted[:len(posted)-1] // without its closing brace
	if !filled && !bytes.HasPrefix(message["requestData"], posted) {
		t.Errorf("%q is not in %s", posted, x.envelope)
	}
}

// suppliedBy returns what the sidecar sends where the app sends nothing.
func suppliedBy(p *Proxy, op *operation.Operation) map[string]json.RawMessage {
	supplied := make(map[string]json.RawMessage)
	for _, d := range p.defaults {
		if slices.ContainsFunc(op.Request, func(f operation.Field) bool { return f.Name == d.name }) {
			supplied[d.name] = d.value
		}
	}
	for _, f := range op.Fixed() {
		supplied[f.Name] = json.RawMessage(`"` + f.Fixed + `"`)
	}
	return supplied
}

// An answer is taken apart as the standard library would, and succeeds only if it is
// signed, to this request, and says 200. Then the app gets the very bytes of
// responseData. Of an answer that is not proven it gets no byte.
func FuzzUnwrap(f *testing.F) {
	for _, seed := range []string{
		`{"requestID":"id-1","responseCode":"200","responseMessage":"Success","responseData":{"z":1.0,"a":"\u0041\/"}}`, `{"requestId":"id-1","responseCode":200}`,
		`{"requestID":"","requestId":"id-1","responseCode":"200","responseData":null}`, `{"requestID":"id-1","responseCode":"200","responseData":"{\"a\":\"\\u0041\"}"}`,
		`{"requestID":"id-1","responseCode":"409"}`, `{"responseCode":"401","responseMessage":"đ"}`, `{"requestID":"id-2","responseCode":"200"}`, `{"responseCode":"00","requestID":"id-1"}`,
		utf8BOM + ` {"requestID":"id-1","responseCode":"200","responseData":[1]} `, utf8BOM + utf8BOM + `{}`, `{"responseData":"{\"a\":1,\"a\":2}"}`, `[]`, `{"responseCode":"200","responseCode":"400"}`, ``,
		`{"requestID":"id-1","responseCode":"200","responseData":"{\"a\":\"\\ud83d\"}"}`, `{"requestID":"id-1","responseCode":"200","responseData":" {}\n"}`,
	} {
		f.Add([]byte(seed), "id-1", true)
		f.Add([]byte(seed), "id-1", false)
	}
	const salt = "a salt of the tests"
	p := &Proxy{merchant: &merchant{secrets: &secrets{signer: signer{salt: []byte(salt)}}}, metrics: freshMetrics()}
	f.Fuzz(func(t *testing.T, body []byte, requestID string, signed bool) {
		before := bytes.Clone(body)
		x := &call{request: request{requestID: requestID}, reply: reply{status: 200, body: body}}
		if signed {
			x.reply.signature = plainSignature(string(body), salt)
		}
		failed := p.verify(x)
		if (failed == nil) != signed {
			t.Fatalf("signed: %t, failure %q", signed, outcomeOf(failed))
		}
		if failed == nil {
			failed = p.unwrap(x)
		}
		if !bytes.Equal(body, before) {
			t.Error("the body was changed")
		}

		bare := bytes.TrimPrefix(body, []byte(utf8BOM))
		object, valid := objectIn(bare)
		id := textIn(object["requestID"])
		if id == "" {
			id = textIn(object["requestId"])
		}
		code := textIn(object["responseCode"])
		want := problem.Code("")
		refusal, listed := refusals[code]
		switch {
		case !signed:
			want = problem.CodeResponseSignatureMissing
		case !valid, saysTwice(bare), id != requestID && (code == "200" || id != ""):
			want = problem.CodeResponseMalformed
		case code == "200":
		case listed:
			want = refusal
		default:
			want = problem.CodeResponseCodeUnexpected
		}
		got := problem.Code("")
		if failed != nil {
			got = failed.Code
		}
		if got != want {
			t.Fatalf("%q, expected %q", got, want)
		}
		switch want {
		case "":
			data := dataIn(object["responseData"])
			if data == nil {
				data = []byte("{}")
			}
			if got := p.content(x); !bytes.Equal(got, data) || !bytes.Equal(x.opened.text, bare) {
				t.Errorf("content %q, expected %q; envelope %q", got, data, x.opened.text)
			}
		case problem.CodeResponseSignatureMissing, problem.CodeResponseMalformed:
			if x.opened.data != nil || x.opened.text != nil || failed.ResponseCode != "" || failed.ResponseMessage != "" {
				t.Errorf("passes on %+v of an answer that is not proven", failed)
			}
		default:
			if failed.ResponseCode != code || failed.ResponseMessage != textIn(object["responseMessage"]) {
				t.Errorf("has code %q and message %q", failed.ResponseCode, failed.ResponseMessage)
			}
		}
	})
}
