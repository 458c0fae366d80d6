package desk

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/allow"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

const script = `"'><script>alert(1)</script>{{.}}`

// fillTexts puts a script into every text, at every depth.
func fillTexts(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(script)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fillTexts(field, depth+1)
		}
	case reflect.Slice:
		if v.CanSet() && v.Type().Elem().Kind() != reflect.Uint8 && depth < 9 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fillTexts(v.Index(0), depth+1)
		}
	case reflect.Pointer:
		if v.CanSet() && depth < 9 && v.Type().Elem().PkgPath() == reflect.TypeFor[story]().PkgPath() {
			v.Set(reflect.New(v.Type().Elem()))
			fillTexts(v.Elem(), depth+1)
		}
	}
}

// A script is shown as text, whatever field it is in.
func TestPageShowsScriptsAsText(t *testing.T) {
	for name, fill := range map[string]func(v *view){
		"story":    func(v *view) { v.Story = new(story); fillTexts(reflect.ValueOf(v.Story).Elem(), 0) },
		"list":     func(v *view) { v.List = new(list); fillTexts(reflect.ValueOf(v.List).Elem(), 0) },
		"event":    func(v *view) { v.Event = &eventView{IsShown: true}; fillTexts(reflect.ValueOf(v.Event).Elem(), 0) },
		"question": func(v *view) { v.Ask = new(question); fillTexts(reflect.ValueOf(v.Ask).Elem(), 0) },
		"rest":     func(v *view) { v.Problem, v.Detail, v.Done, v.Books = script, script, script, []string{script} },
	} {
		for _, language := range []string{"en", "vi", script} {
			t.Run(name+", "+language[:2], func(t *testing.T) {
				given := url.Values{"id": {script}, "list": {script}, "event": {script}, "merchant": {script}, "language": {language}}
				v := newView(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+given.Encode(), nil))
				fill(v)
				w := httptest.NewRecorder()
				if err := v.write(w, http.StatusOK); err != nil {
					t.Fatal(err)
				}
				own := `<script nonce="` + v.Nonce + `" src="?script=live"></script>`
				before, after, isLive := strings.Cut(w.Body.String(), own)
				body := before + after
				if isLive != v.IsStill() {
					t.Errorf("the page has its own script: %t", isLive)
				}
				if strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script") || strings.Contains(body, `"'>`) {
					t.Errorf("the page is\n%s", body)
				}
				if refresh := w.Header().Get("Refresh"); refresh != "" {
					t.Errorf("Refresh: %s", refresh)
				}
				if name == "story" && strings.Count(body, "&lt;script") < 15 {
					t.Errorf("the story shows too few texts: %s", body)
				}
			})
		}
	}
}

// A page has the headers that keep other sites out. It runs its own script only, and talks to its own site only.
func TestPageHeaders(t *testing.T) {
	v := newView(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?id=A", nil))
	v.Story = new(story)
	w := httptest.NewRecorder()
	if err := v.write(w, http.StatusOK); err != nil {
		t.Fatal(err)
	}
	policy := "default-src 'none'; img-src data:; style-src 'nonce-" + v.Nonce + "'; script-src 'nonce-" + v.Nonce +
		"'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Refresh": "",
	} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// Only the page itself presses its buttons; a link to it may be followed from everywhere.
func TestPageChecks(t *testing.T) {
	users, err := allow.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{Hosts: []string{"desk.example.com"}, users: users}
	for name, test := range map[string]struct {
		method, host, remote, header string
		want                         int // 0: it is let in
	}{
		"plain":                         {"GET", "localhost:9186", "127.0.0.1:1", "", 0},
		"a head":                        {"HEAD", "localhost:9186", "127.0.0.1:1", "", 0},
		"an IP address":                 {"GET", "127.0.0.1:9186", "[::1]:1", "", 0},
		"a name of the site":            {"GET", "Desk.Example.com", "127.0.0.1:1", "", 0},
		"a name that was rebound":       {"GET", "evil.example", "127.0.0.1:1", "", 421},
		"a name that ends like ours":    {"GET", "xdesk.example.com", "127.0.0.1:1", "", 421},
		"no name":                       {"GET", "", "127.0.0.1:1", "", 421},
		"another machine":               {"GET", "10.0.0.1", "10.0.0.9:1", "", 403},
		"another method":                {"PUT", "localhost", "127.0.0.1:1", "", 405},
		"typed":                         {"GET", "localhost", "127.0.0.1:1", "Sec-Fetch-Site: none", 0},
		"own link":                      {"GET", "localhost", "127.0.0.1:1", "Sec-Fetch-Site: same-origin", 0},
		"a link in a chat":              {"GET", "localhost", "127.0.0.1:1", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate|Sec-Fetch-Dest: document", 0},
		"a frame":                       {"GET", "localhost", "127.0.0.1:1", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate|Sec-Fetch-Dest: iframe", 403},
		"a script elsewhere":            {"GET", "localhost", "127.0.0.1:1", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: no-cors", 403},
		"another port reads":            {"GET", "localhost", "127.0.0.1:1", "Origin: http://localhost:1|Sec-Fetch-Site: same-site", 403},
		"own button":                    {"POST", "localhost:9186", "127.0.0.1:1", "Origin: http://localhost:9186|Sec-Fetch-Site: same-origin", 0},
		"a program":                     {"POST", "localhost:9186", "127.0.0.1:1", "", 0},
		"a button elsewhere":            {"POST", "localhost:9186", "127.0.0.1:1", "Origin: https://evil.example", 403},
		"a button without an origin":    {"POST", "localhost:9186", "127.0.0.1:1", "Origin: null", 403},
		"a button of another port":      {"POST", "localhost:9186", "127.0.0.1:1", "Origin: http://localhost:9187", 403},
		"a button elsewhere, no Origin": {"POST", "localhost:9186", "127.0.0.1:1", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate|Sec-Fetch-Dest: document", 403},
		"two origins":                   {"POST", "localhost:9186", "127.0.0.1:1", "Origin: http://localhost:9186|Origin: https://evil.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
			r.Host, r.RemoteAddr = test.host, test.remote
			for line := range strings.SplitSeq(test.header, "|") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					r.Header.Add(name, value)
				}
			}
			got := 0
			if err := p.check(r); err != nil {
				got = err.(refusal).status //nolint:errorlint // it is what check returns
			}
			if got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// A ticket is good once, for who was asked, and for some minutes; there are only so many.
func TestTickets(t *testing.T) {
	all := newTickets()
	q := question{Deed: deedReplay, Of: "e1"}
	token := all.issue(q, "address 127.0.0.1", noon)
	if _, ok := all.use(token, "address ::1", noon); ok {
		t.Error("another user has used it")
	}
	if _, ok := all.use("", "address 127.0.0.1", noon); ok {
		t.Error("no token is good")
	}
	if got, ok := all.use(token, "address 127.0.0.1", noon.Add(ticketsEndIn-1)); !ok || got.Of != "e1" {
		t.Errorf("%+v, %t", got, ok)
	}
	if _, ok := all.use(token, "address 127.0.0.1", noon); ok {
		t.Error("it is good twice")
	}
	token = all.issue(q, "a", noon)
	if _, ok := all.use(token, "a", noon.Add(ticketsEndIn)); ok {
		t.Error("it is good for ever")
	}
	first := all.issue(q, "a", noon)
	var last string
	for i := range mostTickets {
		last = all.issue(q, "a", noon.Add(time.Duration(i+1)))
	}
	if _, ok := all.use(first, "a", noon); ok || len(all.out) != mostTickets {
		t.Errorf("%d tickets are out", len(all.out))
	}
	if _, ok := all.use(last, "a", noon); !ok {
		t.Error("the last one is gone")
	}
}

// What belongs to a card or a person is masked, wherever it stands; the rest is shown as it is.
func TestMasked(t *testing.T) {
	const card = "4111111111111111"
	for name, test := range map[string]struct {
		message string
		gone    []string
		kept    []string
	}{
		"a member":            {`{"cardNumber":"411111xxx1111","Token":{"a":"deep"},"orderID":"A-1"}`, []string{"411111", "deep"}, []string{"A-1", "cardNumber", "Token"}},
		"a person":            {`{"cardHolderName":"NGUYEN","customerEmail":"x@y","phone":901,"orderDescription":"for AN"}`, []string{"NGUYEN", "x@y", "901", "AN"}, nil},
		"a text":              {`{"note":"card ` + card + ` ok"}`, []string{card}, []string{"card ", " ok"}},
		"a text with blanks":  {`["4111 1111 1111 1111", "4111-1111-1111-1111 12 27"]`, []string{"1111"}, nil},
		"beside other digits": {`["` + card + ` 20261231"]`, []string{card}, nil},
		"a number":            {`{"a":[{"b":` + card + `}]}`, []string{card}, nil},
		"a transaction":       {`{"transactionID":"2601021234567890123456789","orderAmount":109000.00}`, nil, []string{"2601021234567890123456789", "109000.00"}},
		"no card":             {`{"x":"4111111111111112"}`, nil, []string{"4111111111111112"}},
		"not seen":            {"{\"x\":\"a\u202eb\"}", []string{"\u202e"}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := masked([]byte(test.message))
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range test.gone {
				if strings.Contains(got, text) {
					t.Errorf("it shows %q: %s", text, got)
				}
			}
			for _, text := range test.kept {
				if !strings.Contains(got, text) {
					t.Errorf("it does not show %q: %s", text, got)
				}
			}
		})
	}
	if got, err := masked([]byte("secret")); err == nil || got != "" || strings.Contains(err.Error(), "secret") {
		t.Errorf("%q, %v", got, err)
	}
}

// Every text is there in both languages, and every word that a page shows has one.
func TestPageTexts(t *testing.T) {
	for name, text := range pageTexts {
		if text.En == "" || text.Vi == "" || strings.Count(text.En, "%") != strings.Count(text.Vi, "%") {
			t.Errorf("%s: %+v", name, text)
		}
	}
	var words []string
	for _, s := range append(ledger.Statuses(), ledger.MessageStatuses()...) {
		words = append(words, string(s))
	}
	for _, o := range ledger.Outcomes() {
		words = append(words, string(o))
	}
	for _, s := range inbox.States() {
		words = append(words, string(s))
	}
	for _, k := range lineKinds {
		words = append(words, string(k))
	}
	for _, word := range append(words, inbox.PaymentStatuses()...) {
		if pageWords[word].En == "" || pageWords[word].Vi == "" {
			t.Errorf("no word for %s", word)
		}
	}
	for _, name := range listNames {
		for _, key := range []string{string(name), string(name) + "Tip"} {
			if pageTexts[key].En == "" {
				t.Errorf("no text %s", key)
			}
		}
	}
	v := newView(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	for _, err := range []error{errNoStory, ErrNoInbox, errNoLedger, ErrNoAsker, ledger.ErrNoPayment, ledger.ErrAsking, ledger.ErrBusy, ledger.ErrNotAskable} {
		if text, detail := v.explain(fmt.Errorf("wrapped: %w", err)); text == "" || detail != "" {
			t.Errorf("%v: %q, %q", err, text, detail)
		}
	}
}
