package desk

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a history says is shown in Vietnamese; what it quotes stays.
func TestReasonIn(t *testing.T) {
	for text, want := range map[string]string{
		"attempt 1: delivered, the app said 200": "lần giao 1: đã giao, ứng dụng trả lời 200",
		`attempt 12: the app answered HTTP 500; expected HTTP 2xx with {"ipnStatus": "200"}, "404" or "409", an empty body, or OK`:// a whole line
		`lần giao 12: ứng dụng trả lời HTTP 500; cần HTTP 2xx với {"ipnStatus": "200"}, "404" hoặc "409", body rỗng, hoặc OK`,
		"attempt 2: the app did not answer: it took longer than 1m0s": "lần giao 2: ứng dụng không trả lời: mất hơn 1m0s",
		"attempt 2: the app did not answer: dial tcp 127.0.0.1:1":     "lần giao 2: ứng dụng không trả lời: dial tcp 127.0.0.1:1",
		"not sent: the app has taken the same news before":            "không gửi: ứng dụng đã nhận tin này trước đó",
		"not sent: its payment is paid by now":                        "không gửi: thanh toán của nó nay đã hoàn tất",
		"put off: a capture of its payment is at work":                "hoãn lại: đang thu tiền cho thanh toán của nó",
		"something else; expected ":                                   "something else; cần ",
		"attempt":                                                     "attempt",
		"":                                                            "",
	} {
		if got := reasonIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Every reason in the source of the deliveries has a translation.
func TestReasonsAreComplete(t *testing.T) {
	reason := regexp.MustCompile(`Reason: +(?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")|return ("(?:not sent|put off|it took|the inbox was|the connection ended|the connection broke|a handler|the app|its |the gateway)(?:[^"\\]|\\.)*")`)
	found := 0
	for _, name := range []string{"../deliver.go", "../inbox/attempt.go", "../inbox/history.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range reason.FindAllStringSubmatch(string(source), -1) {
			text, err := strconv.Unquote(match[1] + match[2])
			if err != nil {
				t.Fatal(err)
			}
			found++
			if before, _, _ := strings.Cut(text, "%"); reasonIn(before) == before {
				t.Errorf("%s: no translation of %q", name, text)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d reasons were found", found)
	}
}
