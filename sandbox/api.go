package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// maxRequestBody is far above any request of the gateway's tables, the longest extraData
// included.
const maxRequestBody = 256 << 10

// operations carry out those of the catalogue, each by its name there.
var operations = map[string]func(*Handler, *http.Request, call) reply{
	"pay":                (*Handler).pay,
	"payWithCreateToken": (*Handler).pay,
	"payWithToken":       (*Handler).pay,
	"payWithOption":      (*Handler).pay,
	"payWithQR":          (*Handler).payWithQR,
	"checkout":           (*Handler).checkout,
	"createPaymentLink":  (*Handler).createPaymentLink,
	"fastPay":            (*Handler).fastPay,
	"query":              (*Handler).query,
	"refund":             (*Handler).refund,
	"capture":            (*Handler).capture,
	"void":               (*Handler).void,
	"createToken":        (*Handler).createToken,
	"deleteToken":        (*Handler).deleteToken,
	"removeToken":        (*Handler).removeToken,
	"queryTokens":        (*Handler).queryTokens,
}

// The response codes an operation can have (the gateway's page "Response Codes").
const (
	codeBadRequest   = "400"
	codeUnauthorized = "401"
	codeDuplicate    = "409"
)

// reply is what an operation has to say.
type reply struct {
	code, message string
	data          any    // responseData; nil: none
	then          func() // what is left to do when the answer is on its way; nil: nothing
}

func done(data any) reply {
	return reply{code: message.CodeSuccess, message: "Success", data: data}
}

func refused(code, reason string) reply {
	return reply{code: code, message: reason}
}

// conclude is the reply of an operation that has nothing to say but how it went.
func conclude(err error) reply {
	switch {
	case errors.Is(err, errDuplicate):
		return refused(codeDuplicate, err.Error())
	case err != nil:
		return refused(codeBadRequest, err.Error())
	}
	return done(nil)
}

// serveAPI walks a request to the gateway's API: read, prove, parse, carry out, answer.
// What is left to do then, such as an IPN, does not keep the caller waiting.
//
// A browser names the page behind a POST in the header Origin, and the gateway is called by
// servers only. The API answers under any name, so this check alone keeps out a page that
// points its own name at this machine, and could have IPNs sent to any service here.
func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	x := wirelog.NewRecorder(w, r, h.ledger.now(), h.ledger.keep)
	defer x.Keep()
	if r.Header.Get("Origin") != "" {
		writeProblem(x, http.StatusForbidden, "caller_not_allowed", "the API is not for web pages: call it from the server")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	x.SetBody(body)
	if err != nil {
		refuseBody(x, err)
		return
	}
	doubt, verdict := h.doubt(r.Header, body)
	x.SetVerdict(verdict)
	if doubt != "" {
		h.refuseStranger(x, body, doubt)
		return
	}
	c, err := parseCall(body)
	// Whether the gateway takes a request that names no type is not known.
	if err == nil && r.Header.Get("Content-Type") != "" && !isJSON(r.Header) {
		err = errNotJSON
	}
	c.faults = merge(c.faults, h.ledger.globalFaults())
	op, err := identify(r.URL.Path, c, err)
	c.identify(x, op)
	c.strikeEarly()
	done, struck := c.refusal()
	if !struck {
		done = h.carryOut(r, c, op, err)
	}
	if done.then != nil {
		defer done.then() // deferred, because a fault may break off the answer
	}
	h.answer(x, r, c, done)
	_ = http.NewResponseController(x).Flush()
}

var errNotJSON = errors.New("header Content-Type is not application/json")

// isJSON tells whether a body is said to be what the documents demand. An app that sends
// another type, such as that of a form, would find out at the gateway only.
func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// identify finds the operation that the call asks for, unless there is something wrong
// with it.
func identify(path string, c call, malformed error) (*operation.Operation, error) {
	there := slices.DeleteFunc(operation.All(), func(op operation.Operation) bool {
		return op.Path != path || operations[op.Name] == nil
	})
	if len(there) == 0 {
		return nil, errors.New("operation not available in this sandbox")
	}
	if malformed != nil {
		return nil, malformed
	}
	op := operation.Match(there, c.data.value)
	if op == nil {
		return nil, errors.New("apiOperation is not one of this address")
	}
	return op, validate(op, c.members)
}

func (h *Handler) carryOut(r *http.Request, c call, op *operation.Operation, wrong error) reply {
	if wrong != nil {
		return refused(codeBadRequest, wrong.Error())
	}
	return operations[op.Name](h, r, c)
}

// Why a request is not proven to be the merchant's.
const (
	noKey         = "header apiKey is missing"
	unknownKey    = "unknown apiKey"
	unsigned      = "header signature is missing"
	wronglySigned = "signature does not match the body"
)

// doubt says why the request is not proven to be the merchant's, or "" if it is. Both
// checks always run, so that the time taken does not tell which one failed.
func (h *Handler) doubt(header http.Header, body []byte) (string, wirelog.Verdict) {
	apiKey, signature := header.Get("apiKey"), header.Get("signature")
	known, signed := sameSecret(apiKey, h.apiKey), message.Verify(body, h.salt, signature)
	switch {
	case apiKey == "":
		return noKey, wirelog.UnknownAPIKey
	case !known:
		return unknownKey, wirelog.UnknownAPIKey
	case signature == "":
		return unsigned, wirelog.SignatureMissing
	case !signed:
		return wronglySigned, wirelog.SignatureWrong
	}
	return "", wirelog.SignatureRight
}

// refuseStranger answers without a signature: a gateway that does not know the merchant
// has no salt to sign with. The HTTP status of a refusal is documented nowhere.
func (h *Handler) refuseStranger(w http.ResponseWriter, body []byte, doubt string) {
	h.logger.Info("request refused", zap.String("reason", doubt), zap.Int("body_length", len(body)))
	c, _ := parseCall(body)
	writeMessage(w, http.StatusUnauthorized, message.Encode(h.newMessage(c, refused(codeUnauthorized, doubt))))
}

// answer signs the reply and sends it. The HTTP status is 200 whatever the
// responseCode: the documents give only the latter.
func (h *Handler) answer(x *wirelog.Recorder, r *http.Request, c call, said reply) {
	defer x.Keep() // before what is left to do, and before the caller has the answer
	o := &outgoing{ResponseWriter: x, request: r, salt: h.salt, send: (*outgoing).sendWhole}
	o.setBody(message.Encode(h.newMessage(c, said)))
	c.strike(o)
	o.send(o)
}

func (h *Handler) newMessage(c call, r reply) message.Envelope {
	return message.Envelope{
		RequestID:        c.requestID,
		ResponseDateTime: message.Stamp(h.ledger.now()),
		ResponseCode:     r.code,
		ResponseMessage:  r.message,
		ResponseData:     r.data,
	}
}

func writeMessage(w http.ResponseWriter, status int, body []byte) {
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

// sameSecret compares without telling by its duration where, or by how much in length,
// the two differ.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// identify records what a proven call asks for.
func (c call) identify(x *wirelog.Recorder, op *operation.Operation) {
	var name string
	if op != nil {
		name = op.Name
	}
	id, _ := c.data.value("transactionID")
	x.Identify(c.requestID, id, name, names(c.faults, func(f fault) bool { return f.early != nil || f.code != "" || f.spoil != nil }))
}

func names(faults []fault, strikes func(fault) bool) (names []string) {
	for _, f := range faults {
		if strikes(f) {
			names = append(names, f.name)
		}
	}
	return names
}
