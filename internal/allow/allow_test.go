package allow

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestListIncludes(t *testing.T) {
	for name, test := range map[string]struct {
		allow []string
		peer  string
		want  bool
	}{
		"loopback by default":          {nil, "127.0.0.1:4711", true},
		"all of loopback":              {nil, "127.9.9.9:4711", true},
		"loopback in IPv6":             {nil, "[::1]:4711", true},
		"loopback mapped to IPv6":      {nil, "[::ffff:127.0.0.1]:4711", true},
		"others not by default":        {nil, "192.168.1.2:4711", false},
		"unreadable":                   {nil, "@", false},
		"in a range":                   {[]string{"192.168.0.0/16"}, "192.168.1.2:4711", true},
		"mapped, in a range":           {[]string{"192.168.0.0/16"}, "[::ffff:192.168.1.2]:4711", true},
		"with a zone":                  {[]string{"fe80::/10"}, "[fe80::1%eth0]:4711", true},
		"in the second range":          {[]string{"10.0.0.0/8", "192.168.1.2"}, "192.168.1.2:4711", true},
		"outside the ranges":           {[]string{"10.0.0.0/8"}, "192.168.1.2:4711", false},
		"a list replaces the default":  {[]string{"10.0.0.0/8"}, "127.0.0.1:4711", false},
		"private ranges":               {[]string{"private_ranges"}, "172.17.0.3:4711", true},
		"private ranges hold loopback": {[]string{"private_ranges"}, "[::1]:4711", true},
		"private ranges end":           {[]string{"private_ranges"}, "203.0.113.1:4711", false},
	} {
		t.Run(name, func(t *testing.T) {
			allowed, err := Parse(test.allow)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{RemoteAddr: test.peer}
			if got := allowed.Includes(r); got != test.want {
				t.Errorf("Includes(%s) = %t, want %t", test.peer, got, test.want)
			}
		})
	}
}

func TestUnixSocketIsIncluded(t *testing.T) {
	allowed, err := Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for network, want := range map[string]bool{"unix": true, "tcp": false} {
		addr := &net.UnixAddr{Name: "/run/sidecar.sock", Net: network}
		r := (&http.Request{RemoteAddr: "@"}).WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(addr)))
		if got := allowed.Includes(r); got != want {
			t.Errorf("over %s: %t, want %t", network, got, want)
		}
	}
}

func TestParseNamesWhatItCannotRead(t *testing.T) {
	const want = `allow: "10.0.0.0/33" is not an IP address, a CIDR range or private_ranges`
	if _, err := Parse([]string{"127.0.0.1", "10.0.0.0/33"}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestOnUnixSocket(t *testing.T) {
	for name, test := range map[string]struct {
		local any
		want  bool
	}{
		"none":         {nil, false},
		"no address":   {"unix", false},
		"TCP":          {&net.TCPAddr{}, false},
		"unix":         {&net.UnixAddr{Net: "unix"}, true},
		"unixpacket":   {&net.UnixAddr{Net: "unixpacket"}, true},
		"like udp":     {&net.UDPAddr{}, false},
		"IP over unix": {&net.IPAddr{Zone: "unix"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if test.local != nil {
				ctx = context.WithValue(ctx, http.LocalAddrContextKey, test.local)
			}
			r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
			if got := onUnixSocket(r); got != test.want {
				t.Errorf("%t", got)
			}
		})
	}
}
