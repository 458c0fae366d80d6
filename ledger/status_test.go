package ledger

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

var update = flag.Bool("update", false, "write the table of moves in docs/ledger.md")

const (
	page       = "../docs/ledger.md"
	movesBegin = "<!-- go test ./ledger checks this table. To write it: go test ./ledger -run TestMovesPage -update -->\n"
	movesEnd   = "<!-- end of the table -->\n"
)

// sources are all sources, with how the page names them.
var sources = []struct {
	source Source
	name   string
}{
	{FromCall, "the end of the call"},
	{FromRepeat, "the call is sent again after a refusal, or an earlier sending was accepted after it"},
	{FromMessage, "a message that is `matched`"},
	{FromReversal, "an accepted void, or refunds that reach the amount"},
	{FromSchedule, "the last question"},
}

func movesTable() string {
	var b strings.Builder
	b.WriteString("| to | by | from |\n|---|---|---|\n")
	for _, m := range Moves() {
		i := slices.IndexFunc(sources, func(s struct {
			source Source
			name   string
		}) bool {
			return s.source == m.Source
		})
		var from []string
		for _, status := range m.From {
			from = append(from, "`"+string(status)+"`")
		}
		b.WriteString("| `" + string(m.To) + "` | " + sources[i].name + " | " + strings.Join(from, ", ") + " |\n")
	}
	return b.String()
}

// The page has the table of moves as the code has it.
func TestMovesPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), movesBegin)
	table, tail, okEnd := strings.Cut(rest, movesEnd)
	if !ok || !okEnd {
		t.Fatalf("%s has no table between its comments", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(head+movesBegin+movesTable()+movesEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != movesTable() {
		t.Errorf("the table of %s is\n%swant\n%s", page, table, movesTable())
	}
}

// The page says what each status, outcome and value of Galaxypay-Order means.
func TestPageExplainsAllWords(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, kind := range []string{"Status", "Outcome", "Order"} {
		for _, word := range sourcetest.Constants(t, ".", kind) {
			words = append(words, word)
		}
	}
	for _, word := range words {
		if !strings.Contains(string(text), "\n| `"+word+"` |") {
			t.Errorf("no row of a table begins with `%s`", word)
		}
	}
}

// The lists have all that there is.
func TestLists(t *testing.T) {
	var statuses, outcomes []string
	for _, s := range slices.Concat(Statuses(), MessageStatuses()) {
		statuses = append(statuses, string(s))
	}
	for _, o := range Outcomes() {
		outcomes = append(outcomes, string(o))
	}
	for kind, list := range map[string][]string{"Status": statuses, "Outcome": outcomes} {
		for name, value := range sourcetest.Constants(t, ".", kind) {
			if !slices.Contains(list, value) {
				t.Errorf("no list has %s", name)
			}
		}
	}
}

func TestMoves(t *testing.T) {
	all := Statuses()
	without := func(out ...Status) []Status {
		return slices.DeleteFunc(slices.Clone(all), func(s Status) bool { return slices.Contains(out, s) })
	}
	for _, test := range []struct {
		source Source
		to     Status
		from   []Status
	}{
		{FromCall, Open, []Status{StatusUnknown}},
		{FromCall, StatusUnknown, []Status{Open}},
		{FromCall, Failed, []Status{Open, StatusUnknown}},
		{FromCall, Paid, without(Paid, Reversed)},
		{FromCall, Authorized, without(Paid, Reversed, Authorized)},
		{FromCall, Cancelled, []Status{Open, StatusUnknown, Abandoned, Silent}},
		{FromCall, Expired, []Status{Open, StatusUnknown, Abandoned, Silent}},
		{FromRepeat, Open, []Status{Failed}},
		{FromMessage, Paid, without(Paid, Reversed)},
		{FromMessage, Authorized, without(Paid, Reversed, Authorized)},
		{FromMessage, Cancelled, without(Paid, Reversed, Authorized, Cancelled)},
		{FromMessage, Expired, without(Paid, Reversed, Authorized, Expired)},
		{FromMessage, Failed, without(Paid, Reversed, Authorized, Failed)},
		{FromReversal, Reversed, without(Reversed)},
		{FromSchedule, Abandoned, []Status{Open}},
		{FromSchedule, Silent, []Status{Open}},
	} {
		for _, from := range all {
			if got, want := CanMove(from, test.to, test.source), slices.Contains(test.from, from); got != want {
				t.Errorf("from %s to %s by %s: %v", from, test.to, test.source, got)
			}
		}
	}
	if len(Moves()) != 16 {
		t.Errorf("%d rows, and not all are tested", len(Moves()))
	}
}

// What holds of every row: money that was taken is never forgotten, and nothing follows a reversal.
func TestMovesNeverForget(t *testing.T) {
	for _, m := range Moves() {
		for _, from := range m.From {
			switch {
			case from == m.To:
				t.Errorf("%s to itself by %s", from, m.Source)
			case from == Reversed:
				t.Errorf("reversed becomes %s by %s", m.To, m.Source)
			case from == Paid && m.To != Reversed:
				t.Errorf("paid becomes %s by %s", m.To, m.Source)
			case from == Authorized && m.To != Paid && m.To != Reversed:
				t.Errorf("authorized becomes %s by %s", m.To, m.Source)
			}
		}
		if !slices.Contains(Statuses(), m.To) {
			t.Errorf("a record becomes %s", m.To)
		}
	}
}

func TestStatusIsOpen(t *testing.T) {
	for _, s := range Statuses() {
		if got, want := s.IsOpen(), s == Open || s == StatusUnknown || s == Authorized; got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestPaymentEffects(t *testing.T) {
	for _, e := range []operation.Effect{
		operation.Reads, operation.OpensPage, operation.Charges, operation.Refunds, operation.Voids, operation.Captures, operation.KeepsCards, "",
	} {
		if (&Payment{Effect: e}).TakesPayment() != slices.Contains(PaymentEffects(), e) {
			t.Errorf("%q", e)
		}
	}
}
