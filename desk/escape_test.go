package desk

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONForTerminals(t *testing.T) {
	for name, text := range map[string]string{
		"plain":          "Cà phê 💳 <&>",
		"C0":             "a\x00\x1b[2Jb\r\n\t",
		"DEL and C1":     "a\x7f\u009b2Jb\u0085",
		"bidirectional":  "a\u202eb\u2066c\u200fd\u061c",
		"invisible":      "a\u200b\ufeff\u00ad",
		"lines":          "a\u2028b\u2029",
		"beyond 16 bits": "a\U000e0041b",
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := newEncoder(&out).Encode(map[string]any{"text": text, "raw": json.RawMessage(`{"a":"` + strings.NewReplacer("\x00", "", "\x1b", "", "\r", "", "\n", "", "\t", "").Replace(text) + `"}`)}); err != nil {
				t.Fatal(err)
			}
			for _, r := range strings.TrimSuffix(out.String(), "\n") {
				if r < ' ' || mustEscape(r) {
					t.Errorf("%U is not escaped in %q", r, out.String())
				}
			}
			var back struct{ Text string }
			if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back.Text != text {
				t.Errorf("read %q, %v", back.Text, err)
			}
		})
	}
}
