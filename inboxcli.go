package galaxypay

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func inboxCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "inbox",
		Short: "Looks into the inbox of a running sidecar, and delivers again",
		Long: `Looks into the inbox of a running sidecar, and delivers again what it keeps.
It asks Caddy's admin API, which the configuration must not turn off.`,
	}
	flags := c.PersistentFlags()
	flags.String("address", "", "The address of the admin API (default: that of the configuration, else Caddy's)")
	flags.StringP("config", "c", "", "A configuration file to take the address from")
	flags.StringP("adapter", "a", "", "The adapter of that file")
	c.AddCommand(inboxListCommand(), inboxShowCommand(), inboxReplayCommand(), inboxExportCommand(), inboxStatsCommand())
	return c
}

func inboxListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Lists events, the oldest first, without their messages",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Events []inbox.Record
				More   bool
			}
			if err := askInboxJSON(cmd, "list", picked(cmd), &answer); err != nil {
				return err
			}
			if answer.More {
				cmd.PrintErrln("There are more events; narrow the list down, or give a higher --limit.")
			}
			return writeInboxTable(cmd.OutOrStdout(), answer.Events)
		},
	}
	addFilterFlags(c)
	addLimitFlag(c, "100")
	return c
}

func inboxShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show <id>",
		Short: "Shows an event with its message, as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := picked(cmd)
			parameters.Set("id", args[0])
			return copyInbox(cmd, "show", parameters)
		},
	}
	addQueueFlag(c)
	return c
}

func inboxReplayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay [<id>]",
		Short: "Delivers an event again, or those that the flags pick",
		Example: `  caddy galaxypay inbox replay 5b7e...
  caddy galaxypay inbox replay --state dead`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := picked(cmd)
			if len(args) == 1 {
				parameters.Set("id", args[0])
			}
			var answer struct{ Replayed int }
			if err := askInboxJSON(cmd, "replay", parameters, &answer); err != nil {
				return err
			}
			cmd.Printf("Events to be delivered again: %d\n", answer.Replayed)
			return nil
		},
	}
	addFilterFlags(c)
	c.Flags().Bool("all", false, "All events of the inbox, those that were delivered too, but not those that were overtaken")
	return c
}

func inboxExportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Prints events with their messages, as JSON lines",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return copyInbox(cmd, "export", picked(cmd))
		},
	}
	addFilterFlags(c)
	addLimitFlag(c, "none")
	return c
}

func inboxStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Counts the events",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var stats inbox.Stats
			if err := askInboxJSON(cmd, "stats", nil, &stats); err != nil {
				return err
			}
			return writeInboxStats(cmd.OutOrStdout(), stats)
		},
	}
}

// addFilterFlags adds the flags that picked turns into parameters of the same names.
func addFilterFlags(c *cobra.Command) {
	addQueueFlag(c)
	f := c.Flags()
	f.String("transaction", "", "Only events of this transaction")
	f.String("state", "", "Only events that are pending, delivered, dead or overtaken")
	f.String("payment-status", "", "Only events that say paid, cancelled, expired, pending or failed")
	f.String("since", "", "Only events that arrived at this time or later, such as 2026-12-31T00:00:00+07:00")
	f.String("until", "", "Only events that arrived before this time")
}

func addQueueFlag(c *cobra.Command) {
	c.Flags().String("queue", "", "Only events of this merchant")
}

func addLimitFlag(c *cobra.Command, unless string) {
	c.Flags().String("limit", "", "At most this many events (default: "+unless+")")
}

// picked is what the flags of the command itself say, as parameters of the admin API. An
// empty one is sent too, to be refused: it may come of a variable that is not set.
func picked(cmd *cobra.Command) url.Values {
	parameters := make(url.Values)
	for _, name := range []string{"queue", "transaction", "state", "payment-status", "since", "until", "limit", "all"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			parameters.Set(strings.ReplaceAll(name, "-", "_"), flag.Value.String())
		}
	}
	return parameters
}

// askInbox asks the admin API of the running Caddy.
func askInbox(cmd *cobra.Command, route string, parameters url.Values) (*http.Response, error) {
	text := func(flag string) string { return cmd.Flag(flag).Value.String() }
	address, err := caddycmd.DetermineAdminAPIAddress(text("address"), nil, text("config"), text("adapter"))
	if err != nil {
		return nil, err
	}
	method := http.MethodGet
	if route == "replay" {
		method = http.MethodPost
	}
	uri := inboxAdminPath + route
	if len(parameters) > 0 {
		uri += "?" + parameters.Encode()
	}
	return caddycmd.AdminAPIRequest(address, method, uri, nil, nil)
}

func askInboxJSON(cmd *cobra.Command, route string, parameters url.Values, answer any) error {
	response, err := askInbox(cmd, route, parameters)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

// copyInbox prints the admin API's answer as it comes.
func copyInbox(cmd *cobra.Command, route string, parameters url.Values) error {
	response, err := askInbox(cmd, route, parameters)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), response.Body)
	return err
}

func writeInboxTable(w io.Writer, events []inbox.Record) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RECEIVED\tSTATE\tPAYMENT\tQUEUE\tTRANSACTION\tATTEMPTS\tID\tLAST ERROR")
	for _, e := range events {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", e.ReceivedAt.Format(time.RFC3339), e.State, e.PaymentStatus,
			e.Queue, onTerminal(e.Transaction), e.Attempts, e.ID, onTerminal(e.LastError))
	}
	return t.Flush()
}

func writeInboxStats(w io.Writer, stats inbox.Stats) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, state := range inbox.States() {
		fmt.Fprintf(t, "%s\t%d\n", state, stats.States[state])
	}
	fmt.Fprintf(t, "quarantined\t%d\n", stats.Quarantined)
	if !stats.Oldest.IsZero() {
		fmt.Fprintf(t, "oldest pending\t%s\n", stats.Oldest.Format(time.RFC3339))
	}
	return t.Flush()
}

// onTerminal keeps what came over the network from steering the terminal.
func onTerminal(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
