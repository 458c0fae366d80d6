package command

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

func checkLanguage(c *cobra.Command) error {
	if value := c.Flag("lang").Value.String(); value != "" && !language.Is(value) {
		return Usage("--lang: expected en or vi, got %q", "--lang: cần en hoặc vi, không phải %q", value)
	}
	return nil
}

// Language is that of --lang, else that of the environment, as programs of this kind choose it.
func Language(c *cobra.Command) language.Tag {
	if flag := c.Flag("lang"); flag != nil && language.Is(flag.Value.String()) {
		return language.Tag(flag.Value.String())
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			return languageOfLocale(value)
		}
	}
	return language.English
}

// languageOfLocale reads vi, vi_VN, vi.UTF-8 and vi-VN as Vietnamese, and everything else as English.
func languageOfLocale(locale string) language.Tag {
	name, _, _ := strings.Cut(strings.NewReplacer(".", "_", "-", "_").Replace(locale), "_")
	if strings.EqualFold(name, string(language.Vietnamese)) {
		return language.Vietnamese
	}
	return language.English
}

// Say is a sentence in the language of a command.
func Say(c *cobra.Command, en, vi string) string { return language.Both(en, vi).In(Language(c)) }

// WantsJSON reports whether a command prints JSON.
func WantsJSON(c *cobra.Command) bool {
	asJSON, _ := c.Flags().GetBool("json")
	return asJSON
}

// PrintJSON prints one value on a line of its own.
func PrintJSON(c *cobra.Command, value any) error {
	encoder := json.NewEncoder(c.OutOrStdout())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
