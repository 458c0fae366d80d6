package caddytest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// Whatever the blocks of the global option and of a directive hold, Caddy either provisions it or refuses
// it with an error. No error holds a secret, and nothing panics.
func FuzzCaddyfile(f *testing.F) {
	f.Setenv("KEY", secretKey)
	f.Setenv("SALT", secretSalt)
	f.Setenv("EMPTY", "")
	global := []string{
		"environment sandbox", "environment uat" + keyPair, "environment {env.SALT}", "base_url {env.SALT}" + keyPair, "base_url https://gateway.example" + keyPair + "previous_salt {env.SALT} until 2026-12-31T00:00:00+07:00",
		"environment uat\napi_key {env.KEY}\nsalt secret-canary secret-canary", "environment uat\napi_key secret-canary{x}\nsalt a{secret-canary}", "environment uat\napi_key {env.EMPTY}\nsalt {env.UNSET}",
		"merchant a {\nenvironment sandbox\n}\nmerchant b {\nenvironment production" + keyPair + "}", "merchant {\n}", "environment", "environment uat {\n}", "previous_salt secret-canary till x", "salt \"secret-canary",
		"environment sandbox\nsalt \"secret-canary \"\napi_key `secret-canary`", "environment uat\napi_key {$KEY}\nsalt {$SALT} {\n}",
	}
	site := []string{
		"", "merchant a", "merchant {env.SALT}", "allow private_ranges 10.0.0.0/8", "operations pay query", "operations {env.SALT}", "response envelope", "verify report", "validate off", "defaults {\nipnURL https://shop.example/ipn\nlanguage {env.SALT}\n}",
		"path void /api/v1/transaction/void", "max_body 64KiB", "max_body -1", "timeout 1d", "timeout {env.SALT}", "transport http {\ntls_insecure_skip_verify\nversions 2\n}", "transport fastcgi", "unknown", "{", "}", "\"",
		"api_key {env.KEY}\nsalt {env.SALT}\nexpiry 15m\nresult post\nipn_anywhere", "salt secret-canary secret-canary", "salt a{secret-canary}", "api_key {env.UNSET}", "salt \" secret-canary\"", "sidecar http://localhost:9180\nipn_url x\nmodal_script y",
	}
	for i := range len(global) * len(directives) {
		f.Add(global[i%len(global)], uint8(i), site[i%len(site)])
	}
	f.Add("{$KEY}", uint8(0), "0")
	f.Add("salt\rsecret-canary", uint8(0), "0")
	for i := range len(site) * len(directives) {
		f.Add("environment sandbox", uint8(i), site[i%len(site)])
	}
	f.Fuzz(func(t *testing.T, global string, which uint8, site string) {
		if strings.Contains(global+site, "import") {
			t.Skip("reads other files")
		}
		caddyfile := "{\nadmin off\nauto_https off\nlog {\noutput discard\n}\ngalaxypay {\n" + global + "\n}\n}\n" +
			"http://:9180 {\n" + directives[int(which)%len(directives)] + " {\n" + site + "\n}\n}\n"
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
		if err == nil {
			err = provision(t, adapted)
		}
		if err == nil {
			return
		}
		if strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without a text")
		}
		if strings.Contains(err.Error(), "secret-canary") && secretsInPlace(global) && secretsInPlace(site) {
			t.Errorf("%s\nis refused with a secret: %v", caddyfile, err)
		}
	})
}

// directives are all directives of the module.
var directives = []string{"galaxypay", "galaxypay_ipn", "galaxypay_result", "galaxypay_sandbox", "galaxypay_demo_shop"}

// secretsInPlace reports whether every secret is on the line of an option that takes one. In other
// places, or inside quotation marks that span several lines, the module cannot know that a text is a
// secret, once Caddy has replaced {$KEY}. Caddy drops carriage returns, so the option's name and the
// secret may become one word.
func secretsInPlace(options string) bool {
	if strings.Contains(options, "\r") {
		return false
	}
	for line := range strings.Lines(options) {
		words := strings.Fields(line)
		if strings.Count(line, `"`)%2+strings.Count(line, "`")%2 > 0 || strings.Contains(line, "<<") || strings.Contains(line, "\\\n") {
			return false
		}
		if !strings.Contains(line, "secret-canary") && !strings.Contains(line, "{$") {
			continue
		}
		if words[0] != "api_key" && words[0] != "salt" && words[0] != "previous_salt" {
			return false
		}
	}
	return true
}

// provision does what Caddy does with a configuration before it runs it. It skips Caddyfiles that leave
// their blocks and use other modules.
func provision(t *testing.T, adapted []byte) error {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(adapted))
	decoder.DisallowUnknownFields()
	var config caddy.Config
	if err := decoder.Decode(&config); err != nil {
		t.Fatalf("adapted to %s: %v", adapted, err)
	}
	for app := range config.AppsRaw {
		if app != "galaxypay" && app != "http" {
			t.Skip("uses another app")
		}
	}
	if config.StorageRaw != nil || config.Logging == nil || len(config.Logging.Logs) != 1 {
		t.Skip("uses more than the module")
	}
	return caddy.Validate(&config)
}
