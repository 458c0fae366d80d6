package caddytest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The same proven message may arrive in many spellings.
func TestCallbackSpellings(t *testing.T) {
	m := signedMessage(plusMessage, sandboxSalt)
	if !strings.Contains(m.data, "+") || !strings.Contains(m.data, "/") || !strings.HasSuffix(m.data, "=") {
		t.Fatalf("this test needs +, / and = in %s", m.data)
	}
	raw := "data=" + m.data + "&signature=" + m.signature
	tests := []struct {
		name    string
		ways    []way
		encoded string
	}{
		{"properly encoded", []way{ipnForm, resultQuery, resultForm}, m.form()},
		{"lower-case escapes", []way{ipnForm, resultQuery, resultForm}, strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(m.form())},
		{"nothing encoded, so + is a space", []way{ipnForm, resultQuery, resultForm}, raw},
		{"+ become %20", []way{ipnForm, resultQuery, resultForm}, strings.ReplaceAll(raw, "+", "%20")},
		{"only the first + encoded", []way{ipnForm, resultQuery, resultForm}, strings.Replace(raw, "+", "%2B", 1)},
		{"signature first", []way{ipnForm, resultQuery, resultForm}, "signature=" + m.signature + "&" + "data=" + url.QueryEscape(m.data)},
		{"further fields", []way{ipnForm, resultForm}, "version=2&" + m.form() + "&x=1"},

		{"JSON", []way{ipnJSON}, m.json()},
		{"JSON with escapes", []way{ipnJSON}, strings.NewReplacer("+", `\u002B`, "/", `\/`, "=", `\u003d`).Replace(m.json())},
		{"JSON with escaped names", []way{ipnJSON}, strings.Replace(strings.Replace(m.json(), `"data"`, `"d\u0061ta"`, 1), `"signature"`, `"\u0073ignature"`, 1)},
		{"JSON with white space", []way{ipnJSON}, "\r\n { \"signature\" :\t" + jsonText(m.signature) + ",\n\"data\": " + jsonText(m.data) + " } \n"},
		{"JSON with further fields", []way{ipnJSON}, `{"version":2,"nested":{"data":"x","signature":[]},` + m.json()[1:]},
		{"JSON behind a BOM", []way{ipnJSON}, "\ufeff" + m.json()},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range test.ways {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				way.sendEncoded(t, c, test.encoded)
				way.wantInApp(t, app, "paid", plusMessage, m)
			})
		}
	}

	contentTypes := []struct {
		name   string
		header []string
		body   string
	}{
		{"none", nil, m.json()},
		{"JSON with a charset", []string{"Content-Type", "application/json; charset=utf-8"}, m.json()},
		{"JSON in capitals", []string{"Content-Type", "Application/JSON"}, m.json()},
		{"form with a charset", []string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}, m.form()},
		{"identity encoding", []string{"Content-Type", "application/json", "Content-Encoding", "identity"}, m.json()},
	}
	for _, test := range contentTypes {
		t.Run("content type: "+test.name, func(t *testing.T) {
			c.do(t, http.MethodPost, c.url("9181")+"/galaxypay/ipn", strings.NewReader(test.body), test.header...).wantIPNStatus(t, "200")
			ipnJSON.wantInApp(t, app, "paid", plusMessage, m)
		})
	}
	t.Run("chunked", func(t *testing.T) {
		unknownLength := struct{ *strings.Reader }{strings.NewReader(m.json())}
		c.do(t, http.MethodPost, c.url("9181")+"/galaxypay/ipn", unknownLength, "Content-Type", "application/json").wantIPNStatus(t, "200")
		ipnJSON.wantInApp(t, app, "paid", plusMessage, m)
	})
}

// data and signature may differ from the published samples. data is hashed as it arrives, so each
// spelling has a delivery id of its own.
func TestCallbackSpellingsOfDataAndSignature(t *testing.T) {
	// Of one length of the message in three, Base64 ends in =, in == or in neither.
	unpadded := func(message string) callback {
		padded := signedMessage(message, sandboxSalt)
		if !strings.HasSuffix(padded.data, "=") {
			t.Fatalf("this test needs padding in %s", padded.data)
		}
		return signedData(strings.TrimRight(padded.data, "="), sandboxSalt)
	}
	one := signedMessage(plusMessage, sandboxSalt)
	tests := []struct {
		name    string
		from    callback
		message string
	}{
		{"padding of one missing", unpadded(plusMessage), plusMessage},
		{"padding of two missing", unpadded(plusMessage + "  "), plusMessage + "  "},
		{"no padding needed", signedMessage(plusMessage+" ", sandboxSalt), plusMessage + " "},
		{"signature in capitals", callback{one.data, strings.ToUpper(one.signature)}, plusMessage},
		{"signature in both cases", callback{one.data, bothCases(one.signature)}, plusMessage},
		{"BOM inside data", signedMessage("\ufeff"+plusMessage, sandboxSalt), plusMessage},
		{"white space around the message", signedMessage("\r\n\t "+plusMessage+"\n", sandboxSalt), "\r\n\t " + plusMessage + "\n"},
	}
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	for _, test := range tests {
		for _, way := range ways {
			t.Run(test.name+", "+way.name, func(t *testing.T) {
				way.send(t, c, test.from)
				way.wantInApp(t, app, "paid", test.message, test.from)
			})
		}
	}
}

// bothCases makes every other letter a capital.
func bothCases(hexadecimal string) string {
	text := []byte(hexadecimal)
	for i := 0; i < len(text); i += 2 {
		text[i] = strings.ToUpper(string(text[i]))[0]
	}
	return string(text)
}
