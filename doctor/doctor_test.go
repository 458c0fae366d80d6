package doctor

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func gzipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}

func causesOf(r Report) []string {
	var names []string
	for _, c := range r.Causes {
		names = append(names, c.Name)
	}
	return names
}

func allVectors() []vector {
	vectors := slices.Concat(textVectors, saltVectors, formulaVectors, signatureVectors)
	for _, v := range slices.Concat(textVectors, saltVectors) {
		if !v.oneWay {
			turned := v.turned()
			turned.name += ", exchanged"
			vectors = append(vectors, turned)
		}
	}
	return vectors
}

// Every mistake alone is named, and nothing else beside it.
func TestEachMistake(t *testing.T) {
	for _, v := range allVectors() {
		t.Run(v.mistake+"/"+v.name, func(t *testing.T) {
			r := Examine(v.asCase())
			if got := causesOf(r); !slices.Equal(got, []string{v.mistake}) && !slices.Equal(got, []string{same[v.mistake+"/"+v.name]}) {
				t.Fatalf("causes %q, or else %q, looks %v", got, r.OrElse, r.Looks)
			} else if got[0] != v.mistake {
				if !slices.Contains(r.OrElse, v.mistake) {
					t.Errorf("or else %q", r.OrElse)
				}
				return
			}
			checkTold(t, v, r)
		})
	}
}

// checkTold checks what a report says beside the name.
func checkTold(t *testing.T, v vector, r Report) {
	t.Helper()
	c := r.Causes[0]
	if c.About.En == "" || c.About.Vi == "" || c.Do.En == "" || c.Do.Vi == "" || len(c.Code) != 5 {
		t.Errorf("not everything is said: %+v", c)
	}
	if r.Proven != (v.mistake == "signature-upper-case") {
		t.Errorf("proven: %t", r.Proven)
	}
	v = v.filled()
	if wantsDifference := v.given != v.signed; wantsDifference != (r.Difference != nil) {
		t.Errorf("difference %+v", r.Difference)
	} else if wantsDifference && (r.Difference.GivenBytes != len(v.given) || r.Difference.SignedBytes != len(v.signed) ||
		v.given[:r.Difference.Offset] != v.signed[:r.Difference.Offset] || r.Difference.Signed == r.Difference.Given && !strings.Contains(r.Difference.Given, "*")) {
		t.Errorf("difference %+v", r.Difference)
	}
	if (v.mistake == "no-salt") != (r.Secret == "") {
		t.Errorf("signed by %q", r.Secret)
	}
}

func TestEveryMistakeHasAVector(t *testing.T) {
	var have []string
	for _, v := range allVectors() {
		have = append(have, v.mistake)
	}
	for _, name := range Names() {
		if !slices.Contains(have, name) {
			t.Errorf("%s has no vector", name)
		}
	}
}

func TestNothingWrong(t *testing.T) {
	r := Examine(vector{}.asCase())
	if !r.Proven || len(r.Causes) > 0 || r.Secret != "--salt" || r.Difference != nil || r.Tried.Combinations != 1 {
		t.Errorf("%+v", r)
	}
}

// same are vectors whose bytes are those of another mistake too, which stands first in the table: with a salt after a blank, the
// blank may belong to the text; with a line end after a salt that comes first, it stands between the two; and HMAC fills up its key
// with NULs.
var same = map[string]string{
	"salt-blank/before":                       "end-of-text",
	"salt-line-end/LF salt-first/salt + text": "glue",
	"salt-blank/after salt-first/salt + text": "glue",
	"salt-bom/NUL salt-first/salt + text":     "glue",
	"salt-bom/NUL hmac/salt as key":           "hmac",
}

// pair is two mistakes in different parts, and a text with both.
type pair struct {
	a, b vector
	both Case
}

func pairsOfDifferentParts() (pairs []pair) {
	for _, text := range textVectors {
		for _, salt := range saltVectors {
			both := text.filled()
			if salt.salt != "" || text.mistake == "salt-in-text" {
				continue
			}
			both.signedSalt = salt.signedSalt
			pairs = append(pairs, pair{text, salt, both.asCase()})
		}
		for _, f := range formulaVectors {
			both := text.filled()
			both.sign = f.sign
			if f.given == "" && text.mistake != "salt-in-text" {
				pairs = append(pairs, pair{text, f, both.asCase()})
			}
		}
	}
	for _, salt := range saltVectors {
		for _, f := range formulaVectors {
			both := salt.filled()
			both.sign = f.sign
			if f.mistake != "no-salt" && f.given == "" {
				pairs = append(pairs, pair{salt, f, both.asCase()})
			}
		}
	}
	return pairs
}

// Two mistakes in different parts are both named. DOCTOR_PAIRS says of how many pairs, which are drawn at random, at most. Default: 100.
func TestPairsOfDifferentParts(t *testing.T) {
	all := pairsOfDifferentParts()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: which pairs are drawn is no secret
	drawn := min(numberFrom(t, "DOCTOR_PAIRS", 100), len(all))
	t.Logf("%d of %d pairs, seed %d", drawn, len(all), seed)
	for _, at := range random.Perm(len(all))[:drawn] {
		a, b := all[at].a, all[at].b
		got, want := strings.Join(causesOf(Examine(all[at].both)), " "), a.mistake+" "+b.mistake
		if other := same[a.mistake+"/"+a.name+" "+b.mistake+"/"+b.name]; got != want && (other == "" || got != other) &&
			(a.mistake+"/"+a.name != "salt-blank/before" || got != "end-of-text "+b.mistake) {
			t.Errorf("%s/%s with %s/%s: causes %q", a.mistake, a.name, b.mistake, b.name, got)
		}
	}
}

// A signature that is spelled in another way is read, whatever else is wrong.
func TestSpellingsWithOtherMistakes(t *testing.T) {
	for _, spelling := range signatureVectors {
		if spelling.given != "" {
			continue
		}
		for _, v := range []vector{textVectors[1], saltVectors[4]} {
			both := v.filled()
			both.sign = spelling.sign
			if got := causesOf(Examine(both.asCase())); !slices.Equal(got, []string{v.mistake, spelling.mistake}) {
				t.Errorf("%s with %s/%s: causes %q", v.mistake, spelling.mistake, spelling.name, got)
			}
		}
	}
}

func TestPairsOfOnePart(t *testing.T) {
	for _, test := range []struct {
		first, second string
		v             vector
	}{
		{"rewritten-json", "line-ends", vector{given: `{"a":1}`, signed: "{\r\n\t\"a\": 1\r\n}"}},
		{"rewritten-json", "escaped-slashes", vector{given: `{"a":"x/y"}`, signed: `{"a": "x\/y"}`}},
		{"rewritten-json", "end-of-text", vector{given: `{"a":1}`, signed: "{\n  \"a\": 1\n}\n"}},
		{"rewritten-json", "text-bom", vector{given: `{"a":1}`, signed: utf8BOM + "{\n  \"a\": 1\n}"}},
		{"sorted-keys", "numbers-retyped", vector{given: `{"b":1,"a":2}`, signed: `{"a":"2","b":"1"}`}},
		{"sorted-keys", "fields-added", vector{given: `{"b":1,"z":0,"a":2}`, signed: `{"a":2,"b":1}`}},
		{"decoded-data", "rewritten-json", vector{given: callbackData, signed: replace(string(decodeBase64([]byte(callbackData))), `":"`, `": "`, `":{`, `": {`, `,"`, `, "`)}},
		{"decoded-data", "end-of-text", vector{given: callbackData, signed: string(decodeBase64([]byte(callbackData))) + "\n"}},
		{"whole-body", "base64-variant", vector{given: `{"data":"` + replace(callbackData, "+", "-", "/", "_") + `"}`, signed: callbackData}},
		{"plus-as-blank", "text-bom", vector{given: utf8BOM + replace(callbackData, "+", " "), signed: callbackData}},
		{"end-of-text", "base64-variant", vector{given: " " + callbackData, signed: strings.TrimRight(callbackData, "=")}},
		{"escaped-slashes", "normal-form", vector{given: "{\"a\":\"Tra\u0300/\"}", signed: "{\"a\":\"Trà\\/\"}"}},
		{"salt-line-end", "salt-quotes", vector{given: `{"a":1}`, signedSalt: `"` + testSalt + "\n\""}},
		{"salt-quotes", "salt-line-end", vector{given: `{"a":1}`, signedSalt: `"` + testSalt + "\"\n"}},
		{"other-salt", "salt-line-end", vector{given: `{"a":1}`, signedSalt: uatSalt + "\n"}},
		{"api-key-as-salt", "salt-encoding", vector{given: `{"a":1}`, signedSalt: base64.StdEncoding.EncodeToString([]byte(testKey))}},
	} {
		t.Run(test.first+" and "+test.second, func(t *testing.T) {
			if got := causesOf(Examine(test.v.asCase())); !slices.Equal(got, []string{test.first, test.second}) {
				t.Errorf("causes %q", got)
			}
		})
	}
}

// No report holds a secret, or a hash of one, in whatever case.
func TestNoSecretIsTold(t *testing.T) {
	secrets := []string{testSalt, testKey, oldSalt, uatSalt}
	for _, s := range slices.Clone(secrets) {
		sum := sha256.Sum256([]byte(s))
		secrets = append(secrets, hex.EncodeToString(sum[:]), hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)))
	}
	cases := []Case{
		{Text: []byte("x" + testSalt), OtherText: []byte(testSalt + "y"), Signature: "00", Salt: Secret{Value: []byte(testSalt)}},
		{Text: []byte(testSalt), Signature: hex256("x"), Salt: Secret{Value: []byte(sample)}},
		{Text: []byte("abc" + testSalt[2:]), OtherText: []byte("abc" + testSalt), Signature: "zz", Salt: Secret{Value: []byte(testSalt)}},
	}
	for _, v := range allVectors() {
		cases = append(cases, v.asCase())
	}
	for _, c := range cases {
		text, err := json.Marshal(Examine(c)) //nolint:gosec // G117: the member secret is a name
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			quoted, _ := json.Marshal(s)
			if bytes.Contains(text, quoted[1:len(quoted)-1]) {
				t.Errorf("%.60q: the report holds %q: %s", c.Text, s, text)
			}
		}
	}
}

// A difference shows no card number, CVV, token or name.
func TestDifferenceHidesCards(t *testing.T) {
	for _, given := range []string{
		`{"cardNumber":"9704000000000018","x":1}`, `{"cardVerificationValue":"123"}`, `{"token":"970400ABCDEF"}`, `{"x":"9704000000000018"}`,
		`{"cardHolderName":"NGUYEN VAN A"}`, `{\"cardNumber\":\"9704000000000018\"}`,
	} {
		for at := range len(given) {
			other := given[:at] + "é" + given[at:]
			r := Examine(Case{Text: []byte(given), OtherText: []byte(other), Signature: "00", Salt: Secret{Value: []byte(testSalt)}})
			for _, private := range []string{"97", "12", "23", "AB", "CD", "NG", "UY", "VA", "00"} {
				if strings.Contains(r.Difference.Given, private) {
					t.Errorf("%s at %d: %s", given, at, r.Difference.Given)
				}
			}
		}
	}
}

// An empty salt proves nothing, and is named.
func TestEmptySalt(t *testing.T) {
	r := Examine(Case{Text: []byte(sample), Signature: hex256(sample)})
	if r.Proven || !slices.Equal(causesOf(r), []string{"no-salt"}) {
		t.Errorf("%+v", r)
	}
}

func TestLooks(t *testing.T) {
	unknown := hex256("something else")
	for name, c := range map[string]Case{
		"signature-missing":         {Signature: " \n"},
		"signature-not-hex":         {Signature: "***"},
		"signature-md5":             {Signature: unknown[:32]},
		"signature-sha1":            {Signature: unknown[:40]},
		"signature-sha512":          {Signature: unknown + unknown},
		"signature-length":          {Signature: unknown[:63]},
		"salt-empty":                {Salt: Secret{Value: []byte(" ")}},
		"salt-is-placeholder":       {Salt: Secret{Value: []byte("${GALAXYPAY_SALT}")}},
		"salt-has-shell-characters": {Salt: Secret{Value: []byte("a$b")}},
		"text-empty":                {Text: []byte{}},
		"text-is-a-page":            {Text: []byte("\n<!DOCTYPE html>")},
		"text-compressed":           {Text: []byte("\x28\xb5\x2f\xfd\x00")},
		"text-cut":                  {Text: []byte(`{"a":1,"b`)},
		"text-encrypted":            {Text: []byte(unknown)},
		"text-printed":              {Text: []byte("Array\n(\n    [a] => 1\n)")},
		"numbers-rewritten":         {Text: []byte(`{"orderAmount":109000.0}`)},
	} {
		if c.Text == nil {
			c.Text = []byte(`{"orderID":"4e4b9"}`)
		}
		if c.Signature == "" {
			c.Signature = unknown
		}
		if c.Salt.Value == nil {
			c.Salt.Value = []byte("canary-salt")
		}
		r := Examine(c)
		if len(r.Looks) != 1 || r.Looks[0].Name != name || r.Looks[0].About.Vi == "" || len(r.Causes) > 0 || r.Proven {
			t.Errorf("%s: looks %v, causes %q", name, r.Looks, causesOf(r))
		}
	}
	for _, l := range looks {
		if l.About.En == "" || l.About.Vi == "" {
			t.Errorf("%s says nothing in one of the languages", l.Name)
		}
	}
}
