package operation

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Failure is one way in which a call can fail. The catalogue does not know them: they
// belong to whoever answers the app.
type Failure struct {
	Status  int    // of the HTTP answer
	Code    string // the stable name
	Outcome string // what the app may do next
	Title   string // in a few words
}

// OpenAPI describes the outbound site as an OpenAPI 3.1 document: every operation
// under its short name, with the failures that any of them can have. The same
// catalogue and failures always give the same bytes.
func OpenAPI(failures []Failure) ([]byte, error) {
	paths := object{}
	for i := range all {
		paths = append(paths, member{"/" + all[i].Name, object{{"post", all[i].describe(failures)}}})
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

func (o *Operation) tag() string {
	if strings.HasPrefix(o.Path, "/api/v1/tokenization/") {
		return tagTokenization
	}
	return tagTransaction
}

// describe returns the operation's OpenAPI operation object.
func (o *Operation) describe(failures []Failure) object {
	about := o.About.En
	if o.PathUnpublished {
		about += " The gateway's documents name no address for it: x-gateway-path follows its siblings, and the option path corrects it."
	}
	description := object{
		{"operationId", o.Name},
		{"tags", []string{o.tag()}},
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
			{"content", jsonContent(ref("schemas", o.schemaName("Request")), o.Example)},
		}},
		member{"responses", o.responses(failures)},
	)
}

// schemaName names a component after the operation: PayRequest.
func (o *Operation) schemaName(suffix string) string { return capitalised(o.Name) + suffix }

func (o *Operation) responses(failures []Failure) object {
	carried := []string{"Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id", "Galaxypay-Response-Code"}
	if o.Name == Query || o.Name == FastPay {
		carried = append(carried, paymentStatusHeader)
	}
	responses := object{{"200", object{
		{"description", "The gateway's proven answer is yes. The body is its responseData."},
		{"headers", headerRefs(carried...)},
		{"content", jsonContent(ref("schemas", o.schemaName("Answer")), o.Answer)},
	}}}
	return append(responses, problemRefs(statusesOf(failures)...)...)
}

// documentPaths describes what can be had with GET.
func documentPaths() object {
	var names []string
	for _, list := range Lists() {
		names = append(names, list.Name)
	}
	codes := ref("schemas", "CodeList")
	return object{
		{"/openapi.json", object{{"get", getDocument("getOpenAPI", "This description",
			"The same as the command `caddy galaxypay openapi` prints.", object{{"type", "object"}, {"additionalProperties", true}})}}},
		{"/codes", object{{"get", getDocument("getCodes", "Every list of codes",
			"The codes of the gateway's documents with their names in English and Vietnamese, for the app's own pages.",
			object{{"type", "array"}, {"items", codes}})}}},
		{"/codes/{list}", object{
			{"parameters", []object{{
				{"name", "list"}, {"in", "path"}, {"required", true},
				{"description", "Name of the list."},
				{"schema", object{{"type", "string"}, {"enum", names}}},
			}}},
			{"get", getDocument("getCodeList", "One list of codes", "One of the lists of `/codes`.", codes, http.StatusNotFound)},
		}},
	}
}

func getDocument(id, summary, description string, schema object, problems ...int) object {
	return object{
		{"operationId", id},
		{"tags", []string{tagReference}},
		{"summary", summary},
		{"description", description},
		{"parameters", []object{ref("parameters", "IfNoneMatch")}},
		{"responses", append(object{
			{"200", object{
				{"description", "The document."},
				{"headers", headerRefs("ETag")},
				{"content", jsonContent(schema, nil)},
			}},
			{"304", object{
				{"description", "It has not changed since the ETag that was sent."},
				{"headers", headerRefs("ETag")},
			}},
		}, problemRefs(append([]int{http.StatusForbidden}, problems...)...)...)},
	}
}

var parameters = object{
	{"IdempotencyKey", object{
		{"name", "Idempotency-Key"}, {"in", "header"},
		{"description", "Makes the requestID: the same key always gives the same one, so that the gateway can tell a repetition. " +
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

const paymentStatusHeader = "Galaxypay-Payment-Status"

// paymentStatuses are the values of the header. They are a promise to apps, so a
// new one would be another contract.
var paymentStatuses = []string{"paid", "cancelled", "expired", "pending", "failed"}

var headers = object{
	{"Galaxypay-Merchant", textHeader("In whose name the sidecar signed.")},
	{"Galaxypay-Operation", textHeader("Short name of the operation, as far as it is known.")},
	{"Galaxypay-Request-Id", textHeader("The requestID of the message to the gateway.")},
	{"Galaxypay-Response-Code", textHeader("The responseCode of the gateway's proven answer.")},
	{paymentStatusHeader, object{
		{"description", "What the answer to query or fastPay says of the payment, where it settles it. Only `paid` hands out goods."},
		{"schema", object{{"type", "string"}, {"enum", paymentStatuses}}},
	}},
	{"Retry-After", textHeader("With `overloaded`: after how many seconds to try again.")},
	{"ETag", textHeader("Changes with the document.")},
}

func textHeader(description string) object {
	return object{{"description", description}, {"schema", object{{"type", "string"}}}}
}

// problemResponses returns one response for each status, with the codes that come with it.
func problemResponses(failures []Failure) object {
	responses := object{}
	for _, status := range statusesOf(failures) {
		with := slices.DeleteFunc(slices.Clone(failures), func(f Failure) bool { return f.Status != status })
		slices.SortFunc(with, func(a, b Failure) int { return cmp.Compare(a.Code, b.Code) })
		carried := []string{"Galaxypay-Merchant", "Galaxypay-Operation", "Galaxypay-Request-Id"}
		if slices.ContainsFunc(with, func(f Failure) bool { return f.Outcome == "rejected" }) {
			carried = append(carried, "Galaxypay-Response-Code", paymentStatusHeader)
		}
		if slices.ContainsFunc(with, func(f Failure) bool { return f.Code == "overloaded" }) {
			carried = append(carried, "Retry-After")
		}
		lines := make([]string, len(with))
		for i, f := range with {
			lines[i] = fmt.Sprintf("- `%s` (`%s`): %s.", f.Code, f.Outcome, f.Title)
		}
		responses = append(responses, member{problemName(status), object{
			{"description", http.StatusText(status) + ". `code` and `outcome`:\n\n" + strings.Join(lines, "\n")},
			{"headers", headerRefs(carried...)},
			{"content", object{{"application/problem+json", object{{"schema", ref("schemas", "Problem")}}}}},
		}})
	}
	return responses
}

func problemRefs(statuses ...int) object {
	refs := object{}
	for _, status := range statuses {
		refs = append(refs, member{strconv.Itoa(status), ref("responses", problemName(status))})
	}
	return refs
}

func problemName(status int) string { return "Problem" + strconv.Itoa(status) }

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

// object is a JSON object whose members keep their order, so that the document reads
// as the catalogue does.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := encoder.Encode(m.name); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}
