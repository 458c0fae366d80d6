package galaxypay

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// takeEncryption returns what is left for the store, too.
func takeEncryption(text string) (c *InboxEncryption, rest []string, err error) {
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	c = new(InboxEncryption)
	tokens, err := c.takeFrom(d.NextSegment())
	for _, token := range tokens {
		rest = append(rest, token.Text)
	}
	return c, rest, err
}

func TestInboxEncryptionOptions(t *testing.T) {
	all := InboxEncryption{RefuseUnencrypted: true, Keys: []InboxKey{
		{ID: "2026-11", Key: "{file./run/secrets/new}"}, {ID: "2025-03", Key: "{env.OLD}"},
	}}
	for name, test := range map[string]struct {
		text string
		want InboxEncryption
		rest string
	}{
		"no block":    {"bolt /path", InboxEncryption{}, "bolt /path"},
		"empty block": {"bolt {\n}", InboxEncryption{}, "bolt"},
		"all": {`postgres {env.DATABASE_URL} {
			encrypt 2026-11 {file./run/secrets/new}
			encrypt 2025-03 {env.OLD}
			refuse_unencrypted
		}`, all, "postgres {env.DATABASE_URL} { }"},
		"among the store's": {`bolt {
			first 1
			encrypt 2026-11 {file./run/secrets/new}
			block {
				encrypt of the store
			}
			encrypt 2025-03 {env.OLD}
			refuse_unencrypted
			last
		}`, all, "bolt { first 1 block { encrypt of the store } last }"},
	} {
		got, rest, err := takeEncryption(test.text)
		if err != nil || !reflect.DeepEqual(*got, test.want) || strings.Join(rest, " ") != test.rest {
			t.Errorf("%s: %+v, %q left, %v", name, *got, rest, err)
		}
	}
	for _, line := range []string{"encrypt", "encrypt canary", "encrypt a b canary", "refuse_unencrypted canary", "refuse_unencrypted\nrefuse_unencrypted"} {
		if _, _, err := takeEncryption("bolt {\n" + line + "\n}"); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// One key after another, as an operator replaces them.
func TestInboxKeyRotation(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte(strings.Repeat("0f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NEW_KEY", strings.Repeat("A", 43)+"=")
	old := InboxKey{ID: "old", Key: "{file." + filepath.Join(dir, "old") + "}"}
	sealer := func(keys ...InboxKey) *inbox.Sealer {
		s, err := (&InboxEncryption{Keys: keys, RefuseUnencrypted: true}).sealer()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	e := inbox.Event{ID: "1", Queue: "default", Message: []byte(`{"a":1}`)}
	sealed := e
	var err error
	if sealed.Message, err = sealer(old).Seal(e); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NEW_ID", "new")
	rotated := sealer(InboxKey{ID: "{env.NEW_ID}", Key: "{env.NEW_KEY}"}, old)
	if again, err := rotated.Seal(e); err != nil || !strings.HasPrefix(string(again), "\x01\x03new") {
		t.Errorf("sealed as %.8q, %v", again, err)
	}
	if opened, err := rotated.Open(sealed); err != nil || string(opened) != `{"a":1}` {
		t.Errorf("opened %q, %v", opened, err)
	}
	if _, err := rotated.Open(e); err == nil {
		t.Error("an unencrypted message is opened")
	}
	if s, err := new(InboxEncryption).sealer(); s != nil || err != nil {
		t.Errorf("without keys: %v, %v", s, err)
	}
}

func TestInboxKeysRefused(t *testing.T) {
	const canary = "canary-of-a-key"
	t.Setenv("SHORT_KEY", canary)
	good := strings.Repeat("0f", 32)
	for name, test := range map[string]struct {
		of   InboxEncryption
		want string
	}{
		"a short one":      {InboxEncryption{Keys: []InboxKey{{ID: "a", Key: "{env.SHORT_KEY}"}}}, "encrypt 1: expected 32 bytes"},
		"the second one":   {InboxEncryption{Keys: []InboxKey{{ID: "a", Key: good}, {ID: "b", Key: canary}}}, "encrypt 2: expected 32 bytes"},
		"unset":            {InboxEncryption{Keys: []InboxKey{{ID: "a", Key: "{env.NO_SUCH_KEY}"}}}, "{env.NO_SUCH_KEY} is not set"},
		"left out":         {InboxEncryption{Keys: []InboxKey{{ID: "a"}}}, "encrypt 1: missing"},
		"without a name":   {InboxEncryption{Keys: []InboxKey{{Key: good}}}, "expected a key id"},
		"one name twice":   {InboxEncryption{Keys: []InboxKey{{ID: "a", Key: good}, {ID: "a", Key: good}}}, "two keys have the id a"},
		"unset name":       {InboxEncryption{Keys: []InboxKey{{ID: "{env.NO_SUCH_ID}", Key: good}}}, "key id: "},
		"strict, no key":   {InboxEncryption{RefuseUnencrypted: true}, "refuse_unencrypted"},
		"a line end in it": {InboxEncryption{Keys: []InboxKey{{ID: "a", Key: good + "\n"}}}, "white space"},
	} {
		s, err := test.of.sealer()
		if s != nil || err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), good) {
			t.Errorf("%s: %v, %v; want an error about %q", name, s, err, test.want)
		}
	}
}
