package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// adminEndpoint is the admin endpoint of a sidecar: the local one, or Caddy's remote administration, which wants a certificate.
type adminEndpoint struct {
	client *http.Client
	base   string
	origin string // the header of that name; "": none
}

// certificateFlags are for remote administration only.
var certificateFlags = []string{"client-cert", "client-key", "ca"}

func addAdminFlags(c *cobra.Command) {
	c.Flags().String("from", "", "The admin endpoint of a sidecar, such as unix//run/caddy/admin.sock or https://uat.shop.example:2021: show what its inbox gets")
	c.Flags().String("client-cert", "", "With --from https://: a PEM file with the certificate that the sidecar's admin.remote.access_control names")
	c.Flags().String("client-key", "", "With --from https://: a PEM file with its key")
	c.Flags().String("ca", "", "With --from https://: a PEM file with the root certificate of the sidecar (default: those of this machine)")
}

// newAdminEndpoint reads where the admin endpoint is, as Caddy spells it, or with https:// where it is a remote one.
func newAdminEndpoint(c *cobra.Command) (*adminEndpoint, error) {
	text := c.Flag("from").Value.String()
	if strings.HasPrefix(text, "https://") {
		return newRemoteAdmin(c, text)
	}
	for _, name := range certificateFlags {
		if c.Flags().Changed(name) {
			return nil, command.Usage("--%s: goes with --from https:// only", "--%s: chỉ dùng cùng --from https://", name)
		}
	}
	return newLocalAdmin(text)
}

func newLocalAdmin(text string) (*adminEndpoint, error) {
	at, err := caddy.ParseNetworkAddressWithDefaults(text, "tcp", 2019)
	if err != nil || at.PortRangeSize() > 1 || at.IsFdNetwork() {
		return nil, badFrom()
	}
	network, address := at.Network, at.JoinHostPort(0)
	a := &adminEndpoint{base: "http://" + address, origin: "http://" + address} // as Caddy's own commands do
	if at.IsUnixNetwork() {
		address, _, _ = strings.Cut(address, "|") // the permissions of the file
		a.base, a.origin = "http://127.0.0.1", ""
	}
	a.client = adminClient(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return adminDialer.DialContext(ctx, network, address)
	}, nil)
	return a, nil
}

func badFrom() error {
	return command.Usage("--from: expected the address of an admin endpoint, such as localhost:2019, unix//run/caddy/admin.sock or https://uat.shop.example:2021",
		"--from: cần địa chỉ của admin endpoint, như localhost:2019, unix//run/caddy/admin.sock hoặc https://uat.shop.example:2021")
}

func newRemoteAdmin(c *cobra.Command, text string) (*adminEndpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, badFrom()
	}
	certFile, keyFile := c.Flag("client-cert").Value.String(), c.Flag("client-key").Value.String()
	if certFile == "" || keyFile == "" {
		return nil, command.Usage("--from https:// is remote administration: give --client-cert and --client-key, each a PEM file",
			"--from https:// là quản trị từ xa: cần --client-cert và --client-key, mỗi cái là một file PEM")
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, command.Usage("--client-cert, --client-key: %v", "--client-cert, --client-key: %v", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if file := c.Flag("ca").Value.String(); file != "" {
		if config.RootCAs, err = rootsIn(file); err != nil {
			return nil, err
		}
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "2021") // Caddy's default for it
	}
	return &adminEndpoint{client: adminClient(adminDialer.DialContext, config), base: "https://" + u.Host}, nil
}

func rootsIn(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file) //nolint:gosec // G304: the user names the file
	if err != nil {
		return nil, command.Usage("--ca: %v", "--ca: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, command.Usage("--ca: %s: expected PEM certificates", "--ca: %s: cần các chứng chỉ dạng PEM", file)
	}
	return roots, nil
}

var adminDialer = &net.Dialer{Timeout: 10 * time.Second}

// adminClient uses no proxy.
func adminClient(dial func(ctx context.Context, network, address string) (net.Conn, error), config *tls.Config) *http.Client {
	return &http.Client{Timeout: pollTimeout, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second,
	}}
}

// get asks the admin endpoint. A certificate that proves nothing does so at the next try too, and its error says so.
func (a *adminEndpoint) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if a.origin != "" {
		r.Header.Set("Origin", a.origin)
	}
	response, err := a.client.Do(r)
	if _, unproven := errors.AsType[*tls.CertificateVerificationError](err); unproven {
		return nil, command.No("--ca: the certificate of the sidecar is not proven by it: %v", "--ca: không xác thực được chứng chỉ của sidecar: %v", reasonOf(err))
	}
	return response, reasonOf(err)
}

// reasonOf is the error of a request without its address, in whose query there may be a signed message.
func reasonOf(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
