package sandbox

import (
	"net/http"
	"net/netip"
	"net/url"
)

// ownPageOnly answers programs, which send no Origin, and of all web pages the sandbox's
// own. A page of another site that the same person has open must not be able to settle
// payments or to read them.
func ownPageOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range r.Header.Values("Origin") {
			if !isOwnOrigin(origin, r.Host) {
				writeProblem(w, http.StatusForbidden, "caller_not_allowed",
					"of all web pages only the sandbox's own may ask this, opened under localhost or an IP address")
				return
			}
		}
		next(w, r)
	}
}

// isOwnOrigin tells whether an origin is the address at which the sandbox was asked. Any
// name but localhost is refused even then: whoever owns a name can point it at this
// machine after their page has been loaded from elsewhere (DNS rebinding).
func isOwnOrigin(origin, host string) bool {
	address, err := url.Parse(origin)
	if err != nil || address.Host == "" || address.Host != host {
		return false
	}
	if address.Hostname() == "localhost" {
		return true
	}
	_, err = netip.ParseAddr(address.Hostname())
	return err == nil
}
