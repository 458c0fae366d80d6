// Package allow is the list of addresses that an option "allow" lets in.
package allow

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// List holds the address ranges that may call.
type List []netip.Prefix

// Parse reads IP addresses, CIDR ranges and the word private_ranges, which means the
// private and loopback ranges. Default: loopback only.
func Parse(expressions []string) (List, error) {
	if len(expressions) == 0 {
		expressions = []string{"127.0.0.0/8", "::1/128"}
	}
	var list List
	for _, expression := range expressions {
		ranges := []string{expression}
		if expression == "private_ranges" {
			ranges = caddyhttp.PrivateRangesCIDR()
		}
		for _, text := range ranges {
			prefix, err := caddyhttp.CIDRExpressionToPrefix(text)
			if err != nil {
				return nil, fmt.Errorf("allow: %q is not an IP address, a CIDR range or private_ranges", expression)
			}
			list = append(list, prefix)
		}
	}
	return list, nil
}

// Includes reports whether the sender of the request is on the list. It looks at the
// connection alone: every client can set a forwarding header. A unix socket has no address;
// its file mode decides who can open it.
func (l List) Includes(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return onUnixSocket(r)
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(l, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func onUnixSocket(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && strings.HasPrefix(addr.Network(), "unix")
}
