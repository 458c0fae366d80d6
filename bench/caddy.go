package main

import (
	"context"
	"fmt"
	"strings"
)

// server is a started variant.
type server struct {
	*child
	addr  string // host:port
	admin string // Caddy's admin endpoint, else ""
}

func (s *server) url() string { return "http://" + s.addr + payPath }

// globals are the options that every Caddy here runs with. Access logs are off, as they are by default.
const globals = `
	persist_config off
	auto_https off
	grace_period 1s
`

// caddySite starts a Caddy with one site at an address of its own.
func (b *bench) caddySite(ctx context.Context, binary, options, site string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	return b.caddyAt(ctx, binary, addr, options, fmt.Sprintf("http://%s {\n\tbind 127.0.0.1\n%s\n}\n", addr, site))
}

// caddyAt starts a Caddy whose sites are at addr, among others.
func (b *bench) caddyAt(ctx context.Context, binary, addr, options, sites string) (*server, error) {
	admin, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	config, err := b.write("Caddyfile."+strings.ReplaceAll(addr, ":", "."),
		fmt.Sprintf("{\n\tadmin %s\n%s%s}\n%s", admin, globals, options, sites))
	if err != nil {
		return nil, err
	}
	secrets := []string{"BENCH_API_KEY=" + apiKey, "BENCH_SALT=" + salt}
	c, err := b.spawnAt(ctx, addr, secrets, binary, "run", "--adapter", "caddyfile", "--config", config)
	return &server{c, addr, admin}, err
}

// merchantOptions describes a merchant at the gateway with that address.
func merchantOptions(gateway string) string {
	return fmt.Sprintf("base_url %s\n\tapi_key {env.BENCH_API_KEY}\n\tsalt {env.BENCH_SALT}\n", gateway)
}

// sidecar starts the sidecar as its users do: with metrics, and every option of the site at its default unless given.
func (b *bench) sidecar(ctx context.Context, gateway, siteOptions string) (*server, error) {
	return b.sidecarWith(ctx, gateway, "", siteOptions)
}

// sidecarWith does the same with more global options.
func (b *bench) sidecarWith(ctx context.Context, gateway, options, siteOptions string) (*server, error) {
	options += "\tmetrics\n\tgalaxypay {\n\t" + merchantOptions(gateway) + "\t}\n"
	return b.caddySite(ctx, b.caddy, options, "\tgalaxypay {\n"+siteOptions+"\n\t}")
}

// sidecarKeeping does the same with more options of the merchant.
func (b *bench) sidecarKeeping(ctx context.Context, gateway, options string) (*server, error) {
	options = "\tmetrics\n\tgalaxypay {\n\t" + merchantOptions(gateway) + options + "\t}\n"
	return b.caddySite(ctx, b.caddy, options, "\tgalaxypay")
}

// reverseProxy starts plain Caddy, from the same binary.
func (b *bench) reverseProxy(ctx context.Context, gateway, options string) (*server, error) {
	return b.caddySite(ctx, b.caddy, options, "\treverse_proxy "+gateway)
}

// gateway starts the stub.
func (b *bench) gateway(ctx context.Context, args ...string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	c, err := b.spawnAt(ctx, addr, nil, b.self, append([]string{"stub", "-listen", addr}, args...)...)
	return &server{c, addr, ""}, err
}

// minimalProxy starts the minimal proxy.
func (b *bench) minimalProxy(ctx context.Context, gateway string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	c, err := b.spawnAt(ctx, addr, nil, b.self, "minimalproxy", "-listen", addr, "-upstream", gateway)
	return &server{c, addr, ""}, err
}
