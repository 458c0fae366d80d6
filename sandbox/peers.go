package sandbox

import (
	"fmt"
	"net/netip"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// peers are the address ranges that may use the sandbox; none means loopback.
type peers []netip.Prefix

func parsePeers(ranges []string) (peers, error) {
	var parsed peers
	for _, text := range ranges {
		expressions := []string{text}
		if text == "private_ranges" {
			expressions = caddyhttp.PrivateRangesCIDR()
		}
		for _, expression := range expressions {
			prefix, err := caddyhttp.CIDRExpressionToPrefix(expression)
			if err != nil {
				return nil, fmt.Errorf("parsing range %q: %w", expression, err)
			}
			parsed = append(parsed, prefix)
		}
	}
	return parsed, nil
}

// include tells whether the peer with this network address may use the sandbox. An
// address that cannot be read belongs to nobody.
func (p peers) include(remoteAddr string) bool {
	peer, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	if len(p) == 0 {
		return address.IsLoopback()
	}
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
