package architecture

import (
	"slices"
	"strings"
	"testing"
)

const (
	englishPage = "# Shop\n[Tiếng Việt](vi/shop.md)\n\n## Buy `x`\nSee [the list](list.md#all).\n\n" +
		"<!-- ci: buy -->\n```sh\n# Buy.\nbuy '# 1' \\# \"#\"  # one\n```\n\n| code | what |\n|---|---|\n| `a\\|b` | an a |\n\n```json\n{\"a\": \"# 1\"}\n```\n"
	vietnamesePage = "# Cửa hàng\n[English](../shop.md)\n\n## Mua `x`\nXem [danh sách](list.md#tất-cả).\n\n" +
		"<!-- ci: buy -->\n```sh\n# Mua.\nbuy '# 1' \\# \"#\" # một\n```\n\n| mã | là gì |\n|---|---|\n| `a\\|b` | một a |\n\n```json\n{\"a\": \"# 1\"}\n```\n"
)

var shopAnchors = anchors{"docs/list.md": "docs/vi/list.md", "docs/list.md#all": "docs/vi/list.md#tất-cả", "docs/shop.md": "docs/vi/shop.md"}

// Each difference that a reader of one language would suffer from is found, and nothing else.
func TestTranslationCompare(t *testing.T) {
	for name, test := range map[string]struct {
		old, replacement string // in the Vietnamese page
		want             string // in the complaint; empty: none
		summary          bool
	}{
		"in step":                                  {"", "", "", false},
		"no link to the other language":            {"[English](../shop.md)", "English", "no link to docs/shop.md", false},
		"an accent of its own":                     {"Cửa", "Cu\u031b\u0309a", "accent", false},
		"another level of heading":                 {"## Mua", "### Mua", "level", false},
		"other code in a heading":                  {"Mua `x`", "Mua `y`", "other code", false},
		"a heading is missing":                     {"## Mua `x`\n", "", "headings", false},
		"a heading more":                           {"## Mua", "## Bán\n## Mua", "other code", false},
		"another command":                          {"buy '# 1'", "buy '# 2'", "block of code 1", false},
		"a comment within quotes":                  {"\"#\"", "\"# hai\"", "block of code 1", false},
		"a mark that begins no comment":            {"\\#", "\\#2", "block of code 1", false},
		"a line of comment less":                   {"# Mua.\n", "", "block of code 1", false},
		"a command in a comment":                   {"buy '#", "# buy '#", "block of code 1", false},
		"another mark for CI":                      {"<!-- ci: buy -->", "<!-- ci: sell -->", "block of code 1", false},
		"no mark for CI":                           {"<!-- ci: buy -->\n", "", "block of code 1", false},
		"another language of the block":            {"```json", "```js", "block of code 2", false},
		"a text in JSON that looks like a comment": {"{\"a\": \"# 1\"}", "{\"a\": \"# một\"}", "block of code 2", false},
		"a block is missing":                       {"```json\n{\"a\": \"# 1\"}\n```\n", "", "block of code: there are 2", false},
		"a row is missing":                         {"| `a\\|b` | một a |\n", "", "table 1", false},
		"other code in the first column":           {"| `a\\|b` |", "| `a` |", "table 1", false},
		"a cell more":                              {"| một a |", "| một | a |", "table 1", false},
		"a link is missing":                        {"[danh sách](list.md#tất-cả)", "danh sách", "section 2", false},
		"a link to the English page":               {"(list.md#tất-cả)", "(../list.md#all)", "section 2", false},
		"a link to another heading":                {"#tất-cả", "#khác", "section 2", false},
		"a link to elsewhere":                      {"(list.md#tất-cả)", "(https://shop.example)", "section 2", false},
		"a link in the next section":               {"Xem [danh sách](list.md#tất-cả).\n", "", "section 2", false},

		"a summary with everything":           {"", "", "", true},
		"a summary without a block":           {"```json\n{\"a\": \"# 1\"}\n```\n", "", "", true},
		"a summary without the first block":   {"<!-- ci: buy -->\n```sh\n# Mua.\nbuy '# 1' \\# \"#\" # một\n```\n", "", "", true},
		"a summary with another command":      {"buy '# 1'", "buy '# 2'", "block of code 1", true},
		"a summary without a table":           {"| mã | là gì |\n|---|---|\n| `a\\|b` | một a |\n", "", "", true},
		"a summary with a part of a table":    {"| `a\\|b` | một a |\n", "", "table 1", true},
		"a summary without a heading":         {"## Mua `x`\n", "", "headings", true},
		"a summary without a link":            {"[danh sách](list.md#tất-cả)", "danh sách", "", true},
		"a summary with an English link":      {"(list.md#tất-cả)", "(../list.md#all)", "has to lead to docs/vi/list.md", true},
		"a summary with its own English page": {"(list.md#tất-cả)", "(../shop.md#buy-x)", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			pair := translation{english: "docs/shop.md", vietnamese: "docs/vi/shop.md"}
			if test.summary {
				pair.summary = "a reason"
			}
			if !strings.Contains(vietnamesePage, test.old) {
				t.Fatalf("the page has no %q", test.old)
			}
			got := strings.Join(pair.compare(englishPage, strings.Replace(vietnamesePage, test.old, test.replacement, 1), shopAnchors), "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("complaints: %q, want one with %q", got, test.want)
			}
		})
	}
}

func TestWithoutComments(t *testing.T) {
	for name, test := range map[string]struct{ language, code, want string }{
		"sh":                        {"sh", "a # b", "a"},
		"a line of its own":         {"sh", "# b", ""},
		"behind a tab":              {"caddyfile", "\ta\t# b", "\ta"},
		"no blank before it":        {"sh", "a#b", "a#b"},
		"in quotation marks":        {"sh", "a '# b' \"# c\" # d", "a '# b' \"# c\""},
		"an apostrophe in it":       {"sh", "a # b's", "a"},
		"an address":                {"php", "x('http://a') // b", "x('http://a')"},
		"the mark of another one":   {"sh", "a // b", "a // b"},
		"php has one kind":          {"php", "a # b", "a # b"},
		"sql":                       {"sql", "-- a", ""},
		"JSON has none":             {"json", "1 // a", "1 // a"},
		"output has none":           {"", "a # b", "a # b"},
		"an arrow in a diagram":     {"mermaid", "    A->>S: POST, Header: x", "    A->>S: "},
		"a name in a diagram":       {"mermaid", "    participant A as Your app", "    participant A as "},
		"another line in a diagram": {"mermaid", "sequenceDiagram", "sequenceDiagram"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := withoutComments(test.language, test.code+"\n"); got != test.want+"\n" {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestTranslationsAreFound(t *testing.T) {
	var names []string
	for _, pair := range translations(t) {
		names = append(names, pair.english+" "+pair.vietnamese)
	}
	for _, want := range []string{"README.md README.vi.md", "docs/ipn.md docs/vi/ipn.md"} {
		if !slices.Contains(names, want) {
			t.Errorf("not found: %s, in %q", want, names)
		}
	}
}
