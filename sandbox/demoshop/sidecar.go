package demoshop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// sidecarTimeout is longer than the sidecar's own, so that it is the sidecar
	// that says what became of the call.
	sidecarTimeout = 45 * time.Second
	// maxAnswer is above the sidecar's default for the largest answer.
	maxAnswer = 256 << 10
)

// outcome says what the shop may do after a call.
type outcome string

const (
	ok       outcome = "ok"       // the gateway's proven answer is yes
	notSent  outcome = "not_sent" // nothing reached the gateway
	rejected outcome = "rejected" // the gateway's proven answer is no
	unknown  outcome = "unknown"  // it may have been carried out
)

// answer is what came of a call.
type answer struct {
	status int // HTTP status; 0: there was no answer
	header http.Header
	body   []byte
	broken error // why there is no answer, or only a part of one
}

// outcome judges an answer. Whatever is not plainly one of the others is unknown: a
// sidecar that died in the middle of a call cannot say whether it was sent.
func (a answer) outcome() outcome {
	if a.broken != nil {
		return unknown
	}
	if a.status == http.StatusOK && a.header.Get("Galaxypay-Response-Code") == "200" {
		return ok
	}
	switch said := outcome(a.problem().Outcome); said {
	case notSent, rejected:
		return said
	}
	return unknown
}

// problem is what a refusal says of itself.
type problem struct {
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Outcome string `json:"outcome"`
}

func (a answer) problem() problem {
	var p problem
	_ = json.Unmarshal(a.body, &p) // an answer that is not a problem has no outcome
	return p
}

// newClient calls the sidecar and nothing else: no proxy from the environment comes in
// between, no redirect is followed, and no connection outlives the configuration.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       sidecarTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call posts plain JSON to the sidecar and notes the exchange in the order. A customer
// who closes the browser does not stop it: the payment may be opened already.
func (h *Handler) call(ctx context.Context, o order, operation string, fields any, key string) answer {
	body := encode(fields)
	header := http.Header{"Content-Type": {"application/json"}, "Accept-Language": {string(o.language)}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	at := time.Now()
	a := h.send(context.WithoutCancel(ctx), h.sidecar+"/"+operation, header, body)
	note := exchange{
		Call:         true,
		Title:        "POST /" + operation,
		At:           at,
		Header:       headerLines(header),
		Body:         readable(body),
		Status:       a.status,
		AnswerHeader: headerLines(a.header),
		Answer:       readable(a.body),
		Outcome:      string(a.outcome()),
	}
	if a.broken != nil {
		note.Failure = reason(a.broken)
	}
	h.orders.change(o.id, func(o *order) { o.note(note) })
	return a
}

func (h *Handler) send(ctx context.Context, address string, header http.Header, body []byte) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return answer{broken: err}
	}
	request.Header = header
	response, err := h.client.Do(request)
	if err != nil {
		return answer{broken: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, maxAnswer))
	return answer{status: response.StatusCode, header: response.Header, body: text, broken: err}
}

// reason leaves out the address, which is shown beside it anyway.
func reason(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// encode writes JSON for people to read: without escapes that only HTML needs.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // texts and numbers: there is nothing to fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
