package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

const listenLong = `Takes callbacks on a loopback address, proves each with the salts that are given, prints a line
about it, and forwards it to an app: the same bytes, with the same Content-Type and query. The
app's answer goes back as it came. What is not proven is refused as galaxypay_ipn does it, and is
not forwarded, unless --unverified says so.

Without --salt, callbacks are proven with the published salt of the sandbox. Give several with a
name each, such as --salt uat=@uat.salt --salt sandbox={env.SANDBOX_SALT}: each line names the one
that proved.

One line that begins with "ready" stands on standard error when callbacks are taken. Redirects are
not followed.

With --from it listens to no address. It fetches what the inbox of a sidecar gets, over Caddy's admin
endpoint, since an IPN cannot reach a laptop: on the machine itself, through ssh, such as
ssh -N -L /tmp/uat.sock:/run/caddy/admin.sock uat.shop.example, or over Caddy's remote administration,
with --client-cert and --client-key. Each event is shown, and is forwarded as the sidecar hands it to an
app: the plain message with Galaxypay-* headers. The sidecar's own deliveries go on as they are. When the
connection breaks it says so and tries again, and then shows what has come since.

Exit codes: 130 interrupted; 1 the admin endpoint refused; 2 wrong usage; 3 the address is taken, or all
tries were in vain.`

const listenExample = `  caddy galaxypay listen --forward-to http://127.0.0.1:8000/ipn
  caddy galaxypay listen --forward-to http://127.0.0.1:8000/ipn --salt uat=@/run/secrets/uat_salt
  caddy galaxypay listen --from unix//tmp/uat.sock --forward-to http://127.0.0.1:8000/ipn
  caddy galaxypay listen --from https://uat.shop.example:2021 --client-cert laptop.crt --client-key laptop.key
  caddy galaxypay listen --from localhost:2019 --after 2026-12-31T00:00:00+07:00 --json
  caddy galaxypay listen --forward-to http://127.0.0.1:8000/ipn --json | jq -r 'select(.verified) | .orderID'`

func listenCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:     "listen",
		Short:   "Takes callbacks on this machine, shows them, and forwards them to an app",
		Long:    listenLong,
		Example: listenExample,
	}
	flags := c.Flags()
	flags.String("forward-to", "", "The address of the app")
	flags.String("at", "127.0.0.1:9185", "The loopback address to listen on; port 0 is any free one")
	flags.Bool("unverified", false, "Forward what is not proven too")
	addAdminFlags(c)
	flags.String("after", "", "With --from: begin behind this event, or at this time, such as 2026-12-31T00:00:00+07:00 (default: now)")
	flags.Int("tries", 10, "With --from: give up after so many tries in a row")
	flags.Duration("pause", time.Second, "With --from: the time before the second try; it doubles up to 30s")
	flags.Bool("verbose", false, "Show the whole answer of the app")
	addSaltFlag(c, "the published one of the sandbox")
	addTargetFlags(c)
	return run(c, func(ctx context.Context, c *cobra.Command, _ []string) error {
		if c.Flags().Changed("from") {
			f, err := newFollower(c, core)
			if err != nil {
				return err
			}
			return f.run(ctx)
		}
		for _, other := range append([]string{"after", "tries", "pause"}, certificateFlags...) {
			if c.Flags().Changed(other) {
				return command.Usage("--%s: goes with --from only", "--%s: chỉ dùng cùng --from", other)
			}
		}
		f, err := newForwarder(c, core)
		if err != nil {
			return err
		}
		return f.listen(ctx, c)
	})
}

// listen takes callbacks until the context ends.
func (f *forwarder) listen(ctx context.Context, c *cobra.Command) error {
	at, err := loopbackAddress(c.Flag("at").Value.String())
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
	if err != nil {
		return command.Unreachable("--at: %v; another program has the address, or it is none of this machine", "--at: %v; chương trình khác đang dùng địa chỉ này, hoặc nó không thuộc máy này", err)
	}
	server := &http.Server{Handler: f, ReadTimeout: time.Minute, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	f.sayReady(c, listener.Addr())
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = server.Close() // the callbacks in progress end with it
		err = <-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return command.Unreachable("%v", "%v", err)
}

// sayReady prints one line, in every kind of output.
func (f *forwarder) sayReady(c *cobra.Command, at net.Addr) {
	var names []string
	for _, s := range f.salts {
		names = append(names, s.name)
	}
	if f.unverified {
		c.PrintErrln(command.Say(c, "Warning: --unverified: what anyone sends is forwarded, whether it is proven or not.",
			"Cảnh báo: --unverified: mọi thứ gửi tới đều được chuyển tiếp, dù đã xác thực hay chưa."))
	}
	c.PrintErrln(fmt.Sprintf("ready: http://%s -> %s, salts %q", at, withoutQuery(f.target.address), names))
}

func withoutQuery(u *url.URL) string {
	plain := *u
	plain.RawQuery = ""
	return plain.String()
}

// loopbackAddress checks where to listen: other machines must not reach it.
func loopbackAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	addr, notIP := netip.ParseAddr(host)
	if err != nil || port == "" || host != "localhost" && (notIP != nil || !addr.IsLoopback()) {
		return "", command.Usage("--at: expected a loopback address with a port, such as 127.0.0.1:9185", "--at: cần một địa chỉ loopback kèm cổng, như 127.0.0.1:9185")
	}
	return text, nil
}
