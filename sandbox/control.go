package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// control is the control API, for tests and the dashboard: what a customer, a bank, time or a
// merchant's back office would do, and what the sandbox remembers.
type control struct {
	ledger     *ledger.Ledger
	ipns       *ipnSender
	operations *operations
}

// addTo adds the addresses of the control API to the routes.
func (c control) addTo(routes *http.ServeMux) {
	const one = "POST /sandbox/transactions/{transactionID}/"
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET /sandbox/transactions":                 c.listTransactions,
		"GET /sandbox/transactions/{transactionID}": c.showTransaction,
		"GET /sandbox/exchanges":                    c.listExchanges,
		"POST /sandbox/transactions":                c.openUnsigned,
		one + "complete":                            c.settleAs(ledger.Success),
		one + "fail":                                c.fail,
		one + "cancel":                              c.settleAs(ledger.Cancelled),
		one + "expire":                              c.settleAs(ledger.Expired),
		one + "resend-ipn":                          c.resendIPN,
		one + "refund":                              c.refund,
		one + "capture":                             c.finishBy((*ledger.Transaction).Capture),
		one + "void":                                c.finishBy((*ledger.Transaction).Void),
		"GET /sandbox/faults":                       c.showFaults,
		"PUT /sandbox/faults":                       c.setFaults,
		"GET /sandbox/clock":                        c.showClock,
		"POST /sandbox/clock":                       c.advanceClock,
		"POST /sandbox/reset":                       c.reset,
	} {
		routes.HandleFunc(pattern, ownPageOnly(serve))
	}
}

// readJSON reads what a request of the control API says, or refuses it. A request that has
// nothing to say needs no body.
func readJSON(w http.ResponseWriter, r *http.Request, wanted any) (ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		refuseBody(w, err)
		return false
	}
	if len(body) == 0 {
		return true
	}
	if !isJSON(r.Header) {
		writeProblem(w, http.StatusUnsupportedMediaType, "content_type_unsupported", "Content-Type must be application/json")
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(wanted) != nil || decoder.Decode(new(any)) != io.EOF {
		refuseControl(w, "the body is not the JSON object that this address expects")
		return false
	}
	return true
}

// readNothing is readJSON for a request that has nothing to say.
func readNothing(w http.ResponseWriter, r *http.Request) (ok bool) {
	return readJSON(w, r, new(struct{}))
}

func refuseControl(w http.ResponseWriter, reason string) {
	writeProblem(w, http.StatusBadRequest, "body_invalid", reason)
}

// refuseChange says why a transaction is left as it was.
func refuseChange(w http.ResponseWriter, err error) {
	if errors.Is(err, ledger.ErrUnknown) {
		writeProblem(w, http.StatusNotFound, "transaction_unknown", err.Error())
		return
	}
	writeProblem(w, http.StatusConflict, "state_conflict", err.Error())
}
