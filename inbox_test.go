package galaxypay

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func TestInboxDefaults(t *testing.T) {
	settings, err := Inbox{DeliverTo: "https://app.internal:8443/ipn?key=1"}.resolved()
	if err != nil {
		t.Fatal(err)
	}
	q := settings.queue("shop")
	if q.Name != "shop" || q.AnswerWithin != 5*time.Second || q.Keep != 400*24*time.Hour || len(q.Retry) != 7 ||
		q.Retry[0] != time.Second || q.Retry[6] != 6*time.Hour {
		t.Errorf("%+v", q)
	}
}

func TestInboxRefuses(t *testing.T) {
	const app = "http://app/ipn"
	for name, test := range map[string]struct {
		settings Inbox
		want     string
	}{
		"no address":             {Inbox{}, "deliver_to"},
		"address without host":   {Inbox{DeliverTo: "http:///canary"}, "deliver_to"},
		"port too high":          {Inbox{DeliverTo: "http://canary:80000/ipn"}, "deliver_to"},
		"address without scheme": {Inbox{DeliverTo: "canary:8000/ipn"}, "deliver_to"},
		"path alone":             {Inbox{DeliverTo: "/canary"}, "deliver_to"},
		"another scheme":         {Inbox{DeliverTo: "ftp://canary/ipn"}, "deliver_to"},
		"fragment":               {Inbox{DeliverTo: "http://canary/ipn#x"}, "deliver_to"},
		"no address at all":      {Inbox{DeliverTo: "http://canary\x00/"}, "deliver_to"},
		"unset variable":         {Inbox{DeliverTo: "http://{env.GALAXYPAY_TEST_UNSET}/ipn"}, "deliver_to"},
		"answer_within below":    {Inbox{DeliverTo: app, AnswerWithin: -1}, "answer_within"},
		"answer_within too long": {Inbox{DeliverTo: app, AnswerWithin: caddy.Duration(time.Minute)}, "answer_within"},
		"retry with no delay":    {Inbox{DeliverTo: app, Retry: []caddy.Duration{1, 0}}, "retry"},
		"retry below":            {Inbox{DeliverTo: app, Retry: []caddy.Duration{-1}}, "retry"},
		"retry of centuries":     {Inbox{DeliverTo: app, Retry: []caddy.Duration{math.MaxInt64}}, "retry"},
		"keep below":             {Inbox{DeliverTo: app, Keep: -1}, "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.settings.resolved()
			if err == nil || !strings.HasPrefix(err.Error(), test.want+":") {
				t.Fatalf("error %v, want one on %s", err, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the address: %v", err)
			}
		})
	}
}

func TestInboxInCaddyfile(t *testing.T) {
	parse := func(directive, block string) (*Inbox, error) {
		d := caddyfile.NewTestDispenser(directive + " {\n" + block + "\n}")
		if directive == "galaxypay_result" {
			return nil, new(Result).UnmarshalCaddyfile(d)
		}
		ipn := new(IPN)
		err := ipn.UnmarshalCaddyfile(d)
		return ipn.Inbox, err
	}
	settings, err := parse("galaxypay_ipn", "inbox {\ndeliver_to http://app/ipn\nanswer_within 2s\nretry 1s 2d\nkeep 10d\n}")
	if err != nil {
		t.Fatal(err)
	}
	day := caddy.Duration(24 * time.Hour)
	if got := *settings; got.DeliverTo != "http://app/ipn" || got.AnswerWithin != caddy.Duration(2*time.Second) ||
		len(got.Retry) != 2 || got.Retry[1] != 2*day || got.Keep != 10*day {
		t.Errorf("%+v", got)
	}
	for name, test := range map[string]struct{ directive, block, want string }{
		"for results":          {"galaxypay_result", "inbox {\n}", "unknown option inbox"},
		"twice":                {"galaxypay_ipn", "inbox {\n}\ninbox {\n}", "duplicate option inbox"},
		"with an argument":     {"galaxypay_ipn", "inbox bolt", "expected a block"},
		"unknown option":       {"galaxypay_ipn", "inbox {\nredeliver 1\n}", "unknown option redeliver"},
		"option twice":         {"galaxypay_ipn", "inbox {\nkeep 1d\nkeep 2d\n}", "duplicate option keep"},
		"two addresses":        {"galaxypay_ipn", "inbox {\ndeliver_to http://a http://b\n}", "deliver_to: expected one value"},
		"answer_within no sum": {"galaxypay_ipn", "inbox {\nanswer_within soon\n}", `answer_within: "soon"`},
		"answer_within zero":   {"galaxypay_ipn", "inbox {\nanswer_within 0s\n}", "answer_within"},
		"retry without delays": {"galaxypay_ipn", "inbox {\nretry\n}", "retry"},
		"retry of zero":        {"galaxypay_ipn", "inbox {\nretry 1s 0s\n}", `retry: "0s"`},
		"keep below":           {"galaxypay_ipn", "inbox {\nkeep -1d\n}", "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(test.directive, test.block); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

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

// The inbox and its admin API know the same payment statuses as the handlers.
func TestInboxKnowsThePaymentStatuses(t *testing.T) {
	want := []string{string(Paid), string(Cancelled), string(Expired), string(Pending), string(Failed)}
	if got := inbox.PaymentStatuses(); !slices.Equal(got, want) {
		t.Errorf("the inbox knows %q, want %q", got, want)
	}
}
