package doctor

import (
	"encoding/base64"
	"slices"
	"testing"
)

// What public integrations of this gateway, signing proxies and receivers of webhooks got wrong is found.
func TestMistakesOfPublicIntegrations(t *testing.T) {
	const message = `{"responseCode":"200","responseData":{"orderID":"DH-1","orderAmount":109000,"orderDescription":"Trà sữa"}}`
	data := base64.StdEncoding.EncodeToString([]byte(message))
	for name, test := range map[string]struct {
		v    vector
		want []string
	}{
		"base64 decoded as Latin-1": {
			vector{given: string(latin1(message)), signed: data}, []string{"wrong-charset", "decoded-data"},
		},
		"Vietnamese names destroyed": {
			vector{given: message, signed: replace(message, "à", "?", "ữ", "?")}, []string{"wrong-charset"},
		},
		"signs one serialisation and sends another": {
			vector{given: sample, signed: replace(sample, `":`, `": `, `,"`, `, "`, "à", `\u00e0`, "ữ", `\u1eef`, "ớ", `\u1edb`)}, []string{"rewritten-by-encoder"},
		},
		"verifies the re-serialised text": {
			vector{given: `{"a": 1, "b": 2}`, signed: `{"a":1,"b":2}`}, []string{"rewritten-json"},
		},
		"verifies the decoded callback": {vector{given: message, signed: data}, []string{"decoded-data"}},
		"unset variable becomes an empty key": {
			vector{sign: func(text, _ string) string { return hex256(text) }}, []string{"no-salt"},
		},
		"retry with a stale signature": {
			vector{
				given: `{"requestID":"2","requestDateTime":"20261128160100"}`, signed: `{"requestID":"1","requestDateTime":"20261128160000"}`,
				otherText: `{"requestID":"1","requestDateTime":"20261128160000"}`,
			}, []string{"another-text"},
		},
		"fields added after signing": {
			vector{signed: replace(sample, `"requestDateTime":"20261128160000",`, "")}, []string{"fields-added"},
		},
		"one secret only, after a rotation":  {vector{signedSalt: oldSalt}, []string{"previous-salt"}},
		"the salt of another environment":    {vector{signedSalt: uatSalt}, []string{"other-salt"}},
		"the form decoded with blanks for +": {vector{given: replace(callbackData, "+", " "), signed: callbackData}, []string{"plus-as-blank"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := causesOf(Examine(test.v.asCase())); !slices.Equal(got, test.want) {
				t.Errorf("causes %q, expected %q", got, test.want)
			}
		})
	}
}

// latin1 is a text in UTF-8 whose bytes were taken for letters of ISO-8859-1.
func latin1(text string) []rune {
	var letters []rune
	for i := range len(text) {
		letters = append(letters, rune(text[i]))
	}
	return letters
}
