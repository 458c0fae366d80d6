// Package command holds what all subcommands of "caddy galaxypay" have in common: the flags --json and --lang, exit codes, errors
// in two languages, and how texts and secrets are read.
package command

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Complete adds to a command the flags --json and --lang, where it has none of its own, and makes what is wrong with its flags and
// arguments, and the error of its RunE, end it with an exit code. Without Args it takes none.
func Complete(c *cobra.Command) *cobra.Command {
	if c.Flags().Lookup("json") == nil {
		c.Flags().Bool("json", false, "Print JSON; errors too, on standard error")
	}
	c.Flags().String("lang", "", "The language of sentences: en or vi (default: that of LC_ALL, LC_MESSAGES or LANG)")
	c.SetFlagErrorFunc(refuseFlag)
	fits, run := c.Args, c.RunE
	if fits == nil {
		fits = noArguments
	}
	c.Args = func(c *cobra.Command, args []string) error { return End(c, fits(c, args)) }
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := checkLanguage(c); err != nil {
			return End(c, err)
		}
		return End(c, run(c, args))
	}
	return c
}

// noArguments does not repeat the argument: it may be a secret.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return Usage("unexpected argument: everything is given by flags; see --help", "có tham số thừa: mọi thứ được truyền bằng cờ; xem --help")
}

// Arguments accepts that many arguments, and says what they are.
func Arguments(number int, en, vi string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == number {
			return nil
		}
		return Usage("expected "+en+", got %d arguments; see --help", "cần "+vi+", không phải %d tham số; xem --help", len(args))
	}
}

// refuseFlag says in both languages what is wrong with a flag.
func refuseFlag(c *cobra.Command, err error) error {
	vi := err.Error()
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		vi = "không có cờ " + withDashes(unknown.GetSpecifiedName())
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		vi = "cờ " + withDashes(empty.GetSpecifiedName()) + " cần một giá trị"
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		vi = "giá trị không hợp lệ cho --" + wrong.GetFlag().Name
	}
	return End(c, Usage("%[1]s; see --help", "%[2]s; xem --help", err, vi))
}

func withDashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// Group makes a command that only has subcommands fail for what is none of them, with their names; Cobra would print the help, and
// end as if all was well.
func Group(c *cobra.Command) *cobra.Command {
	c.SetFlagErrorFunc(refuseFlag)
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) == 1 && args[0] == "help" {
			return c.Help()
		}
		var known []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				known = append(known, sub.Name())
			}
		}
		return End(c, Usage("unknown subcommand %q of %q; known are %s", "không có lệnh con %q của %q; các lệnh con là %s",
			args[0], c.CommandPath(), strings.Join(known, ", ")))
	}
	return c
}
