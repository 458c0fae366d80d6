// Package caddytest tests the product from outside: a real Caddy with a Caddyfile as a user
// writes it, between a stand-in for the gateway and a stand-in for the app.
//
// A test reads like this:
//
//	s := newSidecar(t, "timeout 5s") // options of the directive galaxypay
//	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, paid) })
//	s.call(t, "/pay", payment).wantOK(t, paid)
//
// # Where to find a test
//
// The first word of a file name is the subject:
//
//	config_      what Caddyfiles mean, which of them do not load
//	call_        from the app to the gateway and back
//	callback_    from the gateway to the app and back
//	inbox_       IPNs that are kept until the app has taken them
//	ledger_      calls that are recorded, repeated, and held against messages
//	reload_      a new configuration while calls and callbacks arrive
//	metrics_     what two sidecars on one database count
//	network_     connections that fail in the middle of a message
//	timeouts     clients that are slow on purpose
//	sandbox_     the stand-in that users have, its faults and its pages in docs/
//	demoshop     the shop of Caddyfile.example
//	browser_     the same, in Chromium
//	live_        the commands that talk to a running sidecar, as processes
//	woocommerce  the plugin of examples/ in a real shop; see .ci/woocommerce_e2e
//	shops        the shops of examples/, in other languages
//	harness_     what tests share; no tests
//
// # Rules
//
// There is one Caddy per process, so no test here calls t.Parallel. No test waits by
// sleeping: c.stop() returns after the last request and the last log line.
package caddytest

import (
	"flag"
	"os"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/goleak"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/demoshop"
)

// update makes tests write what they otherwise compare: the JSON in testdata/adapt and the tables
// in docs/.
var update = flag.Bool("update", false, "write the golden files and the tables in docs/")

// patience is how long a test waits for anything. No test that passes depends on it; it keeps a
// broken product from hanging the run.
const patience = 30 * time.Second

// The secrets of the tests' merchant. The salt is the one of the gateway's published
// examples; the key is a canary that may appear nowhere but in the header apiKey.
const (
	testAPIKey = "canary-api-key-5f1d7c"
	testSalt   = "GO@2021"
)

// The salt of the sandbox, which is also that of the gateway's published examples.
const sandboxSalt = "GO@2021"

// sandboxMerchant is the global option for the merchant that the sandbox has.
const sandboxMerchant = `
	{
		galaxypay {
			environment sandbox
		}
	}
	`

// TestMain fails the run if a goroutine is left after every Caddy has stopped. In a child process
// it runs Caddy instead of tests. Caddy's data directory is one of the run's own: the sidecar notes
// there which stores it has used.
func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		runAsGalaxypay()
		return
	}
	if caddyfile := os.Getenv(caddyfileEnv); caddyfile != "" {
		runAsCaddy(caddyfile)
		return
	}
	data, err := os.MkdirTemp("", "caddytest")
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("XDG_DATA_HOME", data); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, append(relayLeftovers, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(data)
		os.Exit(code)
	}))...)
}

// caddyfileEnv names the Caddyfile of a child process, which is this test binary.
const caddyfileEnv = "CADDYTEST_CADDYFILE"

// runAsCaddy does what "caddy run" does.
func runAsCaddy(caddyfile string) {
	os.Args = []string{"caddy", "run", "--config", caddyfile, "--adapter", "caddyfile"}
	caddycmd.Main()
}
