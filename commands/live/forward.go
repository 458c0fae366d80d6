package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// longestCallback bounds a callback, as the sidecar does.
const longestCallback = 64 << 10

// forwarder proves callbacks, prints a line about each, and forwards them.
type forwarder struct {
	core       Core
	salts      []namedSalt
	target     *target
	unverified bool
	verbose    bool
	c          *cobra.Command
	tag        language.Tag

	printing sync.Mutex
}

// newForwarder reads the flags.
func newForwarder(c *cobra.Command, core Core) (*forwarder, error) {
	f := &forwarder{core: core, c: c}
	f.unverified, _ = c.Flags().GetBool("unverified")
	f.verbose, _ = c.Flags().GetBool("verbose")
	f.tag = command.Language(c)
	var err error
	if f.salts, err = saltsOf(c, core); err != nil {
		return nil, err
	}
	f.target, err = newTarget(c, "forward-to", false)
	return f, err
}

// heard is a line about a callback.
type heard struct {
	Time          time.Time    `json:"time"`
	Verified      bool         `json:"verified"`
	Salt          string       `json:"salt,omitempty"` // the name of the one that proved
	Merchant      string       `json:"merchant,omitempty"`
	Problem       problem.Code `json:"problem,omitempty"`
	Why           string       `json:"why,omitempty"`
	Kind          string       `json:"kind,omitempty"`
	OrderID       string       `json:"orderID,omitempty"`
	TransactionID string       `json:"transactionID,omitempty"`
	RequestID     string       `json:"requestID,omitempty"`
	PaymentStatus string       `json:"paymentStatus,omitempty"`
	Forwarded     bool         `json:"forwarded"`
	Answer        *appAnswer   `json:"answer,omitempty"`
	Error         string       `json:"error,omitempty"` // why the app gave no answer
}

// ServeHTTP takes one callback.
func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line := heard{Time: time.Now()}
	body, prob := readCallback(w, r)
	if prob == nil {
		prob = f.prove(r, body, &line)
	}
	if prob != nil {
		line.Problem, line.Why = prob.Code, prob.Body(f.tag).Detail
	}
	line.Forwarded = prob == nil || f.unverified && body != nil
	if line.Forwarded {
		prob = f.forward(r, body, &line)
	}
	f.print(line)
	if prob != nil && line.Answer == nil {
		prob.Outcome = "" // that is for calls
		_ = prob.Write(w, r)
		return
	}
	line.Answer.relay(w)
}

// readCallback reads a body to a bound. Browsers and the gateway use two methods.
func readCallback(w http.ResponseWriter, r *http.Request) ([]byte, *problem.Problem) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, problem.MethodNotAllowed("GET, HEAD, POST")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestCallback))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, problem.BodyTooLarge(longestCallback)
	}
	if err != nil {
		return nil, problem.CallbackForm()
	}
	return body, nil
}

func (f *forwarder) prove(r *http.Request, body []byte, line *heard) *problem.Problem {
	var salts [][]byte
	for _, s := range f.salts {
		salts = append(salts, s.salt)
	}
	cb, i, prob := f.core.Prove(r, body, salts)
	if prob != nil {
		return prob
	}
	line.Verified, line.Salt = true, f.salts[i].name
	line.Kind, line.PaymentStatus = cb.Kind, cb.PaymentStatus
	line.OrderID, line.TransactionID, line.RequestID = cb.OrderID, cb.TransactionID, cb.RequestID
	return nil
}

// forward sends the bytes on, and keeps what the app answers.
func (f *forwarder) forward(r *http.Request, body []byte, line *heard) *problem.Problem {
	answer, err := f.target.send(r.Context(), func(ctx context.Context, address *url.URL) (*http.Request, error) {
		to := *address
		to.RawQuery = strings.Trim(to.RawQuery+"&"+r.URL.RawQuery, "&")
		on, err := http.NewRequestWithContext(ctx, r.Method, to.String(), strings.NewReader(string(body)))
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"Content-Type", "Accept", "Accept-Language", "User-Agent"} {
			on.Header[name] = r.Header[name]
		}
		return on, nil
	})
	if err != nil {
		line.Error = command.Sentence(f.c, err)
		return problem.AppUnavailable()
	}
	if line.Kind == "ipn" {
		answer.IPNStatus = f.core.Word(answer.Status, answer.header, []byte(answer.Body))
	}
	line.Answer = answer
	return nil
}

// relay answers as the app did.
func (a *appAnswer) relay(w http.ResponseWriter) {
	for _, name := range []string{"Content-Type", "Location"} {
		if value := a.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // the gateway may hang up
}

// print writes a line for a callback, and what the app said where that is no plain yes.
func (f *forwarder) print(line heard) {
	f.printing.Lock()
	defer f.printing.Unlock()
	out := f.c.OutOrStdout()
	if command.WantsJSON(f.c) {
		_ = json.NewEncoder(out).Encode(line) // a reader that is gone must not stop callbacks
		return
	}
	fmt.Fprintf(out, "%s %s\n", line.Time.Format(time.RFC3339), line.text())
	if line.Answer == nil || line.Answer.IPNStatus != "" && !f.verbose {
		return
	}
	said := firstLines(line.Answer.Body)
	if f.verbose {
		said = strings.Split(line.Answer.Body, "\n")
	}
	for _, text := range said {
		fmt.Fprintf(out, "  %s\n", printable(text))
	}
}

// text is the line for people. Its words are fixed, so that scripts can read them.
func (l *heard) text() string {
	words := []string{"not-verified"}
	if l.Verified {
		words = []string{"verified", l.Kind}
	}
	add := func(name, value string) {
		if strings.ContainsAny(value, " \"") {
			value = strconv.Quote(value)
		}
		if value != "" {
			words = append(words, name+"="+printable(value))
		}
	}
	add("salt", l.Salt)
	add("merchant", l.Merchant)
	add("order", l.OrderID)
	add("transaction", l.TransactionID)
	add("request", l.RequestID)
	add("status", l.PaymentStatus)
	add("problem", string(l.Problem))
	if l.Answer != nil {
		words = append(words, fmt.Sprintf("app=%d", l.Answer.Status))
		add("ipnStatus", l.Answer.IPNStatus)
		words = append(words, fmt.Sprintf("%dms", l.Answer.Milliseconds))
		add("location", l.Answer.Location)
	}
	if !l.Forwarded {
		words = append(words, "not-forwarded")
	}
	if why := l.Why + l.Error; why != "" {
		words = append(words, "-", printable(why))
	}
	return strings.Join(words, " ")
}
