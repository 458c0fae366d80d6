package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
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

// documents holds them by path. They change with the build only.
var documents = sync.OnceValues(func() (map[string]document, error) {
	api, err := openAPI()
	if err != nil {
		return nil, err
	}
	lists := operation.Lists()
	body, err := json.Marshal(lists)
	if err != nil {
		return nil, err
	}
	docs := map[string]document{"/openapi.json": newDocument(api), "/codes": newDocument(body)}
	for _, list := range lists {
		if body, err = json.Marshal(list); err != nil {
			return nil, err
		}
		docs["/codes/"+list.Name] = newDocument(body)
	}
	return docs, nil
})

// openAPI describes the calls that an app can make, with every problem that a call can have.
func openAPI() ([]byte, error) {
	var failures []describe.Failure
	for _, code := range problem.Codes() {
		if code.Outcome() == "" {
			continue // of callbacks alone
		}
		title := code.Title().In(language.English)
		if code == problem.CodeTransactionDuplicate {
			title += ". It is `unknown` where the requestID is the app's, by an Idempotency-Key or an envelope of its own"
		}
		failures = append(failures, describe.Failure{Status: code.Status(), Code: string(code), Outcome: string(code.Outcome()), Title: title})
	}
	return describe.OpenAPI(failures)
}

func newDocument(body []byte) document {
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// show answers with a document. Caches are to ask each time, which costs a few bytes
// while nothing has changed.
func (p *Proxy) show(w http.ResponseWriter, r *http.Request, doc document) error {
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
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", doc.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	refused := &refusedDocument{ResponseWriter: w}
	http.ServeContent(refused, r, "", time.Time{}, bytes.NewReader(doc.body))
	if refused.prob != nil {
		return refused.prob.Write(w, r)
	}
	return nil
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
