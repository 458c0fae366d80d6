package wirelog

import (
	"strings"
	"testing"
)

func TestBodiesAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want Content
	}{
		"short":              {"đ", Content{Text: "đ", Length: 2}},
		"empty":              {"", Content{}},
		"not text":           {"\xff", Content{Text: "/w==", Base64: true, Length: 1}},
		"as long as allowed": {strings.Repeat("x", maxBody), Content{Text: strings.Repeat("x", maxBody), Length: maxBody}},
		"longer":             {strings.Repeat("x", maxBody+1), Content{Text: strings.Repeat("x", maxBody), Length: maxBody + 1, Cut: true}},
		"cut in a letter":    {strings.Repeat("x", maxBody-1) + "đ", Content{Text: strings.Repeat("x", maxBody-1), Length: maxBody + 1, Cut: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := *NewContent([]byte(test.body), len(test.body)); got != test.want {
				t.Errorf("kept %d bytes of %d, cut: %t, Base64: %t", len(got.Text), got.Length, got.Cut, got.Base64)
			}
		})
	}
}
