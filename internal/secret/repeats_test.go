package secret

import "testing"

func TestRepeats(t *testing.T) {
	const key, card = "Key-of_the/Tests+1", "9704000000000018"
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"nothing":             {"Invalid API key", false},
		"empty":               {"", false},
		"as it is":            {"Invalid key " + key + ".", true},
		"capitals":            {"KEY-OF_THE/TESTS+1", true},
		"without separators":  {"keyofthetests1", true},
		"percent-encoded":     {"key=Key-of_the%2FTests%2B1&x", true},
		"in hex":              {"4b65792d6f665f7468652f54657374732b31", true},
		"in hex, in capitals": {"4B65792D6F665F7468652F54657374732B31", true},
		"in Base64":           {"S2V5LW9mX3RoZS9UZXN0cysx", true},
		"a part":              {"Key-of_the", false},
		"a card":              {"card " + card, true},
		"a card in groups":    {"9704 0000-0000.0018", true},
		"a masked card":       {"970400xxxxxx0018", false},
		"the CVV":             {"cvv: 123", true},
		"the CVV in a number": {"1 2 3", true},
		"punctuation":         {"an @!# in it", true},

		// Characters that a quotation leaves out, or that look like others
		"a card with zero width":  {"9704\u200b0000\u200b0000\u200b0018", true},
		"a card with hard blanks": {"9704\u00a00000\u202f0000\u20030018", true},
		"a card with marks":       {"\u202e97040000\u00ad00000018\ufeff", true},
		"a card with dashes":      {"9704–0000—0000·0018", true},
		"a full-width card":       {"９７０４００００００００００１８", true},
		"a full-width key":        {"Ｋｅｙ－ｏｆ＿ｔｈｅ／Ｔｅｓｔｓ＋１", true},
		"a C1 control":            {"9704000000\u0085000018", true},

		// Spelled out by those who pass it on
		"HTML":                      {"&#57;&#55;&#48;&#x34;000000000018", true},
		"HTML, a name":              {"Key&lowbar;of&lowbar;the&sol;Tests&plus;1", true},
		"JSON":                      {`\u0039\u0037\u0030\u0034000000000018`, true},
		"percent-encoded CVV":       {"%31%32%33", true},
		"percent-encoded, per cent": {"100% of %31%32%33", true},
		"percent-encoded twice":     {"%2531%2532%2533", true},
		"Basic authentication":      {"Basic dXNlcjpLZXktb2ZfdGhlL1Rlc3RzKzE=", true},
		"in Base64, one byte later": {"eEtleS1vZl90aGUvVGVzdHMrMQ==", true},
		"in Base64, two bytes":      {"eHhLZXktb2ZfdGhlL1Rlc3RzKzE=", true},
		"in Base64, in the middle":  {"eyJrIjoiS2V5LW9mX3RoZS9UZXN0cysxIn0=", true},
		"in Base64, another text":   {"eyJrIjoibm90aGluZyBvZiBpdCJ9", false},
		"Vietnamese":                {"Giao dịch không hợp lệ, vui lòng thử lại", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Repeats(test.text, "", key, card, "123", "@!#"); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
	if Repeats("anything", "") || Repeats("anything") {
		t.Error("no secret was found")
	}
}
