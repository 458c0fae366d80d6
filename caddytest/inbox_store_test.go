package caddytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store/sqlite"
)

// An IPN that could not be stored is not acknowledged, and the app does not get it.
func TestInboxCannotStore(t *testing.T) {
	app := newApp(t)
	c := start(t, strings.Replace(inboxSite(inboxFile(t), app.address, ""), "store sqlite", "store full", 1))
	ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
	app.wantNothing(t)
	lines := c.logLines(t, "an IPN could not be kept, so it was not acknowledged")
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), errFull.Error()) {
		t.Errorf("logged %v", lines)
	}
}

// fullStore is a store that cannot store anything.
type fullStore struct{ store.Store }

var errFull = errors.New("no space left on device")

func (s fullStore) Arrive(context.Context, inbox.Event, inbox.Lease) (inbox.Record, bool, error) {
	return inbox.Record{}, false, errFull
}

// fullOpener is the Caddy module of fullStore. Its file is in order.
type fullOpener struct {
	Path string `json:"path"`
	store.Options
}

func init() { caddy.RegisterModule(fullOpener{}) }

func (fullOpener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "galaxypay.store.full", New: func() caddy.Module { return new(fullOpener) }}
}

func (o *fullOpener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&o.Path)
	return nil
}

func (o *fullOpener) Provision(ctx caddy.Context) error { return o.Options.Provision(ctx.Logger()) }
func (o *fullOpener) Key() string                       { return "full " + o.Path }
func (o *fullOpener) Name() string                      { return o.Path }
func (*fullOpener) Engine() string                      { return "full" }

func (o *fullOpener) Open(context.Context) (store.Store, error) {
	kept, err := sqlite.Open(o.Path, func(error) {})
	return fullStore{kept}, err
}

func TestInboxCannotBeOpened(t *testing.T) {
	app := newApp(t)
	notAFolder := inboxFile(t)
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := tryStart(t, inboxSite(filepath.Join(notAFolder, "store.db"), app.address, ""))
	if err == nil || !strings.Contains(err.Error(), "opening the store") {
		t.Errorf("error %v", err)
	}
}

// Where the global option names no store, the inbox is a file in Caddy's data directory that only its
// owner can read.
func TestInboxByDefault(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	app := newApp(t)
	c := start(t, strings.Replace(inboxSite("", app.address, ""), "store sqlite", "", 1))
	ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")
	app.only(t)
	info, err := os.Stat(filepath.Join(data, "caddy", "galaxypay", "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// A configuration can be validated while a running Caddy has the inbox open.
func TestInboxIsNotOpenedToValidate(t *testing.T) {
	app, file := newApp(t), inboxFile(t)
	kept, err := sqlite.Open(file, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	c := startEmpty(t)
	var config caddy.Config
	if err := json.Unmarshal(c.localise(t, mustAdapt(t, inboxSite(file, app.address, ""))), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Error(err)
	}
}

func TestInboxConfigErrors(t *testing.T) {
	app := newApp(t)
	const handler = "galaxypay_ipn /galaxypay/ipn {"
	site := inboxSite(inboxFile(t), app.address, "")
	second := "galaxypay_ipn /second {\ninbox {\ndeliver_to http://" + app.address + "/elsewhere\n}\n}\n"
	for name, test := range map[string]struct{ caddyfile, want string }{
		"unknown store":       {strings.Replace(site, "store sqlite", "store redis", 1), "galaxypay.store.redis"},
		"no engine":           {strings.Replace(site, "store sqlite", "store #", 1), "expected an engine"},
		"store given twice":   {strings.Replace(site, "store sqlite", "store sqlite\nstore sqlite", 1), "duplicate option store"},
		"no deliver_to":       {strings.Replace(site, "deliver_to", "#", 1), "deliver_to"},
		"deliver twice":       {strings.Replace(site, "deliver_to", "deliver {\nrespond 200\n}\ndeliver_to", 1), "one of deliver and deliver_to"},
		"deliver to nothing":  {strings.Replace(site, "deliver_to", "deliver {\n}\n#", 1), "expected handlers"},
		"two sets of options": {strings.Replace(site, handler, second+handler, 1), "different settings"},
		"keep too short":      {strings.Replace(strings.Replace(site, "retry", "retry 1d\n#", 1), "store.db", "store.db {\nkeep 1d\n}", 1), "expected keep to be longer"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryStart(t, test.caddyfile); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	t.Run("two of the same", func(t *testing.T) {
		block := site[strings.Index(site, handler):strings.Index(site, "respond")]
		start(t, strings.Replace(site, handler, strings.Replace(block, "/galaxypay/ipn", "/second", 1)+handler, 1))
	})
	t.Run("in JSON, for results", func(t *testing.T) {
		err := startEmpty(t).loadJSON(t, []byte(`{"apps":{"galaxypay":{"merchants":{"default":{"environment":"sandbox"}}},
			"http":{"servers":{"s":{"listen":[":9181"],"routes":[{"handle":[{"handler":"galaxypay_result",
			"inbox":{"deliver_to":"http://app/"}}]}]}}}}}`))
		if err == nil || !strings.Contains(err.Error(), `unknown field "inbox"`) {
			t.Errorf("error %v", err)
		}
	})
}
