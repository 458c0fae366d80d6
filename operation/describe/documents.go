package describe

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// documentPaths describes the documents that the sidecar itself answers GET with.
func documentPaths() object {
	var names []string
	for _, list := range operation.Lists() {
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

var codeListSchema = object{
	{"type", "object"},
	{"required", []string{"name", "en", "vi", "closed", "codes"}},
	{"properties", object{
		{"name", object{{"type", "string"}}},
		{"en", object{{"type", "string"}, {"description", "Title in English."}}},
		{"vi", object{{"type", "string"}, {"description", "Title in Vietnamese."}}},
		{"closed", object{{"type", "boolean"}, {"description", "Whether the list is complete. If not, the gateway may accept more codes than its documents list."}}},
		{"codes", object{{"type", "array"}, {"items", object{
			{"type", "object"},
			{"required", []string{"code", "en", "vi"}},
			{"properties", object{
				{"code", object{{"type", "string"}}},
				{"en", object{{"type", "string"}}},
				{"vi", object{{"type", "string"}}},
			}},
		}}}},
	}},
}
