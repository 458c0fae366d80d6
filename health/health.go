// Package health tells load balancers, orchestrators and people whether the sidecar can do its work.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("galaxypay_health", parse)
	// Before the handlers that an app is reached through, so that its paths are answered in a site with an app too.
	httpcaddyfile.RegisterDirectiveOrder("galaxypay_health", httpcaddyfile.Before, "respond")
}

// Handler answers two paths in the format of the draft "Health Check Response Format for HTTP APIs"
// (application/health+json): those that end in /live and in /ready. Others go on to the next handler.
//
//   - /live: the process answers. Restart it where this fails.
//   - /ready: the configuration is loaded, the store takes writes, and what the options demand holds. HTTP 503 where one
//     of these does not. Send it no calls and no callbacks while this fails.
//
// Everyone gets the status. Why it is what it is, by check, is for the callers in allow.
type Handler struct {
	// Not ready where the last call had no proven answer, and none has come for so long. It says nothing of a gateway
	// that is not called. Default: not checked.
	GatewayWithin caddy.Duration `json:"gateway_within,omitempty"`

	// Not ready where a merchant has so many events in the inbox that wait to be delivered, or more. Default: not checked.
	BacklogBelow int `json:"backlog_below,omitempty"`

	// Who gets the details: IP addresses, CIDR ranges, or private_ranges. Default: loopback only.
	Allow []string `json:"allow,omitempty"`

	readers allow.List
	app     App

	mu   sync.Mutex
	last report // good until due
	due  time.Time
}

// App is what the handler needs of the Caddy app "galaxypay".
type App interface {
	// CheckStore has the store write something, and counts the events that wait, by merchant. The error is ErrNoStore
	// where the configuration has no store; any other says why it takes no writes.
	CheckStore(ctx context.Context) (pending map[string]int, err error)

	// Gateways says how calls to the gateway went lately, by merchant.
	Gateways() map[string]Contact
}

// ErrNoStore is the error of an App whose configuration has no store.
var ErrNoStore = errors.New("the configuration has no store")

// Contact is how calls to a gateway went.
type Contact struct {
	Proven time.Time // the last proven answer; before the first one, when the configuration was loaded
	Failed time.Time // the last call without one; zero: every call had one
}

// storeTimeout bounds how long the store may take: orchestrators wait a second or a few.
const storeTimeout = 2 * time.Second

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_health",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision checks the options and finds the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	var err error
	if h.readers, err = allow.Parse(h.Allow); err != nil {
		return err
	}
	if h.GatewayWithin < 0 {
		return errors.New("gateway_within: expected a duration above zero, such as 10m")
	}
	if h.BacklogBelow < 0 {
		return errors.New("backlog_below: expected a number above zero, such as 1000")
	}
	app, err := ctx.App("galaxypay")
	if err != nil {
		return err
	}
	h.app = app.(App)
	return nil
}

// ServeHTTP answers its two paths.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	switch path.Base(r.URL.Path) {
	case "live":
		return h.answer(w, r, report{Status: pass})
	case "ready":
		return h.answer(w, r, h.checkNow(r.Context()))
	}
	return next.ServeHTTP(w, r)
}

// freshFor is how long a report is good for. Everyone may ask, and each check writes to the disk.
const freshFor = time.Second

func (h *Handler) checkNow(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.After(h.due) {
		// For all who ask in this second, so not ended by one of them who hangs up.
		h.last = h.check(context.WithoutCancel(ctx))
		h.due = now.Add(freshFor)
	}
	return h.last
}

// check finds out whether the sidecar is ready.
func (h *Handler) check(ctx context.Context) report {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	now := time.Now()
	checks := make(map[string][]check)
	pending, err := h.app.CheckStore(ctx)
	switch {
	case errors.Is(err, ErrNoStore):
	case err != nil:
		checks["store:writable"] = []check{{Type: "datastore", Status: fail, Time: now, Output: "the store takes no writes; the log says why"}}
	default:
		checks["store:writable"] = []check{{Type: "datastore", Status: pass, Time: now}}
		for merchant, n := range pending {
			checks["inbox:pending"] = append(checks["inbox:pending"], h.checkBacklog(merchant, n, now))
		}
	}
	for merchant, contact := range h.app.Gateways() {
		checks["gateway:answers"] = append(checks["gateway:answers"], h.checkGateway(merchant, contact, now))
	}
	return sum(checks)
}

func (h *Handler) checkBacklog(merchant string, pending int, now time.Time) check {
	c := check{ID: merchant, Type: "component", Status: pass, Time: now, Value: &pending, Unit: "events"}
	if h.BacklogBelow > 0 && pending >= h.BacklogBelow {
		c.Status, c.Output = fail, fmt.Sprintf("expected fewer than %d events to wait; see whether the app answers them", h.BacklogBelow)
	}
	return c
}

func (h *Handler) checkGateway(merchant string, contact Contact, now time.Time) check {
	c := check{ID: merchant, Type: "component", Status: pass, Time: now}
	if !contact.Failed.After(contact.Proven) {
		return c
	}
	c.Status, c.Output = warn, "the last call had no proven answer"
	if within := time.Duration(h.GatewayWithin); within > 0 && now.Sub(contact.Proven) > within {
		c.Status, c.Output = fail, fmt.Sprintf("calls fail, and no proven answer has come for %s", within)
	}
	return c
}

// answer writes a report. The details are for few: they name merchants, and tell how much is sold.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, all report) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("health: expected GET or HEAD"))
	}
	if !h.readers.Includes(r) {
		all = report{Status: all.Status}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/health+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(map[status]int{pass: http.StatusOK, warn: http.StatusOK, fail: http.StatusServiceUnavailable}[all.Status])
	_, err = w.Write(body)
	return err
}

// status is a word of the draft.
type status string

const (
	pass status = "pass"
	warn status = "warn" // ready all the same
	fail status = "fail"
)

// report is the body of an answer.
type report struct {
	Status status             `json:"status"`
	Checks map[string][]check `json:"checks,omitempty"`
}

// check is one finding.
type check struct {
	ID     string    `json:"componentId,omitempty"` // the merchant
	Type   string    `json:"componentType"`
	Status status    `json:"status"`
	Value  *int      `json:"observedValue,omitempty"`
	Unit   string    `json:"observedUnit,omitempty"`
	Time   time.Time `json:"time"`
	Output string    `json:"output,omitempty"`
}

// sum is the report whose status is the worst of its checks.
func sum(checks map[string][]check) report {
	rank := map[status]int{pass: 0, warn: 1, fail: 2}
	all := report{Status: pass, Checks: checks}
	for _, list := range checks {
		for _, c := range list {
			if rank[c.Status] > rank[all.Status] {
				all.Status = c.Status
			}
		}
	}
	return all
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
