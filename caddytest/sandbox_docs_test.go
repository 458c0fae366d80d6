package caddytest

import (
	"cmp"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The table in docs/sandbox.md shows what TestSandboxFaults proves.
func TestSandboxFaultsPage(t *testing.T) {
	wantTable(t, "sandbox.md", "TestSandboxFaultsPage", "<!-- end of the table -->\n", faultTable(t))
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

// codes marks the words that are for programs.
func codes(text string) string { return codeName.ReplaceAllString(text, "`$0`") }

// faultsInWords describes for each fault what the gateway does.
func faultsInWords(t *testing.T) map[string]string {
	t.Helper()
	about := make(map[string]string)
	for _, fault := range newSandboxShop(t, "").faultSettings(t).Known {
		about[fault.Name] = fault.About
	}
	return about
}

// The example call of the page does what the table says.
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

// The commands of the page work as they are printed, one after the other. (The first one starts the
// servers for the others.)
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
