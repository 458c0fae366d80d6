package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// maxRequestBody is far above any request of the gateway's tables, the longest extraData
// included.
const maxRequestBody = 256 << 10

// api is the gateway's API, for the merchant with this key pair.
type api struct {
	key, salt  string
	ledger     *ledger.Ledger
	operations *operations
	logger     *zap.Logger
}

// serve walks a request to the gateway's API: read, prove, parse, carry out, answer.
// What is left to do then, such as an IPN, does not keep the caller waiting.
//
// A browser names the page behind a POST in the header Origin, and the gateway is called by
// servers only. The API answers under any name, so this check alone keeps out a page that
// points its own name at this machine, and could have IPNs sent to any service here.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	recorder := wirelog.NewRecorder(w, r, a.ledger.Now(), a.ledger.Keep)
	defer recorder.Keep()
	if r.Header.Get("Origin") != "" {
		writeProblem(recorder, http.StatusForbidden, "caller_not_allowed", "the API is not for web pages: call it from the server")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	recorder.SetBody(body)
	if err != nil {
		refuseBody(recorder, err)
		return
	}
	doubt, verdict := a.prove(r.Header, body)
	recorder.SetVerdict(verdict)
	if doubt != "" {
		a.refuseUnproven(recorder, body, doubt)
		return
	}
	a.serveProven(recorder, r, body)
}

// serveProven goes on with a request that is the merchant's.
func (a *api) serveProven(recorder *wirelog.Recorder, r *http.Request, body []byte) {
	c, err := parseCall(body)
	// Whether the gateway takes a request that names no type is not known.
	if err == nil && r.Header.Get("Content-Type") != "" && !isJSON(r.Header) {
		err = errNotJSON
	}
	c.faults, _ = fault.Named(append(c.faults.Names(), a.ledger.Faults()...)...)
	op, err := operationOf(r.URL.Path, c, err)
	if op != nil && op.Name == operation.Query {
		c.faults = a.withFaultsOfPayment(c)
	}
	c.record(recorder, op)
	c.faults.StrikeBefore()
	said := a.carryOut(r, c, op, err)
	if said.then != nil {
		defer said.then() // deferred, because a fault may break off the answer
	}
	a.answer(recorder, r, c, said)
	_ = http.NewResponseController(recorder).Flush()
}

// withFaultsOfPayment returns the faults of a query, with those that the payment wants of its queries.
func (a *api) withFaultsOfPayment(c call) fault.Faults {
	id, _ := c.data.value("transactionID")
	t, _ := a.ledger.Find(id)
	wanted, _ := fault.Named(t.Faults...)
	both, _ := fault.Named(append(c.faults.Names(), wanted.OfQueries().Names()...)...)
	return both
}

// carryOut carries out the operation, unless a fault refuses it.
func (a *api) carryOut(r *http.Request, c call, op *operation.Operation, wrong error) reply {
	if code := c.faults.Refusal(); code != "" {
		return refused(code, "a fault was asked for")
	}
	return a.operations.carryOut(r, c, op, wrong)
}

// record records what a proven call asks for; op is nil where that is not an operation.
func (c call) record(recorder *wirelog.Recorder, op *operation.Operation) {
	var name string
	if op != nil {
		name = op.Name
	}
	names := c.faults.OfAnswers().Names()
	if name == operation.Query {
		names = append(names, c.faults.OfQueries().Names()...)
	}
	id, _ := c.data.value("transactionID")
	recorder.Identify(c.requestID, id, name, names)
}

var errNotJSON = errors.New("header Content-Type is not application/json")

// isJSON reports whether a body is said to be what the documents demand. An app that sends
// another type, such as that of a form, would find out at the gateway only.
func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// prove says why the request is not proven to be the merchant's, or "" if it is. Both
// checks always run, so that the time taken does not show which one failed.
func (a *api) prove(header http.Header, body []byte) (doubt string, v wirelog.Verdict) {
	apiKey, signature := header.Get("apiKey"), header.Get("signature")
	known, signed := sameSecret(apiKey, a.key), message.Verify(body, a.salt, signature)
	switch {
	case apiKey == "":
		return "header apiKey is missing", wirelog.UnknownAPIKey
	case !known:
		return "unknown apiKey", wirelog.UnknownAPIKey
	case signature == "":
		return "header signature is missing", wirelog.SignatureMissing
	case !signed:
		return "signature does not match the body", wirelog.SignatureWrong
	}
	return "", wirelog.SignatureRight
}

// sameSecret compares without telling by its duration where, or by how much in length,
// the two differ.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// refuseUnproven answers without a signature: a gateway that does not know the merchant
// has no salt to sign with. The HTTP status of a refusal is documented nowhere.
func (a *api) refuseUnproven(w http.ResponseWriter, body []byte, doubt string) {
	a.logger.Info("request refused", zap.String("reason", doubt), zap.Int("body_length", len(body)))
	c, _ := parseCall(body)
	writeJSON(w, http.StatusUnauthorized, message.Encode(a.envelope(c, refused(codeUnauthorized, doubt))))
}

// answer signs the reply and sends it. The HTTP status is 200 whatever the
// responseCode: the documents give only the latter.
func (a *api) answer(recorder *wirelog.Recorder, r *http.Request, c call, said reply) {
	defer recorder.Keep() // before what is left to do, and before the caller has the answer
	c.faults.Send(recorder, r, message.Encode(a.envelope(c, said)), a.salt)
}

func (a *api) envelope(c call, said reply) message.Envelope {
	return message.Envelope{
		RequestID:        c.requestID,
		ResponseDateTime: message.Stamp(a.ledger.Now()),
		ResponseCode:     said.code,
		ResponseMessage:  said.message,
		ResponseData:     said.data,
	}
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func refuseBody(w http.ResponseWriter, err error) {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		writeProblem(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than 256 KiB")
		return
	}
	writeProblem(w, http.StatusBadRequest, "body_invalid", "the body could not be read to its end")
}
