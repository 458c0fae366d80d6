package describe

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Site is what the description depends on besides the catalogue: the handler that answers the app.
type Site struct {
	// Version is that of the program.
	Version string
	// Operations are those that are open, with their paths at the gateway.
	Operations []operation.Operation
	// Defaults are the fields that the handler adds where the app leaves them out.
	Defaults []string
	// Envelope says that an answer is the gateway's whole message, not its responseData alone.
	Envelope bool
	// Unproven says that answers without a proof are passed on too, with a mark.
	Unproven bool
	// Ledger says that calls are recorded, so that a repeated one is answered with what was recorded.
	Ledger bool
	// Calls are the ways in which a call can fail, Documents those of a GET.
	Calls, Documents []Failure
}

// Failure is one way in which a request can fail.
type Failure struct {
	Status  int      // of the HTTP answer
	Code    string   // the stable name
	Outcome string   // what the app may do next
	Title   string   // in a few words
	Headers []string // of the answer, besides those of every problem
	Example any      // its body
}

// OpenAPI describes the site that takes the app's calls, as an OpenAPI 3.1 document: every open
// operation under its short name, with the failures that it can have, and the callbacks that the
// app gets. The same site always gives the same bytes.
func OpenAPI(s *Site) ([]byte, error) {
	paths := object{}
	for _, o := range s.Operations {
		paths = append(paths, member{"/" + o.Name, object{{"post", s.operationObject(&o)}}})
	}
	paths = append(paths, s.documentPaths()...)

	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		{"openapi", "3.1.0"},
		{"info", info(s.Version)},
		// Where the description comes from is where calls go.
		{"servers", []object{{{"url", "/"}, {"description", "The sidecar, beside the app."}}}},
		// Who may call is decided by the connection's address, so there is nothing to send.
		{"security", []object{}},
		{"tags", tags},
		{"paths", paths},
		{"webhooks", s.webhooks()},
		{"components", object{
			{"parameters", parameters},
			{"headers", s.headers()},
			{"responses", append(problemResponses("Problem", s.Calls), problemResponses("DocumentProblem", s.Documents)...)},
			{"schemas", s.schemas()},
		}},
	})
	return text.Bytes(), err
}

func info(version string) object {
	return append(object{{"title", "Galaxy Pay sidecar"}, {"version", version}}, about...)
}

var about = object{
	{"summary", "Plain JSON in, plain JSON out; the sidecar signs, sends and proves."},
	{"description", `Post an operation's requestData as one JSON object. The sidecar wraps it in the gateway's envelope, signs it, ` +
		`sends it at most once, proves the answer and returns its responseData. Anything but 200 is a problem; ` +
		"its outcome says what the app may do next.\n\n" +
		"The gateway may take 30 seconds, and the sidecar waits for it, so give the app's client a timeout of 35 seconds: " +
		"a client that gives up sooner does not see whether it has paid. Amounts come back as text, so compare them by value.\n\n" +
		`Fields that are null or empty count as left out, and fields that are not listed pass: the gateway decides about them. ` +
		"Where the gateway's documents contradict each other, x-disputed says how.\n\n" +
		`Gửi requestData của một thao tác dưới dạng một đối tượng JSON. Sidecar đóng gói, ký, gửi tối đa một lần, ` +
		`kiểm tra chữ ký của trả lời và trả về responseData. Mọi trả lời khác 200 là một problem; ` +
		`trường outcome cho biết ứng dụng được làm gì tiếp theo.`},
	{"license", object{{"name", "Apache License 2.0"}, {"identifier", "Apache-2.0"}}},
}

// The tags of operations are the trees that the gateway has them in.
const (
	tagTransaction  = "transaction"
	tagTokenization = "tokenization"
	tagReference    = "reference"
	tagCallbacks    = "callbacks"
)

var tags = []object{
	{{"name", tagTransaction}, {"description", "Payments and what can be done with them."}},
	{{"name", tagTokenization}, {"description", "Stored cards."}},
	{{"name", tagReference}, {"description", "This description, and the gateway's codes. Nothing is sent to the gateway."}},
	{{"name", tagCallbacks}, {"description", "What the app gets from the gateway, proven by the sidecar. Galaxypay-* headers are the sidecar's."}},
}

func tagOf(o *operation.Operation) string {
	if strings.HasPrefix(o.Path, "/api/v1/tokenization/") {
		return tagTokenization
	}
	return tagTransaction
}

// operationObject describes an operation as OpenAPI's "operation object".
func (s *Site) operationObject(o *operation.Operation) object {
	about := o.About.En
	if o.PathUnpublished {
		about += " The gateway's documents name no address for it: x-gateway-path follows its siblings, and the option path corrects it."
	}
	description := object{
		{"operationId", o.Name},
		{"tags", []string{tagOf(o)}},
		{"summary", o.Title.En},
		{"x-summary-vi", o.Title.Vi},
		{"description", about + "\n\n" + o.About.Vi},
		{"x-gateway-path", o.Path},
	}
	if o.PathUnpublished {
		description = append(description, member{"x-path-unpublished", true})
	}
	return append(description,
		member{"x-source", o.Source},
		member{"parameters", []object{ref("parameters", "IdempotencyKey"), ref("parameters", "AcceptLanguage")}},
		member{"requestBody", object{
			{"required", true},
			{"content", jsonContent(ref("schemas", schemaName(o, "Request")), o.Example)},
		}},
		member{"responses", s.responses(o)},
	)
}

// schemaName names a component after the operation: PayRequest.
func schemaName(o *operation.Operation, suffix string) string { return capitalised(o.Name) + suffix }

func (s *Site) responses(o *operation.Operation) object {
	carried := []string{"Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id", "Galaxypay-Response-Code"}
	if s.Ledger {
		carried = append(carried, orderHeader, replayedHeader)
	}
	if s.Ledger || saysPaymentStatus(o) {
		carried = append(carried, paymentStatusHeader)
	}
	if s.Unproven {
		carried = append(carried, verifiedHeader)
	}
	body := "its responseData"
	if s.Envelope {
		body = "its whole message"
	}
	all := object{{"200", object{
		{"description", "The gateway's proven answer is yes. The body is " + body + "."},
		{"headers", headerRefs(append(carried, ownHeaders...)...)},
		{"content", jsonContent(ref("schemas", schemaName(o, "Answer")), s.answerExample(o))},
	}}}
	return append(all, problemRefs("Problem", s.Calls)...)
}

// saysPaymentStatus reports whether an answer to the operation says what became of a payment.
func saysPaymentStatus(o *operation.Operation) bool {
	return o.Name == operation.Query || o.Name == operation.FastPay
}

// answerExample is a body of an answer.
func (s *Site) answerExample(o *operation.Operation) any {
	data := o.Answer
	if data == nil {
		data = o.SandboxAnswer
	}
	if !s.Envelope {
		return data
	}
	return envelopeExample(data)
}

var parameters = object{
	{"IdempotencyKey", object{
		{"name", "Idempotency-Key"}, {"in", "header"},
		{"description", "Makes the requestID: the same key always gives the same one, so that the gateway recognises a repetition. " +
			"Make it from the order and what is done to it. A key that is not 1 to 50 letters, digits and hyphens is hashed."},
		{"schema", object{{"type", "string"}}},
		{"example", "DH-1001-pay-1"},
	}},
	{"AcceptLanguage", object{
		{"name", "Accept-Language"}, {"in", "header"},
		{"description", "Language of a problem's title and detail: English, or Vietnamese with `vi`."},
		{"schema", object{{"type", "string"}}},
		{"example", "vi"},
	}},
	{"IfNoneMatch", object{
		{"name", "If-None-Match"}, {"in", "header"},
		{"description", "The ETag of the copy that the app has."},
		{"schema", object{{"type", "string"}}},
	}},
}

func jsonContent(schema, example any) object {
	media := object{{"schema", schema}}
	if example != nil {
		media = append(media, member{"example", example})
	}
	return object{{"application/json", media}}
}

func ref(section, name string) object {
	return object{{"$ref", "#/components/" + section + "/" + name}}
}
