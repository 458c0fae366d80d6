package sandbox

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// Every text is there in both languages, in words of its own.
func TestTextsAreComplete(t *testing.T) {
	same := []string{"3-D Secure", "Email", "E-mail"}
	all := map[string]map[string]language.Text{
		"page": pageTexts, "dashboard": dashboardTexts, "step": named(stepTexts), "payer": payerTexts, "method": methodTexts, "complaint": named(complaintTexts), "outcome": named(outcomeTexts),
		"code": {
			"wrongForm": wrongForm, "payTitle": payTitle, "noIPN": noIPN, "ipnSending": ipnSending, "ipnFailed": ipnFailed, "ipnAnswer": ipnAnswer,
			"thousands": thousands, "point": point,
		},
	}
	for table, texts := range all {
		if len(texts) == 0 {
			t.Errorf("%s has no texts", table)
		}
		for name, text := range texts {
			if text.En == "" || text.Vi == "" || text.En == text.Vi && !slices.Contains(same, text.En) {
				t.Errorf("%s %s: %q and %q", table, name, text.En, text.Vi)
			}
		}
	}
}

func named[K ~string](texts map[K]language.Text) map[string]language.Text {
	by := make(map[string]language.Text)
	for name, text := range texts {
		by[string(name)] = text
	}
	return by
}

// A template has no text that is missing, and there is no text that no template shows.
func TestTemplatesHaveTheirTexts(t *testing.T) {
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	unused := maps.Clone(pageTexts)
	for _, file := range files {
		page, err := fs.ReadFile(pageFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`\.(Text|Dashboard)\.(\w+)`).FindAllStringSubmatch(string(page), -1) {
			table := map[string]map[string]language.Text{"Text": pageTexts, "Dashboard": dashboardTexts}[used[1]]
			if table[used[2]].En == "" {
				t.Errorf("%s: there is no text for %s", file, used[0])
			}
			if used[1] == "Text" {
				delete(unused, used[2])
			}
		}
	}
	if len(unused) > 0 {
		t.Errorf("no template shows %v", slices.Sorted(maps.Keys(unused)))
	}
}

// A page never shows an empty heading for what can happen, or be wrong.
func TestTextsForEverything(t *testing.T) {
	for _, o := range ledger.Outcomes() {
		if outcomeTexts[o].En == "" {
			t.Errorf("no text for the outcome %s", o)
		}
	}
	for _, wrong := range []complaint{payerTooLong, cardUnknown, nameMissing, detailsDiffer, otpWrong} {
		if complaintTexts[wrong].En == "" {
			t.Errorf("no text for %s", wrong)
		}
	}
	for _, name := range ledger.PayerFields() {
		if payerTexts[name].En == "" {
			t.Errorf("no text for %s", name)
		}
	}
	for _, method := range ledger.Methods() {
		if methodTexts[method].En == "" {
			t.Errorf("no text for %s", method)
		}
	}
}

func TestReadableAmounts(t *testing.T) {
	for amount, want := range map[string][2]string{
		"0":         {"0", "0"},
		"999":       {"999", "999"},
		"1000":      {"1,000", "1.000"},
		"1250000":   {"1,250,000", "1.250.000"},
		"12.50":     {"12.50", "12,50"},
		"1234.5":    {"1,234.5", "1.234,5"},
		"109.000":   {"109", "109"},
		"109000.00": {"109,000", "109.000"},
		"0109000":   {"109,000", "109.000"},
		"12.500":    {"12.5", "12,5"},
		"0.00":      {"0", "0"},
	} {
		if en, vi := readable(amount, language.English), readable(amount, language.Vietnamese); en != want[0] || vi != want[1] {
			t.Errorf("%s is %s and %s", amount, en, vi)
		}
	}
}
