package caddytest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// runningCommand is a command that runs until it is ended.
type runningCommand struct {
	process *exec.Cmd
	stdout  *bufio.Reader
	stderr  *bufio.Reader
}

// startGalaxypay starts "caddy galaxypay ..." with pipes in the place of a terminal.
func startGalaxypay(t *testing.T, environment []string, args ...string) *runningCommand {
	t.Helper()
	command := galaxypayCommand(t, environment, args...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // a second time where the test has ended it
	})
	return &runningCommand{command, bufio.NewReader(stdout), bufio.NewReader(stderr)}
}

// says reads lines of standard error up to one that begins so.
func (r *runningCommand) says(t *testing.T, beginning string) string {
	t.Helper()
	var before []string
	for {
		line, err := r.stderr.ReadString('\n')
		if strings.HasPrefix(line, beginning) {
			return strings.TrimSuffix(line, "\n")
		}
		if err != nil {
			t.Fatalf("%v: standard error has no line that begins with %q, but %q", err, beginning, before)
		}
		before = append(before, line)
	}
}

// line reads a line of standard output.
func (r *runningCommand) line(t *testing.T) string {
	t.Helper()
	line, err := r.stdout.ReadString('\n')
	if err != nil {
		rest, _ := io.ReadAll(r.stderr)
		t.Fatalf("%v after %q: %s", err, line, rest)
	}
	return strings.TrimSuffix(line, "\n")
}

// interrupt ends a command as Ctrl+C does, and returns its exit code.
func (r *runningCommand) interrupt(t *testing.T) int {
	t.Helper()
	if err := r.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.stdout)
	_, _ = io.Copy(io.Discard, r.stderr)
	_ = r.process.Wait() // the code is below
	return r.process.ProcessState.ExitCode()
}

// startListen starts listen on a free port and returns its address.
func startListen(t *testing.T, args ...string) (*runningCommand, string) {
	t.Helper()
	l := startGalaxypay(t, []string{"CADDYTEST_SALT=another-salt-of-the-test", "CADDYTEST_OTHER=one-more-salt"}, append([]string{"listen", "--at", "127.0.0.1:0"}, args...)...)
	return l, printedAddress.FindString(l.says(t, "ready: "))
}

// heardLine is what listen --json prints of a callback.
type heardLine struct {
	Verified, Forwarded                                                bool
	Salt, Problem, Why, Kind, OrderID, RequestID, PaymentStatus, Error string

	Answer struct {
		Status          int
		IPNStatus, Body string
	}
}

func (r *runningCommand) heard(t *testing.T) (h heardLine) {
	t.Helper()
	line := r.line(t)
	if err := json.Unmarshal([]byte(line), &h); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return h
}

// What is proven is forwarded as it came, whatever JSON would make of it. The rest is refused with its reason.
func TestListenForwards(t *testing.T) {
	app := newApp(t)
	l, address := startListen(t, "--forward-to", "http://"+app.address+"/ipn?shop=1", "--salt", "other={env.CADDYTEST_OTHER}", "--salt", "uat={env.CADDYTEST_SALT}", "--json")

	client := newClient()
	t.Cleanup(client.CloseIdleConnections)
	proven := signedMessage(paidMessage, "another-salt-of-the-test")
	for name, test := range map[string]struct {
		method, query, contentType, body string
		status                           int
		problem, kind                    string
	}{
		"JSON":              {http.MethodPost, "", "application/json", proven.json(), 200, "", "ipn"},
		"JSON with blanks":  {http.MethodPost, "", "application/json", "  " + strings.Replace(proven.json(), ",", " ,\n\t", 1) + "\n", 200, "", "ipn"},
		"JSON with escapes": {http.MethodPost, "?a=b%20c", "text/plain", strings.ReplaceAll(proven.json(), "=", `\u003d`), 200, "", "ipn"},
		"form":              {http.MethodPost, "", "application/x-www-form-urlencoded", proven.form(), 200, "", "result"},
		"query":             {http.MethodGet, "?" + proven.form(), "", "", 200, "", "result"},
		"wrong signature":   {http.MethodPost, "", "application/json", signedMessage(paidMessage, "x").json(), 403, "signature_invalid", ""},
		"no signature":      {http.MethodPost, "", "application/json", callback{proven.data, ""}.json(), 403, "signature_invalid", ""},
		"no callback":       {http.MethodPost, "", "application/json", "{}", 400, "callback_malformed", ""},
		"another method":    {http.MethodPut, "", "application/json", proven.json(), 405, "method_not_allowed", ""},
		"more than a bound": {http.MethodPost, "", "application/json", proven.json() + strings.Repeat(" ", 65<<10), 413, "body_too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := client.do(t, test.method, address+"/any/path"+test.query, strings.NewReader(test.body), "Content-Type", test.contentType)
			a.wantStatus(t, test.status)
			h := l.heard(t)
			if h.Verified != (test.problem == "") || h.Forwarded != h.Verified || h.Problem != test.problem || h.Kind != test.kind || (h.Why == "") != h.Verified {
				t.Errorf("printed %+v", h)
			}
			if !h.Verified {
				app.wantNothing(t)
				return
			}
			got := app.only(t)
			if got.method != test.method || got.body != test.body || got.header.Get("Content-Type") != test.contentType || got.target != "/ipn?shop=1"+strings.Replace(test.query, "?", "&", 1) {
				t.Errorf("the app got %+v", got)
			}
			if h.Salt != "uat" || h.PaymentStatus != "paid" || h.OrderID == "" || h.Answer.Status != 200 || (h.Answer.IPNStatus == "200") != (test.kind == "ipn") {
				t.Errorf("printed %+v", h)
			}
			if !strings.Contains(a.body, "order updated") {
				t.Errorf("answered %s", a.body)
			}
		})
	}
	if code := l.interrupt(t); code != 130 {
		t.Errorf("code %d, want 130", code)
	}
}

// A person sees on one line what came and what the app said.
func TestListenForPeople(t *testing.T) {
	app := newApp(t)
	l, address := startListen(t, "--forward-to", "http://"+app.address+"/ipn")
	client := newClient()
	t.Cleanup(client.CloseIdleConnections)
	client.post(t, address+"/ipn", signedMessage(paidMessage, sandboxSalt).json()).wantIPNStatus(t, "200")
	if line := l.line(t); !strings.Contains(line, " verified ipn salt=sandbox order=") || !strings.Contains(line, " status=paid app=200 ipnStatus=200 ") {
		t.Errorf("printed %q", line)
	}
	app.answers(answering(http.StatusInternalServerError, "Traceback:\n\x1b[2Jline 7"))
	client.post(t, address+"/ipn", signedMessage(paidMessage, sandboxSalt).json()).wantStatus(t, http.StatusInternalServerError)
	if text := fmt.Sprint(l.line(t), l.line(t), l.line(t)); !strings.Contains(text, " app=500 ") || !strings.Contains(text, "Traceback:") || strings.Contains(text, "\x1b") {
		t.Errorf("printed %q", text)
	}
	client.post(t, address+"/ipn", signedMessage(paidMessage, "x").json()).wantStatus(t, http.StatusForbidden)
	if line := l.line(t); !strings.Contains(line, " not-verified problem=signature_invalid not-forwarded - The signature does not fit the data.") {
		t.Errorf("printed %q", line)
	}
}

// With --unverified a banner stands at the start, and forged callbacks are forwarded, marked as such.
func TestListenUnverified(t *testing.T) {
	app := newApp(t)
	l := startGalaxypay(t, nil, "listen", "--at", "127.0.0.1:0", "--forward-to", "http://"+app.address+"/ipn", "--unverified", "--json")
	l.says(t, "Warning: --unverified")
	address := printedAddress.FindString(l.says(t, "ready: "))
	client := newClient()
	t.Cleanup(client.CloseIdleConnections)
	forged := signedMessage(paidMessage, "x").json()
	client.post(t, address+"/", forged).wantStatus(t, http.StatusOK)
	if got := app.only(t); got.body != forged {
		t.Errorf("the app got %s", got.body)
	}
	if h := l.heard(t); h.Verified || !h.Forwarded || h.Problem != "signature_invalid" {
		t.Errorf("printed %+v", h)
	}
}

// Without an app, the gateway is asked to try again, and the line says why.
func TestListenWithoutApp(t *testing.T) {
	l, address := startListen(t, "--forward-to", "http://"+freeAddress(t)+"/ipn", "--json")
	client := newClient()
	t.Cleanup(client.CloseIdleConnections)
	client.post(t, address+"/", signedMessage(paidMessage, sandboxSalt).json()).wantStatus(t, http.StatusServiceUnavailable)
	if h := l.heard(t); !h.Verified || !strings.Contains(h.Error, "connection refused") {
		t.Errorf("printed %+v", h)
	}
}

func TestListenWrongUsage(t *testing.T) {
	to := "http://127.0.0.1:1/ipn"
	runGalaxypay(t, "", "listen").wantError(t, 2, "--forward-to: expected an address")
	runGalaxypay(t, "", "listen", "--forward-to", "https://secure.galaxypay.vn/").wantError(t, 2, "this is the gateway")
	runGalaxypay(t, "", "listen", "--forward-to", to, "--salt", "canary").wantError(t, 2, "--salt: expected")
	for _, at := range []string{"0.0.0.0:9185", ":9185", "192.0.2.1:9185", "127.0.0.1"} {
		runGalaxypay(t, "", "listen", "--forward-to", to, "--at", at).wantError(t, 2, "--at: expected a loopback address")
	}
	taken := newApp(t).address
	runGalaxypay(t, "", "listen", "--forward-to", to, "--at", taken).wantError(t, 3, "address already in use")
}
