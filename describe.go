package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation/describe"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// document is something that an app can get from where it posts its calls: the
// description of its operations, or the gateway's codes for the app's own pages.
type document struct {
	body []byte
	etag string
}

// describe returns the documents of this handler, by path. The description is written when it is first asked for: that takes 15 ms, and a
// configuration can have a thousand handlers.
func (p *Proxy) describe() (map[string]func() (document, error), error) {
	lists, err := codeLists()
	if err != nil {
		return nil, err
	}
	docs := make(map[string]func() (document, error), len(lists)+1)
	for path, list := range lists {
		docs[path] = func() (document, error) { return list, nil }
	}
	docs["/openapi.json"] = sync.OnceValues(func() (document, error) {
		api, err := describe.OpenAPI(p.site())
		return newDocument(api), err
	})
	return docs, nil
}

// codeLists holds the lists of codes by path. They change with the build only.
var codeLists = sync.OnceValues(func() (map[string]document, error) {
	lists := operation.Lists()
	body, err := json.Marshal(lists)
	if err != nil {
		return nil, err
	}
	docs := map[string]document{"/codes": newDocument(body)}
	for _, list := range lists {
		if body, err = json.Marshal(list); err != nil {
			return nil, err
		}
		docs["/codes/"+list.Name] = newDocument(body)
	}
	return docs, nil
})

// openAPI describes a handler without options.
func openAPI() ([]byte, error) {
	all, err := newRoutes(nil, nil)
	if err != nil {
		return nil, err
	}
	p := &Proxy{routes: all, MaxBody: defaultMaxBody, MaxInFlight: defaultMaxInFlight}
	return describe.OpenAPI(p.site())
}

// site is what the description depends on of this handler.
func (p *Proxy) site() *describe.Site {
	s := &describe.Site{
		Version: version(), Envelope: p.Response == "envelope", Unproven: p.Verify == "report", Ledger: p.Ledger == "on",
		Calls: p.failures(), Documents: p.documentFailures(),
	}
	for _, name := range operation.Names() {
		if p.routes.allows(name) {
			s.Operations = append(s.Operations, p.routes.byPath["/"+name][0])
		}
	}
	for _, d := range p.defaults {
		s.Defaults = append(s.Defaults, d.name)
	}
	return s
}

// failures are the ways in which a call to an operation can fail, an example of each code. A later
// step knows more of the call, so it sets more headers.
func (p *Proxy) failures() []describe.Failure {
	routed := []string{"Galaxypay-Merchant", "Galaxypay-Operation"}
	parsed := append(slices.Clone(routed), "Galaxypay-Request-Id") // of the app's own envelope
	sent := parsed
	if p.Verify == "report" {
		sent = append(slices.Clone(parsed), "Galaxypay-Verified")
	}
	failures := []describe.Failure{
		failure(problem.CallerAddress(), "Galaxypay-Merchant"),
		failure(problem.ContentType(), append(routed, "Accept-Post", "Accept-Encoding")...),
		failure(problem.BodyTooLarge(p.MaxBody), routed...),
		failure(problem.BodyTimeout(), routed...),
		failure(problem.Overloaded(p.MaxInFlight), append(routed, "Retry-After")...),
		failure(problem.BodyNotJSON(&rawjson.Error{Fault: rawjson.Syntax, Offset: 17}), routed...),
		failure(problem.IdempotencyKeys(), parsed...),
		failure(problem.FieldsInvalid([]problem.Field{problem.TimeField("orderDateTime")}), parsed...),
		failure(problem.Unreachable(), parsed...),
		failure(problem.Timeout(), p.recorded(parsed)...),
		failure(problem.NoReply(), p.recorded(parsed)...),
		failure(problem.ReplyNotJSON(), sent...),
		failure(problem.ResponseCodeUnexpected("00", "Success"), append(sent, "Galaxypay-Response-Code")...),
	}
	failures = append(failures, p.recordedFailures(parsed)...)
	if p.routes.allowed != nil { // else no request is another operation than those that are open
		failures = append(failures, failure(problem.OperationUnknown(p.routes.names()), parsed...))
	}
	if p.Verify != "report" {
		failures = append(failures, failure(problem.Unsigned(http.StatusOK), parsed...), failure(problem.WrongSignature(), parsed...))
	}
	return append(failures, p.refusedBy(append(sent, "Galaxypay-Response-Code"))...)
}

// recorded adds the headers of what the ledger may answer.
func (p *Proxy) recorded(headers []string) []string {
	if p.Ledger != "on" {
		return headers
	}
	return append(slices.Clone(headers), "Galaxypay-Replayed", "Galaxypay-Payment-Status")
}

// recordedFailures are what the ledger says in the place of the gateway.
func (p *Proxy) recordedFailures(headers []string) []describe.Failure {
	if p.Ledger != "on" {
		return nil
	}
	recorded := p.recorded(headers)
	return []describe.Failure{
		failure(problem.StoreUnavailable(), recorded...),
		failure(problem.InProgress(), append(slices.Clone(headers), "Retry-After")...),
		failure(problem.KeyReused(problem.Unknown), headers...),
		failure(problem.Settled(), recorded...),
		failure(problem.PageLost(), recorded...),
	}
}

// refusedBy are the refusals of the gateway, which come with these headers.
func (p *Proxy) refusedBy(headers []string) []describe.Failure {
	var failures []describe.Failure
	for _, responseCode := range slices.Sorted(maps.Keys(refusals)) {
		code := refusals[responseCode]
		carried := slices.Clone(headers)
		if p.Ledger == "on" {
			carried = append(carried, "Galaxypay-Replayed", "Galaxypay-Payment-Status", "Galaxypay-Order")
		}
		if code.Outcome() == problem.Rejected && code != problem.CodeTransactionDuplicate && p.routes.allows(operation.FastPay) {
			carried = append(carried, "Galaxypay-Payment-Status")
		}
		refused := failure(problem.Refused(code, responseCode, refusalExample), carried...)
		if code == problem.CodeTransactionDuplicate {
			refused.Title += ". It is `unknown` where the requestID is the app's, by an Idempotency-Key or an envelope of its own"
		}
		failures = append(failures, refused)
	}
	return failures
}

// refusalExample stands for what the gateway says.
const refusalExample = "The gateway's own words"

// documentFailures are the ways in which a GET of a document can fail.
func (p *Proxy) documentFailures() []describe.Failure {
	return []describe.Failure{
		failure(problem.CallerAddress()),
		failure(problem.DocumentUnknown("/codes, /openapi.json"), "Galaxypay-Merchant"),
		failure(problem.DocumentChanged(), "ETag"),
		failure(problem.DocumentRange(), "Content-Range"),
	}
}

// failure describes a problem and the headers that come with it.
func failure(prob *problem.Problem, headers ...string) describe.Failure {
	if slices.Contains(headers, "Galaxypay-Operation") {
		prob.Operation = "pay"
	}
	if prob.Outcome != problem.NotSent {
		prob.RequestID = "14653fa12f694f4f9d4b240e1bebbdf3"
	}
	return describe.Failure{
		Status: prob.Status(), Code: string(prob.Code), Outcome: string(prob.Code.Outcome()),
		Title: prob.Code.Title().In(language.English), Headers: headers, Example: prob.Body(language.English),
	}
}

func newDocument(body []byte) document {
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// show answers with a document. Caches are to ask each time, which costs a few bytes
// while nothing has changed.
func (p *Proxy) show(w http.ResponseWriter, r *http.Request, write func() (document, error)) error {
	closeConnection(w, r) // nothing reads the body, if there is one
	if prob := p.admit(r); prob != nil {
		return prob.Write(w, r)
	}
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		const allow = "GET, HEAD"
		h.Set("Allow", allow)
		return problem.MethodNotAllowed(allow).Write(w, r)
	}
	doc, err := write()
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", doc.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	if !strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
		r.Header.Del("Range") // a unit that is not known means the whole
	}
	refused := &refusedDocument{ResponseWriter: w}
	http.ServeContent(refused, r, "", time.Time{}, bytes.NewReader(doc.body))
	if refused.prob == nil {
		return nil
	}
	if refused.prob.Code == problem.CodeRangeNotSatisfiable {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", len(doc.body)))
	}
	return refused.prob.Write(w, r)
}

// refusedDocument holds back the refusals of http.ServeContent, which are plain text or nothing.
type refusedDocument struct {
	http.ResponseWriter
	prob *problem.Problem
}

// WriteHeader implements http.ResponseWriter.
func (d *refusedDocument) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		d.prob = problem.DocumentChanged()
	case http.StatusRequestedRangeNotSatisfiable:
		d.prob = problem.DocumentRange()
	default:
		d.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (d *refusedDocument) Write(body []byte) (int, error) {
	if d.prob != nil {
		return len(body), nil
	}
	return d.ResponseWriter.Write(body)
}
