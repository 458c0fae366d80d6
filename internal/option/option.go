// Package option reads the options of directives in a Caddyfile.
package option

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Block maps the options of a block to their parsers. A parser starts with the
// option's name as the current token.
type Block map[string]func(d *caddyfile.Dispenser) error

// Parse reads the block. Unknown options are errors, and so are options given twice,
// unless they are listed in repeatable: if either were ignored, an operator would have
// less protection than the file says.
func (b Block) Parse(d *caddyfile.Dispenser, repeatable ...string) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		parse, ok := b[name]
		if !ok {
			return d.Errf("unknown option %s; known are %s", name, strings.Join(slices.Sorted(maps.Keys(b)), ", "))
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return d.Errf("duplicate option %s", name)
		}
		seen[name] = true
		if err := parse(d); err != nil {
			return err
		}
	}
	return nil
}

// Unset is the usual reason for a value that is not there, for the end of an error.
const Unset = "a variable {$NAME} that is not set leaves none"

// One reads the single argument of an option into target. Its error does not quote
// the arguments, as Dispenser.ArgErr would: they may be a salt with a blank in it. An
// empty one is what an unset {$VARIABLE} leaves behind, and would silently mean the default.
func One(target *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.Errf("%s: expected a value, got none; %s", name, Unset)
		}
		if len(args) > 1 {
			return d.Errf("%s: expected one value, got %d", name, len(args))
		}
		if args[0] == "" {
			return d.Errf("%s: expected a value, got an empty one; %s", name, Unset)
		}
		*target = args[0]
		return nil
	}
}

// Several reads the arguments of an option, at least one, into target.
func Several(target *[]string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		*target = d.RemainingArgs()
		if len(*target) == 0 {
			return d.Errf("%s: expected one or more values, got none; %s", name, Unset)
		}
		if slices.Contains(*target, "") {
			return d.Errf("%s: expected values, got an empty one; %s", name, Unset)
		}
		return nil
	}
}

// OneOf is One for an option with a closed list of values.
func OneOf(target *string, values ...string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if err := One(target)(d); err != nil {
			return err
		}
		if !slices.Contains(values, *target) {
			return d.Errf("%s: unknown value %q; expected %s", name, *target, strings.Join(values, " or "))
		}
		return nil
	}
}

// Duration reads a duration such as 30s into target.
func Duration(target *caddy.Duration) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		var text string
		if err := One(&text)(d); err != nil {
			return err
		}
		parsed, err := caddy.ParseDuration(text)
		if err != nil || parsed <= 0 {
			return d.Errf("%s: %q is not a duration above zero, such as 30s", name, text)
		}
		*target = caddy.Duration(parsed)
		return nil
	}
}
