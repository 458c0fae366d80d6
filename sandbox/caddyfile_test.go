package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		want  Handler
	}{
		"bare":        {"galaxypay_sandbox", Handler{}},
		"empty block": {"galaxypay_sandbox {\n}", Handler{}},
		"all options": {
			"galaxypay_sandbox {\n api_key {env.KEY}\n salt pepper\n allow private_ranges 203.0.113.0/24\n hosts sandbox.test gateway.test\n ipn_anywhere\n expiry 2d\n result post\n strict\n}",
			Handler{APIKey: "{env.KEY}", Salt: "pepper", Allow: []string{"private_ranges", "203.0.113.0/24"}, Hosts: []string{"sandbox.test", "gateway.test"}, IPNAnywhere: true, Expiry: caddy.Duration(48 * time.Hour), Result: "post", Strict: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var h Handler
			if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(h, test.want) {
				t.Errorf("got %+v, want %+v", h, test.want)
			}
		})
	}
}

func TestUnmarshalCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ input, want string }{
		"argument":             {"galaxypay_sandbox now", "argument"},
		"argument and block":   {"galaxypay_sandbox now {\n salt pepper\n}", "argument"},
		"unknown option":       {"galaxypay_sandbox {\n sugar sweet\n}", "unknown option sugar"},
		"option in capitals":   {"galaxypay_sandbox {\n Salt pepper\n}", "unknown option Salt"},
		"api_key without":      {"galaxypay_sandbox {\n api_key\n}", "api_key: expected a value, got none"},
		"api_key empty":        {"galaxypay_sandbox {\n api_key \"\"\n}", "api_key: expected a value"},
		"api_key with two":     {"galaxypay_sandbox {\n api_key one two\n}", "api_key: expected one value"},
		"api_key twice":        {"galaxypay_sandbox {\n api_key one\n api_key two\n}", "duplicate option api_key"},
		"salt without":         {"galaxypay_sandbox {\n salt\n}", "salt: expected a value, got none"},
		"salt empty":           {"galaxypay_sandbox {\n salt \"\"\n}", "salt: expected a value"},
		"salt with two":        {"galaxypay_sandbox {\n salt one two\n}", "salt: expected one value"},
		"salt twice":           {"galaxypay_sandbox {\n salt one\n salt two\n}", "duplicate option salt"},
		"salt with a block":    {"galaxypay_sandbox {\n salt one {\n two\n }\n}", "unknown option {"},
		"allow without":        {"galaxypay_sandbox {\n allow\n}", "one or more values, got none"},
		"allow twice":          {"galaxypay_sandbox {\n allow ::1\n allow ::1\n}", "duplicate option allow"},
		"hosts without":        {"galaxypay_sandbox {\n hosts\n}", "one or more values, got none"},
		"hosts twice":          {"galaxypay_sandbox {\n hosts a\n hosts b\n}", "duplicate option hosts"},
		"ipn_anywhere with":    {"galaxypay_sandbox {\n ipn_anywhere yes\n}", "argument"},
		"ipn_anywhere twice":   {"galaxypay_sandbox {\n ipn_anywhere\n ipn_anywhere\n}", "duplicate option ipn_anywhere"},
		"expiry without":       {"galaxypay_sandbox {\n expiry\n}", "expiry: expected a value, got none"},
		"expiry twice":         {"galaxypay_sandbox {\n expiry 1m\n expiry 2m\n}", "duplicate option expiry"},
		"expiry no duration":   {"galaxypay_sandbox {\n expiry soon\n}", "expiry: \"soon\" is not a duration above zero"},
		"expiry of nothing":    {"galaxypay_sandbox {\n expiry 0s\n}", "expiry: \"0s\" is not a duration above zero"},
		"expiry in the past":   {"galaxypay_sandbox {\n expiry -1m\n}", "expiry: \"-1m\" is not a duration above zero"},
		"result without":       {"galaxypay_sandbox {\n result\n}", "result: expected a value, got none"},
		"result of two":        {"galaxypay_sandbox {\n result get post\n}", "result: expected one value"},
		"result twice":         {"galaxypay_sandbox {\n result get\n result get\n}", "duplicate option result"},
		"result unknown":       {"galaxypay_sandbox {\n result put\n}", "result: unknown value \"put\"; expected get or post"},
		"result empty":         {"galaxypay_sandbox {\n result \"\"\n}", "result: expected a value"},
		"second unknown of it": {"galaxypay_sandbox {\n salt pepper\n ipnanywhere\n}", "unknown option ipnanywhere"},
	} {
		t.Run(name, func(t *testing.T) {
			err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// The directive needs no order option, and comes before reverse_proxy.
func TestDirectiveOrder(t *testing.T) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(
		[]byte(":9190 {\n reverse_proxy app:8000\n galaxypay_sandbox\n}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Handle []struct{ Handler string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, route := range config.Apps.HTTP.Servers["srv0"].Routes {
		for _, handle := range route.Handle {
			order = append(order, handle.Handler)
		}
	}
	if want := []string{"galaxypay_sandbox", "reverse_proxy"}; !reflect.DeepEqual(order, want) {
		t.Errorf("handlers %v, want %v", order, want)
	}
}
