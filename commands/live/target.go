package live

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// targetTimeout bounds one request to an app.
const targetTimeout = 30 * time.Second

// gatewayDomain is where no callback of ours may go.
const gatewayDomain = "galaxypay.vn"

// target is an app, or a sidecar, that takes callbacks.
type target struct {
	address *url.URL
	client  *http.Client
}

// addTargetFlags adds the flags of the connection to a target.
func addTargetFlags(c *cobra.Command) {
	c.Flags().Bool("insecure", false, "Accept any certificate of the target, such as one of its own making")
}

// newTarget reads the address in a flag. A private one is loopback or of a private network, at the moment of each connection.
func newTarget(c *cobra.Command, flag string, private bool) (*target, error) {
	u, err := url.Parse(c.Flag(flag).Value.String())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, command.Usage("--%s: expected an address such as http://127.0.0.1:9181/galaxypay/ipn", "--%s: cần một địa chỉ như http://127.0.0.1:9181/galaxypay/ipn", flag)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == gatewayDomain || strings.HasSuffix(host, "."+gatewayDomain) {
		return nil, command.Usage("--%s: this is the gateway; a callback goes to an app", "--%s: đây là cổng thanh toán; callback phải gửi tới ứng dụng", flag)
	}
	if addr, err := netip.ParseAddr(host); err == nil && private && !isPrivate(addr) {
		return nil, notPrivate(host)
	}
	insecure, _ := c.Flags().GetBool("insecure")
	if insecure {
		c.PrintErrln(command.Say(c, "Warning: --insecure: the certificate of the target is not checked.", "Cảnh báo: --insecure: không kiểm tra chứng chỉ của địa chỉ đích."))
	}
	return &target{u, newClient(private, insecure)}, nil
}

// errNotPrivate is why a connection is not made.
var errNotPrivate = errors.New("the address is neither loopback nor of a private network")

func notPrivate(host string) error {
	return command.Usage("%s is neither loopback nor of a private network; without --salt the message is signed with the published salt, and goes to no other address",
		"%s không phải loopback hay mạng riêng; không có --salt thì thông điệp được ký bằng salt công khai, và không gửi tới địa chỉ khác", host)
}

func isPrivate(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// newClient follows no redirect. A private one looks at the address of each connection, so that no name can lead elsewhere, and
// uses no proxy.
func newClient(private, insecure bool) *http.Client {
	dialer := &net.Dialer{Timeout: targetTimeout}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: insecure}, //nolint:gosec // G402: the user asks for it, of a target of their own
	}
	if private {
		transport.Proxy = nil
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			host, _, _ := net.SplitHostPort(address)
			if addr, err := netip.ParseAddr(host); err != nil || !isPrivate(addr) {
				return errNotPrivate
			}
			return nil
		}
	}
	transport.DialContext = dialer.DialContext
	return &http.Client{
		Transport:     transport,
		Timeout:       targetTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// appAnswer is what the target answered.
type appAnswer struct {
	Status       int    `json:"status"`
	IPNStatus    string `json:"ipnStatus,omitempty"` // of an IPN, as the sidecar takes it
	Location     string `json:"location,omitempty"`
	ContentType  string `json:"contentType,omitempty"`
	Body         string `json:"body"`
	From         string `json:"from"` // the address that answered
	Milliseconds int64  `json:"milliseconds"`

	header http.Header
}

// send makes a request and returns the answer to it.
func (t *target) send(ctx context.Context, build func(context.Context, *url.URL) (*http.Request, error)) (*appAnswer, error) {
	answer := new(appAnswer)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { answer.From = info.Conn.RemoteAddr().String() },
	})
	r, err := build(ctx, t.address)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	response, err := t.client.Do(r)
	if err != nil {
		return nil, t.explain(err)
	}
	defer response.Body.Close()
	body, err := readAnswer(response.Body)
	if err != nil {
		return nil, t.explain(err)
	}
	answer.Status, answer.header, answer.Body = response.StatusCode, response.Header, string(body)
	answer.Location, answer.ContentType = response.Header.Get("Location"), response.Header.Get("Content-Type")
	answer.Milliseconds = time.Since(began).Milliseconds()
	return answer, nil
}

// explain says why there is no answer, without the query, in which there is a signed message.
func (t *target) explain(err error) error {
	if errors.Is(err, errNotPrivate) {
		return notPrivate(t.address.Hostname())
	}
	return command.Unreachable("no answer from %s: %v", "không có trả lời từ %s: %v", t.address.Host, reasonOf(err))
}
