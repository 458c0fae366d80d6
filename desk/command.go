package desk

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// InboxCommand returns the command "caddy galaxypay inbox" with its subcommands. Each calls
// the admin API of a running sidecar.
func InboxCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "inbox",
		Short: "Shows the events in the inbox of a running sidecar, and delivers them again",
		Long: `Shows the events in the inbox of a running sidecar, and delivers them again.
It calls Caddy's admin API, which the configuration must not turn off.`,
	}
	addAddressFlags(c)
	c.AddCommand(listCommand(), showCommand(), replayCommand(), exportCommand(), statsCommand())
	RefuseUnknown(c)
	return c
}

// RefuseUnknown makes a command that only has subcommands fail for what is none of them, with their
// names; Cobra would print the help, and end as if all was well.
func RefuseUnknown(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) == 1 && args[0] == "help" {
			return cmd.Help()
		}
		var known []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				known = append(known, sub.Name())
			}
		}
		return fmt.Errorf("unknown subcommand %q of %q; known are %s", args[0], cmd.CommandPath(), strings.Join(known, ", "))
	}
}

// one accepts a single argument, and says what it is.
func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("expected %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Lists events, the oldest first, without their messages",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Events []inbox.Record
				More   bool
			}
			if err := requestJSON(cmd, listRoute, flagParameters(cmd), &answer); err != nil {
				return err
			}
			if answer.More {
				cmd.PrintErrln("There are more events. Add a filter, or give a higher --limit.")
			}
			return writeEventTable(cmd.OutOrStdout(), answer.Events)
		},
	}
	addFilterFlags(c)
	addLimitFlag(c, "100")
	return c
}

func showCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show <id>",
		Short: "Shows an event with its message, as JSON",
		Long: `Shows an event with its message, as JSON. The beginning of the id is enough where only
one event has an id that begins so.`,
		Args: one("the id of an event, or its beginning"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			parameters.Set("id", args[0])
			return printAnswer(cmd, showRoute, parameters)
		},
	}
	addQueueFlag(c)
	return c
}

func replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay [<id>]",
		Short: "Delivers an event again, or those that the flags pick",
		Example: `  caddy galaxypay inbox replay 5b7e...
  caddy galaxypay inbox replay --state dead`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			if len(args) == 1 {
				parameters.Set("id", args[0])
			}
			var answer struct{ Replayed int }
			if err := requestJSON(cmd, replayRoute, parameters, &answer); err != nil {
				return err
			}
			cmd.Printf("Events to be delivered again: %d\n", answer.Replayed)
			return nil
		},
	}
	addFilterFlags(c)
	c.Flags().Bool("all", false, "All events, including delivered ones, except overtaken ones")
	return c
}

func exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Prints events with their messages, as JSON lines",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printAnswer(cmd, exportRoute, flagParameters(cmd))
		},
	}
	addFilterFlags(c)
	addLimitFlag(c, "none")
	return c
}

func statsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Counts the events",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var stats inbox.Stats
			if err := requestJSON(cmd, statsRoute, nil, &stats); err != nil {
				return err
			}
			return writeStatsTable(cmd.OutOrStdout(), stats)
		},
	}
}

// addFilterFlags adds the flags that flagParameters turns into parameters of the same names.
func addFilterFlags(c *cobra.Command) {
	addQueueFlag(c)
	f := c.Flags()
	f.String("order", "", "Only events of this order, by its orderID")
	f.String("transaction", "", "Only events of this transaction, by its transactionID, or the orderNo of a payment link")
	f.String("request", "", "Only events about this request, by its requestID")
	f.String("state", "", "Only events that are pending, delivered, dead, overtaken or repeated")
	f.String("payment-status", "", "Only events that say paid, cancelled, expired, pending or failed")
	f.String("since", "", "Only events that arrived at this time or later, such as 2026-12-31T00:00:00+07:00")
	f.String("until", "", "Only events that arrived before this time")
}

func addQueueFlag(c *cobra.Command) {
	c.Flags().String("queue", "", "Only events of this merchant; with a blank and the address of a gateway, only those of that one")
}

func addLimitFlag(c *cobra.Command, byDefault string) {
	c.Flags().String("limit", "", "At most this many events (default: "+byDefault+")")
}

// flagParameters converts the command's own flags to query parameters. An empty flag is sent
// too, so that the API refuses it: it may come from a variable that is not set.
func flagParameters(cmd *cobra.Command) url.Values {
	parameters := make(url.Values)
	for _, name := range []string{"queue", "order", "transaction", "request", "state", "payment-status", "since", "until", "limit", "all",
		"merchant", "operation", "outcome", "reason", "day", "zone", "totals"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			parameters.Set(strings.ReplaceAll(name, "-", "_"), flag.Value.String())
		}
	}
	return parameters
}
