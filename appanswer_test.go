package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestTranslate(t *testing.T) {
	const success, unknown, done = "Transaction Success", "Transaction Not Found", "Transaction Completed"
	for name, test := range map[string]struct {
		status            int
		body              string
		want, description string // "" for no answer
	}{
		"200, nothing said":         {200, ``, "200", success},
		"200, plain text":           {200, `OK`, "200", success},
		"200, HTML":                 {200, `<html>`, "200", success},
		"200, other JSON":           {200, `{"ok":true}`, "200", success},
		"200, a list":               {200, `[{"ipnStatus":"404"}]`, "200", success},
		"201":                       {201, ``, "200", success},
		"202":                       {202, `{}`, "200", success},
		"204":                       {204, ``, "200", success},
		"299":                       {299, ``, "200", success},
		"its own 200":               {200, `{"ipnStatus":"200","ipnDescription":"Đã giao vé"}`, "200", "Đã giao vé"},
		"its own 404":               {200, `{"ipnStatus":"404","ipnDescription":"no such order"}`, "404", "no such order"},
		"its own 409":               {200, `{"ipnStatus":"409"}`, "409", done},
		"its own, as a number":      {200, `{"ipnStatus":404}`, "404", unknown},
		"its own, with 201":         {201, `{"ipnStatus":"404"}`, "404", unknown},
		"its own, more fields":      {200, `{"secret":"x","ipnStatus":"200","ipnDescription":"d","token":"y"}`, "200", "d"},
		"its own, BOM":              {200, utf8BOM + `{"ipnStatus":"404"}`, "404", unknown},
		"its own, white space":      {200, "\n{ \"ipnStatus\" : \"404\" }\n", "404", unknown},
		"description empty":         {200, `{"ipnStatus":"404","ipnDescription":""}`, "404", unknown},
		"description null":          {200, `{"ipnStatus":"404","ipnDescription":null}`, "404", unknown},
		"description a number":      {200, `{"ipnStatus":"404","ipnDescription":7}`, "404", "7"},
		"description an object":     {200, `{"ipnStatus":"404","ipnDescription":{}}`, "404", unknown},
		"description alone":         {200, `{"ipnDescription":"d"}`, "200", "d"},
		"status of another list":    {200, `{"ipnStatus":"499","ipnDescription":"d"}`, "200", "d"},
		"status empty":              {200, `{"ipnStatus":""}`, "200", success},
		"status null":               {200, `{"ipnStatus":null}`, "200", success},
		"status true":               {200, `{"ipnStatus":true}`, "200", success},
		"status in other spelling":  {200, `{"IpnStatus":"404"}`, "200", success},
		"status with a blank":       {200, `{"ipnStatus":"404 "}`, "200", success},
		"status 404.0":              {200, `{"ipnStatus":404.0}`, "200", success},
		"status twice":              {200, `{"ipnStatus":"404","ipnStatus":"200"}`, "200", success},
		"broken JSON":               {200, `{"ipnStatus":"404"`, "200", success},
		"409, nothing said":         {409, ``, "409", done},
		"409, with a description":   {409, `{"ipnDescription":"paid before"}`, "409", "paid before"},
		"409 goes before ipnStatus": {409, `{"ipnStatus":"200"}`, "409", done},

		"nothing at all":     {0, ``, "", ""},
		"only a body":        {0, `{"ipnStatus":"200"}`, "", ""},
		"300":                {300, ``, "", ""},
		"redirect":           {302, ``, "", ""},
		"304":                {304, ``, "", ""},
		"400":                {400, `{"ipnStatus":"200"}`, "", ""},
		"401":                {401, ``, "", ""},
		"bare 404":           {404, ``, "", ""},
		"404 with ipnStatus": {404, `{"ipnStatus":"404"}`, "", ""},
		"408":                {408, ``, "", ""},
		"410":                {410, ``, "", ""},
		"429":                {429, ``, "", ""},
		"500":                {500, `{"ipnStatus":"200"}`, "", ""},
		"503":                {503, ``, "", ""},
		"199":                {199, ``, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &appAnswer{header: make(http.Header), status: test.status}
			a.body.WriteString(test.body)
			got, ok := a.translate()
			if ok != (test.want != "") || got.Status != test.want || got.Description != test.description {
				t.Errorf("%+v, %t", got, ok)
			}
		})
	}
}

// ipnDescription holds at most 250 characters, which are not bytes.
func TestTranslateCutsTheDescription(t *testing.T) {
	for _, letter := range []string{"a", "ễ", "😀"} {
		for _, length := range []int{249, 250, 251, 1000} {
			a := &appAnswer{status: 200}
			fmt.Fprintf(&a.body, `{"ipnStatus":"200","ipnDescription":"%s"}`, strings.Repeat(letter, length))
			got, _ := a.translate()
			if got.Description != strings.Repeat(letter, min(length, 250)) {
				t.Errorf("%d of %s became %d characters", length, letter, utf8.RuneCountInString(got.Description))
			}
		}
	}
}

// The gateway wants texts, and no field but these two.
func TestIPNAnswerAsJSON(t *testing.T) {
	a := &appAnswer{status: 200}
	a.body.WriteString(`{"x":1,"ipnStatus":404}`)
	answer, _ := a.translate()
	if got, err := json.Marshal(answer); err != nil || string(got) != `{"ipnStatus":"404","ipnDescription":"Transaction Not Found"}` {
		t.Errorf("%s, error %v", got, err)
	}
}

func TestAppAnswerWrites(t *testing.T) {
	for name, test := range map[string]struct {
		write        func(http.ResponseWriter)
		status, kept int
		want         string
	}{
		"nothing":         {func(http.ResponseWriter) {}, 0, 0, ""},
		"status alone":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, 404, 0, ""},
		"body alone":      {func(w http.ResponseWriter) { fmt.Fprint(w, "OK") }, 200, 2, "200"},
		"empty body":      {func(w http.ResponseWriter) { _, _ = w.Write(nil) }, 200, 0, "200"},
		"status and body": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError); fmt.Fprint(w, "broken") }, 500, 6, ""},
		"status twice": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusInternalServerError)
			w.WriteHeader(http.StatusOK)
		}, 500, 0, ""},
		"status after body": {func(w http.ResponseWriter) { fmt.Fprint(w, "OK"); w.WriteHeader(http.StatusInternalServerError) }, 200, 2, "200"},
		"early hints":       {func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); w.WriteHeader(http.StatusNoContent) }, 204, 0, "200"},
		"continue, no more": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusContinue) }, 0, 0, ""},
		"in pieces": {func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"ipnSta`)
			w.(http.Flusher).Flush()
			fmt.Fprint(w, `tus":"404"}`)
		}, 200, 19, "404"},
		"largest":              {largeAnswer(t, 0), 200, longestAppAnswer, "404"},
		"one byte too large":   {largeAnswer(t, 1), 200, longestAppAnswer + 1, "200"},
		"a megabyte too large": {largeAnswer(t, 1<<20), 200, longestAppAnswer + 1, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &appAnswer{header: make(http.Header)}
			a.Header().Set("Set-Cookie", "x")
			test.write(a)
			if a.status != test.status || a.body.Len() != test.kept {
				t.Errorf("status %d, %d bytes", a.status, a.body.Len())
			}
			if answer, _ := a.translate(); answer.Status != test.want {
				t.Errorf("translated to %q, expected %q", answer.Status, test.want)
			}
		})
	}
}

// largeAnswer writes a 404 that is that much larger than what is looked at, in
// pieces, and expects to be rid of each.
func largeAnswer(t *testing.T, beyond int) func(http.ResponseWriter) {
	t.Helper()
	return func(w http.ResponseWriter) {
		body := `{"ipnStatus":"404"` + strings.Repeat(" ", longestAppAnswer+beyond-len(`{"ipnStatus":"404"}`)) + `}`
		for piece := range slices.Chunk([]byte(body), 1000) {
			if n, err := w.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("wrote %d of %d, error %v", n, len(piece), err)
			}
		}
	}
}

func TestAskTheApp(t *testing.T) {
	errApp := errors.New("no upstream")
	ask := func(answer error) error {
		next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return answer })
		return new(appAnswer).ask(next, httptest.NewRequest(http.MethodPost, "/", nil))
	}
	if err := ask(nil); err != nil {
		t.Errorf("error %v", err)
	}
	if err := ask(errApp); !errors.Is(err, errApp) {
		t.Errorf("error %v", err)
	}
}

// A reverse proxy panics with ErrAbortHandler if the app breaks off; any other
// panic is a bug that must not be taken for an answer.
func TestAskAnAppThatPanics(t *testing.T) {
	ask := func(with any) error {
		next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic(with) })
		return new(appAnswer).ask(next, httptest.NewRequest(http.MethodPost, "/", nil))
	}
	if err := ask(http.ErrAbortHandler); err == nil {
		t.Error("an answer that broke off counts as one")
	}
	defer func() {
		if panicked := recover(); panicked != "a bug" {
			t.Errorf("recovered %v", panicked)
		}
	}()
	_ = ask("a bug")
	t.Error("a bug was swallowed")
}
