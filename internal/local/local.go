// Package local distinguishes the pages of this machine from those of other sites.
package local

import (
	"net/netip"
	"net/url"
	"strings"
)

// IsHost reports whether no other site's page can be at this host, with or without a port: it
// is localhost, a name below it or an IP address. The owner of any other name can point it
// at this machine after their page has been loaded from elsewhere (DNS rebinding), and the
// browser takes what answers here for a part of that site.
func IsHost(host string) bool {
	name := Name(host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// Name is a host without its port and the brackets of an IPv6 address, in lower case.
func Name(host string) string {
	return strings.ToLower((&url.URL{Host: host}).Hostname())
}

// IsOrigin reports whether a header Origin names the host that was asked, which says nothing
// of whose host that is.
func IsOrigin(origin, host string) bool {
	address, err := url.Parse(origin)
	return err == nil && address.Host != "" && address.Host == host
}
