package galaxypay

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// ipnDescriptions holds the answers that the gateway can get to an IPN, from its page "Result & IPN
// Callback": 200 (processed), 404 (unknown to the merchant) and 409 (finished before), each
// with the text that goes with it where the app gives none.
var ipnDescriptions = map[string]string{
	"200": "Transaction Success",
	"404": "Transaction Not Found",
	"409": "Transaction Completed",
}

// longestDescription is the limit of ipnDescription in characters.
const longestDescription = 250

// appAnswer catches the app's answer to an IPN instead of passing it on. It is no
// wrapper around the real writer, so no header of the app's can reach the gateway.
type appAnswer struct {
	header http.Header
	status int // 0: the app has not answered
	body   bytes.Buffer
}

// longestAppAnswer bounds what is kept of the app's body. An answer with the two
// fields is far smaller; a larger one is not such an answer.
const longestAppAnswer = 64 << 10

// ask runs the next handler. A reverse proxy whose app breaks off in the middle of
// its answer panics, as the standard library's does; that is not an answer either.
func (a *appAnswer) ask(next caddyhttp.Handler, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errors.New("the app's answer was cut off")
		default:
			panic(p)
		}
	}()
	return next.ServeHTTP(a, r)
}

// Header implements http.ResponseWriter.
func (a *appAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *appAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// Write implements http.ResponseWriter. It takes everything and keeps a bounded
// part, one byte more than what is looked at.
func (a *appAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body.Write(p[:min(len(p), longestAppAnswer+1-a.body.Len())])
	return len(p), nil
}

// Flush implements http.Flusher. It does nothing: the answer is read at its end.
func (a *appAnswer) Flush() {}

// translate reads the app's answer: its own ipnStatus from a 2xx JSON body, 200
// for any other 2xx, 409 for a bare 409. Nothing else is an answer.
func (a *appAnswer) translate() (inbox.Answer, bool) {
	switch {
	case a.status == http.StatusConflict:
		return a.describe("409"), true
	case a.status < 200 || a.status > 299:
		return inbox.Answer{}, false
	}
	if status := a.field("ipnStatus"); ipnDescriptions[status] != "" {
		return a.describe(status), true
	}
	return a.describe("200"), true
}

func (a *appAnswer) describe(status string) inbox.Answer {
	description := []rune(strings.ToValidUTF8(a.field("ipnDescription"), ""))
	if len(description) == 0 {
		return inbox.Answer{Status: status, Description: ipnDescriptions[status]}
	}
	return inbox.Answer{Status: status, Description: string(description[:min(len(description), longestDescription)])}
}

// field returns a string or number of the app's JSON body, "" if there is none.
func (a *appAnswer) field(name string) string {
	if a.body.Len() > longestAppAnswer {
		return ""
	}
	members, err := rawjson.Members(bytes.TrimPrefix(a.body.Bytes(), []byte(utf8BOM)))
	if err != nil {
		return ""
	}
	return rawjson.Scalar(rawjson.Find(members, name))
}
