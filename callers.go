package galaxypay

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// callers are the addresses that may call.
type callers []netip.Prefix

func newCallers(allow []string) (callers, error) {
	if len(allow) == 0 {
		allow = []string{"127.0.0.0/8", "::1/128"}
	}
	var c callers
	for _, expression := range allow {
		ranges := []string{expression}
		if expression == "private_ranges" {
			ranges = caddyhttp.PrivateRangesCIDR()
		}
		for _, text := range ranges {
			prefix, err := caddyhttp.CIDRExpressionToPrefix(text)
			if err != nil {
				return nil, fmt.Errorf("allow: %q is not an IP address, a CIDR range or private_ranges", expression)
			}
			c = append(c, prefix)
		}
	}
	return c, nil
}

// include looks at the connection alone: a forwarding header could be set by
// anybody. Who can open a unix socket is up to its file mode.
func (c callers) include(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return onUnixSocket(r)
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(c, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// onUnixSocket reports whether the request came over a unix socket, which has no
// address to check.
func onUnixSocket(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && strings.HasPrefix(addr.Network(), "unix")
}
