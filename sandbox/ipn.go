package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

const (
	// ipnTimeout is how long an app may take to answer an IPN; what the gateway
	// grants is not documented.
	ipnTimeout = 10 * time.Second
	// maxIPNAnswer is how much of the app's answer is kept. An ipnStatus and an
	// ipnDescription of full length fit in it.
	maxIPNAnswer = 2 << 10
)

// delivery is how an app took an IPN.
type delivery struct {
	at      time.Time
	letter  message.Callback // empty: none was sent
	status  int              // HTTP status; 0: there was no answer
	answer  string           // the beginning of the body
	failure string           // why there was no answer
}

// notify sends the IPN of a settled transaction, once, and remembers what came of it; only
// a fault makes it none or several. A customer who closes the browser meanwhile does not
// stop it, and neither does a reload. Every outcome has its IPN: whether the gateway sends
// one for a failed or cancelled payment is not documented, and an app that copes with all
// of them copes with fewer.
func (h *Handler) notify(ctx context.Context, t transaction) {
	defer close(t.announced)
	h.tell(context.WithoutCancel(ctx), t)
}

// tell sends what the app has to be told: at once or, where a fault wants it late, when
// the delay is over, unless the configuration is or the payment is forgotten by then.
func (h *Handler) tell(ctx context.Context, t transaction) {
	if t.ipnURL == nil {
		return
	}
	p := t.post(h.salt)
	if p.delay == 0 {
		h.sendPost(ctx, p)
		return
	}
	late := time.After(p.delay)
	go func() {
		select {
		case <-late:
			if _, known := h.ledger.find(t.id); known {
				h.sendPost(h.running, p)
			}
		case <-h.running.Done():
			h.recordDelivery(p.t, delivery{at: h.ledger.now(), failure: "the configuration ended before it was time"})
		}
	}()
}

func (h *Handler) sendPost(ctx context.Context, p *post) {
	if len(p.letters) == 0 {
		h.recordDelivery(p.t, delivery{at: h.ledger.now(), failure: "a fault was asked for"})
	}
	for _, s := range p.letters {
		d := delivery{at: h.ledger.now(), letter: s}
		h.deliver(ctx, p.t.ipnURL.String(), &d)
		h.recordDelivery(p.t, d)
	}
}

func (h *Handler) recordDelivery(t transaction, d delivery) {
	h.ledger.record(t.id, d, t.recordIPN(d, h.salt))
	log := h.logger.With(zap.String("transaction_id", t.id), zap.String("transaction_status", t.result().status))
	if d.failure != "" {
		log.Warn("IPN not delivered", zap.String("reason", d.failure))
		return
	}
	log.Info("IPN answered", zap.Int("http_status", d.status), zap.String("ipn_status", d.ipnStatus()))
}

// deliver sends the letter and notes how it was taken.
func (h *Handler) deliver(ctx context.Context, address string, d *delivery) {
	ctx, stop := context.WithTimeout(ctx, ipnTimeout)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message.Encode(d.letter)))
	if err != nil {
		d.failure = reason(err)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "galaxypay-sandbox")
	response, err := h.client.Do(request)
	if err != nil {
		d.failure = reason(err)
		return
	}
	defer response.Body.Close()
	// An answer that breaks off is an answer: its beginning is what can be shown.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxIPNAnswer))
	d.status, d.answer = response.StatusCode, strings.ToValidUTF8(string(answer), "\uFFFD")
}

// ipnStatus is the app's verdict in its answer, "" where it gave none. It is 50
// characters at most by the gateway's table, and nothing longer gets into the log.
func (d delivery) ipnStatus() string {
	var answer fields
	if json.Unmarshal([]byte(d.answer), &answer) != nil {
		return ""
	}
	read := reader{fields: answer}
	return read.upTo("ipnStatus", 50)
}

// reason leaves out the address that net/http puts into its errors: the merchant's query
// parameters may be private.
func reason(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// newIPNClient sends to loopback only, unless anywhere. The address is judged when it is
// dialled, after the name is resolved, so no name can stand for another address later. A
// proxy from the environment would be dialled instead and is not used. Connections are
// not kept: they would outlive the configuration.
func newIPNClient(anywhere bool) *http.Client {
	dialer := &net.Dialer{Control: loopbackOnly}
	if anywhere {
		dialer.Control = nil
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect is the app's answer, and a wrong one. It is not followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var errNotLoopback = errors.New("the address is not on this machine; the option ipn_anywhere lets IPNs leave it")

func loopbackOnly(_, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil || !resolved.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}
	return nil
}

// recordIPN is the exchange of an IPN.
func (t transaction) recordIPN(d delivery, salt string) wirelog.Exchange {
	e := wirelog.NewIPN(d.at, t.ipnURL, d.letter, salt)
	e.Faults = names(t.faults, func(f fault) bool { return f.misroute != nil })
	e.Answer = &wirelog.Answer{Status: d.status, Failure: d.failure}
	if d.status != 0 {
		e.Answer.Body = wirelog.NewContent([]byte(d.answer), len(d.answer))
		e.Answer.Body.Cut = len(d.answer) >= maxIPNAnswer
	}
	return e
}
