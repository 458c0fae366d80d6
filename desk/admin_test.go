package desk

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// plainStore is a store with some events, which records what is asked of it. It can neither
// check nor back up itself.
type plainStore struct {
	inbox.Store
	records []inbox.Record
	filters []inbox.Filter
}

func (*plainStore) Wake() <-chan struct{} { return nil }
func (*plainStore) Close() error          { return nil }

func (*plainStore) Clock(_ context.Context, now time.Time) (time.Time, error) { return now, nil }

func (s *plainStore) List(_ context.Context, f inbox.Filter) iter.Seq2[inbox.Record, error] {
	s.filters = append(s.filters, f)
	return func(yield func(inbox.Record, error) bool) {
		n := 0
		for _, r := range s.records {
			if strings.HasPrefix(r.ID, f.IDPrefix) && (f.ID == "" || f.ID == r.ID) && (f.Queue == "" || f.Queue == r.Queue) && (f.Merchant == "" || f.Merchant == inbox.MerchantOf(r.Queue)) {
				if n++; f.Limit > 0 && n > f.Limit || !yield(r, nil) {
					return
				}
			}
		}
	}
}

// fileStore can do both.
type fileStore struct {
	plainStore
	damage error
	backup string
}

func (s *fileStore) Check(context.Context) (int, error) { return 7, s.damage }

func (s *fileStore) Backup(_ context.Context, path string) error {
	s.backup = path
	return s.damage
}

// ask calls a handler of the admin API with a store, and returns its answer and its status.
func ask(t *testing.T, s inbox.Store, serve func(http.ResponseWriter, *http.Request, *inbox.Member) error, parameters url.Values) (string, int) {
	t.Helper()
	engine := inbox.NewEngine(s, inbox.SystemClock)
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := httptest.NewRequest(http.MethodPost, "/?"+parameters.Encode(), nil)
	w := httptest.NewRecorder()
	err := serve(w, r, engine.Join(inbox.Settings{}))
	if refused, ok := errors.AsType[caddy.APIError](err); ok {
		return refused.Err.Error(), refused.HTTPStatus
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.Body.String(), w.Code
}

func recordWith(id, queue string) inbox.Record {
	return inbox.Record{Event: inbox.Event{ID: id, Queue: queue, Message: []byte("{}")}}
}

// The beginning of an id is enough to show an event, as long as it is clear which one is meant.
func TestShowByTheBeginningOfAnID(t *testing.T) {
	long := "5b7e" + strings.Repeat("0", 60)
	other := "5b7f" + strings.Repeat("0", 60)
	s := &plainStore{records: []inbox.Record{
		recordWith(long, "default"), recordWith(other, "default"),
		recordWith("aa"+strings.Repeat("0", 62), "default"), recordWith("aa"+strings.Repeat("0", 62), "airline"),
	}}
	for _, digit := range "0123456789abcdef" {
		s.records = append(s.records, recordWith("c"+string(digit)+strings.Repeat("0", 62), "default"))
	}
	for name, test := range map[string]struct {
		parameters url.Values
		status     int
		want       string
	}{
		"whole":                     {url.Values{"id": {long}}, 200, long},
		"in upper case":             {url.Values{"id": {strings.ToUpper(long)}}, 200, long},
		"beginning":                 {url.Values{"id": {"5b7e"}}, 200, long},
		"beginning of two":          {url.Values{"id": {"5b7"}}, 409, "several events have an id that begins so; give more of it: " + long + ", " + other},
		"of two merchants":          {url.Values{"id": {"aa"}}, 409, "several merchants, or gateways of one, have an event of this id; add queue to choose one: airline, default"},
		"beginning of many":         {url.Values{"id": {"c"}}, 409, "c9" + strings.Repeat("0", 62) + ", ..."},
		"of one of the merchants":   {url.Values{"id": {"aa"}, "queue": {"airline"}}, 200, "airline"},
		"of none":                   {url.Values{"id": {"6"}}, 404, "no such event"},
		"whole, unknown":            {url.Values{"id": {strings.Repeat("1", 64)}}, 404, "no such event"},
		"no id":                     {url.Values{"queue": {"default"}}, 400, "expected the id"},
		"another parameter as well": {url.Values{"id": {long}, "state": {"dead"}}, 400, "only queue"},
	} {
		t.Run(name, func(t *testing.T) {
			if text, status := ask(t, s, showEvent, test.parameters); status != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

// Every parameter of a list picks by its own member.
func TestListParameters(t *testing.T) {
	for name, want := range map[string]inbox.Filter{
		"id": {ID: "x"}, "queue": {Merchant: "x"}, "order": {OrderID: "x"}, "transaction": {Transaction: "x"}, "request": {RequestID: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(plainStore)
			want.Limit = defaultListed + 1
			if text, status := ask(t, s, listEvents, url.Values{name: {"x"}}); status != 200 || len(s.filters) != 1 || s.filters[0] != want {
				t.Errorf("%d %s; listed %+v", status, text, s.filters)
			}
		})
	}
	for _, state := range inbox.States() {
		if _, status := ask(t, new(plainStore), listEvents, url.Values{"state": {string(state)}}); status != 200 {
			t.Errorf("state %s: %d", state, status)
		}
	}
	for name, parameters := range map[string]url.Values{
		"unknown":         {"orderID": {"x"}},
		"empty":           {"order": {""}},
		"twice":           {"request": {"x", "y"}},
		"unknown state":   {"state": {"lost"}},
		"prefix by name":  {"id_prefix": {"x"}},
		"limit of zero":   {"limit": {"0"}},
		"since yesterday": {"since": {"yesterday"}},
	} {
		if text, status := ask(t, new(plainStore), listEvents, parameters); status != 400 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// A replay takes the whole id only: a few digits must not deliver another event.
func TestReplayTakesNoBeginningOfAnID(t *testing.T) {
	s := &plainStore{records: []inbox.Record{recordWith("5b7e"+strings.Repeat("0", 60), "default")}}
	if text, status := ask(t, s, replayEvents, url.Values{"id": {"5b7e"}}); status != 404 {
		t.Errorf("%d %s", status, text)
	}
}

func TestCheckStore(t *testing.T) {
	if text, status := ask(t, new(fileStore), checkStore, nil); status != 200 || text != `{"checked":7}`+"\n" {
		t.Errorf("%d %s", status, text)
	}
	if text, status := ask(t, &fileStore{damage: errors.New("2 records are damaged")}, checkStore, nil); status != 500 || text != "2 records are damaged" {
		t.Errorf("damaged: %d %s", status, text)
	}
	if text, status := ask(t, new(plainStore), checkStore, nil); status != 501 || !strings.Contains(text, "pg_amcheck") {
		t.Errorf("a store that cannot: %d %s", status, text)
	}
	if text, status := ask(t, new(fileStore), checkStore, url.Values{"x": {"1"}}); status != 400 {
		t.Errorf("with a parameter: %d %s", status, text)
	}
}

func TestBackUpStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.db")
	s := new(fileStore)
	text, status := ask(t, s, backUpStore, url.Values{"file": {path}})
	var answer struct{ File string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 || answer.File != path || s.backup != path {
		t.Errorf("%d %s; copied to %q", status, text, s.backup)
	}
	for name, test := range map[string]struct {
		store      inbox.Store
		parameters url.Values
		status     int
	}{
		"it fails":            {&fileStore{damage: errors.New("the disk is full")}, url.Values{"file": {path}}, 500},
		"a store that cannot": {new(plainStore), url.Values{"file": {path}}, 501},
		"no file":             {new(fileStore), nil, 400},
		"an empty one":        {new(fileStore), url.Values{"file": {""}}, 400},
		"a relative one":      {new(fileStore), url.Values{"file": {"copy.db"}}, 400},
		"two files":           {new(fileStore), url.Values{"file": {path, path}}, 400},
		"another parameter":   {new(fileStore), url.Values{"file": {path}, "x": {"1"}}, 400},
		"one that is there":   {new(fileStore), url.Values{"file": {dir}}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			if text, status := ask(t, test.store, backUpStore, test.parameters); status != test.status {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}
