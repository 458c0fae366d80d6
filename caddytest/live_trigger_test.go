package caddytest

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// triggerSites are a sidecar for callbacks in front of an app.
func triggerSites(app *recordingApp) string {
	return sandboxMerchant + `
		http://:9181 {
			handle /galaxypay/ipn {
				galaxypay_ipn
				reverse_proxy ` + app.address + `
			}
			handle /galaxypay/result {
				galaxypay_result
				reverse_proxy ` + app.address + `
			}
			handle {
				error 404
			}
		}`
}

// A callback of each kind and status is proven by a real sidecar, and means to the app what was asked for.
func TestTrigger(t *testing.T) {
	app := newApp(t)
	c := start(t, triggerSites(app))
	for _, test := range []struct{ kind, status, path, callback string }{
		{"ipn", "paid", "/galaxypay/ipn", "ipn"},
		{"ipn", "cancelled", "/galaxypay/ipn", "ipn"},
		{"ipn", "expired", "/galaxypay/ipn", "ipn"},
		{"ipn", "failed", "/galaxypay/ipn", "ipn"},
		{"ipn", "pending", "/galaxypay/ipn", "ipn"},
		{"result", "paid", "/galaxypay/result", "result"},
		{"result", "failed", "/galaxypay/result", "result"},
		{"result", "pending", "/galaxypay/result?order=1", "result"},
		{"cancel", "cancelled", "/galaxypay/result", "cancel"},
	} {
		t.Run(test.kind+" "+test.status, func(t *testing.T) {
			run := runGalaxypay(t, "", "trigger", test.kind, "--status", test.status, "--order", "Đơn <1>", "--amount", "109000",
				"--set", "requestID=REQ-1", "--to", c.url("9181")+test.path, "--json")
			run.wantCode(t, 0)
			var printed struct {
				Kind, PaymentStatus, Data, Signature string

				Message struct {
					ResponseData struct{ OrderID, OrderAmount string }
				}
				Answer struct {
					Status    int
					IPNStatus string
				}
			}
			run.decode(t, &printed)
			got := app.only(t)
			if got.header.Get("Galaxypay-Callback") != test.callback || got.header.Get("Galaxypay-Payment-Status") != test.status {
				t.Errorf("the app got %v", got.header)
			}
			if printed.PaymentStatus != test.status || printed.Message.ResponseData.OrderID != "Đơn <1>" || printed.Answer.Status != http.StatusOK {
				t.Errorf("printed %+v", printed)
			}
			if ipn := test.kind == "ipn"; ipn != (printed.Answer.IPNStatus == "200") || ipn && !strings.Contains(got.body, `"orderID":"Đơn <1>"`) || ipn && !strings.Contains(got.body, `"requestID":"REQ-1"`) {
				t.Errorf("ipnStatus %q, the app got %s", printed.Answer.IPNStatus, got.body)
			}
		})
	}
}

// Nothing is sent where a flag is wrong.
func TestTriggerWrongUsage(t *testing.T) {
	app := newApp(t)
	to := []string{"--to", "http://" + app.address + "/ipn"}
	with := func(more ...string) []string {
		return slices.Concat([]string{"trigger", "ipn", "--order", "DH-1", "--amount", "109000"}, to, more)
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no kind":            {[]string{"trigger"}, "expected one of ipn, result and cancel"},
		"unknown kind":       {[]string{"trigger", "ipm"}, "expected one of ipn, result and cancel"},
		"unknown flag":       {with("--odrer", "1"), "unknown flag: --odrer"},
		"unknown member":     {with("--set", "orderAmout=1"), "did you mean orderAmount?"},
		"a strange member":   {with("--set", "x=1"), "known are requestID, "},
		"a member twice":     {with("--set", "language=vi", "--set", "language=en"), "language is given twice"},
		"no value":           {with("--set", "language"), "expected NAME=VALUE"},
		"unknown status":     {with("--status", "done"), "known are paid, cancelled"},
		"cancel paid":        {append([]string{"trigger", "cancel", "--status", "paid", "--order", "1", "--amount", "1"}, to...), "cancel says cancelled only"},
		"no order":           {append([]string{"trigger", "ipn", "--amount", "1"}, to...), "--order is missing"},
		"empty amount":       {append([]string{"trigger", "ipn", "--order", "1", "--amount", ""}, to...), "--amount is missing or empty"},
		"no address":         {[]string{"trigger", "ipn", "--order", "1", "--amount", "1"}, "--to: expected an address"},
		"an address of ftp":  {with("--to", "ftp://127.0.0.1/"), "--to: expected an address"},
		"another machine":    {with("--to", "http://192.0.2.1/ipn"), "neither loopback nor of a private network"},
		"the gateway":        {with("--to", "https://uat-secure.galaxypay.vn/ipn", "--salt", "{env.CADDYTEST_SALT}"), "this is the gateway"},
		"a salt in the open": {with("--salt", "canary-salt-2f7d"), "--salt: expected {env.NAME}, @file"},
		"two salts":          {with("--salt", "{env.CADDYTEST_SALT}", "--salt", "{env.CADDYTEST_SALT}"), "expected one, got 2"},
		"repeat 0":           {with("--repeat", "0"), "--repeat: expected a number above zero"},
		"unknown language":   {with("--lang", "fr"), "expected en or vi"},
	} {
		t.Run(name, func(t *testing.T) {
			run := finish(t, "", galaxypayCommand(t, []string{"CADDYTEST_SALT=" + testSalt}, test.args...))
			run.wantError(t, 2, test.says)
			if strings.Contains(run.stderr, "canary-salt") {
				t.Errorf("the salt is printed: %s", run.stderr)
			}
			app.wantNothing(t)
		})
	}
}

// The exit code says whether the app took the message, and the word is read as the sidecar reads it.
func TestTriggerAnswers(t *testing.T) {
	app := newApp(t)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		code   int
		prints string
	}{
		"taken":           {answering(http.StatusOK, `{"ipnStatus":"200"}`), 0, "ipnStatus: 200"},
		"finished before": {answering(http.StatusConflict, `{"ipnStatus":409}`), 0, "ipnStatus: 409"},
		"empty":           {answering(http.StatusNoContent, ""), 0, "ipnStatus: 200"},
		"unknown order":   {answering(http.StatusOK, `{"ipnStatus":"404"}`), 1, "ipnStatus: 404"},
		"a web page":      {answering(http.StatusOK, "<html>\x1b[31mLog in</html>"), 1, "ipnStatus: none"},
		"broken":          {answering(http.StatusInternalServerError, ""), 1, "HTTP 500"},
		"a redirect":      {answering(http.StatusMovedPermanently, "", "Location", "https://shop.example/ipn"), 1, "Location: https://shop.example/ipn"},
	} {
		t.Run(name, func(t *testing.T) {
			app.answers(test.answer)
			run := runGalaxypay(t, "", "trigger", "ipn", "--order", "DH-1", "--amount", "109000", "--to", "http://"+app.address+"/ipn")
			run.wantCode(t, test.code)
			if !strings.Contains(run.stdout, test.prints) || strings.Contains(run.stdout, "\x1b") {
				t.Errorf("printed %q, want %q in it", run.stdout, test.prints)
			}
			app.only(t)
		})
	}
}

// A salt comes from a variable, a file or standard input, in whatever way a file ends.
func TestTriggerSalts(t *testing.T) {
	app := newApp(t)
	file := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(file, []byte("another-salt-of-the-test\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ reference, stdin string }{
		"variable":       {"{env.CADDYTEST_SALT}", ""},
		"file":           {"@" + file, ""},
		"named file":     {"uat=@" + file, ""},
		"standard input": {"-", "another-salt-of-the-test\n"},
	} {
		t.Run(name, func(t *testing.T) {
			run := finish(t, test.stdin, galaxypayCommand(t, []string{"CADDYTEST_SALT=another-salt-of-the-test"},
				"trigger", "ipn", "--order", "DH-1", "--amount", "109000", "--to", "http://"+app.address+"/ipn", "--salt", test.reference, "--json"))
			run.wantCode(t, 0)
			var sent callback
			run.decode(t, &struct{ Data, Signature *string }{&sent.data, &sent.signature})
			if sent.signature != sign(sent.data, "another-salt-of-the-test") {
				t.Errorf("signature %s", sent.signature)
			}
			app.only(t)
		})
	}
	for name, test := range map[string]struct {
		reference, stdin string
		code             int
	}{
		"no file":     {"@" + file + ".none", "", 3},
		"no variable": {"{env.CADDYTEST_NO_SALT}", "", 2},
		"empty input": {"-", "\n", 2},
		"quoted":      {"-", `"salt-of-the-test"`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			run := runGalaxypay(t, test.stdin, "trigger", "ipn", "--order", "DH-1", "--amount", "1", "--to", "http://"+app.address+"/ipn", "--salt", test.reference)
			run.wantError(t, test.code, "--salt: ")
			app.wantNothing(t)
		})
	}
}

func TestTriggerUnreachable(t *testing.T) {
	run := runGalaxypay(t, "", "trigger", "ipn", "--order", "DH-1", "--amount", "1", "--to", "http://"+freeAddress(t)+"/ipn", "--json")
	run.wantError(t, 3, `{"error":"no answer from `)
}

func TestLiveErrorsInVietnamese(t *testing.T) {
	for _, environment := range []string{"LC_ALL=vi_VN.UTF-8", "LC_ALL=vi"} {
		run := finish(t, "", galaxypayCommand(t, []string{environment}, "trigger", "ipn", "--order", "1"))
		run.wantError(t, 2, "Lỗi: thiếu --amount")
	}
	runGalaxypay(t, "", "trigger", "ipn", "--order", "1", "--lang", "vi").wantError(t, 2, "Lỗi: thiếu --amount")
}

func TestVersion(t *testing.T) {
	run := runGalaxypay(t, "", "version", "--json")
	run.wantCode(t, 0)
	var v struct{ Module, Caddy, Go, Platform string }
	run.decode(t, &v)
	if v.Module == "" || v.Caddy == "" || // of which a test binary knows nothing
		!strings.HasPrefix(v.Go, "go1.") || !strings.Contains(v.Platform, "/") {
		t.Errorf("printed %+v", v)
	}
	if text := runGalaxypay(t, "", "version").stdout; text != "galaxypay "+v.Module+"\ncaddy "+v.Caddy+"\ngo "+v.Go+"\nplatform "+v.Platform+"\n" {
		t.Errorf("printed %q", text)
	}
	runGalaxypay(t, "", "version", "now").wantError(t, 2, "")
}
