// Package secret resolves the placeholders of options when a configuration is loaded, and
// keeps their values out of errors.
package secret

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Resolve returns the secret that value refers to. A value that is missing, unset, empty,
// has something around it, or is no secret yet is an error: an empty key would verify
// everything. Its errors do not wrap the replacer's, which may quote a piece of a literal
// secret that holds braces, and hold nothing of the value.
func Resolve(value string) (string, error) {
	if value == "" {
		return "", errors.New("missing; give it as {env.NAME} or {file./path}")
	}
	if err := checkReference(value); err != nil {
		return "", err
	}
	text, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil && IsPlaceholder(value) {
		return "", fmt.Errorf("%s is not set, empty or unreadable", value)
	}
	if err != nil {
		return "", errors.New(`cannot be resolved: expected {env.NAME} or {file./path}; a literal brace is written \{`)
	}
	if err := Check(text); err != nil {
		return "", err
	}
	return text, nil
}

// Plain returns the text of an option that is not secret, without its placeholders. Its
// errors name the option, and may quote the value.
func Plain(option, value string) (string, error) {
	text, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	return text, nil
}

// IsPlaceholder reports whether value is exactly one placeholder of a kind that keeps the
// secret itself out of the configuration.
func IsPlaceholder(value string) bool {
	return strings.Count(value, "{") == 1 && strings.IndexByte(value, '}') == len(value)-1 &&
		(strings.HasPrefix(value, "{env.") || strings.HasPrefix(value, "{file."))
}
