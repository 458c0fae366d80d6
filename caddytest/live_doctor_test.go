package caddytest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// doctorCaddyfile is a configuration with which nothing is wrong, for a gateway and a callback address.
const doctorCaddyfile = `
{
	galaxypay {
		base_url GATEWAY
		api_key  {env.CADDYTEST_KEY}
		salt     {env.CADDYTEST_SALT}
		store sqlite STORE
	}
}
http://:9180 {
	galaxypay {
		defaults {
			ipnURL CALLBACK
		}
	}
}
` + doctorShop

const doctorShop = `
http://shop.example {
	galaxypay_guard
	handle /galaxypay/ipn {
		galaxypay_ipn {
			inbox {
				deliver_to http://127.0.0.1:8000/ipn
			}
		}
	}
	reverse_proxy 127.0.0.1:8000
}
`

type doctorReport struct {
	OK     bool
	Checks []struct{ Name, Of, Status, Text, Next string }
}

// statuses are the names of the checks with each status. A check that stands several times has the worst.
func (r doctorReport) statuses() map[string]string {
	rank := map[string]int{"": 0, "pass": 1, "unknown": 2, "warn": 3, "fail": 4}
	all := make(map[string]string)
	for _, c := range r.Checks {
		if rank[c.Status] > rank[all[c.Name]] {
			all[c.Name] = c.Status
		}
	}
	return all
}

// gatewayAt is a server that gives this time as its Date.
func gatewayAt(t *testing.T, difference time.Duration) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(difference).UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// One thing at a time is wrong, and doctor finds that and nothing else.
func TestDoctor(t *testing.T) {
	app := newApp(t)
	c := start(t, triggerSites(app)+"\nhttp://:9190 {\ngalaxypay_sandbox\n}\n")
	closed, unsigned := "http://"+freeAddress(t), "http://"+app.address+"/ipn"
	strange := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(strange.Close)
	folder := t.TempDir()
	notes := filepath.Join(folder, "file")
	if err := os.WriteFile(notes, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	usual := map[string]string{"GATEWAY": c.url("9190"), "CALLBACK": c.url("9181") + "/galaxypay/ipn", "STORE": filepath.Join(folder, "new", "store.db")}
	strong := []string{"CADDYTEST_KEY=canary-key-of-the-test", "CADDYTEST_SALT=canary-salt-of-the-test-9c41"}
	for name, test := range map[string]struct {
		replace     []string // in the Caddyfile
		environment []string
		args        []string
		want        string // what is not pass
		code        int
	}{
		"nothing":                         {code: 0},
		"unknown directive":               {replace: []string{"galaxypay_guard", "galaxypay_gate"}, want: "configuration fail", code: 1},
		"unset salt":                      {environment: []string{"CADDYTEST_SALT="}, want: "configuration fail, keys fail", code: 1},
		"no galaxypay":                    {replace: []string{doctorCaddyfile, "http://:9180 {\nrespond ok\n}\n"}, want: "configuration fail", code: 1},
		"short salt":                      {environment: []string{"CADDYTEST_SALT=short-salt"}, want: "salt_strength warn"},
		"published salt":                  {environment: []string{"CADDYTEST_SALT=" + sandboxSalt}, want: "salt_strength warn"},
		"Base64 salt":                     {environment: []string{"CADDYTEST_SALT=Y2FuYXJ5LXNhbHQtb2YtdGhlLXRlc3Q="}, want: "salt_strength warn"},
		"literal key":                     {replace: []string{"{env.CADDYTEST_KEY}", "canary-key"}, want: "keys warn"},
		"no guard":                        {replace: []string{"\tgalaxypay_guard\n", ""}, want: "guard warn"},
		"no guard, nothing to guard":      {replace: []string{"\tgalaxypay_guard\n", "", "\treverse_proxy 127.0.0.1:8000\n", ""}},
		"no callbacks":                    {replace: []string{doctorShop, ""}, want: "guard warn"},
		"gateway closed":                  {replace: []string{usual["GATEWAY"], closed}, want: "gateway fail", code: 1},
		"gateway of an unknown authority": {replace: []string{usual["GATEWAY"], strange.URL}, want: "gateway fail", code: 1},
		"the same with a transport":       {replace: []string{usual["GATEWAY"], strange.URL + "\ntransport http {\nkeepalive 10s\n}"}, want: "gateway unknown"},
		"clock a minute off":              {replace: []string{usual["GATEWAY"], gatewayAt(t, -time.Minute)}, want: "clock warn"},
		"clock an hour off":               {replace: []string{usual["GATEWAY"], gatewayAt(t, time.Hour)}, want: "clock fail", code: 1},
		"callback closed":                 {replace: []string{usual["CALLBACK"], closed + "/ipn"}, want: "callback fail", code: 1},
		"callback unguarded":              {args: []string{"--callback", unsigned}, want: "callback fail", code: 1},
		"callback at a wrong path":        {args: []string{"--callback", c.url("9181") + "/ipn"}, want: "callback fail", code: 1},
		"callback unnamed":                {replace: []string{"ipnURL CALLBACK", "language vi", "ipnURL " + usual["CALLBACK"], "language vi"}, want: "callback unknown"},
		"no store":                        {replace: []string{"store sqlite " + usual["STORE"], ""}},
		"no store, no inbox":              {replace: []string{"store sqlite " + usual["STORE"], "", doctorShop, ""}, want: "guard warn, store warn"},
		"store below a file":              {replace: []string{usual["STORE"], filepath.Join(notes, "store.db")}, want: "disk unknown, store fail", code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			text := doctorCaddyfile
			for name, value := range usual {
				text = strings.ReplaceAll(text, name, value)
			}
			for i := 0; i+1 < len(test.replace); i += 2 {
				if test.replace[i] == doctorCaddyfile {
					text = test.replace[i+1]
				}
				text = strings.Replace(text, test.replace[i], test.replace[i+1], 1)
			}
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"doctor", "--config", file, "--json"}, test.args...)
			run := finish(t, "", galaxypayCommand(t, append(append([]string{"XDG_DATA_HOME=" + t.TempDir()}, strong...), test.environment...), args...))
			var report doctorReport
			run.decode(t, &report)
			if run.code != test.code || report.OK != (test.code == 0) || report.unusual() != test.want {
				t.Errorf("code %d, want %d; %q, want %q: %+v", run.code, test.code, report.unusual(), test.want, report)
			}
			report.checkNextSteps(t)
			if strings.Contains(run.stdout+run.stderr, "canary-salt") || strings.Contains(run.stdout+run.stderr, "canary-key") {
				t.Errorf("a secret is printed: %s %s", run.stdout, run.stderr)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "new")); err == nil {
		t.Error("doctor has made the folder of the store")
	}
	app.received()
}

// unusual lists the checks that do not pass.
func (r doctorReport) unusual() string {
	statuses := r.statuses()
	var list []string
	for _, name := range slices.Sorted(maps.Keys(statuses)) {
		if statuses[name] != "pass" {
			list = append(list, name+" "+statuses[name])
		}
	}
	return strings.Join(list, ", ")
}

// checkNextSteps checks that each check that does not pass says what to do.
func (r doctorReport) checkNextSteps(t *testing.T) {
	t.Helper()
	for _, c := range r.Checks {
		if (c.Next == "") != (c.Status == "pass") || c.Text == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestDoctorForPeople(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte("{\ngalaxypay {\nenvironment sandbox\nbase_url http://"+freeAddress(t)+"\n}\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := runGalaxypay(t, "", "doctor", "--config", file, "--lang", "vi")
	run.wantCode(t, 1)
	for _, line := range []string{"pass    configuration " + file + ": nạp được\n", "fail    gateway http://127.0.0.1:", "        -> Hãy kiểm tra địa chỉ"} {
		if !strings.Contains(run.stdout, line) {
			t.Errorf("printed %s, want %q in it", run.stdout, line)
		}
	}
}

func TestDoctorWrongUsage(t *testing.T) {
	runGalaxypay(t, "", "doctor").wantError(t, 2, "expected --text or --config")
	runGalaxypay(t, "", "doctor", "--config", "Caddyfile", "--callback", "shop.example").wantError(t, 2, "--callback: expected an address")
	runGalaxypay(t, "", "doctor", "--config", filepath.Join(t.TempDir(), "none")).wantError(t, 3, "no such file")
	runGalaxypay(t, "", "doctor", "--fix").wantError(t, 2, "unknown flag: --fix")
}
