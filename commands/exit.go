package commands

import (
	"encoding/json"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// The exit codes. 0 is yes.
const (
	exitNo          = 1 // not proven
	exitUsage       = 2 // a flag is wrong
	exitUnreachable = 3 // a file cannot be read
)

// errNo ends a command with code 1. What there is to say has been printed.
var errNo = errors.New("no")

// usageError ends a command with code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// refusedError ends a command with code 1, with a sentence why.
type refusedError struct{ error }

// fail ends a command with the exit code of an error, and prints the error; with code 0 for none. Any error that is not one of
// the above is a file that cannot be read.
func fail(c *cobra.Command, err error) error {
	code := exitUnreachable
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNo):
		c.SilenceErrors = true
		return errNo
	case isA[usageError](err):
		code = exitUsage
	case isA[refusedError](err):
		code = exitNo
	}
	printError(c, err, code)
	c.SilenceErrors = true
	if code == exitNo {
		return err
	}
	// Caddy's main passes on a code above 1 only in an error of this function's making.
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(c, nil)
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func printError(c *cobra.Command, err error, code int) {
	if asJSON, _ := c.Flags().GetBool("json"); !asJSON {
		c.PrintErrf("Error: %s\n", err)
		return
	}
	line, _ := json.Marshal(map[string]any{"error": err.Error(), "exitCode": code})
	c.PrintErrln(string(line))
}
