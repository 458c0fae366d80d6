package secret

import "testing"

func TestIsCardNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"9704000000000018":    true,
		"4111111111111111":    true,
		"378282246310005":     true,
		"9704 0000-0000.0018": true,
		"９７０４００００００００００１８": true,
		"9704000000000019":      false,
		"9704000000000081":      false,
		"970400xxxxxx0018":      false,
		"000000000000":          false, // twelve
		"0000000000000":         true,
		"0000000000000000000":   true,
		"00000000000000000000":  false, // twenty
		"card 9704000000000018": false,
		"٩٧٠٤٠٠٠٠٠٠٠٠٠٠١٨":      false,
		"":                      false,
	} {
		if got := IsCardNumber(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
