package problem

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
)

// contract is the table of problems as it was promised to users. A program may
// rely on every line, so a change here breaks an app.
var contract = map[Code]struct {
	status  int
	outcome Outcome
}{
	"body_invalid":               {400, "not_sent"},
	"idempotency_key_invalid":    {400, "not_sent"},
	"precondition_failed":        {412, "not_sent"},
	"range_not_satisfiable":      {416, "not_sent"},
	"caller_not_allowed":         {403, "not_sent"},
	"operation_unknown":          {404, "not_sent"},
	"method_not_allowed":         {405, "not_sent"},
	"body_too_large":             {413, "not_sent"},
	"content_type_unsupported":   {415, "not_sent"},
	"fields_invalid":             {422, "not_sent"},
	"overloaded":                 {503, "not_sent"},
	"body_timeout":               {408, "not_sent"},
	"gateway_bad_request":        {400, "rejected"},
	"gateway_unauthorized":       {502, "rejected"},
	"payment_expired":            {402, "rejected"},
	"payment_cancelled":          {402, "rejected"},
	"authentication_failed":      {402, "rejected"},
	"transaction_duplicate":      {409, "rejected"},
	"provider_unreachable":       {502, "rejected"},
	"provider_unavailable":       {503, "rejected"},
	"provider_timeout":           {504, "unknown"},
	"response_code_unexpected":   {502, "unknown"},
	"response_signature_missing": {502, "unknown"},
	"response_signature_invalid": {502, "unknown"},
	"response_malformed":         {502, "unknown"},
	"gateway_unreachable":        {502, "not_sent"},
	"gateway_timeout":            {504, "unknown"},
	"gateway_no_answer":          {502, "unknown"},
	"signature_invalid":          {403, ""},
	"callback_malformed":         {400, ""},
	"app_unavailable":            {503, ""},
	"store_unavailable":          {503, "not_sent"},
	"in_progress":                {409, "unknown"},
	"idempotency_key_reused":     {422, "unknown"},
	"settled":                    {409, "rejected"},
	"page_lost":                  {409, "rejected"},
}

// declared are the codes that the source declares.
func declared(t *testing.T) []Code {
	t.Helper()
	var all []Code
	for _, value := range sourcetest.Constants(t, ".", "Code") {
		all = append(all, Code(value))
	}
	return all
}

func TestContractOfProblems(t *testing.T) {
	all := declared(t)
	if len(all) != len(contract) || len(Codes()) != len(contract) {
		t.Errorf("%d codes are declared, %d are listed, %d are promised", len(all), len(Codes()), len(contract))
	}
	for _, code := range all {
		want, ok := contract[code]
		if !ok {
			t.Errorf("%s is declared, but promised nowhere", code)
			continue
		}
		p := of(code, say("Use it.", "Hãy dùng."))
		if p.Status() != want.status || p.Outcome != want.outcome {
			t.Errorf("%s: %d %q, expected %d %q", code, p.Status(), p.Outcome, want.status, want.outcome)
		}
	}
}

func TestTitlesOfCodes(t *testing.T) {
	seen := make(map[language.Text]Code)
	for _, code := range declared(t) {
		title := code.Title()
		wantText(t, string(code), title)
		if other, ok := seen[title]; ok {
			t.Errorf("%s and %s have one title", code, other)
		}
		seen[title] = code
	}
	for _, code := range Codes() {
		if !slices.Contains(declared(t), code) {
			t.Errorf("the table has %s, which is not a code", code)
		}
	}
}

// docs/problems.md is where every problem's type leads to, to the heading of its
// code. The line under it has status and outcome.
func TestProblemsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[Code]string)
	for _, section := range strings.Split("\n"+string(page), "\n### ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		described[Code(strings.TrimSpace(heading))] = text
	}
	all := declared(t)
	for _, code := range all {
		text, ok := described[code]
		if !ok {
			t.Errorf("no heading for %s", code)
			continue
		}
		want := strconv.Itoa(code.Status())
		if outcome := code.Outcome(); outcome != "" {
			want += ", `" + string(outcome) + "`"
		}
		if !strings.HasPrefix(text, want+".") && !strings.HasPrefix(text, want+":") {
			t.Errorf("the text on %s does not begin with %q", code, want+".")
		}
	}
	for code := range described {
		if !slices.Contains(all, code) {
			t.Errorf("a heading for %s, which is not a code", code)
		}
	}
}

// Codes are written in URLs, logs and metrics, and programs compare with them.
func TestCodesAreWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, code := range declared(t) {
		if !word.MatchString(string(code)) {
			t.Errorf("%q", code)
		}
	}
}
