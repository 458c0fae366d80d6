package galaxypay

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

const day = caddy.Duration(24 * time.Hour)

func TestInboxDefaults(t *testing.T) {
	i := &Inbox{DeliverTo: "https://app.internal:8443/ipn?key=1"}
	b := blockOf(t, i)
	q := i.queue("shop", 400*day, blocks{b})
	if q.Name != "shop" || q.AnswerWithin != 5*time.Second || q.Keep != 400*24*time.Hour || q.Timeout != attemptTimeout || len(q.Retry) != 10 ||
		q.Retry[0] != time.Second || q.Retry[9] != 24*time.Hour {
		t.Errorf("%+v", q)
	}
	if b.name == "" || b.name != i.name {
		t.Errorf("the block %q of the inbox %q", b.name, i.name)
	}
}

// The default schedule outlasts a weekend in which the app is down: from Friday afternoon to
// Monday morning.
func TestDefaultRetryOutlastsAWeekend(t *testing.T) {
	total := caddy.Duration(0)
	for _, delay := range defaultRetry {
		total += delay
	}
	if weekend := 66 * time.Hour; time.Duration(total) < weekend {
		t.Errorf("the last attempt is made after %s", time.Duration(total))
	}
}

func TestInboxRefuses(t *testing.T) {
	const app = "http://app/ipn"
	for name, test := range map[string]struct {
		settings Inbox
		want     string
	}{
		"no address":             {Inbox{}, "expected one of deliver and deliver_to"},
		"both":                   {Inbox{DeliverTo: app, Deliver: handlers(t, `{"handler": "reverse_proxy"}`)}, "expected one of deliver and deliver_to"},
		"deliver without routes": {Inbox{Deliver: new(caddyhttp.Subroute)}, "deliver: expected handlers"},
		"unknown handler":        {Inbox{Deliver: handlers(t, `{"handler": "no_such_handler"}`)}, "deliver:"},
		"address without host":   {Inbox{DeliverTo: "http:///canary"}, "deliver_to:"},
		"port too high":          {Inbox{DeliverTo: "http://canary:80000/ipn"}, "deliver_to:"},
		"address without scheme": {Inbox{DeliverTo: "canary:8000/ipn"}, "deliver_to:"},
		"path alone":             {Inbox{DeliverTo: "/canary"}, "deliver_to:"},
		"another scheme":         {Inbox{DeliverTo: "ftp://canary/ipn"}, "deliver_to:"},
		"fragment":               {Inbox{DeliverTo: "http://canary/ipn#x"}, "deliver_to:"},
		"no address at all":      {Inbox{DeliverTo: "http://canary\x00/"}, "deliver_to:"},
		"unset variable":         {Inbox{DeliverTo: "http://{env.GALAXYPAY_TEST_UNSET}/ipn"}, "deliver_to:"},
		"answer_within below":    {Inbox{DeliverTo: app, AnswerWithin: -1}, "answer_within:"},
		"answer_within too long": {Inbox{DeliverTo: app, AnswerWithin: caddy.Duration(time.Minute)}, "answer_within:"},
		"retry with no delay":    {Inbox{DeliverTo: app, Retry: []caddy.Duration{1, 0}}, "retry:"},
		"retry below":            {Inbox{DeliverTo: app, Retry: []caddy.Duration{-1}}, "retry:"},
		"retry of centuries":     {Inbox{DeliverTo: app, Retry: []caddy.Duration{math.MaxInt64}}, "retry:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.settings.provision(newContext(t))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Fatalf("error %v, want %s", err, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the address: %v", err)
			}
		})
	}
}

// ipnIn loads handlers of IPNs into one configuration, and returns the first error.
func ipnIn(ctx caddy.Context, configs ...string) error {
	for _, config := range configs {
		if _, err := ctx.LoadModuleByID("http.handlers.galaxypay_ipn", []byte(config)); err != nil {
			return err
		}
	}
	return nil
}

// A message must not be dropped before a person has seen that it could not be delivered.
func TestKeepIsLongerThanTheSchedule(t *testing.T) {
	const inboxOf = `{"inbox": {"deliver_to": "http://app/ipn", "retry": %s}}`
	short := fmt.Sprintf(inboxOf, `["1h"]`)
	for name, test := range map[string]struct {
		keep, ipn string
		want      string
	}{
		"of a year, the default schedule":   {`"365d"`, `{"inbox": {"deliver_to": "http://app/ipn"}}`, ""},
		"of a day, the default schedule":    {`"24h"`, `{"inbox": {"deliver_to": "http://app/ipn"}}`, "keep is 24h0m0s"},
		"of an hour, retry of an hour":      {`"1h"`, short, "keep is 1h0m0s"},
		"as long, the jitter not counted":   {`"1h1m"`, short, "the schedule of merchant default can take 1h13m0s"},
		"as long as the schedule can be":    {`"1h13m"`, short, "keep is 1h13m0s"},
		"one second longer":                 {`"1h13m1s"`, short, ""},
		"the default, retry of two months":  {`0`, fmt.Sprintf(inboxOf, `["30d", "30d"]`), ""},
		"the default, retry of seventeen":   {`0`, fmt.Sprintf(inboxOf, "["+strings.Repeat(`"30d", `, 11)+`"30d"]`), "keep is 9600h0m0s"},
		"of a day, a schedule of its own":   {`"24h"`, short, ""},
		"of a second, a schedule of a blip": {`"1s"`, fmt.Sprintf(inboxOf, `["1ms"]`), "keep is 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ipnIn(newContext(t, `, "store": {"engine": "sqlite", "path": "`+t.TempDir()+`/store.db", "keep": `+test.keep+`}`), test.ipn)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// A merchant has one queue, so its handlers must agree on it; where events are delivered to
// is each handler's own.
func TestInboxesOfOneMerchant(t *testing.T) {
	const one = `{"inbox": {"deliver_to": "http://app/ipn", "retry": ["1s"], "answer_within": "1s"}}`
	for name, test := range map[string]struct {
		other string
		want  string
	}{
		"the same":               {one, ""},
		"another deliver_to":     {`{"inbox": {"deliver_to": "http://other/ipn", "retry": ["1s"], "answer_within": "1s"}}`, ""},
		"another retry":          {`{"inbox": {"deliver_to": "http://app/ipn", "retry": ["2s"], "answer_within": "1s"}}`, "merchant default have different settings"},
		"another answer_within":  {`{"inbox": {"deliver_to": "http://app/ipn", "retry": ["1s"], "answer_within": "2s"}}`, "merchant default have different settings"},
		"of another merchant":    {`{"merchant": "airline", "inbox": {"deliver_to": "http://app/ipn"}}`, ""},
		"a handler without any":  {`{}`, ""},
		"default against chosen": {`{"inbox": {"deliver_to": "http://app/ipn"}}`, "merchant default have different settings"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ipnIn(newContext(t), one, test.other)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// adaptedInbox is the inbox of a site with that block of directives.
func adaptedInbox(t *testing.T, directive, block string) (*Inbox, error) {
	t.Helper()
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("http://localhost {\n"+directive+" {\n"+block+"\n}\n}"), nil)
	if err != nil {
		return nil, err
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Handle []struct {
							Routes []struct{ Handle []*IPN }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.HTTP.Servers["srv0"].Routes[0].Handle[0].Routes[0].Handle[0].Inbox, nil
}

func TestInboxInCaddyfile(t *testing.T) {
	i, err := adaptedInbox(t, "galaxypay_ipn", "inbox {\ndeliver_to http://app/ipn\nanswer_within 2s\nretry 1s 2d\n}")
	if err != nil {
		t.Fatal(err)
	}
	if i.DeliverTo != "http://app/ipn" || i.Deliver != nil || i.AnswerWithin != caddy.Duration(2*time.Second) || len(i.Retry) != 2 || i.Retry[1] != 2*day {
		t.Errorf("%+v", i)
	}
}

// deliver takes any directives, sorted as Caddy sorts those of a site.
func TestDeliverInCaddyfile(t *testing.T) {
	i, err := adaptedInbox(t, "galaxypay_ipn", "inbox {\ndeliver {\nreverse_proxy app:8000\nrewrite * /payments/ipn\n@paid header Galaxypay-Payment-Status paid\nheader @paid X-Paid 1\n}\n}")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(i.Deliver)
	if err != nil {
		t.Fatal(err)
	}
	rewrite, proxy := strings.Index(string(text), `"/payments/ipn"`), strings.Index(string(text), `"app:8000"`)
	if rewrite < 0 || proxy < rewrite || !strings.Contains(string(text), `"Galaxypay-Payment-Status":["paid"]`) {
		t.Errorf("%s", text)
	}
}

func TestInboxRefusedInCaddyfile(t *testing.T) {
	for name, test := range map[string]struct{ directive, block, want string }{
		"for results":          {"galaxypay_result", "inbox {\n}", "unknown option inbox"},
		"twice":                {"galaxypay_ipn", "inbox {\n}\ninbox {\n}", "duplicate option inbox"},
		"with an argument":     {"galaxypay_ipn", "inbox sqlite", "expected a block"},
		"unknown option":       {"galaxypay_ipn", "inbox {\nredeliver 1\n}", "unknown option redeliver"},
		"keep is the store's":  {"galaxypay_ipn", "inbox {\nkeep 10d\n}", "unknown option keep"},
		"option twice":         {"galaxypay_ipn", "inbox {\nretry 1s\nretry 2s\n}", "duplicate option retry"},
		"two addresses":        {"galaxypay_ipn", "inbox {\ndeliver_to http://a http://b\n}", "deliver_to: expected one value"},
		"answer_within no sum": {"galaxypay_ipn", "inbox {\nanswer_within soon\n}", `answer_within: "soon"`},
		"answer_within zero":   {"galaxypay_ipn", "inbox {\nanswer_within 0s\n}", "answer_within"},
		"retry without delays": {"galaxypay_ipn", "inbox {\nretry\n}", "retry"},
		"retry of zero":        {"galaxypay_ipn", "inbox {\nretry 1s 0s\n}", `retry: "0s"`},
		"unknown directive":    {"galaxypay_ipn", "inbox {\ndeliver {\nno_such_directive\n}\n}", "no_such_directive"},
		"deliver twice":        {"galaxypay_ipn", "inbox {\ndeliver {\nrespond OK\n}\ndeliver {\nrespond OK\n}\n}", "duplicate option deliver"},
		"deliver, an argument": {"galaxypay_ipn", "inbox {\ndeliver http://app\n}", "deliver: expected a block"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := adaptedInbox(t, test.directive, test.block); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// The inbox and its admin API know the same payment statuses as the handlers.
func TestInboxKnowsThePaymentStatuses(t *testing.T) {
	var want []string
	for _, status := range ledger.MessageStatuses() {
		want = append(want, string(status))
	}
	got := inbox.PaymentStatuses()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the inbox knows %q, want %q", got, want)
	}
}
