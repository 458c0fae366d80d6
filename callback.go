package galaxypay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/bodies"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// Receiver is what the handlers of callbacks, IPN and Result, have in common: from the
// gateway's signed text to plain JSON that the app can trust. What is not proven does not
// get past it.
type Receiver struct {
	// The merchant whose salt verifies the messages. No message names its merchant,
	// so each merchant needs a callback address of its own. Default: "default".
	Merchant string `json:"merchant,omitempty"`

	// The largest body, or query string, in bytes. Bodies that are still arriving may hold
	// 256 times as much together; one more byte is refused with 503 and Retry-After.
	// Default: 65536.
	MaxBody int64 `json:"max_body,omitempty"`

	// What to do with a message that says paid and fits no call that was recorded: "report" passes
	// it on with Galaxypay-Order: unknown, "strict" makes it disputed. "strict" needs a store, and
	// that no handler of the merchant has its ledger off. Default: "report".
	Orders string `json:"orders,omitempty"`

	binder   *binder
	bodies   *bodies.Reader
	merchant *merchant
	metrics  *metrics
	log      *zap.Logger
}

// maxUnfinished is how many callbacks may be unfinished at their full length.
const maxUnfinished = 256

// The kinds of callbacks. A cancel callback arrives where results do.
const (
	kindIPN    = "ipn"
	kindResult = "result"
	kindCancel = "cancel"
	kindQuery  = "query"
)

// provision fills in the defaults and finds the merchant.
func (rc *Receiver) provision(ctx caddy.Context) error {
	rc.log = ctx.Logger()
	if rc.MaxBody == 0 {
		rc.MaxBody = defaultMaxBody
	}
	if rc.MaxBody < 0 {
		return errors.New("max_body: expected a size above zero")
	}
	rc.bodies = bodies.New(rc.MaxBody, maxUnfinished)
	var err error
	if rc.merchant, err = merchantFor(ctx, rc.Merchant); err != nil {
		return err
	}
	if rc.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	rc.metrics.expectSignatures(rc.merchant.name, signedCallback)
	rc.binder, err = binderFor(ctx, rc.merchant, rc.Orders, rc.metrics)
	return err
}

// signed is a callback as it travels: the Base64 text, and the signature over it.
type signed struct {
	data      []byte
	signature string
}

// callback is a proven and decoded one.
type callback struct {
	signed       signed // as it came
	message      []byte // the JSON inside data, untouched
	deliveryID   string // of the signed text: the same message always has the same
	requestID    string
	transaction  string // transactionID or, of a payment link, orderNo; "" where it has neither
	order        string // orderID or, of a payment link, orderNo; "" where it has neither
	responseCode string // "***" where it is longer than every code of the gateway's
	payment      payment
	bound        ledger.Bound // what the ledger knows of it; zero without a ledger
	kind         string
	status       PaymentStatus
}

// prove is the line that every callback walks once it is read: verify, decode, judge.
func (rc *Receiver) prove(msg signed, kind string) (*callback, *problem.Problem) {
	if prob := rc.verify(msg); prob != nil {
		return nil, prob
	}
	message, prob := decode(msg.data)
	if prob != nil {
		return nil, prob
	}
	return judge(msg, message, kind)
}

// readPost reads the body of a request, and finds data and signature in it.
func (rc *Receiver) readPost(w http.ResponseWriter, r *http.Request) (signed, *problem.Problem) {
	body, prob := readBody(w, r, rc.bodies, problem.CodeCallbackMalformed)
	if prob != nil {
		return signed{}, prob
	}
	return fromBody(body, r.Header.Get("Content-Type"))
}

// fromBody finds data and signature in a body. The signature is the proof, so the label decides nothing: what begins like a JSON
// object is one, what has the boundary of multipart/form-data is that, and anything else is a form.
func fromBody(body []byte, contentType string) (signed, *problem.Problem) {
	body = bytes.TrimPrefix(body, []byte(utf8BOM))
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return fromJSON(body)
	}
	if boundary := boundaryOf(body, contentType); boundary != "" {
		return fromMultipart(body, boundary)
	}
	return fromForm(string(body))
}

// boundaryOf is what stands between the parts of a body: what the label says, if that is in it, else the first line behind
// two hyphens. It is "" for a body without parts.
func boundaryOf(body []byte, contentType string) string {
	_, parameters, _ := mime.ParseMediaType(contentType)
	if boundary := parameters["boundary"]; boundary != "" && bytes.Contains(body, []byte("--"+boundary)) {
		return boundary
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	boundary, ok := bytes.CutPrefix(bytes.TrimRight(line, " \t\r"), []byte("--"))
	if !ok {
		return ""
	}
	return string(boundary)
}

// fromMultipart reads the parts of a form. A file is taken like a field.
func fromMultipart(body []byte, boundary string) (signed, *problem.Problem) {
	values := make(map[string]string, 2)
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return fromFields(values)
		}
		if err != nil {
			return signed{}, problem.CallbackForm()
		}
		name := part.FormName()
		if name != "data" && name != "signature" {
			continue
		}
		if _, twice := values[name]; twice {
			return signed{}, problem.CallbackTwice(name)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return signed{}, problem.CallbackForm()
		}
		values[name] = string(value)
	}
}

// fromFields takes data and signature from decoded fields.
func fromFields(values map[string]string) (signed, *problem.Problem) {
	data := strings.ReplaceAll(values["data"], " ", "+")
	if data == "" {
		return signed{}, problem.CallbackNoData()
	}
	return signed{data: []byte(data), signature: values["signature"]}, nil
}

func fromJSON(body []byte) (signed, *problem.Problem) {
	members, err := rawjson.Members(body)
	if err != nil {
		return signed{}, problem.CallbackBody()
	}
	data, ok := rawjson.Unquote(rawjson.Find(members, "data"))
	if !ok || len(data) == 0 {
		return signed{}, problem.CallbackNoData()
	}
	signature, _ := rawjson.Unquote(rawjson.Find(members, "signature"))
	return signed{data: data, signature: string(signature)}, nil
}

// fromForm reads form fields. A plus sign that was not percent-encoded on its way
// has become a space; Base64 holds no spaces, so each of them was a plus sign.
//
// Only our two fields are decoded. In a query string they come among the merchant's
// own parameters, whose spelling is not ours to check.
func fromForm(form string) (signed, *problem.Problem) {
	values := make(map[string]string, 2)
	for pair := range strings.SplitSeq(form, "&") {
		name, text := ourField(pair)
		if name == "" {
			continue
		}
		if _, twice := values[name]; twice {
			return signed{}, problem.CallbackTwice(name)
		}
		value, err := url.QueryUnescape(text)
		if err != nil {
			return signed{}, problem.CallbackForm()
		}
		values[name] = value
	}
	return fromFields(values)
}

// ourField returns the name, and the value as it is spelled, of a form field that
// belongs to the callback; the name is empty for every other.
func ourField(pair string) (name, value string) {
	name, value, _ = strings.Cut(pair, "=")
	if plain, err := url.QueryUnescape(name); err == nil && (plain == "data" || plain == "signature") {
		return plain, value
	}
	return "", ""
}

// verify proves the text of data as it was received, before anything decodes it.
func (rc *Receiver) verify(msg signed) *problem.Problem {
	verdict := rc.merchant.signer.verify(msg.data, msg.signature, time.Now())
	rc.metrics.countSignature(rc.merchant.name, signedCallback, verdict)
	switch {
	case verdict.isProven():
		return nil
	case verdict == signatureMissing:
		return problem.CallbackUnsigned()
	}
	return problem.CallbackSignature()
}

// decode takes the JSON out of the Base64. Its padding may be missing, and like the
// standard decoder it skips line ends.
func decode(data []byte) ([]byte, *problem.Problem) {
	unpadded := bytes.TrimRight(data, "=\r\n")
	message := make([]byte, base64.RawStdEncoding.DecodedLen(len(unpadded)))
	n, err := base64.RawStdEncoding.Decode(message, unpadded)
	if err != nil {
		return nil, problem.CallbackBase64()
	}
	return message[:n], nil
}

// judge reads what the message says about the payment.
func judge(msg signed, message []byte, kind string) (*callback, *problem.Problem) {
	e, err := parseEnvelope(message)
	if err != nil {
		return nil, problem.CallbackData()
	}
	id := sha256.Sum256(msg.data)
	payment := paymentOf(&e)
	if payment.ambiguous {
		return nil, problem.CallbackData()
	}
	return &callback{
		signed:       msg,
		message:      e.text, // without a BOM
		deliveryID:   hex.EncodeToString(id[:]),
		requestID:    e.requestID,
		transaction:  payment.transaction,
		order:        payment.order,
		responseCode: loggableCode(e.responseCode),
		payment:      payment,
		kind:         kind,
		status:       payment.judge(),
	}, nil
}

// loggableCode is a responseCode as the log may have it. Codes have three characters; anything may stand in a longer one.
func loggableCode(code string) string {
	if len(code) > 3 {
		return "***"
	}
	return code
}

// report logs and counts a proven callback, which was read and held against what was signed since it began.
func (rc *Receiver) report(cb *callback, began time.Time) {
	rc.metrics.countCallback(rc.merchant.name, cb.kind, string(cb.status))
	rc.log.Info("callback",
		zap.String("merchant", rc.merchant.name),
		zap.String("kind", cb.kind),
		zap.String("operation", cb.bound.Payment.Operation),
		zap.String("request_id", cb.requestID),
		zap.String("order_id", nameOf(cb.order)),
		zap.String("transaction_id", nameOf(cb.transaction)),
		zap.String("response_code", cb.responseCode),
		zap.String("payment_status", string(cb.status)),
		zap.String("delivery_id", cb.deliveryID),
		zap.Duration("duration", time.Since(began)))
}

// reportRefused logs and counts a callback that is refused. What it says is not proven, so none of it is in the log.
func (rc *Receiver) reportRefused(r *http.Request, kind string, prob *problem.Problem, began time.Time) {
	rc.metrics.countCallback(rc.merchant.name, kind, string(prob.Code))
	rc.log.Warn("callback refused",
		zap.String("merchant", rc.merchant.name),
		zap.String("kind", kind),
		zap.String("code", string(prob.Code)),
		zap.String("remote", r.RemoteAddr),
		zap.Duration("duration", time.Since(began)))
}

// forward turns the request into the one that the app gets of an IPN: a POST of the message.
func (rc *Receiver) forward(r *http.Request, cb *callback) *http.Request {
	rc.prepare(r, cb)
	r.Method = http.MethodPost
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(len(cb.message)))
	r.Body = io.NopCloser(bytes.NewReader(cb.message))
	r.ContentLength = int64(len(cb.message))
	return withoutOriginal(r)
}

// prepare takes the message out of the request, and what an outsider has set, and says in headers what was proven. It changes the
// request itself, which Caddy's placeholders look at.
func (rc *Receiver) prepare(r *http.Request, cb *callback) {
	removeCallbackHeaders(r.Header)
	removeBody(r)
	callbackHeaders{
		callback: cb.kind, merchant: rc.merchant.name, paymentStatus: string(cb.status), deliveryID: cb.deliveryID,
		transaction: cb.transaction, order: cb.order, match: cb.bound.Order, operation: cb.bound.Payment.Operation,
	}.set(r.Header)
	markProven(r)
	if query := withoutOurs(r.URL.RawQuery); query != r.URL.RawQuery {
		r.URL.RawQuery = query
		r.RequestURI = r.URL.RequestURI() // which reverse_proxy logs
	}
}

// removeBody takes the body out of a request, and the headers that describe it or the connection that it came over.
func removeBody(r *http.Request) {
	for _, name := range []string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Trailer",
		"Transfer-Encoding", "Expect", "Connection", "Upgrade",
	} {
		r.Header.Del(name)
	}
	r.Body = http.NoBody
	r.ContentLength = 0
	r.TransferEncoding = nil
	r.Trailer = nil
}

// withoutOriginal takes our fields out of the request that Caddy remembers as it
// came, from which FastCGI makes REQUEST_URI.
func withoutOriginal(r *http.Request) *http.Request {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return r
	}
	u := *original.URL
	u.RawQuery = withoutOurs(u.RawQuery)
	original.URL = &u
	original.RequestURI = u.RequestURI()
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, original))
}

// withoutOurs returns the query string without data and signature; the merchant's
// own parameters keep their order and spelling.
func withoutOurs(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if name, _ := ourField(pair); name == "" {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
