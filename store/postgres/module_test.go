//go:build unix

package postgres_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/store/postgres"
)

func TestOpenerHidesTheAddress(t *testing.T) {
	address := "postgres://shop:hunter2@127.0.0.1/shop"
	t.Setenv("INBOX_ADDRESS", address)
	var o postgres.Opener
	if err := o.UnmarshalCaddyfile(caddyfile.NewTestDispenser("postgres {env.INBOX_ADDRESS}")); err != nil {
		t.Fatal(err)
	}
	if err := o.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if o.Key() != "postgres "+address {
		t.Error("the key is not of the address")
	}
	if o.Name() != "127.0.0.1/shop" {
		t.Errorf("name %s", o.Name())
	}
	dump, err := json.Marshal(o)
	if err != nil || string(dump) != `{"address":"{env.INBOX_ADDRESS}","keep":34560000000000000}` {
		t.Errorf("config %s, %v", dump, err)
	}
}

// A file ends in a newline.
func TestOpenerReadsTheAddressFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "address")
	if err := os.WriteFile(path, []byte("postgres://127.0.0.1/shop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := postgres.Opener{Address: "{file." + path + "}"}
	if err := o.Provision(caddy.Context{}); err != nil || o.Key() != "postgres postgres://127.0.0.1/shop" {
		t.Errorf("key %q, %v", o.Key(), err)
	}
}

func TestOpenerRefuses(t *testing.T) {
	t.Setenv("INBOX_BROKEN", "postgres://shop:hunter2@[::1/shop")
	t.Setenv("INBOX_BLANK", "postgres://shop:hunter2@127.0.0.1/shop ")
	for name, text := range map[string]string{
		"QUOTED": `"postgres://shop:hunter2@127.0.0.1/shop"`, "LINES": "postgres://shop:hunter2@127.0.0.1/shop\npostgres://b/shop",
		"TEMPLATE": "${hunter2}", "TEMPLATE_WORDS": "host=127.0.0.1 password=${hunter2}", "TEMPLATE_URL": "postgres://shop:$(hunter2)@127.0.0.1/shop", "BRACES_URL": "postgres://shop:${hunter2}@127.0.0.1/shop",
		"GUIDE_URL": "postgres://shop:<hunter2>@127.0.0.1/shop", "BOM": "\ufeffpostgres://shop:hunter2@127.0.0.1/shop",
	} {
		t.Setenv("INBOX_"+name, text)
	}
	for address, want := range map[string]string{
		"{env.INBOX_QUOTED}":         "address: is in quotation marks",
		"{env.INBOX_LINES}":          "address: has more than one line",
		"{env.INBOX_TEMPLATE}":       "address: is still a placeholder",
		"{env.INBOX_TEMPLATE_WORDS}": "address: its password is still a placeholder",
		"{env.INBOX_TEMPLATE_URL}":   "address: its password is still a placeholder",
		"{env.INBOX_BRACES_URL}":     "address: its password is still a placeholder",
		"{env.INBOX_GUIDE_URL}":      "address: its password is still a placeholder",
		"{env.INBOX_BOM}":            "address: begins with a byte order mark",
		"{env.INBOX_QUOTED":          "address: has a brace too few",
		"":                           "address: missing",
		"{env.INBOX_ABSENT}":         "{env.INBOX_ABSENT} is not set",
		"{env.INBOX_BLANK}":          "white space",
		"postgres://shop:{hunter2}@": "cannot be resolved",
		"{env.INBOX_BROKEN}":         "cannot be parsed",
	} {
		o := postgres.Opener{Address: address}
		err := o.Provision(caddy.Context{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v, want %s", address, err, want)
		}
	}
	for _, text := range []string{"postgres", "postgres host=db password=hunter2", "postgres a {\n\tpool 3\n}"} {
		var o postgres.Opener
		if err := o.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
