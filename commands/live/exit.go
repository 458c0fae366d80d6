package live

import (
	"encoding/json"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// The exit codes. 0 is yes.
const (
	exitNo          = 1   // refused, unhealthy
	exitUsage       = 2   // a flag is wrong
	exitUnreachable = 3   // a file or the network gave no answer
	exitInterrupted = 130 // by the user
)

// failure ends a command. A text without words was said before.
type failure struct {
	code int
	text language.Text
}

// Error implements error.
func (f *failure) Error() string { return f.text.En }

func failed(code int, en, vi string, args []any) error {
	if len(args) > 0 {
		en, vi = fmt.Sprintf(en, args...), fmt.Sprintf(vi, args...)
	}
	return &failure{code, language.Both(en, vi)}
}

// no ends a command with code 1.
func no(en, vi string, args ...any) error { return failed(exitNo, en, vi, args) }

// usage ends a command with code 2.
func usage(en, vi string, args ...any) error { return failed(exitUsage, en, vi, args) }

// unreachable ends a command with code 3.
func unreachable(en, vi string, args ...any) error { return failed(exitUnreachable, en, vi, args) }

// interrupted ends a command with code 130.
func interrupted() error { return &failure{code: exitInterrupted} }

// saidNo ends a command with code 1 that has printed why.
func saidNo() error { return &failure{code: exitNo} }

// end prints an error, and returns the one with which Caddy ends with its code.
func end(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{exitUnreachable, language.Both(err.Error(), err.Error())}
	}
	printFailure(c, f)
	c.SilenceErrors = true
	if f.code == exitNo {
		return err
	}
	// Caddy passes on a code above 1 only in an error of this function's making.
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return f.code, nil })(c, nil)
}

// sentence is an error in the language of a command.
func sentence(c *cobra.Command, err error) string {
	tag, _ := languageOf(c) // checked before the command runs
	if f, ok := errors.AsType[*failure](err); ok {
		return f.text.In(tag)
	}
	return err.Error()
}

func printFailure(c *cobra.Command, f *failure) {
	tag, _ := languageOf(c) // English, if that is what is wrong
	text := f.text.In(tag)
	if text == "" {
		return
	}
	if !wantsJSON(c) {
		c.PrintErrln(say(c, "Error: ", "Lỗi: ") + text)
		return
	}
	line, _ := json.Marshal(map[string]any{"error": text, "exitCode": f.code})
	c.PrintErrln(string(line))
}
