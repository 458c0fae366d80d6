package store_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// parse reads a block of options as an engine does.
func parse(block string) (store.Options, error) {
	d := caddyfile.NewTestDispenser("sqlite {\n" + block + "\n}")
	d.Next()
	var o store.Options
	err := o.Block().Parse(d, store.Repeatable...)
	return o, err
}

func TestOptionsInCaddyfile(t *testing.T) {
	for name, test := range map[string]struct {
		block string
		want  store.Options
	}{
		"none": {"", store.Options{}},
		"all": {`
			encrypt 2026-11 {file./run/secrets/new}
			encrypt 2025-03 {env.OLD}
			refuse_unencrypted
			keep 30d
		`, store.Options{
			Encrypt:           []store.Key{{ID: "2026-11", Key: "{file./run/secrets/new}"}, {ID: "2025-03", Key: "{env.OLD}"}},
			RefuseUnencrypted: true,
			Keep:              caddy.Duration(30 * 24 * time.Hour),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parse(test.block); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestOptionsRefusedInCaddyfile(t *testing.T) {
	for _, block := range []string{
		"encrypt", "encrypt canary", "encrypt a b canary", "refuse_unencrypted canary", "refuse_unencrypted\nrefuse_unencrypted",
		"keep", "keep -1d", "keep 0s", "keep soon", "keep 1d\nkeep 2d", "encryption a b",
	} {
		t.Run(block, func(t *testing.T) {
			if _, err := parse(block); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestOptionsDefaults(t *testing.T) {
	var o store.Options
	if err := o.Provision(zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if time.Duration(o.Keep) != 400*24*time.Hour || o.Sealer() != nil || o.Settings() != &o {
		t.Errorf("%+v", o)
	}
	if err := (&store.Options{Keep: -1}).Provision(zap.NewNop()); err == nil || !strings.HasPrefix(err.Error(), "keep:") {
		t.Errorf("keep below zero: %v", err)
	}
}

// A key that stands in the configuration is in every dump of it.
func TestKeyInTheConfiguration(t *testing.T) {
	t.Setenv("GOOD_KEY", strings.Repeat("0f", 32))
	for key, want := range map[string]int{strings.Repeat("0f", 32): 1, "{env.GOOD_KEY}": 0} {
		core, logs := observer.New(zapcore.WarnLevel)
		if err := (&store.Options{Encrypt: []store.Key{{ID: "a", Key: key}}}).Provision(zap.New(core)); err != nil {
			t.Fatal(err)
		}
		if logs.Len() != want {
			t.Errorf("%s: %d warnings", key, logs.Len())
		}
	}
}

// One key after another, as an operator replaces them.
func TestKeyRotation(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte(strings.Repeat("0f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NEW_KEY", strings.Repeat("A", 43)+"=")
	old := store.Key{ID: "old", Key: "{file." + filepath.Join(dir, "old") + "}"}
	sealer := func(keys ...store.Key) *inbox.Sealer {
		o := store.Options{Encrypt: keys, RefuseUnencrypted: true}
		if err := o.Provision(zap.NewNop()); err != nil {
			t.Fatal(err)
		}
		return o.Sealer()
	}
	e := inbox.Event{ID: "1", Queue: "default", Message: []byte(`{"a":1}`)}
	sealed := e
	var err error
	if sealed.Message, err = sealer(old).Seal(e); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NEW_ID", "new")
	rotated := sealer(store.Key{ID: "{env.NEW_ID}", Key: "{env.NEW_KEY}"}, old)
	if again, err := rotated.Seal(e); err != nil || !strings.HasPrefix(string(again), "\x01\x03new") {
		t.Errorf("sealed as %.8q, %v", again, err)
	}
	if opened, err := rotated.Open(sealed); err != nil || string(opened) != `{"a":1}` {
		t.Errorf("opened %q, %v", opened, err)
	}
	if _, err := rotated.Open(e); err == nil {
		t.Error("an unencrypted message is opened")
	}
}

func TestKeysRefused(t *testing.T) {
	const canary = "canary-of-a-key"
	t.Setenv("SHORT_KEY", canary)
	good := strings.Repeat("0f", 32)
	for name, test := range map[string]struct {
		of   store.Options
		want string
	}{
		"a short one":      {store.Options{Encrypt: []store.Key{{ID: "a", Key: "{env.SHORT_KEY}"}}}, "encrypt 1: expected 32 bytes"},
		"the second one":   {store.Options{Encrypt: []store.Key{{ID: "a", Key: good}, {ID: "b", Key: canary}}}, "encrypt 2: expected 32 bytes"},
		"unset":            {store.Options{Encrypt: []store.Key{{ID: "a", Key: "{env.NO_SUCH_KEY}"}}}, "{env.NO_SUCH_KEY} is not set"},
		"quoted":           {store.Options{Encrypt: []store.Key{{ID: "a", Key: "'" + good + "'"}}}, "encrypt 1: is in quotation marks"},
		"unclosed":         {store.Options{Encrypt: []store.Key{{ID: "a", Key: "{env.CANARY"}}}, "encrypt 1: has a brace too few"},
		"of another tool":  {store.Options{Encrypt: []store.Key{{ID: "a", Key: good}, {ID: "b", Key: "%CANARY%"}}}, "encrypt 2: is still a placeholder"},
		"left out":         {store.Options{Encrypt: []store.Key{{ID: "a"}}}, "encrypt 1: missing"},
		"without a name":   {store.Options{Encrypt: []store.Key{{Key: good}}}, "expected a key id"},
		"one name twice":   {store.Options{Encrypt: []store.Key{{ID: "a", Key: good}, {ID: "a", Key: good}}}, "two keys have the id a"},
		"unset name":       {store.Options{Encrypt: []store.Key{{ID: "{env.NO_SUCH_ID}", Key: good}}}, "key id: "},
		"strict, no key":   {store.Options{RefuseUnencrypted: true}, "refuse_unencrypted"},
		"a line end in it": {store.Options{Encrypt: []store.Key{{ID: "a", Key: good + "\n"}}}, "white space"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.of.Provision(zap.NewNop())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), good) {
				t.Errorf("%v; want an error about %q", err, test.want)
			}
		})
	}
}
