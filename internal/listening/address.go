package listening

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Address is a TCP address to listen on.
type Address struct {
	host string // "" is every address, 0.0.0.0 every one of IPv4, :: every one of IPv6
	port string
}

// Of returns the addresses that Caddy listens on for the texts of a server's configuration.
// Unix sockets and inherited descriptors are left out: two processes cannot listen on one of
// them without meaning to. So is port 0, which is another port each time.
func Of(listen []string) ([]Address, error) {
	var addresses []Address
	for _, text := range listen {
		parsed, err := caddy.ParseNetworkAddress(text)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		if !strings.HasPrefix(parsed.Network, "tcp") {
			continue
		}
		for _, one := range parsed.Expand() {
			if one.StartPort != 0 {
				addresses = append(addresses, Address{normalHost(one.Network, one.Host), strconv.FormatUint(uint64(one.StartPort), 10)})
			}
		}
	}
	return addresses, nil
}

// normalHost writes a host in one way, so that one address has one name.
func normalHost(network, host string) string {
	if strings.EqualFold(host, "localhost") {
		return "127.0.0.1" // where Go listens for this name
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host != "" && err != nil:
		return strings.ToLower(host)
	case host != "" && !ip.IsUnspecified():
		return ip.Unmap().String()
	case network == "tcp4" || ip.Is4():
		return netip.IPv4Unspecified().String()
	case network == "tcp6":
		return netip.IPv6Unspecified().String()
	}
	return "" // Go listens on both families for [::], too
}

// String is the address as people write it.
func (a Address) String() string {
	if a.host == "" {
		return ":" + a.port
	}
	return net.JoinHostPort(a.host, a.port)
}

// overlaps reports whether a connection could go to either of two addresses.
func (a Address) overlaps(b Address) bool {
	return a.port == b.port && (a.host == b.host || a.covers(b) || b.covers(a))
}

// covers reports whether a stands for several addresses and b may be one of them.
func (a Address) covers(b Address) bool {
	ip, err := netip.ParseAddr(b.host)
	switch a.host {
	case "":
		return true
	case netip.IPv4Unspecified().String():
		return err != nil || ip.Is4()
	case netip.IPv6Unspecified().String():
		return err != nil || ip.Is6()
	}
	return false
}

const (
	filePrefix = "galaxypay-listen-"
	fileSuffix = ".lock"
)

// fileName is the name of the lock file. It names the network, since containers that share a
// folder may have one each.
func (a Address) fileName() string {
	return filePrefix + network() + "-" + a.port + "-" + url.QueryEscape(a.host) + fileSuffix
}

// addressOf reads a file name back; false for other files and other networks.
func addressOf(fileName string) (Address, bool) {
	rest, ok := strings.CutPrefix(fileName, filePrefix+network()+"-")
	if !ok {
		return Address{}, false
	}
	if rest, ok = strings.CutSuffix(rest, fileSuffix); !ok {
		return Address{}, false
	}
	port, escaped, ok := strings.Cut(rest, "-")
	host, err := url.QueryUnescape(escaped)
	return Address{host, port}, ok && err == nil
}
