//go:build linux

package crashtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/galaxypay-sidecar/caddy-galaxypay"
)

// Keys say what a call does: it opens a page, or it moves money. The gateway does not answer every fourth call: those whose
// keys end so.
const (
	pageKey  = "page-"
	moneyKey = "money-"
)

func isPage(key string) bool     { return strings.HasPrefix(key, pageKey) }
func isAnswered(key string) bool { return !strings.HasSuffix(key, "3") && !strings.HasSuffix(key, "7") }

// paying makes a child a whole sidecar with a ledger: Caddy, between a gateway and apps that run in the child too, so that
// their reports are in one order with what is written to the disk.
type paying struct {
	// Round counts the children of one store, and Socket is where the sidecar listens.
	Round  int    `json:"round"`
	Socket string `json:"socket"`
	// Apps make calls at the same time, each so many Calls.
	Apps  int `json:"apps"`
	Calls int `json:"calls"`
	// Known are keys whose calls reached the gateway before, and Again are some of them: their calls are made once more.
	Known []string `json:"known"`
	Again []string `json:"again"`
}

// payingSidecar is such a child.
type payingSidecar struct {
	paying
	app     http.Client
	reports io.Writer

	mu    sync.Mutex
	known map[string]bool
}

func (p paying) work(ctx context.Context, where string, reports io.Writer) error {
	s := &payingSidecar{paying: p, reports: reports, known: make(map[string]bool)}
	for _, key := range p.Known {
		s.known[key] = true
	}
	s.app.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", p.Socket)
	}}
	listener, err := net.FileListener(os.NewFile(gatewaySocket, "gateway"))
	if err != nil {
		return err
	}
	gateway := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(s.takeCall), ReadHeaderTimeout: time.Minute}}
	gateway.Start()
	defer gateway.Close()
	if err := runCaddy(fmt.Sprintf(payingSite, gateway.URL, payingSalt, where, p.Socket)); err != nil {
		return err
	}
	return errors.Join(s.callAll(ctx), caddy.Stop())
}

const payingSalt = "crashtest-crashtest"

const payingSite = `
{
	admin off
	persist_config off
	galaxypay {
		base_url %s
		api_key crashtest
		salt %s
		store sqlite %s
		reconcile off
	}
}
http:// {
	bind unix/%s
	galaxypay
}
`

func runCaddy(caddyfile string) error {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

// report writes a line at once, so that it is whole.
func (s *payingSidecar) report(format string, args ...any) {
	_, _ = fmt.Fprintf(s.reports, format+"\n", args...) // it fails when the parent has ended
}

// takeCall is the gateway. It reports each call that has reached it, before it answers.
func (s *payingSidecar) takeCall(w http.ResponseWriter, r *http.Request) {
	var call struct{ RequestID string }
	if err := readJSON(r.Body, &call); err != nil {
		s.report("unreadable %v", err)
		return
	}
	s.report("reached %s", call.RequestID)
	s.mu.Lock()
	isKnown := s.known[call.RequestID]
	s.known[call.RequestID] = true
	s.mu.Unlock()
	reply := replyTo(call.RequestID)
	switch {
	case isKnown:
		reply = fmt.Sprintf(`{"requestID":%q,"responseCode":"409","responseMessage":"known"}`, call.RequestID)
	case !isAnswered(call.RequestID):
		panic(http.ErrAbortHandler) // the connection is closed
	}
	sum := sha256.Sum256([]byte(reply + payingSalt))
	w.Header().Set("signature", hex.EncodeToString(sum[:]))
	_, _ = io.WriteString(w, reply)
}

// replyTo is the gateway's reply to the first call under a key.
func replyTo(key string) string {
	return fmt.Sprintf(`{"requestID":%q,"responseCode":"200","responseMessage":"Success","responseData":%s}`, key, dataFor(key))
}

func dataFor(key string) string { return fmt.Sprintf(`{ "endpoint": "https://pay.example/%s" }`, key) }

// callAll runs the apps.
func (s *payingSidecar) callAll(ctx context.Context) error {
	failed := make(chan error, s.Apps+1)
	var apps sync.WaitGroup
	apps.Go(func() { failed <- s.callEach(ctx, s.Again) })
	for app := range s.Apps {
		var keys []string
		for n := range s.Calls {
			keys = append(keys, fmt.Sprintf("%s%d-%d-%d", []string{pageKey, moneyKey}[n/4%2], s.Round, app, n))
		}
		apps.Go(func() { failed <- s.callEach(ctx, keys) })
	}
	apps.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *payingSidecar) callEach(ctx context.Context, keys []string) error {
	for _, key := range keys {
		for range 2 { // a page whose reply got lost is opened once more
			said, err := s.call(ctx, key)
			if err != nil {
				return err
			}
			s.report("answered %s %s", key, said)
			if !isPage(key) || said != noAnswer {
				break
			}
		}
	}
	return nil
}

// What apps are answered: 200, or the code of a problem.
const (
	success  = "200"
	noAnswer = "gateway_no_answer"
	pageLost = "page_lost"
)

// call makes a call once.
func (s *payingSidecar) call(ctx context.Context, key string) (said string, err error) {
	path, about := "/refund", `"transactionID":"1",`
	if isPage(key) {
		path, about = "/pay", `"paymentMethod":"DOMESTIC",`
	}
	body := fmt.Sprintf(`{%s"orderID":%q,"orderAmount":1000,"orderCurrency":"VND","orderDateTime":"20260615190000","orderDescription":"x"}`, about, key)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sidecar"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	answer, err := s.app.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode == http.StatusOK {
		if string(text) != dataFor(key) {
			return "", fmt.Errorf("%s is answered %s", key, text)
		}
		return success, nil
	}
	var problem struct{ Code string }
	if err := json.Unmarshal(text, &problem); err != nil || problem.Code == "" {
		return "", fmt.Errorf("%s is answered %d: %s", key, answer.StatusCode, text)
	}
	return problem.Code, nil
}
