package main

import (
	"context"
	_ "embed"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed nginx.conf
var nginxConf string

//go:embed nginx.lua
var nginxLua string

// nginx starts nginx with the sidecar's work done in Lua; nil where either is not installed.
func (b *bench) nginx(ctx context.Context, gateway string) (*server, error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		progress("nginx is not installed (Debian: apt-get install nginx libnginx-mod-http-lua): skipped")
		return nil, nil //nolint:nilerr // it is optional
	}
	modules, err := filepath.Glob("/usr/lib/nginx/modules/*_http*_module.so")
	if err != nil {
		return nil, err
	}
	ndk, lua := find(modules, "ndk_http_module.so"), find(modules, "ngx_http_lua_module.so")
	if ndk == "" || lua == "" {
		progress("nginx has no Lua (Debian: apt-get install libnginx-mod-http-lua): skipped")
		return nil, nil
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	script, err := b.write("nginx.lua", nginxLua)
	if err != nil {
		return nil, err
	}
	conf, err := b.write("nginx.conf", strings.NewReplacer(
		"NDK", ndk, "LUA", lua, "WORKERS", strconv.Itoa(procs()), "DIR", b.dir, "LISTEN", addr,
		"GATEWAY", gateway, "SCRIPT", script, "APIKEY", apiKey,
	).Replace(nginxConf))
	if err != nil {
		return nil, err
	}
	c, err := b.spawnAt(ctx, addr, []string{"SALT=" + salt}, binary, "-p", b.dir, "-c", conf, "-e", "stderr")
	return &server{c, addr, ""}, err
}

func find(paths []string, base string) string {
	for _, path := range paths {
		if filepath.Base(path) == base {
			return path
		}
	}
	return ""
}
