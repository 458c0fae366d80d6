package galaxypay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// ipnDescriptions holds what the gateway can be answered to an IPN, from its page "Result &
// IPN Callback": 200 (processed), 404 (unknown to the merchant) and 409 (finished before),
// each with the text that goes with it where the app gives none.
var ipnDescriptions = map[string]string{
	"200":          "Transaction Success",
	inbox.NotFound: "Transaction Not Found",
	"409":          "Transaction Completed",
}

// longestDescription is the limit of ipnDescription in characters.
const longestDescription = 250

// appAnswer catches the app's answer to an IPN instead of passing it on. It does not wrap the
// real writer, so no header of the app's can reach the gateway.
type appAnswer struct {
	header http.Header
	status int // 0: the app has not answered
	body   bytes.Buffer
	length int // of the body, also of what is not kept
}

// longestAppAnswer bounds what is kept of the app's body. An answer with the two
// fields is far smaller; a larger one is not such an answer.
const longestAppAnswer = 64 << 10

// endlessAppAnswer is where the app's body is not read any further. Up to there it is read to
// its end, so that an app that prints too much, and does its work after that, is not broken off.
const endlessAppAnswer = 4 << 20

var (
	errEndless  = fmt.Errorf("the app's answer is longer than %d bytes", endlessAppAnswer)
	errPanicked = errors.New("a handler panicked")
)

// askApp runs the handlers that lead to the app, and returns its answer. A reverse proxy whose
// app breaks off in the middle of its answer panics, as the standard library's does; that is
// no answer, and neither is any other panic.
func askApp(next caddyhttp.Handler, r *http.Request) (app *appAnswer, err error) {
	app = &appAnswer{header: make(http.Header)}
	defer func() {
		p := recover()
		switch {
		case app.length > endlessAppAnswer:
			err = errEndless
		case p == http.ErrAbortHandler: //nolint:errorlint // it is compared as net/http does
			err = fmt.Errorf("the app's answer was cut off: %w", io.ErrUnexpectedEOF)
		case p != nil:
			err = fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	return app, next.ServeHTTP(app, r)
}

// Header implements http.ResponseWriter.
func (a *appAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *appAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// Write implements http.ResponseWriter. It takes everything, unless there is no end of it, and
// keeps a bounded part, one byte more than what is looked at.
func (a *appAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.length += len(p); a.length > endlessAppAnswer {
		return 0, errEndless
	}
	a.body.Write(p[:min(len(p), longestAppAnswer+1-a.body.Len())])
	return len(p), nil
}

// Flush implements http.Flusher. It does nothing: the answer is read at its end.
func (a *appAnswer) Flush() {}

// word reads what the app says of an IPN: 200, 404 or 409, or that it says nothing of it. A
// page of PHP's warnings, a login form or the answer of a wrong route often has status 200 and
// must not be taken for a confirmation: the order would be lost.
func (a *appAnswer) word() (inbox.Answer, bool) {
	if a.status != http.StatusConflict && (a.status < 200 || a.status > 299) {
		return inbox.Answer{}, false
	}
	status := a.ipnStatus()
	if status == "" || a.status == http.StatusConflict && status != "409" {
		return inbox.Answer{}, false
	}
	return a.describe(status), true
}

// ipnStatus reads the body; "" is no word.
func (a *appAnswer) ipnStatus() string {
	if a.body.Len() > longestAppAnswer { // what is behind it may say no
		return ""
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(a.body.Bytes(), []byte(utf8BOM)))
	switch {
	case len(body) == 0 && a.isUnmatchedCaddy():
		return ""
	case len(body) == 0 || isConfirmation(string(body)):
		return "200"
	}
	members, err := rawjson.Members(body)
	if err != nil {
		return ""
	}
	if value := rawjson.Find(members, "ipnStatus"); value != nil {
		if isNoStatus(value) {
			return ""
		}
		return rawjson.Scalar(value)
	}
	if saysNo(members) {
		return ""
	}
	return "200"
}

func isNoStatus(value []byte) bool { return ipnDescriptions[rawjson.Scalar(value)] == "" }

// isConfirmation reports whether a body that is not an object says yes.
func isConfirmation(body string) bool {
	word := body
	if len(body) > 1 && body[0] == '"' && body[len(body)-1] == '"' {
		word = body[1 : len(body)-1]
	}
	return body == "true" || slices.ContainsFunc([]string{"OK", "success", "received", "accepted"}, func(yes string) bool {
		return strings.EqualFold(word, yes)
	})
}

// saysNo reports whether an object without ipnStatus says in another way that the IPN was not
// taken, in whatever letter case: many languages write names with a capital. RspCode and
// return_code are how the answers of other Vietnamese gateways say it.
func saysNo(members []rawjson.Member) bool {
	for name, isNo := range map[string]func(value []byte) bool{
		"ipnStatus":   isNoStatus,
		"success":     isFalse,
		"ok":          isFalse,
		"error":       isSomething,
		"errors":      isSomething,
		"RspCode":     func(value []byte) bool { return rawjson.Scalar(value) != "00" },
		"return_code": isNotPositive,
	} {
		if slices.ContainsFunc(members, func(m rawjson.Member) bool {
			return strings.EqualFold(string(m.Name), name) && isNo(m.Value)
		}) {
			return true
		}
	}
	return false
}

// isFalse reports whether a member is false, as a text or a 0 too.
func isFalse(value []byte) bool {
	text := rawjson.Scalar(value)
	return string(value) == "false" || strings.EqualFold(text, "false") || text == "0"
}

func isNotPositive(value []byte) bool {
	code, err := strconv.ParseFloat(rawjson.Scalar(value), 64)
	return err != nil || math.IsNaN(code) || code <= 0
}

// isSomething reports whether a member is there and is not empty.
func isSomething(value []byte) bool {
	if len(value) > 1 && (value[0] == '[' || value[0] == '{') {
		return len(bytes.TrimSpace(value[1:len(value)-1])) > 0
	}
	return !slices.Contains([]string{"", "null", "false", `""`, "0"}, string(value))
}

// isUnmatchedCaddy recognises the empty 200 that Caddy answers where no site and no route
// matches. The headers that a site sets on every answer may be in it.
func (a *appAnswer) isUnmatchedCaddy() bool {
	return a.status == http.StatusOK && a.header.Get("Server") == "Caddy" && a.header.Get("Content-Type") == ""
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
	members, err := rawjson.Members(bytes.TrimPrefix(a.body.Bytes(), []byte(utf8BOM)))
	if err != nil {
		return ""
	}
	return rawjson.Scalar(rawjson.Find(members, name))
}

// expectedWord is what the log says where the app gives no word.
const expectedWord = `HTTP 2xx with {"ipnStatus": "200"}, "404" or "409", an empty body, or OK`
