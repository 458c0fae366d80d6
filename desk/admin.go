// Package desk is for the person on call: it shows what the running sidecar keeps, and has
// events delivered again. It holds the admin API and the commands that call it.
package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

func init() {
	caddy.RegisterModule(AdminAPI{})
}

// App is what the desk needs of the Caddy app "galaxypay".
type App interface {
	// Inbox returns the app's inbox, and opens it if it is not open yet. The error is
	// ErrNoInbox where the configuration has none; any other says why it cannot be opened.
	Inbox() (*inbox.Member, error)

	// Ask asks the gateway about the payment of a requestID now, and tells the app what is news. It
	// fails with ErrNoAsker, a NoAnswerError, or an error of ledger.ClaimNow.
	Ask(book, requestID string) (Answer, error)
}

// Answer is what the gateway said of a payment.
type Answer struct {
	Said    string         // a payment status; "" where the payment is not told of
	Order   string         // how it fits what was signed
	Payment ledger.Payment // the record after it
}

// ErrNoAsker is the error of an App that does not ask the gateway of a book.
var ErrNoAsker = errors.New("no handler of the running configuration asks this gateway in the merchant's name; it needs a store, and a galaxypay or galaxypay_ipn for the merchant")

// NoAnswerError is the error of a question that the gateway did not answer with a proof and responseCode 200.
type NoAnswerError struct{ Code string } // of the problem

// Error implements error.
func (e NoAnswerError) Error() string {
	return "the gateway has given no answer that counts: " + e.Code + "; docs/problems.md describes each code"
}

// ErrNoInbox is the error of an App whose configuration has no inbox.
var ErrNoInbox = errors.New("the running configuration has no inbox")

// AdminAPI adds the inbox and its store to Caddy's admin API:
//
//	GET  /galaxypay/events/list     events without their messages: {"events": [...], "more": false}
//	GET  /galaxypay/events/show     one event with its message, by its id or the beginning of it;
//	                               where merchants share a salt, by queue too
//	GET  /galaxypay/events/export   one event on each line, with its message
//	GET  /galaxypay/events/stats    how many there are: {"states": {"pending": 0, ...}, ...}
//	GET  /galaxypay/events/wait     events with the bytes of their messages as soon as there are some:
//	                               {"events": [...], "cursor": 7}; after is the cursor of the answer before, or a time, seconds
//	                               how long to wait
//	POST /galaxypay/events/replay   deliver again: {"replayed": 1}
//	GET  /galaxypay/payments/list  what the ledger knows of calls: {"payments": [...], "more": false}
//	GET  /galaxypay/payments/show  the story of an order, by id: a requestID, orderID or transactionID; merchant where
//	                               several have it: {"payments": [...], "events": [...], "lines": [...], ...}
//	GET  /galaxypay/payments/export  one call on each line, as JSON, or as CSV with format=csv
//	GET  /galaxypay/payments/report  the payments, refunds, voids and captures of a day, and what a person must look into, as
//	                               CSV: day, zone (+07:00 unless given), totals=true for sums only, merchant
//	POST /galaxypay/payments/query  ask the gateway about the payment of a requestID, request, now: {"said": "paid", ...}
//	POST /galaxypay/payments/settle  end its unknown outcome: as accepted, rejected or not_sent, with a reason
//	POST /galaxypay/store/check    read everything and look for damage: {"checked": 12}, the number of records
//	POST /galaxypay/store/backup   copy the store to the file with the absolute path file
//
// Parameters of the query pick events: id, queue, order (its orderID), transaction (its
// transactionID or orderNo), request (the requestID), state, payment_status, since and
// until (times of arrival, RFC 3339), limit. replay takes them as a JSON object too, and
// all=true in their place, but no limit. Only list has a limit where none is given: 100.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.galaxypay_inbox",
		New: func() caddy.Module { return new(AdminAPI) },
	}
}

// route is an address of the admin API.
type route struct{ method, path string }

var (
	listRoute   = route{http.MethodGet, "/galaxypay/events/list"}
	showRoute   = route{http.MethodGet, "/galaxypay/events/show"}
	exportRoute = route{http.MethodGet, "/galaxypay/events/export"}
	statsRoute  = route{http.MethodGet, "/galaxypay/events/stats"}
	waitRoute   = route{http.MethodGet, "/galaxypay/events/wait"}
	replayRoute = route{http.MethodPost, "/galaxypay/events/replay"}
	checkRoute  = route{http.MethodPost, "/galaxypay/store/check"}
	backupRoute = route{http.MethodPost, "/galaxypay/store/backup"}

	listPaymentsRoute   = route{http.MethodGet, "/galaxypay/payments/list"}
	showStoryRoute      = route{http.MethodGet, "/galaxypay/payments/show"}
	exportPaymentsRoute = route{http.MethodGet, "/galaxypay/payments/export"}
	reportPaymentsRoute = route{http.MethodGet, "/galaxypay/payments/report"}
	queryPaymentRoute   = route{http.MethodPost, "/galaxypay/payments/query"}
	settlePaymentRoute  = route{http.MethodPost, "/galaxypay/payments/settle"}
)

// Routes returns the routes.
func (AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		listRoute.servedBy(listEvents),
		showRoute.servedBy(showEvent),
		exportRoute.servedBy(exportEvents),
		statsRoute.servedBy(countEvents),
		waitRoute.servedBy(waitForEvents),
		replayRoute.servedBy(replayEvents),
		checkRoute.servedBy(checkStore),
		backupRoute.servedBy(backUpStore),
		listPaymentsRoute.servedBy(listPayments),
		showStoryRoute.servedBy(showStory),
		exportPaymentsRoute.servedBy(exportPayments),
		reportPaymentsRoute.servedBy(reportPayments),
		queryPaymentRoute.servedBy(queryPayment),
		settlePaymentRoute.servedBy(settlePayment),
	}
}

// servedBy looks the inbox up with each request: admin modules are loaded before the apps, and
// stay the same while configurations come and go.
func (at route) servedBy(serve func(http.ResponseWriter, *http.Request, *inbox.Member) error) caddy.AdminRoute {
	return caddy.AdminRoute{
		Pattern: at.path,
		Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method != at.method {
				w.Header().Set("Allow", at.method)
				return apiError(http.StatusMethodNotAllowed, fmt.Errorf("expected %s", at.method))
			}
			member, err := runningInbox()
			if err != nil {
				return err
			}
			// The admin endpoint has a read timeout of ten seconds. After it, the context of a
			// request ends even while the answer is being written. An export takes longer.
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			w.Header().Set("Cache-Control", "no-store")
			return serve(w, r, member)
		}),
	}
}

// runningApp returns the app of the configuration that runs now.
func runningApp() (App, error) {
	app, err := caddy.ActiveContext().AppIfConfigured("galaxypay")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, apiError(http.StatusNotFound, ErrNoInbox)
	}
	if err != nil {
		return nil, apiError(http.StatusInternalServerError, err)
	}
	return app.(App), nil
}

// runningInbox returns the inbox of the configuration that runs now.
func runningInbox() (*inbox.Member, error) {
	app, err := runningApp()
	if err != nil {
		return nil, err
	}
	return inboxOf(app)
}

func inboxOf(app App) (*inbox.Member, error) {
	member, err := app.Inbox()
	if errors.Is(err, ErrNoInbox) {
		return nil, apiError(http.StatusNotFound, err)
	}
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	return member, nil
}

func apiError(status int, err error) error {
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// newEncoder writes messages unchanged: without it, json escapes <, > and &.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(escapingWriter{w})
	e.SetEscapeHTML(false)
	return e
}

func writeJSON(w http.ResponseWriter, answer any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return newEncoder(w).Encode(answer)
}

// Interface guards
var _ caddy.AdminRouter = (*AdminAPI)(nil)
