package desk

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// PaymentsCommand returns the command "caddy galaxypay payments" with its subcommands. Each calls
// the admin API of a running sidecar.
func PaymentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "payments",
		Short: "Shows the calls in the ledger of a running sidecar, and settles those of unknown outcome",
		Long: `Shows the calls in the ledger of a running sidecar, and settles those of unknown outcome.
It calls Caddy's admin API, which the configuration must not turn off.`,
	}
	return group(c, listPaymentsCommand(), showStoryCommand(), exportPaymentsCommand(), reportCommand(), queryCommand(), settleCommand())
}

// isSet reports whether a flag that is on or off is on.
func isSet(cmd *cobra.Command, flag string) bool { return cmd.Flag(flag).Value.String() == "true" }

func listPaymentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Lists calls, the newest first",
		Example: `  caddy galaxypay payments list --order DH-1001
  caddy galaxypay payments list --outcome unknown`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, listPaymentsRoute, flagParameters(cmd))
			}
			var answer struct {
				Payments []payment
				More     bool
			}
			if err := requestJSON(cmd, listPaymentsRoute, flagParameters(cmd), &answer); err != nil {
				return err
			}
			if answer.More {
				sayMore(cmd)
			}
			return writePaymentTable(cmd.OutOrStdout(), answer.Payments)
		},
	}
	addPaymentFlags(c)
	addLimitFlag(c, "100")
	return c
}

func exportPaymentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Prints calls as JSON lines, or as CSV, the oldest first",
		Long: `Prints calls as JSON lines, or as CSV with --csv, the oldest first.
The CSV has a header; times are RFC 3339 in UTC. A cell that a spreadsheet could take for a formula begins with a quote (').`,
		Example: `  caddy galaxypay payments export --csv --since 2026-11-01T00:00:00+07:00 > november.csv
  caddy galaxypay payments export --payment-status paid`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			parameters := flagParameters(cmd)
			if isSet(cmd, "csv") {
				parameters.Set("format", formatCSV)
			}
			return printAnswer(cmd, exportPaymentsRoute, parameters)
		},
	}
	addPaymentFlags(c)
	addLimitFlag(c, "none")
	c.Flags().Bool("csv", false, "As CSV")
	addErrorsAsJSONFlag(c)
	return c
}

func reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report --day <day>",
		Short: "Prints what was paid, captured, refunded and voided on a day, as CSV",
		Long: `Prints what was paid, captured, refunded and voided on a day, as CSV, to lay beside the gateway's settlement. Then come
lines of kind "check": what became unknown, abandoned, silent or disputed on that day, which a person must look into.
The column counts is what a line adds to the total: minus for refunds, and for voids of what was paid.`,
		Example: `  caddy galaxypay payments report --day 2026-11-28 > 2026-11-28.csv
  caddy galaxypay payments report --day 2026-11-28 --totals`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printAnswer(cmd, reportPaymentsRoute, flagParameters(cmd))
		},
	}
	addErrorsAsJSONFlag(c)
	f := c.Flags()
	f.String("day", "", "The day, such as 2026-11-28; required")
	f.String("zone", "", "Where the day begins and ends, as an offset (default: "+reportZone+")")
	f.Bool("totals", false, "Only the sums, for each merchant, currency and kind")
	f.String("merchant", "", "Only calls in this merchant's name; with a blank and the address of a gateway, only those to that one")
	return c
}

// addErrorsAsJSONFlag is for a command whose form of output is fixed, or is chosen by another flag.
func addErrorsAsJSONFlag(c *cobra.Command) {
	c.Flags().Bool("json", false, "Print errors as JSON, on standard error")
}

// addPaymentFlags adds the flags that pick calls.
func addPaymentFlags(c *cobra.Command) {
	f := c.Flags()
	f.String("merchant", "", "Only calls in this merchant's name; with a blank and the address of a gateway, only those to that one")
	f.String("order", "", "Only calls with this orderID")
	f.String("transaction", "", "Only calls of, or about, this transactionID, or the orderNo of a payment link")
	f.String("request", "", "Only the call with this requestID")
	f.String("operation", "", "Only calls of this operation, by short name")
	f.String("outcome", "", "Only calls that are at_work, accepted, rejected, not_sent or unknown")
	f.String("payment-status", "", "Only payments that are open, paid, authorized, reversed, cancelled, expired, failed, unknown, abandoned or silent")
	f.String("since", "", "Only calls that were made at this time or later, such as 2026-12-31T00:00:00+07:00")
	f.String("until", "", "Only calls that were made before this time")
}

func showStoryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show <requestID|orderID|transactionID>",
		Short: "Shows the whole story of an order",
		Long: `Shows the whole story of an order, in the order of time: what was signed and answered, every callback and delivery,
every question to the gateway, and what an operator settled. Refunds, voids and captures of its transactions are part
of it. The beginning of a requestID is enough where only one call has a requestID that begins so. Times are UTC.`,
		Example: `  caddy galaxypay payments show DH-1001
  caddy galaxypay payments show 2306154612216981190343178 --json`,
		Args: command.Arguments(1, "a requestID, orderID or transactionID", "một requestID, orderID hoặc transactionID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			parameters.Set("id", args[0])
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, showStoryRoute, parameters)
			}
			var s story
			if err := requestJSON(cmd, showStoryRoute, parameters, &s); err != nil {
				return err
			}
			return writeStory(cmd.OutOrStdout(), &s)
		},
	}
	c.Flags().String("merchant", "", "The merchant, where several have it; with a blank and the address of a gateway, only that one")
	return c
}

func queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "query <requestID>",
		Short: "Asks the gateway about a payment now",
		Long: `Asks the gateway about a payment now, and does not wait for the schedule of reconcile, which goes on as it was.
What the gateway says is recorded, and if it is news, the app gets it like an IPN. Prints what it said, and the record, as JSON.`,
		Example: `  caddy galaxypay payments query DH-1001-pay-1`,
		Args:    command.Arguments(1, "a requestID", "một requestID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			parameters.Set("request", args[0])
			return printAnswer(cmd, queryPaymentRoute, parameters)
		},
	}
	c.Flags().String("merchant", "", "The merchant, where several have a call with this requestID")
	return c
}

func settleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "settle <requestID> accepted|rejected|not_sent --reason <text>",
		Short: "Ends the unknown outcome of a call, by what the gateway's support has told you",
		Long: `Ends the unknown outcome of a call, by what the gateway's support has told you.
After accepted, the same call is answered 200; after rejected, 409 settled; after not_sent it is sent again.
The reason is kept with the record.`,
		Example: `  caddy galaxypay payments settle DH-1001-refund-1 rejected --reason "gateway ticket 4711: no such refund"`,
		Args:    command.Arguments(2, "a requestID, and accepted, rejected or not_sent", "một requestID, và accepted, rejected hoặc not_sent"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parameters := flagParameters(cmd)
			parameters.Set("request", args[0])
			parameters.Set("as", args[1])
			return printAnswer(cmd, settlePaymentRoute, parameters)
		},
	}
	c.Flags().String("merchant", "", "The merchant, where several have a call with this requestID")
	c.Flags().String("reason", "", "Why; required")
	return c
}

// writePaymentTable writes one line for each call.
func writePaymentTable(w io.Writer, payments []payment) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RECORDED\tMERCHANT\tOPERATION\tORDER\tAMOUNT\tOUTCOME\tPAYMENT\tREQUEST\tTRANSACTIONS")
	for _, p := range payments {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n", p.RecordedAt.Format(time.RFC3339), p.Merchant, printable(p.Operation),
			printable(p.OrderID), printable(p.Amount), printable(p.Currency), p.Outcome, p.Status, printable(p.RequestID), printable(transactionsOf(p)))
	}
	return t.Flush()
}

// transactionsOf names the transactions of a call, and the one that it is about.
func transactionsOf(p payment) string {
	names := strings.Join(p.Transactions, ", ")
	if p.About == "" {
		return names
	}
	return strings.TrimSpace(names + " about " + p.About)
}
