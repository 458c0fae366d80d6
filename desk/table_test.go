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

// The table has every state, also those with no event.
func TestStatsTable(t *testing.T) {
	var out bytes.Buffer
	err := writeStatsTable(&out, inbox.Stats{
		States: map[inbox.State]int{inbox.Pending: 2, inbox.Dead: 1}, Quarantined: 3, Oldest: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	want := "pending 2 delivered 0 dead 1 overtaken 0 quarantined 3 oldest pending 2026-01-02T03:04:05Z"
	if text := strings.Join(strings.Fields(out.String()), " "); err != nil || text != want {
		t.Errorf("printed %q, %v", text, err)
	}
}
