package desk

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// A message's own words must not steer the operator's terminal, nor look like another line.
func TestEventTableOnTerminal(t *testing.T) {
	var out bytes.Buffer
	r := inbox.Record{State: inbox.Dead, LastError: "Đã \x07hết"}
	r.Transaction = "\x1b[2J\r\n1\t2"
	if err := writeEventTable(&out, []inbox.Record{r}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "\n") != 2 || strings.ContainsAny(text, "\x1b\r\t\x07") || !strings.Contains(text, "Đã \ufffdhết") {
		t.Errorf("printed %q", text)
	}
}

// The table shows what the app said last, and of which order: an order that the app does not
// know is not simply delivered.
func TestEventTableShowsWhatTheAppSaid(t *testing.T) {
	var out bytes.Buffer
	known := inbox.Record{State: inbox.Delivered, Answer: inbox.Answer{Status: "200"}}
	known.OrderID = "DH-1001"
	unknown := inbox.Record{State: inbox.Dead, Answer: inbox.Answer{Status: inbox.NotFound}}
	unknown.OrderID = "DH-1002\x1b"
	if err := writeEventTable(&out, []inbox.Record{known, unknown, {State: inbox.Pending}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	order, said := strings.Index(lines[0], "ORDER"), strings.Index(lines[0], "SAID")
	for i, want := range []struct{ order, said string }{{"DH-1001", "200"}, {"DH-1002\ufffd", "404"}, {"", "-"}} {
		line := []rune(lines[i+1])
		if !strings.HasPrefix(string(line[order:]), want.order) || !strings.HasPrefix(string(line[said:]), want.said+" ") {
			t.Errorf("%q shows neither %q nor %q", lines[i+1], want.order, want.said)
		}
	}
}

// The table has every state, also those with no event.
func TestStatsTable(t *testing.T) {
	var out bytes.Buffer
	err := writeStatsTable(&out, inbox.Stats{
		States: map[inbox.State]int{inbox.Pending: 2, inbox.Dead: 1}, NotFound: 2, Quarantined: 3, Oldest: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	want := "pending 2 delivered 0 dead 1 overtaken 0 repeated 0 not_found 2 quarantined 3 oldest pending 2026-01-02T03:04:05Z"
	if text := strings.Join(strings.Fields(out.String()), " "); err != nil || text != want {
		t.Errorf("printed %q, %v", text, err)
	}
}
