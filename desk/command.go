package desk

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
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
	return group(c, listCommand(), showCommand(), replayCommand(), exportCommand(), statsCommand())
}

// group adds subcommands, which all have the same flags and exit codes.
func group(c *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	addAddressFlags(c)
	for _, sub := range subcommands {
		sub.Long = strings.TrimSpace(cmp.Or(sub.Long, sub.Short+".") + exitCodes)
		c.AddCommand(command.Complete(sub))
	}
	return command.Group(c)
}

const exitCodes = `

Exit codes: 0 done; 1 refused, or it failed; 2 wrong usage; 3 no answer of the admin API, the gateway
or the store, or a file cannot be read.`

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Lists events, the oldest first, without their messages",
		Example: `  caddy galaxypay inbox list --order DH-1001
  caddy galaxypay inbox list --state dead --json | jq -r '.events[].id'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, listRoute, flagParameters(cmd))
			}
			var answer struct {
				Events []inbox.Record
				More   bool
			}
			if err := requestJSON(cmd, listRoute, flagParameters(cmd), &answer); err != nil {
				return err
			}
			if answer.More {
				sayMore(cmd)
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
		Example: `  caddy galaxypay inbox show 5b7e`,
		Args:    command.Arguments(1, "the id of an event, or its beginning", "id của một sự kiện, hoặc phần đầu của nó"),
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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) <= 1 {
				return nil
			}
			return command.Usage("expected the id of an event at most, got %d arguments; see --help", "cần nhiều nhất id của một sự kiện, không phải %d tham số; xem --help", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			if len(args) == 1 {
				parameters.Set("id", args[0])
			}
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, replayRoute, parameters)
			}
			var answer struct{ Replayed int }
			if err := requestJSON(cmd, replayRoute, parameters, &answer); err != nil {
				return err
			}
			cmd.Printf(command.Say(cmd, "Events to be delivered again: %d\n", "Số sự kiện sẽ được giao lại: %d\n"), answer.Replayed)
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
		Example: `  caddy galaxypay inbox export > inbox.jsonl
  caddy galaxypay inbox export --since 2026-11-01T00:00:00+07:00 | jq -r .orderID`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printAnswer(cmd, exportRoute, flagParameters(cmd))
		},
	}
	addFilterFlags(c)
	addLimitFlag(c, "none")
	addErrorsAsJSONFlag(c)
	return c
}

func statsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Counts the events",
		Example: `  caddy galaxypay inbox stats
  caddy galaxypay inbox stats --json | jq .states.dead`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, statsRoute, nil)
			}
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

// sayMore says that a list is cut.
func sayMore(cmd *cobra.Command) {
	cmd.PrintErrln(command.Say(cmd, "There are more. Add a filter, or give a higher --limit.", "Còn nữa. Hãy thêm bộ lọc, hoặc tăng --limit."))
}

func addQueueFlag(c *cobra.Command) {
	c.Flags().String("queue", "", "Only events of this merchant; with a blank and the address of a gateway, only those of that one")
}

func addLimitFlag(c *cobra.Command, byDefault string) {
	c.Flags().String("limit", "", "At most this many (default: "+byDefault+")")
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
