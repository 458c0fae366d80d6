package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

func init() {
	caddy.RegisterModule(InboxAdmin{})
}

// InboxAdmin adds the inbox to Caddy's admin API:
//
//	GET  /galaxypay/inbox/list     what is kept, without the messages: {"events": [...], "more": false}
//	GET  /galaxypay/inbox/show     one event, by its id, with its message; where merchants share a salt, by queue too
//	GET  /galaxypay/inbox/export   one event on each line, with its message
//	GET  /galaxypay/inbox/stats    how many there are: {"states": {"pending": 0, ...}, ...}
//	POST /galaxypay/inbox/replay   deliver again: {"replayed": 1}
//
// Parameters of the query pick events: id, queue, transaction, state, payment_status, since and
// until (times of arrival, RFC 3339), limit. replay takes them as a JSON object too, and
// all=true in their place, but no limit. Only list has a limit where none is given: 100.
type InboxAdmin struct{}

// CaddyModule returns the Caddy module information.
func (InboxAdmin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.galaxypay_inbox",
		New: func() caddy.Module { return new(InboxAdmin) },
	}
}

// inboxAdminPath is below what the routes are.
const inboxAdminPath = "/galaxypay/inbox/"

// Bounds of what one request asks for.
const (
	defaultListed    = 100
	mostListed       = 10_000
	longestSelection = 4 << 10
	exportStall      = time.Minute
)

// Routes returns the routes.
func (InboxAdmin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		inboxRoute("list", http.MethodGet, listInbox),
		inboxRoute("show", http.MethodGet, showInbox),
		inboxRoute("export", http.MethodGet, exportInbox),
		inboxRoute("stats", http.MethodGet, statInbox),
		inboxRoute("replay", http.MethodPost, replayInbox),
	}
}

// inboxRoute finds the inbox with each request: admin modules are there before the apps
// are, and stay the same while configurations come and go.
func inboxRoute(name, method string, serve func(http.ResponseWriter, *http.Request, *inbox.Member) error) caddy.AdminRoute {
	return caddy.AdminRoute{
		Pattern: inboxAdminPath + name,
		Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method != method {
				w.Header().Set("Allow", method)
				return apiError(http.StatusMethodNotAllowed, fmt.Errorf("expected %s", method))
			}
			member, err := runningInbox()
			if err != nil {
				return err
			}
			// The admin endpoint has a read timeout of ten seconds, and when it is over the
			// context of a request that is still being answered ends. An export takes longer.
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			w.Header().Set("Cache-Control", "no-store")
			return serve(w, r, member)
		}),
	}
}

func runningInbox() (*inbox.Member, error) {
	app, err := caddy.ActiveContext().AppIfConfigured("galaxypay")
	if err != nil && !errors.Is(err, caddy.ErrNotConfigured) {
		return nil, apiError(http.StatusInternalServerError, err)
	}
	if err != nil || app.(*App).inbox.opener == nil {
		return nil, apiError(http.StatusNotFound, errors.New("the running configuration has no inbox"))
	}
	member, err := app.(*App).inbox.join()
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	return member, nil
}

func apiError(status int, err error) error {
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// selection turns parameters into a filter. What is unknown, empty or given twice is an
// error: a slip in a filter must not become a replay of everything.
func selection(parameters url.Values) (inbox.Filter, error) {
	var f inbox.Filter
	for name, values := range parameters {
		if len(values) != 1 || values[0] == "" {
			return inbox.Filter{}, fmt.Errorf("%s: expected one value", name)
		}
		if err := selectBy(&f, name, values[0]); err != nil {
			return inbox.Filter{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func selectBy(f *inbox.Filter, name, value string) (err error) {
	switch name {
	case "id":
		f.ID = strings.ToLower(value)
	case "queue":
		f.Queue = value
	case "transaction":
		f.Transaction = value
	case "state":
		f.State = inbox.State(value)
		err = known(f.State, inbox.States()...)
	case "payment_status":
		f.PaymentStatus = value
		err = known(PaymentStatus(value), Paid, Cancelled, Expired, Pending, Failed)
	case "since":
		f.Since, err = parseInstant(value)
	case "until":
		f.Until, err = parseInstant(value)
	case "limit":
		f.Limit, err = strconv.Atoi(value)
		if err != nil || f.Limit < 1 {
			err = errors.New("expected a number above zero")
		}
	default:
		err = errors.New("unknown; known are id, queue, transaction, state, payment_status, since, until and limit")
	}
	return err
}

func known[S ~string](value S, all ...S) error {
	if slices.Contains(all, value) {
		return nil
	}
	return fmt.Errorf("unknown value %q; known are %v", value, all)
}

func parseInstant(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("expected a time such as 2026-12-31T00:00:00+07:00")
	}
	return at, nil
}

func queried(r *http.Request) (inbox.Filter, error) {
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return inbox.Filter{}, apiError(http.StatusBadRequest, errors.New("the query string is malformed"))
	}
	f, err := selection(parameters)
	if err != nil {
		return inbox.Filter{}, apiError(http.StatusBadRequest, err)
	}
	return f, nil
}

// inboxEntry is an event as people see it. Its message takes the place of the stored one.
type inboxEntry struct {
	inbox.Record
	Message      json.RawMessage `json:"message,omitempty"`
	MessageError string          `json:"messageError,omitempty"` // why there is no message
}

// opened is the entry with its message. An event whose message cannot be decrypted is
// shown all the same: what else is known of it helps to find the key.
func opened(m *inbox.Member, r inbox.Record) inboxEntry {
	message, err := m.Message(r.Event)
	switch {
	case err != nil:
		return inboxEntry{Record: r, MessageError: err.Error()}
	case !json.Valid(message):
		return inboxEntry{Record: r, MessageError: "the message is no JSON"}
	}
	return inboxEntry{Record: r, Message: message}
}

func listInbox(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := queried(r)
	if err != nil {
		return err
	}
	if f.Limit == 0 {
		f.Limit = defaultListed
	}
	limit := min(f.Limit, mostListed)
	f.Limit = limit + 1
	answer := struct {
		Events []inboxEntry `json:"events"`
		More   bool         `json:"more"` // there are events beyond the limit
	}{Events: []inboxEntry{}}
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err != nil {
			return apiError(http.StatusInternalServerError, err)
		}
		if len(answer.Events) == limit {
			answer.More = true
			break
		}
		record.Message = nil // a long list of them takes much memory
		answer.Events = append(answer.Events, inboxEntry{Record: record})
	}
	return writeJSON(w, answer)
}

func showInbox(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := queried(r)
	if err != nil {
		return err
	}
	if f.ID == "" || f != (inbox.Filter{ID: f.ID, Queue: f.Queue}) {
		return apiError(http.StatusBadRequest, errors.New("expected the id of an event, and nothing else but a queue"))
	}
	record, err := find(r, m, f)
	if err != nil {
		return err
	}
	return writeJSON(w, opened(m, record))
}

// find returns the one event that a filter with an id picks.
func find(r *http.Request, m *inbox.Member, f inbox.Filter) (found inbox.Record, err error) {
	n := 0
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err != nil {
			return found, apiError(http.StatusInternalServerError, err)
		}
		found = record
		n++
	}
	switch n {
	case 0:
		return found, apiError(http.StatusNotFound, errors.New("no such event in the inbox"))
	case 1:
		return found, nil
	}
	return found, apiError(http.StatusConflict, fmt.Errorf("%d merchants have an event of this id; expected the queue too", n))
}

func exportInbox(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := queried(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	lines, connection := newEncoder(w), http.NewResponseController(w)
	for record, err := range m.Engine().Store().List(r.Context(), f) {
		if err == nil {
			// Whoever stops reading must not keep the store busy for ever.
			_ = connection.SetWriteDeadline(time.Now().Add(exportStall))
			err = lines.Encode(opened(m, record))
		}
		if err != nil {
			// Some of it is on its way. Breaking the connection off is the one way to
			// tell that this is not all.
			caddy.Log().Named("admin.api").Error("an export of the inbox broke off", zap.Error(err))
			panic(http.ErrAbortHandler)
		}
	}
	return nil
}

func statInbox(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	if r.URL.RawQuery != "" {
		return apiError(http.StatusBadRequest, errors.New("expected no parameters"))
	}
	stats, err := m.Engine().Store().Stats(r.Context())
	if err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, stats)
}

func replayInbox(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := toReplay(w, r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	if f.ID != "" { // else nobody could tell a wrong id from an event that is being delivered
		if _, err := find(r, m, f); err != nil {
			return err
		}
	}
	n, err := m.Engine().Replay(r.Context(), f)
	if err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, map[string]int{"replayed": n})
}

// toReplay reads which events to deliver again. All of them must be asked for in so many
// words.
func toReplay(w http.ResponseWriter, r *http.Request) (inbox.Filter, error) {
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return inbox.Filter{}, errors.New("the query string is malformed")
	}
	if err := addFromBody(parameters, http.MaxBytesReader(w, r.Body, longestSelection)); err != nil {
		return inbox.Filter{}, err
	}
	if slices.Equal(parameters["all"], []string{"true"}) && len(parameters) == 1 {
		return inbox.Filter{}, nil
	}
	f, err := selection(parameters)
	switch {
	case err != nil:
		return inbox.Filter{}, err
	case f.Limit != 0:
		return inbox.Filter{}, errors.New("limit: a replay has none")
	case f == inbox.Filter{}:
		return inbox.Filter{}, errors.New("expected which events to replay: a filter, or all=true and nothing else")
	}
	return f, nil
}

// addFromBody adds the members of a JSON object to the parameters.
func addFromBody(parameters url.Values, body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil || len(text) == 0 {
		return err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return errors.New("expected a JSON object of parameters")
	}
	for name, value := range members {
		switch value.(type) {
		case string, bool:
			parameters.Add(name, fmt.Sprint(value))
		default:
			return fmt.Errorf("%s: expected a text", name)
		}
	}
	return nil
}

// newEncoder writes messages as they are, without escapes for web pages.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func writeJSON(w http.ResponseWriter, answer any) error {
	w.Header().Set("Content-Type", "application/json")
	return newEncoder(w).Encode(answer)
}

// Interface guards
var _ caddy.AdminRouter = (*InboxAdmin)(nil)
