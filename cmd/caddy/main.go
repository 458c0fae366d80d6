// Command caddy is Caddy with its standard modules and the Galaxy Pay modules.
package main

import (
	_ "time/tzdata" // the scratch image carries no time zone files

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
	_ "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/demoshop"
)

func main() {
	caddycmd.Main()
}
