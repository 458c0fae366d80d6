package live

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Doctor returns the command that examines a configuration.
func Doctor(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Examines a configuration, and what it depends on",
		Long: `Examines a configuration, and what it depends on: does it load, do the keys resolve, are the
salts strong, can the gateway be reached, is the clock right, is the callback address guarded,
can the store be written to.

It changes nothing. The one thing that it sends beside requests for a page is an unsigned
callback to each callback address, which galaxypay_ipn refuses; what it answers shows that it is
there. The running sidecar logs and counts that refusal. Logs and storage of the configuration are
not opened.

Each check ends with pass, warn, fail or unknown. A network that is absent is unknown.

Exit codes: 0 it fits, no check failed; 1 it does not, one did; 2 wrong usage; 3 a file cannot be read; 130
interrupted.`,
		Example: `  caddy galaxypay doctor --config /etc/caddy/Caddyfile
  caddy galaxypay doctor --config Caddyfile --callback https://shop.example/galaxypay/ipn
  caddy galaxypay doctor --config Caddyfile --json | jq '.checks[] | select(.status != "pass")'`,
	}
	flags := c.Flags()
	flags.StringP("config", "c", "", "The configuration file")
	flags.StringP("adapter", "a", "", "The adapter of that file (default: caddyfile, for files of that name)")
	flags.StringArray("callback", nil, "An address to which the gateway sends IPNs (default: those of the configuration)")
	return run(c, func(ctx context.Context, c *cobra.Command, _ []string) error { return diagnose(ctx, c, core) })
}

// health is how a check ended.
type health string

const (
	pass    health = "pass"
	warn    health = "warn"
	fail    health = "fail"
	unknown health = "unknown"
)

// check is one finding.
type check struct {
	Name   string `json:"name"`
	Of     string `json:"of,omitempty"` // a merchant, a site or an address
	Status health `json:"status"`
	Text   string `json:"text"`
	Next   string `json:"next,omitempty"` // what to do
}

// diagnosis is what doctor finds.
type diagnosis struct {
	OK     bool    `json:"ok"` // no check failed
	Checks []check `json:"checks"`

	tag language.Tag
}

// add notes a finding. next is what to do about it; pass has none.
func (d *diagnosis) add(name, of string, status health, text, next language.Text) {
	d.Checks = append(d.Checks, check{name, of, status, text.In(d.tag), next.In(d.tag)})
	d.OK = d.OK && status != fail
}

// both is a text in both languages, with the same arguments for their verbs.
func both(en, vi string, args ...any) language.Text {
	if len(args) == 0 {
		return language.Both(en, vi)
	}
	return language.Both(fmt.Sprintf(en, args...), fmt.Sprintf(vi, args...))
}

// nothing is the next step of a check that passes.
var nothing language.Text

func diagnose(ctx context.Context, c *cobra.Command, core Core) error {
	text := func(flag string) string { return c.Flag(flag).Value.String() }
	if text("config") == "" {
		return command.Usage("expected --text or --config; see --help", "cần --text hoặc --config; xem --help")
	}
	callbacks, _ := c.Flags().GetStringArray("callback")
	for _, address := range callbacks {
		if !isWebAddress(address) {
			return command.Usage("--callback: expected an address such as https://shop.example/galaxypay/ipn", "--callback: cần một địa chỉ như https://shop.example/galaxypay/ipn")
		}
	}
	if _, err := os.ReadFile(text("config")); err != nil {
		return command.Unreachable("--config: %v", "--config: không đọc được: %v", err)
	}
	tag := command.Language(c)
	d := &diagnosis{OK: true, tag: tag}
	if config, ok := d.checkConfiguration(text("config"), text("adapter")); ok {
		d.checkParts(ctx, core, config, callbacks)
	}
	if err := d.print(c); err != nil {
		return err
	}
	if !d.OK {
		return command.SaidNo()
	}
	return nil
}

// checkParts examines a configuration that can be read.
func (d *diagnosis) checkParts(ctx context.Context, core Core, config *configuration, callbacks []string) {
	facts := core.Inspect(config.app, config.hasInbox)
	d.checkMerchants(facts.Merchants)
	d.checkGuards(config.sites)
	d.checkGateways(ctx, core, facts.Merchants)
	d.checkCallbacks(ctx, core, config, facts.Merchants, callbacks)
	d.checkStore(facts)
}

func (d *diagnosis) print(c *cobra.Command) error {
	if command.WantsJSON(c) {
		return command.PrintJSON(c, d)
	}
	out := c.OutOrStdout()
	for _, found := range d.Checks {
		name := strings.TrimSpace(found.Name + " " + printable(found.Of))
		fmt.Fprintf(out, "%-8s%s: %s\n", found.Status, name, printable(found.Text))
		if found.Next != "" {
			fmt.Fprintf(out, "        -> %s\n", printable(found.Next))
		}
	}
	return nil
}
