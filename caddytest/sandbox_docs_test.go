package caddytest

import (
	"cmp"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The table stands between these lines of the page.
const (
	tableBegin = "<!-- Made of the rows in caddytest/sandbox_faults_test.go. To write it anew: go test ./caddytest -run TestSandboxFaultsPage -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// The table in the documentation is what TestSandboxFaults proves.
func TestSandboxFaultsPage(t *testing.T) {
	const path = "../docs/sandbox.md"
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(stored), tableBegin)
	table, tail, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("docs/sandbox.md has no place for the table, between\n%s%s", tableBegin, tableEnd)
	}
	want := faultTable(t)
	if table == want {
		return
	}
	if !*update {
		t.Fatal("the table in docs/sandbox.md is not that of the rows; write it anew with\n" +
			"\tgo test ./caddytest -run TestSandboxFaultsPage -update")
	}
	//nolint:gosec // G703: the path is the constant above
	if err := os.WriteFile(path, []byte(head+tableBegin+want+tableEnd+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func faultTable(t *testing.T) string {
	t.Helper()
	about := faultsInWords(t)
	var b strings.Builder
	b.WriteString("| fault | the gateway | answer to `POST /pay` | payment | answers to the IPN | callbacks to the app | `POST /query` |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, row := range faultRows {
		b.WriteString("| " + strings.Join(row.cells(about[row.fault]), " | ") + " |\n")
	}
	return b.String()
}

func (row faultRow) cells(about string) []string {
	name := "`" + row.fault + "`"
	if row.options != "" {
		name += "<br>with `" + strings.ReplaceAll(row.options, "\n", " ") + "`"
	}
	payment := "none"
	if row.opened {
		payment = "open"
	}
	cells := []string{name, about, codes(row.pay), payment, codes(row.ipns), row.app, row.query}
	for i := range cells {
		cells[i] = cmp.Or(cells[i], "–")
	}
	return cells
}

var codeName = regexp.MustCompile(`[a-z]+_[a-z_]+|unknown|rejected|not_sent`)

// codes marks what a program goes by.
func codes(text string) string { return codeName.ReplaceAllString(text, "`$0`") }

// faultsInWords says for each fault what the gateway does.
func faultsInWords(t *testing.T) map[string]string {
	t.Helper()
	about := make(map[string]string)
	for _, fault := range newSandboxShop(t, "").faultSettings(t).Known {
		about[fault.Name] = fault.About
	}
	return about
}

// What the page tells its reader to send does what the page says of it.
func TestSandboxPageExample(t *testing.T) {
	page, err := os.ReadFile("../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`/pay --json '(.+"sandboxFault":"answer_unsigned".+)'`).FindAllSubmatch(page, -1)
	if len(examples) != 1 {
		t.Fatalf("%d examples, want 1", len(examples))
	}
	s := newSandboxShop(t, "")
	if got, want := s.order(t, string(examples[0][1])).summary(t), rowOf("answer_unsigned").pay; got != want {
		t.Errorf("the answer is %s, want %s", got, want)
	}
}

// The commands of the page work as they are printed, one after the other. (The first starts
// what the others talk to.)
func TestSandboxPageCommands(t *testing.T) {
	page, err := os.ReadFile("../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	bash := requireProgram(t, "bash")
	requireProgram(t, "curl")
	c := startExample(t)
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.+?)```").FindAllSubmatch(page, -1)[1:] {
		script.Write(block[1])
	}
	commands := script.String()
	for _, port := range []string{"9180", "9181", "9190"} {
		commands = strings.ReplaceAll(commands, "http://localhost:"+port, c.url(port))
	}
	out, err := exec.CommandContext(t.Context(), bash, "-eu", "-o", "pipefail", "-c", commands).Output() //nolint:gosec // G204: from the page
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rest := string(out)
	for _, want := range []string{
		`"transactions":[{`, `"orderID":"DH-1003"`, `"state":"waiting"`,
		`"outcome":"success"`, `"state":"answered"`, `"status":200`,
		`"refunded":"40000"`, `"refunded":"109000"`, `{"now":"`,
		"HTTP/1.1 502", "response_signature_missing", `{"faults":["answer_unsigned"]`, `{"faults":[]`,
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %s in what is left of the output: %s", want, rest)
		}
		rest = after
	}
}
