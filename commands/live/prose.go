package live

import (
	"encoding/json"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// languageOf is the language of --lang, else that of the environment. With an error it is English.
func languageOf(c *cobra.Command) (language.Tag, error) {
	flag := c.Flag("lang")
	if flag == nil || flag.Value.String() == "" {
		return languageOfEnvironment(), nil
	}
	for _, tag := range language.Tags() {
		if flag.Value.String() == string(tag) {
			return tag, nil
		}
	}
	return language.English, usage("--lang: expected en or vi, got %q", "--lang: cần en hoặc vi, không phải %q", flag.Value.String())
}

func languageOfEnvironment() language.Tag {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if tag, _, _ := strings.Cut(strings.ReplaceAll(value, ".", "_"), "_"); strings.EqualFold(tag, "vi") {
			return language.Vietnamese
		}
		return language.English
	}
	return language.English
}

// say is a sentence in the language of a command.
func say(c *cobra.Command, en, vi string) string {
	tag, _ := languageOf(c) // checked before the command runs
	return language.Both(en, vi).In(tag)
}

// wantsJSON reports whether a command prints JSON.
func wantsJSON(c *cobra.Command) bool {
	asJSON, _ := c.Flags().GetBool("json")
	return asJSON
}

// printJSON prints one value on a line of its own.
func printJSON(c *cobra.Command, value any) error {
	encoder := json.NewEncoder(c.OutOrStdout())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printable replaces what could steer the terminal, since the text comes from elsewhere.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// nearest is the known name that is the most like one, for the end of an error.
func nearest(name string, known []string) string {
	best, distance := "", len(name)/2+2
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts the letters to add, to remove or to change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
