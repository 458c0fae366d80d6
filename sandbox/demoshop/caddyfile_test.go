package demoshop

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		want  Handler
	}{
		"bare":        {"galaxypay_demo_shop", Handler{}},
		"empty block": {"galaxypay_demo_shop {\n}", Handler{}},
		"all options": {
			"galaxypay_demo_shop {\n sidecar http://a:1\n modal_script http://b/c.js\n ipn_url http://d/e\n}",
			Handler{Sidecar: "http://a:1", ModalScript: "http://b/c.js", IPNURL: "http://d/e"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var h Handler
			if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input)); err != nil {
				t.Fatal(err)
			}
			if h != test.want {
				t.Errorf("got %+v, want %+v", h, test.want)
			}
		})
	}
}

func TestUnmarshalCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ input, want string }{
		"argument":          {"galaxypay_demo_shop now", "argument"},
		"unknown option":    {"galaxypay_demo_shop {\n price 1\n}", "unknown option price"},
		"without a value":   {"galaxypay_demo_shop {\n sidecar\n}", "sidecar: expected a value, got none"},
		"with two values":   {"galaxypay_demo_shop {\n sidecar http://a http://b\n}", "sidecar: expected one value"},
		"empty":             {"galaxypay_demo_shop {\n ipn_url \"\"\n}", "ipn_url: expected a value"},
		"twice":             {"galaxypay_demo_shop {\n sidecar http://a\n sidecar http://a\n}", "duplicate option sidecar"},
		"value and a block": {"galaxypay_demo_shop {\n modal_script http://a {\n b\n }\n}", "unknown option {"},
	} {
		t.Run(name, func(t *testing.T) {
			err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

func TestProvisionRefuses(t *testing.T) {
	for name, h := range map[string]*Handler{
		"no scheme":           {Sidecar: "localhost:9180"},
		"another scheme":      {ModalScript: "javascript:alert(1)"},
		"no host":             {IPNURL: "http:///ipn"},
		"a user":              {Sidecar: "http://me@localhost:9180"},
		"a path":              {Sidecar: "http://localhost:9180/pay"},
		"policy in an origin": {ModalScript: "http://a;script-src/x.js"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := h.Provision(ctx); err == nil {
				t.Errorf("it was taken: script from %s", h.gateway)
			}
		})
	}
}
