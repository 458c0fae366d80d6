package commands

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// languageOf is the language of --lang, else that of the environment, as programs of this kind choose it.
func languageOf(c *cobra.Command) (language.Tag, error) {
	switch chosen := c.Flag("lang").Value.String(); chosen {
	case string(language.English), string(language.Vietnamese):
		return language.Tag(chosen), nil
	case "":
		return languageOfEnvironment(), nil
	default:
		return "", usagef("--lang: expected en or vi, got %q", chosen)
	}
}

func languageOfEnvironment() language.Tag {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if value == "vi" || strings.HasPrefix(value, "vi_") || strings.HasPrefix(value, "vi.") || strings.HasPrefix(value, "vi-") {
				return language.Vietnamese
			}
			return language.English
		}
	}
	return language.English
}

// say is a sentence in the language of a command.
func say(c *cobra.Command, en, vi string) string {
	tag, _ := languageOf(c) // checked before the command runs
	return language.Both(en, vi).In(tag)
}

// wantsJSON reports whether a command has --json.
func wantsJSON(c *cobra.Command) bool {
	asJSON, _ := c.Flags().GetBool("json")
	return asJSON
}

// printJSON prints one JSON value on a line of its own.
func printJSON(c *cobra.Command, value any) error {
	encoder := json.NewEncoder(c.OutOrStdout())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
