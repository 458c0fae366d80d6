package desk

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// momentFormat is how a page shows a moment, in UTC.
const momentFormat = "2006-01-02T15:04:05.000Z07:00"

// shortID is how many characters of the id of an event a page shows: enough to show it by.
const shortID = 12

// writeStory writes a story as a page.
func writeStory(w io.Writer, s *story) error {
	fmt.Fprintf(w, "%s, %s at %s\n\n", printable(ordersOf(s)), printable(s.Merchant), printable(s.Gateway))
	if len(s.Payments) > 0 {
		if err := writePaymentTable(w, s.Payments); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if len(s.Events) > 0 {
		if err := writeToldTable(w, s.Events); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if err := writeLines(w, s.Lines); err != nil {
		return err
	}
	if s.More {
		_, err := fmt.Fprintln(w, "\nThere is more than this page can show: see payments list and inbox list.")
		return err
	}
	return nil
}

// Orders are the orderIDs of a story.
func (s *story) Orders() []string {
	var orders []string
	for _, p := range s.Payments {
		orders = append(orders, p.OrderID)
	}
	if len(s.Payments) == 0 {
		for _, e := range s.Events {
			orders = append(orders, e.OrderID)
		}
	}
	slices.Sort(orders)
	return slices.DeleteFunc(slices.Compact(orders), func(order string) bool { return order == "" })
}

// ordersOf names the orders of a story.
func ordersOf(s *story) string {
	orders := s.Orders()
	if len(orders) == 0 {
		return "No order"
	}
	return "Order " + strings.Join(orders, ", ")
}

func writeToldTable(w io.Writer, events []told) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RECEIVED\tKIND\tSAYS\tSTATE\tATTEMPTS\tTRANSACTION\tREQUEST\tEVENT")
	for _, e := range events {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", e.ReceivedAt.Format(time.RFC3339), printable(e.Kind), e.PaymentStatus, e.State,
			e.Attempts, printable(e.Transaction), printable(e.RequestID), shortened(e.ID))
	}
	return t.Flush()
}

func writeLines(w io.Writer, lines []line) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TIME\tWHAT\tOF\tSTORY")
	for _, l := range lines {
		of := l.Of
		if l.Kind == lineCallback || l.Kind == lineDelivery {
			of = shortened(of)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.At.UTC().Format(momentFormat), l.Kind, printable(of), printable(l.Text))
	}
	return t.Flush()
}

// shortened is the beginning of the id of an event.
func shortened(id string) string { return printable(id[:min(len(id), shortID)]) }
