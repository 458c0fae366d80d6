package describe

import (
	"net/http"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// documentPaths describes the documents that the sidecar itself answers GET with.
func (s *Site) documentPaths() object {
	var names []string
	for _, list := range operation.Lists() {
		names = append(names, list.Name)
	}
	codes := ref("schemas", "CodeList")
	general := slices.DeleteFunc(slices.Clone(s.Documents), func(f Failure) bool { return f.Status == http.StatusNotFound })
	return object{
		{"/openapi.json", object{{"get", getDocument("getOpenAPI", "This description",
			"It goes by the options of this handler. The command `caddy galaxypay openapi` prints that of a handler without options.", object{{"type", "object"}, {"additionalProperties", true}}, object{{"openapi", "3.1.0"}}, general)}}},
		{"/codes", object{{"get", getDocument("getCodes", "Every list of codes",
			"The codes of the gateway's documents with their names in English and Vietnamese, for the app's own pages.",
			object{{"type", "array"}, {"items", codes}}, []operation.List{shortest()}, general)}}},
		{"/codes/{list}", object{
			{"parameters", []object{{
				{"name", "list"}, {"in", "path"}, {"required", true},
				{"description", "Name of the list."},
				{"schema", object{{"type", "string"}, {"enum", names}}},
			}}},
			{"get", getDocument("getCodeList", "One list of codes", "One of the lists of `/codes`.", codes, shortest(), s.Documents)},
		}},
	}
}

// shortest is the list that makes the shortest example.
func shortest() operation.List {
	return slices.MinFunc(operation.Lists(), func(a, b operation.List) int { return len(a.Codes) - len(b.Codes) })
}

func getDocument(id, summary, description string, schema object, example any, failures []Failure) object {
	cached := append([]string{"ETag"}, ownHeaders...)
	return object{
		{"operationId", id},
		{"tags", []string{tagReference}},
		{"summary", summary},
		{"description", description},
		{"parameters", []object{ref("parameters", "IfNoneMatch")}},
		{"responses", append(object{
			{"200", object{
				{"description", "The document."},
				{"headers", headerRefs(append(cached, "Accept-Ranges")...)},
				{"content", jsonContent(schema, example)},
			}},
			{"206", object{
				{"description", "The part of it that Range asks for."},
				{"headers", headerRefs(append(cached, "Accept-Ranges", "Content-Range")...)},
			}},
			{"304", object{
				{"description", "It has not changed since the ETag that was sent."},
				{"headers", headerRefs(cached...)},
			}},
		}, problemRefs("DocumentProblem", failures)...)},
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
