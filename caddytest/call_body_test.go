package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What the app posts is what the gateway gets, byte for byte. Some JSON library changes each of
// these bodies when it decodes and encodes it.
func TestCallBodyStaysAsItIs(t *testing.T) {
	bodies := map[string]string{
		"trailing zero":             `{"orderAmount":12.50}`,
		"exponent":                  `{"orderAmount":1e3,"b":1E+2,"c":-0.0}`,
		"integer beyond float64":    `{"orderNumber":9007199254740993}`,
		"number of 80 digits":       `{"orderNumber":` + strings.Repeat("1234567890", 8) + `}`,
		"escaped slash":             `{"ipnURL":"https:\/\/shop.example\/ipn"}`,
		"escaped Vietnamese":        `{"orderDescription":"V\u1ea1n Ph\u00FAc"}`,
		"Vietnamese":                `{"orderDescription":"Vạn Phúc"}`,
		"HTML":                      `{"orderDescription":"<b>&amp;</b>"}`,
		"escaped HTML":              `{"orderDescription":"\u003cb\u003e"}`,
		"U+2028 and U+2029":         "{\"orderDescription\":\"a\u2028b\u2029c\"}",
		"U+FFFD and emoji":          `{"orderDescription":"� 💳 \ud83d\udcb3"}`,
		"DEL and other controls":    "{\"orderDescription\":\"\x7f\\u0000\\u001f\\b\\f\"}",
		"CRLF":                      "{\r\n\"orderID\":\"1\",\r\n\"orderAmount\":1\r\n}",
		"tabs":                      "{\t\"orderID\"\t:\t\"1\"\t}",
		"indentation":               "{\n  \"orderID\": \"1\",\n  \"extraData\": {\n    \"a\": [ 1, 2 ]\n  }\n}",
		"blank after the last one":  `{"orderID":"1" }`,
		"key order":                 `{"z":1,"a":2,"m":{"y":1,"b":2}}`,
		"null, booleans and arrays": `{"a":null,"b":true,"c":[],"d":{},"e":[{"f":false}]}`,
		"empty key":                 `{"":1}`,
		"keys that differ in case":  `{"a":1,"A":2}`,
		"same key in two objects":   `{"a":{"k":1},"b":{"k":2},"k":3}`,
		"lone surrogates":           `{"orderDescription":"\ud83d","b":"\udcb3x","c":"\udcb3\ud83d"}`,
		"depth 50":                  strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50),
		"nested requestData object": `{"extraData":{"requestID":"1","requestDateTime":"20240101000000","requestData":{"a":1}}}`,
		"requestData in a string":   `{"orderDescription":"\"requestData\":{\"a\":1}"}`,
		"requestData is text":       `{"requestData":"{}"}`,
		"requestData is an array":   `{"requestData":[{}]}`,
		"requestData is null":       `{"requestData":null}`,
		"requestdata in lower case": `{"requestdata":{}}`,
		"placeholders":              `{"orderDescription":"{env.HOME} {http.request.uri} {$HOME}"}`,
	}
	s := newSidecar(t, "validate off")
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			// query has no fixed fields, so nothing at all may be added.
			s.call(t, "/query", body).wantOK(t, paid)
			got := s.gateway.last(t)
			if data := got.requestData(t); data != body {
				t.Errorf("requestData\n%q, want\n%q", data, body)
			}
			if got.value("signature") != sign(got.body, testSalt) {
				t.Error("the signature does not fit the bytes sent")
			}
		})
	}
}

// A body that two parsers could read in two ways is not signed. The detail names the byte where
// the fault is, and repeats nothing of the text.
func TestCallBodyRefused(t *testing.T) {
	const anywhere = -1
	s := newSidecar(t)
	for name, test := range map[string]struct {
		body   string
		offset int // of the byte that the detail names
	}{
		"duplicate key":            {`{"canary":1,"canary":2}`, 12},
		"duplicate key, nested":    {`{"a":{"canary":1,"b":2,"canary":3}}`, 23},
		"duplicate key, in array":  {`{"a":[{"b":1,"b":2}]}`, 13},
		"duplicate key, escaped":   {`{"canary":1,"c\u0061nary":2}`, 12},
		"duplicate in envelope":    {`{"requestID":"1","requestDateTime":"1","requestData":{"a":1,"a":2}}`, 60},
		"duplicate requestData":    {`{"requestID":"1","requestDateTime":"1","requestData":{},"requestData":{}}`, 56},
		"two cases of an amount":   {`{"orderAmount":"1","ORDERAMOUNT":"2"}`, anywhere},
		"two cases of an envelope": {`{"requestID":"1","requestDateTime":"1","requestData":{},"RequestData":{}}`, anywhere},
		"two cases in an envelope": {`{"requestID":"1","requestDateTime":"1","requestData":{"orderID":"1","orderId":"2"}}`, anywhere},
		"raw bad UTF-8":            {"{\"a\":\"canary\xff\"}", 12},
		"Latin-1":                  {"{\"a\":\"Ph\xfac\"}", 8},
		"encoded surrogate":        {"{\"a\":\"\xed\xa0\x80\"}", 6},
		"overlong encoding":        {"{\"a\":\"\xc0\xaf\"}", 6},
		"cut character":            {"{\"a\":\"\xe1\xba\"}", 6},
		"bad UTF-8 in a key":       {"{\"\xff\":1}", 2},
		"two objects":              {`{"a":1}{"a":1}`, 7},
		"trailing comma":           {`{"a":1},`, 7},
		"trailing text":            {"{\"a\":1}\ncanary", 8},
		"trailing NUL":             {"{\"a\":1}\x00", 7},
		"empty":                    {"", anywhere},
		"blanks":                   {" \t\r\n ", anywhere},
		"BOM":                      {"\xef\xbb\xbf{}", 0},
		"array":                    {`[{"a":1}]`, 0},
		"string":                   {`"canary"`, 0},
		"number":                   {`1`, 0},
		"null":                     {` null`, 1},
		"truncated":                {`{"a":"canary`, anywhere},
		"brace only":               {`{`, anywhere},
		"truncated after a comma":  {`{"a":1,`, anywhere},
		"comma at the end":         {`{"a":1,}`, anywhere},
		"NaN":                      {`{"a":NaN}`, 5},
		"Infinity":                 {`{"a":Infinity}`, 5},
		"leading zero":             {`{"a":01}`, anywhere},
		"plus sign":                {`{"a":+1}`, 5},
		"single quotes":            {`{'a':'canary'}`, 1},
		"bare key":                 {`{a:1}`, 1},
		"comment":                  {`{/* canary */"a":1}`, 1},
		"line comment":             {"{\"a\":1}// canary", 7},
		"raw line end in string":   {"{\"a\":\"x\ny\"}", 7},
		"unknown escape":           {`{"a":"\x41"}`, anywhere},
		"missing colon":            {`{"a" 1}`, anywhere},
		"form":                     {`orderID=1`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, p := s.wantNotSent(t, "/pay", test.body)
			if p.Status != http.StatusBadRequest || p.Code != "body_invalid" {
				t.Errorf("HTTP %d %s, want 400 body_invalid", p.Status, p.Code)
			}
			if test.offset != anywhere && !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, test.offset)).MatchString(p.Detail) {
				t.Errorf("detail %q does not name byte %d", p.Detail, test.offset)
			}
			if strings.Contains(a.body, "canary") {
				t.Errorf("the problem quotes the body: %s", a.body)
			}
			if got := a.header.Get("Galaxypay-Operation"); got != "pay" {
				t.Errorf("Galaxypay-Operation %q, want pay, on every answer", got)
			}
		})
	}
}

func TestCallBodyContentTypes(t *testing.T) {
	s := newSidecar(t)
	for contentType, accepted := range map[string]bool{
		"application/json":                        true,
		"Application/JSON":                        true,
		"application/json; charset=utf-8":         true,
		`application/json;charset="UTF-8"`:        true,
		"application/json; profile=x":             true,
		"application/vnd.shop.order+json":         true,
		"application/problem+json; charset=UTF-8": true,
		"application/json; charset=latin1":        false,
		"application/json; charset=utf-16":        false,
		"application/vnd.shop+json; charset=1258": false,
		"application/x-www-form-urlencoded":       false,
		"multipart/form-data; boundary=x":         false,
		"text/plain":                              false,
		"application/xml":                         false,
		"application/jsonp":                       false,
		"application/json-seq":                    false,
		"application/json, text/plain":            false,
		"image/svg+json":                          false,
		"json":                                    false,
		"":                                        false,
	} {
		t.Run(contentType, func(t *testing.T) {
			header := []string{"Content-Type", contentType}
			if contentType == "" {
				header = nil
			}
			before := len(s.gateway.calls())
			a := s.do(t, http.MethodPost, s.url("9180")+"/pay", strings.NewReader(payment), header...)
			if accepted {
				a.wantOK(t, paid)
				if got := s.gateway.last(t).value("Content-Type"); got != "application/json" {
					t.Errorf("the gateway got Content-Type %q", got)
				}
				return
			}
			a.wantProblem(t, http.StatusUnsupportedMediaType, "content_type_unsupported", "not_sent")
			if len(s.gateway.calls()) != before {
				t.Error("the gateway got a request")
			}
		})
	}
}

// The sidecar refuses compressed bodies. It does not unpack them, because it signs what it gets.
func TestCallBodyCompressedIsRefused(t *testing.T) {
	s := newSidecar(t)
	for encoding, body := range map[string]string{"gzip": gzipped(payment), "deflate": payment, "br": payment, "gzip, identity": gzipped(payment)} {
		a := s.call(t, "/pay", body, "Content-Encoding", encoding)
		a.wantProblem(t, http.StatusUnsupportedMediaType, "content_type_unsupported", "not_sent")
		if got := a.header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding %q", got)
		}
	}
	s.gateway.wantCalls(t, 0)
	s.call(t, "/pay", payment, "Content-Encoding", "identity").wantOK(t, paid)
}

func TestCallBodySizes(t *testing.T) {
	for _, config := range []struct {
		option string
		limit  int
	}{{"", maxBody}, {"max_body 1KiB", 1 << 10}, {"max_body 100KB", 100_000}} {
		s := newSidecar(t, "validate off", config.option)
		for _, size := range []int{2, 3, 8, 1000, config.limit - 1, config.limit, config.limit + 1, config.limit + 2, 3 * config.limit} {
			body := objectOf(size)
			for framing, reader := range map[string]io.Reader{
				"announced":   strings.NewReader(body),
				"one chunk":   &pieces{body, size},
				"many chunks": &pieces{body, 1 + size/30},
			} {
				t.Run(fmt.Sprintf("%s/%d %s", config.option, size, framing), func(t *testing.T) {
					before := len(s.gateway.calls())
					a := s.do(t, http.MethodPost, s.url("9180")+"/query", reader, asJSON(nil)...)
					if size > config.limit {
						p := a.wantProblem(t, http.StatusRequestEntityTooLarge, "body_too_large", "not_sent")
						if !strings.Contains(p.Detail, strconv.Itoa(config.limit)) {
							t.Errorf("detail %q does not name the limit", p.Detail)
						}
						if len(s.gateway.calls()) != before {
							t.Error("the gateway got a request")
						}
						return
					}
					a.wantOK(t, paid)
					if got := s.gateway.last(t).requestData(t); got != body {
						t.Errorf("requestData of %d bytes is not what was posted", len(got))
					}
				})
			}
		}
		s.stop()
	}
}

// A body that ends before its announced length, or between chunks, is not signed.
func TestCallBodyBrokenOff(t *testing.T) {
	s := newSidecar(t)
	for name, sent := range map[string]string{
		"announced":        "Content-Length: 100\r\n\r\n" + payment,
		"announced, by 1":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payment)+1, payment),
		"chunked":          fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(payment), payment),
		"inside a chunk":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(payment)+1, payment),
		"no chunk at all":  "Transfer-Encoding: chunked\r\n\r\n",
		"bad chunk length": "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + payment,
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, s.ports["9180"])
			defer conn.Close()
			if _, err := io.WriteString(conn, "POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+sent); err != nil {
				t.Fatal(err)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			// The server need not answer a client that has gone. If it does, it refuses.
			if a, _ := readAnswer(bufio.NewReader(conn)); a.status != 0 && a.status/100 != 4 {
				t.Errorf("HTTP %d", a.status)
			}
		})
	}
	s.stop() // after this, no request is at work
	s.gateway.wantCalls(t, 0)
}
