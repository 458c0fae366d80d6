package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/local"
)

// ownHostOnly answers under names of the sandbox's own: those of this machine, and hosts.
// Under any other, the page of another site could read all that the sandbox shows, and settle
// payments: see local.IsHost.
func ownHostOnly(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOwnHost(hosts, r.Host) {
			writeProblem(w, http.StatusMisdirectedRequest, "host_unknown",
				"the sandbox shows its pages under localhost and under IP addresses only; its option hosts lets other names in")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isOwnHost(hosts []string, host string) bool {
	return local.IsHost(host) || slices.ContainsFunc(hosts, func(own string) bool {
		return strings.EqualFold(own, local.Name(host))
	})
}

// ownPageOnly answers programs, which send no Origin, and of all web pages the sandbox's
// own. A page of another site that the same person has open must not be able to settle
// payments or to read them.
func ownPageOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range r.Header.Values("Origin") {
			if !local.IsOrigin(origin, r.Host) {
				writeProblem(w, http.StatusForbidden, "caller_not_allowed", "of all web pages only the sandbox's own may ask this")
				return
			}
		}
		next(w, r)
	}
}
