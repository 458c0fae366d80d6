package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestWord(t *testing.T) {
	const success, unknown, done = "Transaction Success", "Transaction Not Found", "Transaction Completed"
	for name, test := range map[string]struct {
		status            int
		body              string
		want, description string // "" for no word
	}{
		// ipnStatus
		"its own 200":              {200, `{"ipnStatus":"200","ipnDescription":"Đã giao vé"}`, "200", "Đã giao vé"},
		"its own 404":              {200, `{"ipnStatus":"404","ipnDescription":"no such order"}`, "404", "no such order"},
		"its own 409":              {200, `{"ipnStatus":"409"}`, "409", done},
		"its own, as a number":     {200, `{"ipnStatus":404}`, "404", unknown},
		"its own, with 201":        {201, `{"ipnStatus":"404"}`, "404", unknown},
		"its own, more fields":     {200, `{"secret":"x","ipnStatus":"200","ipnDescription":"d","token":"y"}`, "200", "d"},
		"its own, BOM":             {200, utf8BOM + `{"ipnStatus":"404"}`, "404", unknown},
		"its own, white space":     {200, "\n{ \"ipnStatus\" : \"404\" }\n", "404", unknown},
		"its own, BOM and space":   {200, utf8BOM + "\r\n{\"ipnStatus\":\"200\",\"ipnDescription\":\"d\"}\r\n", "200", "d"},
		"its own, success false":   {200, `{"ipnStatus":"200","success":false}`, "200", success},
		"description empty":        {200, `{"ipnStatus":"404","ipnDescription":""}`, "404", unknown},
		"description null":         {200, `{"ipnStatus":"404","ipnDescription":null}`, "404", unknown},
		"description a number":     {200, `{"ipnStatus":"404","ipnDescription":7}`, "404", "7"},
		"description an object":    {200, `{"ipnStatus":"404","ipnDescription":{}}`, "404", unknown},
		"description alone":        {200, `{"ipnDescription":"d"}`, "200", "d"},
		"status of another list":   {200, `{"ipnStatus":"499","ipnDescription":"d"}`, "", ""},
		"status 500":               {200, `{"ipnStatus":500}`, "", ""},
		"status empty":             {200, `{"ipnStatus":""}`, "", ""},
		"status null":              {200, `{"ipnStatus":null}`, "", ""},
		"status true":              {200, `{"ipnStatus":true}`, "", ""},
		"status a list":            {200, `{"ipnStatus":["200"]}`, "", ""},
		"status in other spelling": {200, `{"IpnStatus":"404"}`, "200", success},
		"status with a blank":      {200, `{"ipnStatus":"404 "}`, "", ""},
		"status 404.0":             {200, `{"ipnStatus":404.0}`, "", ""},
		"status twice":             {200, `{"ipnStatus":"404","ipnStatus":"200"}`, "", ""},
		"another member twice":     {200, `{"ipnStatus":"200","a":1,"a":2}`, "", ""},

		// Other objects
		"an object":                 {200, `{"ok":true}`, "200", success},
		"an empty object":           {202, `{}`, "200", success},
		"success true":              {200, `{"success":true}`, "200", success},
		"success false":             {200, `{"success":false}`, "", ""},
		"success false as a text":   {200, `{"success":"false"}`, "", ""},
		"ok false":                  {200, `{"ok":false,"message":"no such order"}`, "", ""},
		"error":                     {200, `{"error":"no such order"}`, "", ""},
		"error as a number":         {200, `{"error":5}`, "", ""},
		"error true":                {200, `{"error":true}`, "", ""},
		"error null":                {200, `{"error":null}`, "200", success},
		"error false":               {200, `{"error":false}`, "200", success},
		"error empty":               {200, `{"error":"","data":1}`, "200", success},
		"error 0":                   {200, `{"error":0}`, "200", success},
		"errors":                    {200, `{"errors":["a"]}`, "", ""},
		"errors by field":           {200, `{"errors":{"amount":"wrong"}}`, "", ""},
		"errors empty":              {200, `{"errors":[]}`, "200", success},
		"errors empty, with blanks": {200, `{"errors": [ ] }`, "200", success},
		"errors an empty object":    {200, `{"errors":{}}`, "200", success},
		"RspCode 00":                {200, `{"RspCode":"00","Message":"Confirm Success"}`, "200", success},
		"RspCode 01":                {200, `{"RspCode":"01","Message":"Order not found"}`, "", ""},
		"RspCode 0":                 {200, `{"RspCode":"0"}`, "", ""},
		"RspCode as a number":       {200, `{"RspCode":99}`, "", ""},
		"RspCode null":              {200, `{"RspCode":null}`, "", ""},
		"return_code 1":             {200, `{"return_code":1,"return_message":"success"}`, "200", success},
		"return_code 2":             {200, `{"return_code":2}`, "200", success},
		"return_code as a text":     {200, `{"return_code":"1"}`, "200", success},
		"return_code 0":             {200, `{"return_code":0}`, "", ""},
		"return_code -1":            {200, `{"return_code":-1}`, "", ""},
		"return_code no number":     {200, `{"return_code":"none"}`, "", ""},
		"return_code null":          {200, `{"return_code":null}`, "", ""},
		"return_code NaN":           {200, `{"return_code":"NaN"}`, "", ""},
		"success 0":                 {200, `{"success":0}`, "", ""},
		"success 1":                 {200, `{"success":1}`, "200", success},
		"success 0 as a text":       {200, `{"success":"0"}`, "", ""},
		"success False":             {200, `{"success":"False"}`, "", ""},
		"ok 0":                      {200, `{"ok":0}`, "", ""},

		// An object that names its members as other languages do
		"IpnStatus 500":         {200, `{"IpnStatus":"500"}`, "", ""},
		"ipnstatus 500":         {200, `{"ipnstatus":500}`, "", ""},
		"two cases of a status": {200, `{"IPNSTATUS":"200","IpnStatus":"500"}`, "", ""},
		"Success":               {200, `{"Success":false}`, "", ""},
		"two of success":        {200, `{"success":true,"Success":false}`, "", ""},
		"OK false":              {200, `{"OK":false}`, "", ""},
		"Error":                 {200, `{"Error":"no such order"}`, "", ""},
		"Errors":                {200, `{"Errors":["a"]}`, "", ""},
		"rspCode 99":            {200, `{"rspCode":"99"}`, "", ""},
		"rspCode 00":            {200, `{"rspCode":"00"}`, "200", success},
		"Return_Code 0":         {200, `{"Return_Code":0}`, "", ""},

		// More than is looked at
		"blanks, then an error":       {200, strings.Repeat(" ", longestAppAnswer+1) + "<b>Fatal error", "", ""},
		"JSON, blanks, then an error": {200, `{"ipnStatus":"200"}` + strings.Repeat("\n", longestAppAnswer) + "<b>Fatal error", "", ""},
		"OK, blanks, then an error":   {200, "OK" + strings.Repeat(" ", longestAppAnswer) + "no", "", ""},
		"JSON and as many blanks":     {200, `{"ipnStatus":"200"}` + strings.Repeat(" ", longestAppAnswer-100), "200", success},

		// No object
		"200, nothing said":      {200, ``, "200", success},
		"201":                    {201, ``, "200", success},
		"204":                    {204, ``, "200", success},
		"299":                    {299, ``, "200", success},
		"white space alone":      {200, " \r\n", "200", success},
		"a BOM alone":            {200, utf8BOM, "200", success},
		"OK":                     {200, `OK`, "200", success},
		"ok":                     {200, "ok\n", "200", success},
		"success":                {200, `Success`, "200", success},
		"received":               {200, `RECEIVED`, "200", success},
		"accepted":               {202, `Accepted`, "200", success},
		"OK as a JSON text":      {200, `"OK"`, "200", success},
		"OK after a BOM":         {200, utf8BOM + `OK`, "200", success},
		"half a JSON text":       {200, `"OK`, "", ""},
		"the other half":         {200, `OK"`, "", ""},
		"OK in a JSON text":      {200, `"\"OK\""`, "", ""},
		"true":                   {200, `true`, "200", success},
		"false":                  {200, `false`, "", ""},
		"null":                   {200, `null`, "", ""},
		"a number":               {200, `200`, "", ""},
		"a list":                 {200, `[{"ipnStatus":"404"}]`, "", ""},
		"other text":             {200, `OK, thank you`, "", ""},
		"not OK":                 {200, `not OK`, "", ""},
		"HTML":                   {200, `<html>`, "", ""},
		"a login form":           {200, `<!doctype html><form action=/login>OK</form>`, "", ""},
		"a PHP warning":          {200, "<br />\n<b>Warning</b>: Undefined array key \"orderID\" in <b>/app/ipn.php</b>", "", ""},
		"a PHP warning, then OK": {200, "<br />\n<b>Warning</b>: Undefined array key\nOK", "", ""},
		"a warning, then JSON":   {200, "Deprecated: x\n" + `{"ipnStatus":"200"}`, "", ""},
		"JSON, then a warning":   {200, `{"ipnStatus":"200"}` + "\nWarning: x", "", ""},
		"broken JSON":            {200, `{"ipnStatus":"404"`, "", ""},

		// Other statuses
		"409, and its body says so": {409, `{"ipnStatus":"409","ipnDescription":"paid before"}`, "409", "paid before"},
		"409, as a number":          {409, `{"ipnStatus":409}`, "409", done},
		"bare 409":                  {409, ``, "", ""},
		"409, with a description":   {409, `{"ipnDescription":"paid before"}`, "", ""},
		"409, and says 200":         {409, `{"ipnStatus":"200"}`, "", ""},
		"409, and says OK":          {409, `OK`, "", ""},
		"nothing at all":            {0, ``, "", ""},
		"only a body":               {0, `{"ipnStatus":"200"}`, "", ""},
		"300":                       {300, ``, "", ""},
		"redirect":                  {302, ``, "", ""},
		"304":                       {304, ``, "", ""},
		"400":                       {400, `{"ipnStatus":"200"}`, "", ""},
		"401":                       {401, ``, "", ""},
		"bare 404":                  {404, ``, "", ""},
		"404 with ipnStatus":        {404, `{"ipnStatus":"404"}`, "", ""},
		"408":                       {408, ``, "", ""},
		"410":                       {410, ``, "", ""},
		"429":                       {429, ``, "", ""},
		"500":                       {500, `{"ipnStatus":"200"}`, "", ""},
		"503":                       {503, ``, "", ""},
		"199":                       {199, ``, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &appAnswer{header: make(http.Header), status: test.status}
			if _, err := a.Write([]byte(test.body)); err != nil {
				t.Fatal(err)
			}
			a.status = test.status
			got, ok := a.word()
			if ok != (test.want != "") || got.Status != test.want || got.Description != test.description {
				t.Errorf("%+v, %t", got, ok)
			}
		})
	}
}

// The empty 200 of a Caddy where no site and no route matched is not the word of an app.
func TestWordOfACaddyThatMatchedNothing(t *testing.T) {
	with := func(more ...string) http.Header {
		h := http.Header{"Server": {"Caddy"}, "Date": {"x"}, "Content-Length": {"0"}, "Via": {"1.1 Caddy"}, "Alt-Svc": {"h3"}}
		for _, name := range more {
			h[name] = []string{"x"}
		}
		return h
	}
	for name, test := range map[string]struct {
		header http.Header
		status int
		body   string
		want   bool
	}{
		"as it is":               {with(), 200, "", false},
		"with a body":            {with(), 200, "OK", true},
		"with the site's header": {with("Strict-Transport-Security"), 200, "", false},
		"with a cookie":          {with("Set-Cookie"), 200, "", false},
		"with a Content-Type":    {with("Content-Type"), 200, "", true},
		"an answer of Caddy's":   {with(), 204, "", true},
		"another of Caddy's":     {with(), 202, "", true},
		"another server":         {http.Header{"Server": {"nginx"}}, 200, "", true},
		"no header":              {http.Header{}, 200, "", true},
		"another server's, Via":  {http.Header{"Via": {"1.1 Caddy"}}, 200, "", true},
		"white space, no header": {with(), 200, "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &appAnswer{header: test.header, status: test.status}
			a.body.WriteString(test.body)
			if answer, ok := a.word(); ok != test.want {
				t.Errorf("%+v, %t", answer, ok)
			}
		})
	}
}

// ipnDescription holds at most 250 characters, which are not bytes.
func TestWordCutsTheDescription(t *testing.T) {
	for _, letter := range []string{"a", "ễ", "😀"} {
		for _, length := range []int{249, 250, 251, 1000} {
			a := &appAnswer{status: 200}
			fmt.Fprintf(&a.body, `{"ipnStatus":"200","ipnDescription":"%s"}`, strings.Repeat(letter, length))
			got, _ := a.word()
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
	answer, _ := a.word()
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
		"one byte too large":   {largeAnswer(t, 1), 200, longestAppAnswer + 1, ""},
		"a megabyte too large": {largeAnswer(t, 1<<20), 200, longestAppAnswer + 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &appAnswer{header: make(http.Header)}
			a.Header().Set("Set-Cookie", "x")
			test.write(a)
			if a.status != test.status || a.body.Len() != test.kept {
				t.Errorf("status %d, %d bytes", a.status, a.body.Len())
			}
			if answer, _ := a.word(); answer.Status != test.want {
				t.Errorf("the word is %q, expected %q", answer.Status, test.want)
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

// ask is askApp with one handler.
func ask(handle func(http.ResponseWriter, *http.Request) error) (*appAnswer, error) {
	return askApp(caddyhttp.HandlerFunc(handle), httptest.NewRequest(http.MethodPost, "/", nil))
}

func TestAskApp(t *testing.T) {
	errApp := errors.New("no upstream")
	for name, want := range map[string]error{"no error": nil, "error": errApp} {
		t.Run(name, func(t *testing.T) {
			app, err := ask(func(w http.ResponseWriter, _ *http.Request) error {
				w.WriteHeader(http.StatusAccepted)
				return want
			})
			if !errors.Is(err, want) || app.status != http.StatusAccepted {
				t.Errorf("status %d, error %v", app.status, err)
			}
		})
	}
}

// A reverse proxy panics with ErrAbortHandler if the app breaks off; any other panic is a bug.
// Neither is an answer, whatever was written before.
func TestAskAnAppThatPanics(t *testing.T) {
	for name, test := range map[string]struct {
		with any
		want error
	}{
		"cut off": {http.ErrAbortHandler, io.ErrUnexpectedEOF},
		"a bug":   {"a bug", errPanicked},
		"a nil":   {nil, errPanicked},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(func(w http.ResponseWriter, _ *http.Request) error {
				fmt.Fprint(w, "OK")
				panic(test.with)
			})
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// An answer without end is read up to a bound. What the handlers make of that does not matter.
func TestAskAnAppThatHasNoEnd(t *testing.T) {
	for name, end := range map[string]func(error) error{
		"an error":  func(err error) error { return err },
		"no error":  func(error) error { return nil },
		"cuts off":  func(error) error { panic(http.ErrAbortHandler) },
		"has a bug": func(error) error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			app, err := ask(func(w http.ResponseWriter, _ *http.Request) error {
				for {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return end(err)
					}
				}
			})
			if !errors.Is(err, errEndless) || app.body.Len() > longestAppAnswer+1 {
				t.Errorf("%d bytes, error %v", app.body.Len(), err)
			}
		})
	}
}
