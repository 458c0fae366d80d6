package desk

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

// No text is a formula for a spreadsheet, nor steers a terminal; all others stay as they are.
func TestCells(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "DH-1001": "DH-1001", "a=b": "a=b", " =1": " =1", "Đơn hàng": "Đơn hàng", "1,5": "1,5", `say "x"`: `say "x"`,
		"=1+1": "'=1+1", "+84": "'+84", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"＝1": "'＝1", "＠x": "'＠x", "\x1b[2J": "\ufffd[2J", "a\u202eb": "a\ufffdb", "'=1": "'=1", "\ufeff=1": "\ufffd=1", "\x00=1": "\ufffd=1",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// An amount stays a number, which no program reads as another one.
func TestAmountCells(t *testing.T) {
	for amount, want := range map[string]string{
		"": "", "12.50": "12.50", "109000": "109000", "-5": "-5", "1e3": "1000", "1.5E-2": "0.015", "=1+1": "'=1+1", "-1+cmd": "'-1+cmd", "+5": "'+5", "109,000": "109,000",
	} {
		if got := amountCell(amount); got != want {
			t.Errorf("%q gives %q, want %q", amount, got, want)
		}
	}
}

// What a table has is read back as it was written, by any reader of RFC 4180.
func TestTableIsRFC4180(t *testing.T) {
	row := []string{"a,b", `say "x"`, " blank", "", "Đ", "end"}
	var out bytes.Buffer
	table := newTable(&out)
	for range 2 {
		if err := table.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	table.Flush()
	if text := out.String(); !strings.HasPrefix(text, `"a,b","say ""x""",`) || strings.Count(text, "\r\n") != 2 {
		t.Errorf("written %q", text)
	}
	if read, err := csv.NewReader(&out).ReadAll(); err != nil || len(read) != 2 || !slices.Equal(read[1], row) {
		t.Errorf("read %q, %v", read, err)
	}
}
