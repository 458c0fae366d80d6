package desk

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// writeEventTable writes one line for each event. SAID is the ipnStatus that the app answered
// last.
func writeEventTable(w io.Writer, events []inbox.Record) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RECEIVED\tSTATE\tPAYMENT\tQUEUE\tORDER\tTRANSACTION\tATTEMPTS\tSAID\tID\tLAST ERROR")
	for _, e := range events {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", e.ReceivedAt.Format(time.RFC3339), e.State, e.PaymentStatus,
			inbox.MerchantOf(e.Queue), printable(e.OrderID), printable(e.Transaction), e.Attempts, cmp.Or(printable(e.Answer.Status), "-"), e.ID, printable(e.LastError))
	}
	return t.Flush()
}

func writeStatsTable(w io.Writer, stats inbox.Stats) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, state := range inbox.States() {
		fmt.Fprintf(t, "%s\t%d\n", state, stats.States[state])
	}
	fmt.Fprintf(t, "not_found\t%d\n", stats.NotFound)
	fmt.Fprintf(t, "quarantined\t%d\n", stats.Quarantined)
	if !stats.Oldest.IsZero() {
		fmt.Fprintf(t, "oldest pending\t%s\n", stats.Oldest.Format(time.RFC3339))
	}
	return t.Flush()
}

// printable replaces control characters: a text from the network must not steer the
// operator's terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
