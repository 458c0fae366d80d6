package command

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
	codeNo          = 1   // not proven, refused, unhealthy
	codeUsage       = 2   // a flag or an argument is wrong
	codeUnreachable = 3   // a file or the network gave no answer
	codeInterrupted = 130 // by the user
)

// ExitError ends a command with an exit code. Without words, what there is to say has been printed.
type ExitError struct {
	code int
	// Text is the sentence, in both languages.
	Text language.Text
}

// Error implements error, in English.
func (f *ExitError) Error() string { return f.Text.En }

// IsNo reports whether an error ends a command with code 1.
func IsNo(err error) bool {
	f, ok := errors.AsType[*ExitError](err)
	return ok && f.code == codeNo
}

func failed(code int, en, vi string, args []any) error {
	if len(args) > 0 {
		en, vi = fmt.Sprintf(en, args...), fmt.Sprintf(vi, args...)
	}
	return &ExitError{code, language.Both(en, vi)}
}

// No ends a command with code 1: refused, or unhealthy. Both texts are formats of the same arguments, here and below.
func No(en, vi string, args ...any) error { return failed(codeNo, en, vi, args) }

// Usage ends a command with code 2: a flag or an argument is wrong, and nothing was done.
func Usage(en, vi string, args ...any) error { return failed(codeUsage, en, vi, args) }

// Unreachable ends a command with code 3: a file cannot be read, or the network gave no answer.
func Unreachable(en, vi string, args ...any) error { return failed(codeUnreachable, en, vi, args) }

// Interrupted ends a command with code 130, without words.
func Interrupted() error { return &ExitError{code: codeInterrupted} }

// SaidNo ends a command with code 1 that has printed why.
func SaidNo() error { return &ExitError{code: codeNo} }

// ended is the error with which Caddy's main ends with an exit code.
type ended struct {
	*ExitError
	code error
}

// Unwrap lets Caddy's main find the code.
func (e ended) Unwrap() error { return e.code }

// End prints an error in the language of a command, and returns the one with which Caddy ends with its exit code. An error that is
// no ExitError is a file, or a network, that gave no answer.
func End(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*ExitError](err)
	if !ok {
		f = &ExitError{codeUnreachable, language.Both(err.Error(), err.Error())}
	}
	printFailure(c, f)
	c.SilenceErrors = true
	if f.code == codeNo {
		return f
	}
	// Caddy passes on a code above 1 only in an error of this function's making.
	return ended{f, caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return f.code, nil })(c, nil)}
}

// Sentence is an error in the language of a command.
func Sentence(c *cobra.Command, err error) string {
	if f, ok := errors.AsType[*ExitError](err); ok {
		return f.Text.In(Language(c))
	}
	return err.Error()
}

func printFailure(c *cobra.Command, f *ExitError) {
	text := f.Text.In(Language(c))
	if text == "" {
		return
	}
	if !WantsJSON(c) {
		c.PrintErrln(Say(c, "Error: ", "Lỗi: ") + text)
		return
	}
	line, _ := json.Marshal(map[string]any{"error": text, "exitCode": f.code})
	c.PrintErrln(string(line))
}
