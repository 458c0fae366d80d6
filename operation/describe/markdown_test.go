package describe

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

var update = flag.Bool("update", false, "write docs/operations.md")

// The page in the repository is the one that the catalogue gives.
func TestReferencePage(t *testing.T) {
	const path = "../../docs/operations.md"
	if *update {
		if err := os.WriteFile(path, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(Markdown(), "\n"), strings.Split(string(stored), "\n")
	if slices.Equal(want, got) {
		return
	}
	line := 0
	for line < min(len(want), len(got)) && want[line] == got[line] {
		line++
	}
	t.Errorf("docs/operations.md is not what the catalogue gives, from line %d on; write it with\n"+
		"\tgo test ./operation/describe -run TestReferencePage -update", line+1)
}

// Every link leads to a heading, and no two headings have the same address.
func TestReferencePageLinks(t *testing.T) {
	text := Markdown()
	headings := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		anchor := strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")
		if headings[anchor] {
			t.Errorf("two headings at #%s", anchor)
		}
		headings[anchor] = true
	}
	links := regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1)
	if len(links) < len(operation.All()) {
		t.Errorf("%d links for %d operations", len(links), len(operation.All()))
	}
	for _, match := range links {
		if !headings[match[1]] {
			t.Errorf("no heading #%s", match[1])
		}
	}
}

// A row with another number of cells than its heading falls apart when it is shown.
func TestReferencePageTables(t *testing.T) {
	columns, rows := 0, 0
	for line := range strings.Lines(Markdown()) {
		cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") - 1
		switch {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = cells
		case cells != columns:
			t.Errorf("%d cells in a table of %d: %s", cells, columns, line)
		default:
			rows++
		}
	}
	if rows < 300 {
		t.Errorf("%d rows only", rows)
	}
}

func TestReferencePageTells(t *testing.T) {
	text := Markdown()
	for what, want := range map[string]string{
		"a mandatory field":         "| `orderID` | text | 50 | yes |",
		"a fixed field":             "| `apiOperation` | text |  | added: `FAST_PAY` |",
		"a condition":               "| when sourceOfFund is CARD |",
		"the opposite of one":       "| unless paymentMethod is DOMESTIC or INTERNATIONAL |",
		"a substitute":              "| unless customerToken or tokenID is sent |",
		"a closed list":             "| `DAY`, `HOUR`, `MINUTE` |",
		"an open list":              "[currencies](#currencies)",
		"a secret":                  "| `cardNumber` | text, secret | 19 |",
		"a dispute":                 "**Disputed:** Mandatory in guide 3.6.1, optional on the web page.",
		"an object":                 "| `extraData` | [object](#extradata) |",
		"what is in an object":      "| `extraData.customer.email` | text | 50 |",
		"what is in an array":       "| `tokens[].accountBrand` |",
		"an address of its own":     "at the gateway `POST /api/v1/transaction/payWithQR`.",
		"an unpublished address":    "at the gateway `POST /api/v1/transaction/void` (**unpublished**",
		"Vietnamese":                "**Refund** · **Hoàn tiền**",
		"a code":                    "| `499` | Cancelled by the customer | Khách hàng đã hủy |",
		"an example as it is":       "\"orderDateTime\": 20220426083322,",
		"an answer as it is":        "\"transactionDescription\": \"Transaction is not completed.\",",
		"that an answer is unknown": "The documents list no fields of the answer.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s is missing", what, want)
		}
	}
}

func TestCell(t *testing.T) {
	if got := cell("a|b\nc"); got != `a\|b c` {
		t.Errorf("got %s", got)
	}
}
