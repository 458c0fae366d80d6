package live

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

const (
	// probeTimeout bounds one question of doctor to the network.
	probeTimeout = 10 * time.Second
	// clockWarn and clockFail are how far the clock may differ from the gateway's.
	clockWarn, clockFail = 30 * time.Second, 5 * time.Minute
)

func isWebAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// probeClient follows no redirect, and takes the proxy of the environment, as the sidecar does.
func probeClient() *http.Client {
	client := newClient(false, false)
	client.Timeout = probeTimeout
	return client
}

// checkGateways looks at the gateway of each merchant that loads, once for each address.
func (d *diagnosis) checkGateways(ctx context.Context, core Core, merchants []Merchant) {
	var seen []string
	for _, m := range merchants {
		if m.Gateway == "" || slices.Contains(seen, m.Gateway) {
			continue
		}
		seen = append(seen, m.Gateway)
		d.checkGateway(ctx, core, m)
	}
}

func (d *diagnosis) checkGateway(ctx context.Context, core Core, m Merchant) {
	if !d.checkName(ctx, m.Gateway) {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, m.Gateway, http.NoBody)
	if err != nil {
		return // its address was parsed before
	}
	r.Header.Set("User-Agent", core.UserAgent)
	response, err := probeClient().Do(r)
	if err != nil {
		d.addFault("gateway", m.Gateway, err, m.OwnTransport)
		return
	}
	response.Body.Close()
	d.add("gateway", m.Gateway, pass, both("it answers, and TLS is right where the address has it", "có trả lời, và TLS đúng nếu địa chỉ dùng TLS"), nothing)
	d.checkClock(m.Gateway, response.Header.Get("Date"), time.Now())
}

// checkName looks the name of an address up, and reports whether it makes sense to connect.
func (d *diagnosis) checkName(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || u.Hostname() == "localhost" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err = net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err == nil {
		d.add("dns", u.Hostname(), pass, both("the name resolves", "phân giải được tên"), nothing)
		return true
	}
	proxy, _ := http.ProxyFromEnvironment(&http.Request{URL: u})
	if proxy != nil { // which looks the name up by itself
		return true
	}
	d.addFault("dns", u.Hostname(), err, false)
	return false
}

// addFault notes why there was no answer. A network that is absent says nothing of the configuration, so that is unknown.
func (d *diagnosis) addFault(name, of string, err error, ownTransport bool) {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address
	}
	status, next := fail, both("See that the address is right, and that something listens there.", "Hãy kiểm tra địa chỉ, và xem có chương trình nào lắng nghe ở đó không.")
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	lookup, isLookup := errors.AsType[*net.DNSError](err)
	switch {
	case isCertificate && ownTransport:
		status, next = unknown, both("The option transport may trust another authority; doctor does not use it.", "Tùy chọn transport có thể tin một nhà phát hành khác; doctor không dùng nó.")
	case isCertificate:
		err = certificate
		next = both("See the clock, and whether a proxy opens TLS; its authority must be trusted by this machine.", "Hãy xem đồng hồ, và có proxy nào mở TLS không; máy này phải tin nhà phát hành của nó.")
	case isLookup && lookup.IsNotFound:
		next = both("See that the name is spelled right.", "Hãy kiểm tra chính tả của tên.")
	case errors.Is(err, syscall.ECONNREFUSED):
	default:
		status, next = unknown, both("See the network, the firewall, and HTTPS_PROXY; then try again.", "Hãy xem mạng, tường lửa và HTTPS_PROXY, rồi thử lại.")
	}
	d.add(name, of, status, both("no answer: %v", "không có trả lời: %v", err), next)
}

// checkClock compares with the Date that a server gave.
func (d *diagnosis) checkClock(of, date string, now time.Time) {
	const name = "clock"
	theirs, err := http.ParseTime(date)
	if err != nil {
		d.add(name, of, unknown, both("the answer has no Date", "trả lời không có Date"),
			both("Compare the clock with a time service.", "Hãy so đồng hồ với một dịch vụ thời gian."))
		return
	}
	difference := now.Sub(theirs).Abs().Truncate(time.Second)
	status, next := pass, nothing
	if difference >= clockWarn {
		status, next = warn, both("Use a time service, such as chrony or systemd-timesyncd.", "Hãy dùng dịch vụ thời gian, như chrony hoặc systemd-timesyncd.")
	}
	if difference >= clockFail {
		status = fail
	}
	d.add(name, of, status, both("it differs from the server's by %s", "lệch so với máy chủ %s", difference), next)
}

// checkCallbacks probes each address to which the gateway sends IPNs.
func (d *diagnosis) checkCallbacks(ctx context.Context, core Core, config *configuration, merchants []Merchant, given []string) {
	addresses := given
	if len(addresses) == 0 {
		addresses = config.ipnURLs
	}
	if len(addresses) == 0 {
		d.add("callback", "", unknown, both("the configuration names no callback address", "cấu hình không nêu địa chỉ callback nào"),
			both("Give it with --callback, or as ipnURL in the defaults of galaxypay.", "Hãy dùng --callback, hoặc ghi ipnURL trong defaults của galaxypay."))
	}
	takesMoney := slices.ContainsFunc(merchants, func(m Merchant) bool { return m.Environment == "uat" || m.Environment == "production" })
	for _, address := range addresses {
		d.checkCallback(ctx, core, address, takesMoney)
	}
}

func (d *diagnosis) checkCallback(ctx context.Context, core Core, address string, takesMoney bool) {
	const name = "callback"
	if !isWebAddress(address) {
		d.add(name, address, fail, both("it is no absolute web address", "không phải địa chỉ web đầy đủ"), both("Expected such as https://shop.example/galaxypay/ipn.", "Ví dụ: https://shop.example/galaxypay/ipn."))
		return
	}
	if takesMoney {
		d.checkPublic(ctx, address)
	}
	// Unsigned, so that nothing believes it; and complete, so that only the signature is wrong.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(`{"data":"e30=","signature":""}`))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", core.UserAgent)
	response, err := probeClient().Do(r)
	if err != nil {
		d.addFault(name, address, err, false)
		return
	}
	defer response.Body.Close()
	text, next, ok := readProbe(response)
	if ok {
		d.add(name, address, pass, text, nothing)
		return
	}
	d.add(name, address, fail, text, next)
}

// readProbe says whether galaxypay_ipn answered.
func readProbe(response *http.Response) (text, next language.Text, ok bool) {
	body, _ := readAnswer(response.Body) // what cannot be read is not ours
	var refusal problem.Body
	_ = json.Unmarshal(body, &refusal) // likewise
	switch {
	case response.StatusCode == http.StatusForbidden && refusal.Code == problem.CodeSignatureInvalid:
		return both("galaxypay_ipn answers there, and refuses what is not signed", "galaxypay_ipn trả lời ở đó và từ chối thông điệp không có chữ ký"), nothing, true
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return both("it is redirected to %s", "bị chuyển hướng tới %s", response.Header.Get("Location")),
			both("Use the address at the end of the redirects.", "Hãy dùng địa chỉ cuối của các lần chuyển hướng."), false
	}
	return both("something else than galaxypay_ipn answers there: HTTP %d", "chương trình khác, không phải galaxypay_ipn, trả lời ở đó: HTTP %d", response.StatusCode),
		both("See that the site, the path and the proxies in front lead to galaxypay_ipn; what answers there may believe unsigned messages.",
			"Hãy xem site, đường dẫn và các proxy phía trước có dẫn tới galaxypay_ipn không; chương trình đang trả lời có thể tin thông điệp không có chữ ký."), false
}

// checkPublic warns of an address that only this machine or its network reaches.
func (d *diagnosis) checkPublic(ctx context.Context, address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil || !slices.ContainsFunc(found, isPrivate) {
		return
	}
	d.add("callback_public", address, warn, both("the address is loopback or of a private network, which the gateway does not reach", "địa chỉ là loopback hoặc mạng riêng, cổng thanh toán không gọi tới được"),
		both("Give the public address as ipnURL, or see that the name means another address outside.", "Hãy dùng địa chỉ công khai làm ipnURL, hoặc xem tên này ở bên ngoài có trỏ tới địa chỉ khác không."))
}
