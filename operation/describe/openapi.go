package describe

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Failure is one way in which a call can fail. The catalogue does not list them: they
// belong to the handler that answers the app.
type Failure struct {
	Status  int    // of the HTTP answer
	Code    string // the stable name
	Outcome string // what the app may do next
	Title   string // in a few words
}

// OpenAPI describes the site that takes the app's calls, as an OpenAPI 3.1 document: every operation
// under its short name, with the failures that any of them can have. The same
// catalogue and failures always give the same bytes.
func OpenAPI(failures []Failure) ([]byte, error) {
	paths := object{}
	for _, o := range operation.All() {
		paths = append(paths, member{"/" + o.Name, object{{"post", operationObject(&o, failures)}}})
	}
	paths = append(paths, documentPaths()...)

	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		{"openapi", "3.1.0"},
		{"info", info},
		{"servers", []object{{{"url", "http://localhost:9180"}, {"description", "The sidecar, beside the app."}}}},
		// Who may call is decided by the connection's address, so there is nothing to send.
		{"security", []object{}},
		{"tags", tags},
		{"paths", paths},
		{"components", object{
			{"parameters", parameters},
			{"headers", headers},
			{"responses", problemResponses(failures)},
			{"schemas", schemas()},
		}},
	})
	return text.Bytes(), err
}

var info = object{
	{"title", "Galaxy Pay sidecar"},
	{"version", "1"},
	{"summary", "Plain JSON in, plain JSON out; the sidecar signs, sends and proves."},
	{"description", `Post an operation's requestData as one JSON object. The sidecar wraps it in the gateway's envelope, signs it, ` +
		`sends it at most once, proves the answer and returns its responseData. Anything but 200 is a problem; ` +
		"its outcome says what the app may do next.\n\n" +
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
)

var tags = []object{
	{{"name", tagTransaction}, {"description", "Payments and what can be done with them."}},
	{{"name", tagTokenization}, {"description", "Stored cards."}},
	{{"name", tagReference}, {"description", "This description, and the gateway's codes. Nothing is sent to the gateway."}},
}

func tagOf(o *operation.Operation) string {
	if strings.HasPrefix(o.Path, "/api/v1/tokenization/") {
		return tagTokenization
	}
	return tagTransaction
}

// operationObject describes an operation as OpenAPI's "operation object".
func operationObject(o *operation.Operation, failures []Failure) object {
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
		member{"responses", responses(o, failures)},
	)
}

// schemaName names a component after the operation: PayRequest.
func schemaName(o *operation.Operation, suffix string) string { return capitalised(o.Name) + suffix }

func responses(o *operation.Operation, failures []Failure) object {
	carried := []string{"Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id", "Galaxypay-Response-Code"}
	if o.Name == operation.Query || o.Name == operation.FastPay {
		carried = append(carried, paymentStatusHeader)
	}
	all := object{{"200", object{
		{"description", "The gateway's proven answer is yes. The body is its responseData."},
		{"headers", headerRefs(carried...)},
		{"content", jsonContent(ref("schemas", schemaName(o, "Answer")), o.Answer)},
	}}}
	return append(all, problemRefs(statusesOf(failures)...)...)
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

func jsonContent(schema object, example json.RawMessage) object {
	media := object{{"schema", schema}}
	if example != nil {
		media = append(media, member{"example", example})
	}
	return object{{"application/json", media}}
}

func ref(section, name string) object {
	return object{{"$ref", "#/components/" + section + "/" + name}}
}
