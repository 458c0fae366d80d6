package sandbox

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestProvisionErrors(t *testing.T) {
	t.Setenv("EMPTY", "")
	t.Setenv("SPACED", "s3cr3t ")
	for name, test := range map[string]struct {
		handler Handler
		want    string
	}{
		"unset api_key":          {Handler{APIKey: "{env.GALAXYPAY_UNSET}"}, "api_key: "},
		"empty api_key":          {Handler{APIKey: "{env.EMPTY}"}, "api_key: "},
		"space in api_key":       {Handler{APIKey: "{env.SPACED}"}, "api_key: has white space around it"},
		"unset salt":             {Handler{Salt: "{env.GALAXYPAY_UNSET}"}, "salt: "},
		"missing file":           {Handler{Salt: "{file./does/not/exist}"}, "salt: "},
		"space in salt":          {Handler{Salt: "{env.SPACED}"}, "salt: has white space around it"},
		"unreadable range":       {Handler{Allow: []string{"203.0.113.0/33"}}, "allow: "},
		"expiry in the past":     {Handler{Expiry: -1}, "expiry: must be longer than 0"},
		"result of no kind":      {Handler{Result: "GET"}, "result: must be get or post"},
		"host with a port":       {Handler{Hosts: []string{"sandbox.test:9190"}}, "hosts: "},
		"host of nothing":        {Handler{Hosts: []string{""}}, "hosts: "},
		"name instead of ranges": {Handler{Allow: []string{"shop.example"}}, "allow: "},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer release()
			h := &test.handler
			err := h.Provision(ctx)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if err := h.Cleanup(); err != nil {
				t.Errorf("cleaning up after it: %v", err)
			}
		})
	}
}

func TestSecretsFromPlaceholders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(file, []byte("pepper\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SANDBOX_KEY", "shop")
	g := serve(t, &Handler{APIKey: "{env.SANDBOX_KEY}", Salt: "{file." + file + "}"})
	if g.apiKey != "shop" || g.salt != "pepper" {
		t.Errorf("resolved to %s and %s", g.apiKey, g.salt)
	}
	g.pay("")
}

// Every configuration that holds the transactions lets go of them once, whatever happens.
func TestCleanupReleasesOnce(t *testing.T) {
	holders := func() int {
		n, _ := ledgers.References("counted")
		return n
	}
	provision := func() *Handler {
		ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
		t.Cleanup(release)
		h := &Handler{APIKey: "counted"}
		if err := h.Provision(ctx); err != nil {
			t.Fatal(err)
		}
		return h
	}
	first, second := provision(), provision()
	if holders() != 2 || first.ledger != second.ledger {
		t.Fatalf("%d holders of one ledger", holders())
	}
	for range 2 {
		if err := first.Cleanup(); err != nil || holders() != 1 {
			t.Fatalf("%d holders after the first left: %v", holders(), err)
		}
	}
	if err := second.Cleanup(); err != nil || holders() != 0 {
		t.Fatalf("%d holders after all left: %v", holders(), err)
	}
	if third := provision(); third.ledger == first.ledger {
		t.Error("a ledger outlived its holders")
	} else if err := third.Cleanup(); err != nil {
		t.Error(err)
	}
}

// A payment goes on where it was while the configuration around it changes.
func TestReload(t *testing.T) {
	address := load(t, "galaxypay_sandbox")
	g := gateway{T: t, url: address, apiKey: defaultAPIKey, salt: defaultSalt, transport: newTransport(t)}
	id, page := g.pay(`,"successURL":"http://shop.example"`)
	g.open(page, nil)
	token := g.createToken("create-1")

	g.url = load(t, "galaxypay_sandbox {\n ipn_anywhere\n}")
	if answer := g.query(id); answer.ResponseData["transactionStage"] != "PROCESSING" {
		t.Errorf("after a reload: %+v", answer)
	}
	if err := tryLoad("galaxypay_sandbox {\n allow nobody\n}"); err == nil {
		t.Error("a configuration with a wrong range was loaded")
	}
	returned, _ := g.returned(g.press("/pay/"+id, "success"))
	if returned.ResponseCode != "200" {
		t.Errorf("after a refused reload: %+v", returned)
	}
	if answer := g.ask("/api/v1/transaction/pay", envelope("pay-1", purchase(""))); answer.ResponseCode != "409" {
		t.Errorf("after a reload the same requestID gets %s", answer.ResponseCode)
	}
	if answer := g.ask("/api/v1/transaction/pay", envelope("pay-2", charging(token))); answer.ResponseCode != "200" {
		t.Errorf("after a reload the token gets %+v", answer)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if n, held := ledgers.References(defaultAPIKey); held {
		t.Errorf("%d holders remain after the end", n)
	}
}

// load runs Caddy with a directive on a free port and returns its address.
func load(t *testing.T, directive string) string {
	t.Helper()
	if err := tryLoad(directive); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + app.(*caddyhttp.App).Servers["srv0"].Listeners()[0].Addr().String()
}

func tryLoad(directive string) error {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(
		"{\n admin off\n auto_https off\n persist_config off\n storage_check off\n storage_clean_interval off\n}\nhttp://:0 {\n bind 127.0.0.1\n "+directive+"\n}"), nil)
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

// Nothing of a whole payment but ids and status gets into the log.
func TestLogHoldsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	h := &Handler{APIKey: "k3y-secret", Salt: "s4lt-secret"}
	g := serve(t, h)
	h.setLogger(zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&log), zap.DebugLevel)))
	ipnURL, ipns := g.app(http.StatusOK, `{"ipnStatus":"200","ipnDescription":"answer-secret"}`)
	_, page := g.pay(`,"token":"t0ken-secret","ipnURL":"` + ipnURL + `?url-secret","successURL":"http://shop.example?url-secret"`)
	g.open(page, nil)
	g.press(page, "success")
	one(t, ipns)
	g.exchange("POST", "/api/v1/transaction/pay", "body-secret", http.Header{"Apikey": {"other-secret"}, "Signature": {"sign-secret"}})

	if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "IPN answered") {
		t.Errorf("logged %s", log.String())
	}
}
