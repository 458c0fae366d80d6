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

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
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

// ipnSender sends IPNs and keeps how the app took them.
type ipnSender struct {
	ledger  *ledger.Ledger
	salt    string
	client  *http.Client
	running context.Context // ends with the configuration: it outlives every request
	strict  *fault.Strict   // nil: IPNs have no faults but those that are named
	logger  *zap.Logger
}

// announce sends the IPN of a settled transaction, once, and keeps what came of it; only
// a fault makes it none or several. It goes on when the customer closes the browser, and
// over a reload. Every outcome has its IPN: whether the gateway sends
// one for a failed or cancelled payment is not documented, and an app that copes with all
// of them copes with fewer.
func (s *ipnSender) announce(ctx context.Context, t ledger.Transaction) {
	defer close(t.Announced)
	s.send(context.WithoutCancel(ctx), s.drawFaults(t))
}

// drawFaults gives a payment that names no fault one of the strict mode. It is kept with the payment, so
// that people see why its IPNs were as they were.
func (s *ipnSender) drawFaults(t ledger.Transaction) ledger.Transaction {
	if s.strict == nil || t.IPNURL == nil || len(t.Faults) > 0 {
		return t
	}
	drawn := s.strict.Draw().Names()
	_ = s.ledger.Change(t.ID, func(kept *ledger.Transaction) error { // where it is forgotten by now, there is nothing to keep
		kept.Faults = drawn
		return nil
	})
	t.Faults = drawn
	return t
}

// expire ends the payment if its time is over, and sends the IPN.
//
// Nothing waits for the end of a payment: it is noticed by the next query or by the next
// visit to its page, and its IPN is sent then. A query is answered before that.
func (s *ipnSender) expire(ctx context.Context, id string) {
	if t, first := s.ledger.Expire(id); first {
		s.announce(ctx, t)
	}
}

// send sends the IPNs of a payment: at once or, where a fault wants it late, when the delay
// is over, unless the configuration is or the payment is forgotten by then.
func (s *ipnSender) send(ctx context.Context, t ledger.Transaction) {
	if t.IPNURL == nil {
		return
	}
	ipns := sealIPNs(t, s.salt)
	if ipns.Delay == 0 {
		s.sendNow(ctx, t, ipns)
		return
	}
	late := time.After(ipns.Delay)
	go func() {
		select {
		case <-late:
			if _, known := s.ledger.Find(t.ID); known {
				s.sendNow(s.running, t, ipns)
			}
		case <-s.running.Done():
			s.keepUnsent(t, "the configuration ended before it was time")
		}
	}()
}

// sealIPNs seals the IPNs of a payment, with the payment's faults. One that says something
// else than what became of the payment has no token.
func sealIPNs(t ledger.Transaction, salt string) *fault.IPNs {
	faults, _ := fault.Named(t.Faults...)
	return faults.IPNs(t.Outcome, salt, func(outcome ledger.Outcome) any {
		about := t
		if outcome != t.Outcome {
			about.Outcome, about.Stored = outcome, nil
		}
		return ipnMessage(about)
	})
}

func (s *ipnSender) sendNow(ctx context.Context, t ledger.Transaction, ipns *fault.IPNs) {
	if len(ipns.Callbacks) == 0 {
		s.keepUnsent(t, "the fault ipn_lost suppressed it")
	}
	for _, callback := range ipns.Callbacks {
		at := s.ledger.Now()
		s.keep(t, at, callback, s.post(ctx, t.IPNURL.String(), callback))
	}
}

// post sends one IPN and returns how it was taken.
func (s *ipnSender) post(ctx context.Context, address string, sent message.Callback) ledger.Delivery {
	ctx, stop := context.WithTimeout(ctx, ipnTimeout)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message.Encode(sent)))
	if err != nil {
		return ledger.Delivery{Failure: reason(err)}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "galaxypay-sandbox")
	response, err := s.client.Do(request) // the app names the address; loopbackOnly bounds it
	if err != nil {
		return ledger.Delivery{Failure: reason(err)}
	}
	defer response.Body.Close()
	// An answer that breaks off is an answer: its beginning is what can be shown.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxIPNAnswer))
	return ledger.Delivery{Status: response.StatusCode, Answer: strings.ToValidUTF8(string(answer), "\uFFFD")}
}

func (s *ipnSender) keepUnsent(t ledger.Transaction, why string) {
	s.keep(t, s.ledger.Now(), message.Callback{}, ledger.Delivery{Failure: why})
}

// keep keeps an IPN and how the app took it.
func (s *ipnSender) keep(t ledger.Transaction, at time.Time, sent message.Callback, d ledger.Delivery) {
	e := wirelog.NewIPN(at, t.IPNURL, sent, s.salt)
	faults, _ := fault.Named(t.Faults...)
	e.Faults = faults.OfIPNs().Names()
	e.Answer = &wirelog.Answer{Status: d.Status, Failure: d.Failure}
	if d.Status != 0 {
		e.Answer.Body = wirelog.NewContent([]byte(d.Answer), len(d.Answer))
		e.Answer.Body.Cut = len(d.Answer) >= maxIPNAnswer
	}
	s.ledger.KeepIPN(t.ID, d, e)
	log := s.logger.With(zap.String("transaction_id", t.ID), zap.String("transaction_status", t.Outcome.Result().Status))
	if d.Failure != "" {
		log.Warn("IPN not delivered", zap.String("reason", d.Failure))
		return
	}
	log.Info("IPN answered", zap.Int("http_status", d.Status), zap.String("ipn_status", ipnStatus(d.Answer)))
}

// ipnStatus is the app's verdict in its answer, "" where it gave none. It is 50
// characters at most by the gateway's table, and nothing longer gets into the log.
func ipnStatus(answer string) string {
	var members fields
	if json.Unmarshal([]byte(answer), &members) != nil {
		return ""
	}
	read := reader{fields: members}
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
// dialled, after the name is resolved, so no name can mean another address later. A
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

var errNotLoopback = errors.New("the address is not on this machine; set ipn_anywhere to allow IPNs to other machines")

func loopbackOnly(_, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil || !resolved.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}
	return nil
}
