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
