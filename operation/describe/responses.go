package describe

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Headers that only some answers have.
const (
	paymentStatusHeader = "Galaxypay-Payment-Status"
	verifiedHeader      = "Galaxypay-Verified"
	orderHeader         = "Galaxypay-Order"
	replayedHeader      = "Galaxypay-Replayed"
)

// ownHeaders are those of every answer, and problemHeaders those of every problem.
var (
	ownHeaders     = []string{"Cache-Control", "X-Content-Type-Options"}
	problemHeaders = append([]string{"Content-Language"}, ownHeaders...)
)

// paymentStatuses are the values of the header. They are a promise to apps, so a
// new one would be another contract.
var paymentStatuses = []string{"paid", "cancelled", "expired", "pending", "failed"}

// ledgerStatuses are the values that there are with a ledger besides: of messages, and of recorded payments, which repeated calls
// are answered with.
var ledgerStatuses = []string{"authorized", "reversed", "disputed", "none", "open", "unknown", "abandoned", "silent"}

func (s *Site) paymentStatuses() []string {
	if s.Ledger {
		return append(slices.Clone(paymentStatuses), ledgerStatuses...)
	}
	return paymentStatuses
}

// headers describes those of this site's answers.
func (s *Site) headers() object {
	described := object{
		{"Galaxypay-Merchant", textHeader("In whose name the sidecar signed.")},
		{"Galaxypay-Operation", textHeader("Short name of the operation, as far as it is known.")},
		{"Galaxypay-Request-Id", textHeader("The requestID of the message to the gateway.")},
		{"Galaxypay-Response-Code", textHeader("The responseCode of the gateway's proven answer.")},
		{paymentStatusHeader, object{
			{"description", "What the answer to query or fastPay says of the payment, where it settles it. Only `paid` hands out goods. A fast pay with an endpoint and no transactionStatus is `pending`. After isAutoCapture false, `paid` means that the amount is held, and after a refund a query still says `paid`: the app must remember both."},
			{"schema", object{{"type", typeString}, {"enum", s.paymentStatuses()}}},
		}},
		{orderHeader, object{
			{"description", "Whether the answer to query or fastPay fits what was signed: `matched`, `mismatched` (then the payment status is `disputed`), or `unknown` where it cannot be said."},
			{"schema", object{{"type", typeString}, {"enum", []string{"matched", "mismatched", "unknown"}}}},
		}},
		{replayedHeader, object{
			{"description", "`true`: the call was made before, and this is its recorded answer. Nothing was sent."},
			{"schema", object{{"type", typeString}, {"enum", []string{"true"}}}},
		}},
		{verifiedHeader, object{
			{"description", "`false`: the answer is not proven, so it may be forged. Such an answer has no Galaxypay-Payment-Status. Without this header the answer is proven."},
			{"schema", object{{"type", typeString}, {"enum", []string{"false"}}}},
		}},
		{"Retry-After", textHeader("With `overloaded`: after how many seconds to try again.")},
		{"Accept-Post", textHeader("The Content-Type that a call must have.")},
		{"Accept-Encoding", textHeader("`identity`: a call must not be compressed.")},
		{"Content-Language", textHeader("Language of title and detail: `en` or `vi`.")},
		{"Cache-Control", textHeader("`no-store`; of a document `no-cache`.")},
		{"X-Content-Type-Options", textHeader("`nosniff`.")},
		{"ETag", textHeader("Changes with the document.")},
		{"Accept-Ranges", textHeader("`bytes`.")},
		{"Content-Range", textHeader("Which part of the document this is, and how long the document is.")},
	}
	return slices.DeleteFunc(described, func(h member) bool { return !s.sends(h.name) })
}

// sends reports whether an answer of this site can have the header.
func (s *Site) sends(header string) bool {
	switch header {
	case verifiedHeader:
		return s.Unproven
	case orderHeader, replayedHeader:
		return s.Ledger
	case paymentStatusHeader:
		return s.Ledger || slices.ContainsFunc(s.Operations, func(o operation.Operation) bool { return saysPaymentStatus(&o) })
	case "Retry-After", "Accept-Post", "Accept-Encoding":
		return slices.ContainsFunc(s.Calls, func(f Failure) bool { return slices.Contains(f.Headers, header) })
	}
	return true
}

func textHeader(description string) object {
	return object{{"description", description}, {"schema", object{{"type", typeString}}}}
}

// problemResponses returns one response for each status, with the codes that come with it.
func problemResponses(prefix string, failures []Failure) object {
	responses := object{}
	for _, status := range statusesOf(failures) {
		with := slices.DeleteFunc(slices.Clone(failures), func(f Failure) bool { return f.Status != status })
		slices.SortFunc(with, func(a, b Failure) int { return cmp.Compare(a.Code, b.Code) })
		var carried, lines []string
		examples := object{}
		for _, f := range with {
			carried = append(carried, f.Headers...)
			lines = append(lines, fmt.Sprintf("- `%s` (`%s`): %s.", f.Code, f.Outcome, f.Title))
			examples = append(examples, member{f.Code, object{{"summary", f.Title}, {"value", f.Example}}})
		}
		slices.Sort(carried)
		carried = append(slices.Compact(carried), problemHeaders...)
		responses = append(responses, member{problemName(prefix, status), object{
			{"description", http.StatusText(status) + ". `code` and `outcome`:\n\n" + strings.Join(lines, "\n")},
			{"headers", headerRefs(carried...)},
			{"content", object{{"application/problem+json", object{{"schema", ref("schemas", "Problem")}, {"examples", examples}}}}},
		}})
	}
	return responses
}

func problemRefs(prefix string, failures []Failure) object {
	refs := object{}
	for _, status := range statusesOf(failures) {
		refs = append(refs, member{strconv.Itoa(status), ref("responses", problemName(prefix, status))})
	}
	return refs
}

func problemName(prefix string, status int) string { return prefix + strconv.Itoa(status) }

func statusesOf(failures []Failure) []int {
	var statuses []int
	for _, f := range failures {
		statuses = append(statuses, f.Status)
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

func headerRefs(names ...string) object {
	refs := object{}
	for _, name := range names {
		refs = append(refs, member{name, ref("headers", name)})
	}
	return refs
}

var problemSchema = object{
	{"type", "object"},
	{"description", "Why a call did not succeed (RFC 9457). Programs branch on outcome and code; title and detail are for people."},
	{"required", []string{"type", "title", "status", "detail", "code", "outcome"}},
	{"properties", object{
		{"type", object{{"type", "string"}, {"format", "uri"}, {"description", "Address of the failure's description."}}},
		{"title", object{{"type", "string"}, {"description", "The failure in a few words."}}},
		{"status", object{{"type", "integer"}, {"description", "The HTTP status once more."}}},
		{"detail", object{{"type", "string"}, {"description", "What is wrong here and what to do."}}},
		// No enum: a client that meets a code which is newer than itself still has the outcome.
		{"code", object{{"type", "string"}, {"description", "Stable name of the failure. A later version may have more of them."}}},
		{"outcome", object{{"type", "string"}, {"enum", []string{"not_sent", "rejected", "unknown"}}, {"description", "What the app may do next. " +
			"`not_sent`: nothing reached the gateway; correct it and try again. " +
			"`rejected`: the gateway's proven answer is no. " +
			"`unknown`: it may have been carried out; wait for the IPN or call query, and never pay again under a new id."}}},
		{"operation", object{{"type", "string"}, {"description", "Short name of the operation, where it is known."}}},
		{"requestID", object{{"type", "string"}, {"description", "The requestID of the message, where there is one."}}},
		{"responseCode", object{{"type", "string"}, {"description", "The gateway's, from a proven answer."}}},
		{"responseMessage", object{{"type", "string"}, {"description", "The gateway's, from a proven answer."}}},
		{"errors", object{{"type", "array"}, {"items", ref("schemas", "FieldError")}, {"description", "What is wrong, field by field."}}},
	}},
}

var fieldErrorSchema = object{
	{"type", "object"},
	{"required", []string{"field", "code", "detail"}},
	{"properties", object{
		{"field", object{{"type", "string"}, {"description", "Path of the field."}, {"examples", []string{"extraData.customer.email"}}}},
		{"code", object{{"type", "string"}, {"description", "Stable name of the fault."}, {"examples", []operation.Code{operation.CodeRequired}}}},
		{"detail", object{{"type", "string"}, {"description", "A sentence for people."}}},
	}},
}
