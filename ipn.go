package galaxypay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

func init() {
	caddy.RegisterModule(Callback{})
}

// Callback is the inbound handler, from the gateway to the app, behind the
// directives galaxypay_ipn and galaxypay_result. It proves the signature of a
// callback and hands the next handler plain JSON that it can trust. What is not
// proven does not get past it.
type Callback struct {
	// What is received here. "ipn": messages of the gateway's server, answered with
	// the app's word on them. "result": the customer's browser, coming back after
	// paying or cancelling, answered with the app's page. Required.
	Kind string `json:"kind,omitempty"`

	// The merchant whose salt verifies the messages. No message names its merchant,
	// so each merchant needs a callback address of its own. Default: "default".
	Merchant string `json:"merchant,omitempty"`

	// The largest body, or query string, in bytes. Default: 65536.
	MaxBody int64 `json:"max_body,omitempty"`

	// Keep IPNs until the app has taken them, instead of handing them to the next
	// handler. Only for kind "ipn". Default: no inbox.
	Inbox *Inbox `json:"inbox,omitempty"`

	merchant *merchant
	metrics  *metrics
	inbox    *appInbox
	log      *zap.Logger
}

// The kinds of callbacks. A cancel callback arrives where results do.
const (
	kindIPN    = "ipn"
	kindResult = "result"
	kindCancel = "cancel"
)

// CaddyModule returns the Caddy module information.
func (Callback) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.galaxypay_callback",
		New: func() caddy.Module { return new(Callback) },
	}
}

// Provision fills in the defaults and finds the merchant.
func (c *Callback) Provision(ctx caddy.Context) error {
	c.log = ctx.Logger()
	if c.Kind != kindIPN && c.Kind != kindResult {
		return fmt.Errorf("kind: unknown value %q; expected ipn or result", c.Kind)
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.MaxBody < 0 {
		return errors.New("max_body: expected a size above zero")
	}
	var err error
	if c.merchant, err = merchantFor(ctx, c.Merchant); err != nil {
		return err
	}
	if c.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	return c.provisionInbox(ctx)
}

// signed is a callback as it travels: the Base64 text, and the signature over it.
type signed struct {
	data      []byte
	signature string
}

// callback is a proven and decoded one.
type callback struct {
	message    []byte // the JSON inside data, untouched
	deliveryID string // of the signed text: the same message always has the same
	requestID  string
	kind       string
	status     PaymentStatus
}

// ServeHTTP takes one callback.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	cb, f := c.receive(w, r)
	if f != nil {
		return c.refuse(w, r, f)
	}
	c.metrics.countCallback(c.merchant.name, cb.kind, string(cb.status))
	c.log.Info("callback",
		zap.String("merchant", c.merchant.name),
		zap.String("kind", cb.kind),
		zap.String("payment_status", string(cb.status)),
		zap.String("request_id", cb.requestID),
		zap.String("delivery_id", cb.deliveryID))

	if c.Inbox != nil {
		return c.keep(w, r, cb)
	}
	r = c.forward(r, cb)
	if c.Kind == kindResult {
		return next.ServeHTTP(w, r)
	}
	return c.answerIPN(w, r, next, cb)
}

// receive is the line that every callback walks.
func (c *Callback) receive(w http.ResponseWriter, r *http.Request) (*callback, *failure) {
	msg, f := c.read(w, r)
	if f != nil {
		return nil, f
	}
	if f := c.verify(msg); f != nil {
		return nil, f
	}
	message, f := decode(msg.data)
	if f != nil {
		return nil, f
	}
	return c.judge(msg, message)
}

// read finds data and signature in the body or, for a browser that is redirected
// with GET, in the query string.
func (c *Callback) read(w http.ResponseWriter, r *http.Request) (signed, *failure) {
	switch {
	case r.Method == http.MethodPost:
		return c.readPost(w, r)
	case r.Method == http.MethodGet && c.Kind == kindResult:
		if int64(len(r.URL.RawQuery)) > c.MaxBody {
			return signed{}, fail(CodeBodyTooLarge, msgBodyTooLarge, c.MaxBody)
		}
		return fromForm(r.URL.RawQuery)
	}
	allow := http.MethodPost
	if c.Kind == kindResult {
		allow = "GET, POST"
	}
	w.Header().Set("Allow", allow)
	return signed{}, fail(CodeMethodNotAllowed, msgMethod, allow)
}

func (c *Callback) readPost(w http.ResponseWriter, r *http.Request) (signed, *failure) {
	contentType := r.Header.Get("Content-Type")
	kind, _, _ := mime.ParseMediaType(contentType)
	isForm := kind == "application/x-www-form-urlencoded"
	if !isForm && contentType != "" && !isJSON(contentType) {
		return signed{}, fail(CodeContentTypeUnsupported, msgCallbackType)
	}
	body, f := readBody(w, r, c.MaxBody, CodeCallbackMalformed)
	if f != nil {
		return signed{}, f
	}
	if isForm {
		return fromForm(string(body))
	}
	return fromJSON(body)
}

func fromJSON(body []byte) (signed, *failure) {
	members, err := rawjson.Members(bytes.TrimPrefix(body, []byte(utf8BOM)))
	if err != nil {
		return signed{}, fail(CodeCallbackMalformed, msgCallbackBody)
	}
	data, ok := rawjson.Unquote(rawjson.Find(members, "data"))
	if !ok || len(data) == 0 {
		return signed{}, fail(CodeCallbackMalformed, msgCallbackNoData)
	}
	signature, _ := rawjson.Unquote(rawjson.Find(members, "signature"))
	return signed{data: data, signature: string(signature)}, nil
}

// fromForm reads form fields. A plus sign that was not percent-encoded on its way
// has become a space; Base64 holds no spaces, so each of them was a plus sign.
//
// Only our two fields are decoded. In a query string they stand among the merchant's
// own parameters, whose spelling is not for us to judge.
func fromForm(form string) (signed, *failure) {
	values := make(map[string]string, 2)
	for pair := range strings.SplitSeq(form, "&") {
		name, text := ourField(pair)
		if name == "" {
			continue
		}
		if _, twice := values[name]; twice {
			return signed{}, fail(CodeCallbackMalformed, msgCallbackTwice, name)
		}
		value, err := url.QueryUnescape(text)
		if err != nil {
			return signed{}, fail(CodeCallbackMalformed, msgCallbackForm)
		}
		values[name] = value
	}
	data := strings.ReplaceAll(values["data"], " ", "+")
	if data == "" {
		return signed{}, fail(CodeCallbackMalformed, msgCallbackNoData)
	}
	return signed{data: []byte(data), signature: values["signature"]}, nil
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
func (c *Callback) verify(msg signed) *failure {
	switch c.merchant.signer.verify(msg.data, msg.signature, time.Now()) {
	case signatureProven:
		return nil
	case signatureMissing:
		return fail(CodeSignatureInvalid, msgCallbackUnsigned)
	}
	return fail(CodeSignatureInvalid, msgCallbackSignature)
}

// decode takes the JSON out of the Base64. Its padding may be missing, and like the
// standard decoder it skips line ends.
func decode(data []byte) ([]byte, *failure) {
	unpadded := bytes.TrimRight(data, "=\r\n")
	message := make([]byte, base64.RawStdEncoding.DecodedLen(len(unpadded)))
	n, err := base64.RawStdEncoding.Decode(message, unpadded)
	if err != nil {
		return nil, fail(CodeCallbackMalformed, msgCallbackBase64)
	}
	return message[:n], nil
}

// judge reads what the message says about the payment.
func (c *Callback) judge(msg signed, message []byte) (*callback, *failure) {
	a, err := parseAnswer(message)
	if err != nil {
		return nil, fail(CodeCallbackMalformed, msgCallbackData)
	}
	id := sha256.Sum256(msg.data)
	cb := &callback{
		message:    a.envelope, // without a BOM
		deliveryID: hex.EncodeToString(id[:]),
		requestID:  a.requestID,
		kind:       c.Kind,
		status:     paymentOf(&a).judge(),
	}
	if c.Kind == kindResult && cb.status == Cancelled {
		cb.kind = kindCancel
	}
	return cb, nil
}

// forward turns the request into the one that the app gets.
func (c *Callback) forward(r *http.Request, cb *callback) *http.Request {
	removeMarks(r.Header)
	// These described the body or the connection as they came.
	for _, name := range []string{
		"Content-Encoding", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Trailer",
		"Transfer-Encoding", "Expect", "Connection", "Upgrade",
	} {
		r.Header.Del(name)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(len(cb.message)))
	r.Header.Set("Galaxypay-Callback", cb.kind)
	r.Header.Set("Galaxypay-Merchant", c.merchant.name)
	r.Header.Set("Galaxypay-Payment-Status", string(cb.status))
	r.Header.Set("Galaxypay-Delivery-Id", cb.deliveryID)

	r.Method = http.MethodPost
	r.URL.RawQuery = withoutOurs(r.URL.RawQuery)
	r.Body = io.NopCloser(bytes.NewReader(cb.message))
	r.ContentLength = int64(len(cb.message))
	r.TransferEncoding = nil
	r.Trailer = nil
	return withoutOriginal(r)
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

var hyphens = strings.NewReplacer("_", "-", ".", "-")

// removeMarks deletes every header that could be taken for one of our marks: an
// outsider who sets Galaxypay-Payment-Status: paid must not be believed. CGI and
// FastCGI write underscores for hyphens, so both spellings count.
func removeMarks(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(hyphens.Replace(name)), "galaxypay-") {
			delete(h, name)
		}
	}
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

// refuse answers a callback that is not handed on: with a page for people, with a
// problem for programs.
func (c *Callback) refuse(w http.ResponseWriter, r *http.Request, f *failure) error {
	c.metrics.countCallback(c.merchant.name, c.Kind, string(f.code))
	c.log.Warn("callback refused",
		zap.String("merchant", c.merchant.name),
		zap.String("kind", c.Kind),
		zap.String("code", string(f.code)),
		zap.String("remote", r.RemoteAddr))
	f.callback = true
	if c.Kind == kindResult {
		err := caddyhttp.Error(f.status(), fmt.Errorf("galaxypay_result: %s", f.code))
		if hasErrorRoute(r, err) {
			return err
		}
	}
	if c.Kind == kindResult && wantsPage(r) {
		return writePage(w, r, f)
	}
	return writeProblem(w, r, f)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Callback)(nil)
	_ caddyhttp.MiddlewareHandler = (*Callback)(nil)
)
