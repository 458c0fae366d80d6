package galaxypay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Every example fits its schema, and every answer and request with a body has one.
func TestExamplesFitTheirSchemas(t *testing.T) {
	for name, p := range map[string]*Proxy{
		"no options": {},
		"options":    {Operations: []string{"pay", "query", "fastPay"}, Response: "envelope", Verify: "report", Defaults: map[string]string{"language": "vi"}},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(documentsOf(t, p)["/openapi.json"].body))
			if err != nil {
				t.Fatal(err)
			}
			c := jsonschema.NewCompiler()
			if err := c.AddResource("openapi.json", doc); err != nil {
				t.Fatal(err)
			}
			count := 0
			eachMedia(doc, "", func(pointer string, examples []any) {
				schema, err := c.Compile("openapi.json#" + pointer + "/schema")
				if err != nil {
					t.Fatal(err)
				}
				if len(examples) == 0 {
					t.Errorf("%s has no example", pointer)
				}
				for _, example := range examples {
					count++
					if err := schema.Validate(example); err != nil {
						t.Errorf("%s: %v", pointer, err)
					}
				}
			})
			if count < 20 {
				t.Errorf("%d examples", count)
			}
		})
	}
}

// eachMedia visits the bodies of a description, each with its examples.
func eachMedia(value any, pointer string, visit func(pointer string, examples []any)) {
	object, _ := value.(map[string]any)
	for name, inner := range object {
		at := pointer + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
		if !strings.HasSuffix(pointer, "/content") {
			eachMedia(inner, at, visit)
			continue
		}
		media, _ := inner.(map[string]any)
		var examples []any
		if example, ok := media["example"]; ok {
			examples = append(examples, example)
		}
		several, _ := media["examples"].(map[string]any)
		for _, example := range several {
			examples = append(examples, example.(map[string]any)["value"])
		}
		visit(at, examples)
	}
}

// The description is that of the handler.
func TestDescriptionGoesByTheOptions(t *testing.T) {
	const pay = `"/pay": {`
	for name, test := range map[string]struct {
		handler    *Proxy
		has, lacks []string
	}{
		"none": {
			new(Proxy), []string{pay, `"/refund": {`, `"Galaxypay-Payment-Status"`, `"x-gateway-path": "/api/v1/transaction/void"`, `"url": "/"`, "response_signature_missing"},
			[]string{"Galaxypay-Verified", `"responseDateTime": "20230726172307"`},
		},
		"operations": {
			&Proxy{Operations: []string{"pay", "other"}}, []string{pay, `"Problem404"`, "Operations here: pay, other."},
			[]string{`"/refund": {`, `"/query": {`, "RefundAnswer", "#/components/headers/Galaxypay-Payment-Status"},
		},
		"path": {
			&Proxy{Paths: map[string]string{"void": "/api/v2/void"}}, []string{`"x-gateway-path": "/api/v2/void"`}, []string{"/api/v1/transaction/void"},
		},
		"envelope": {
			&Proxy{Response: "envelope"}, []string{`"responseDateTime": "20230726172307"`, "its whole message"}, []string{"The body is its responseData"},
		},
		"report": {
			&Proxy{Verify: "report"}, []string{"#/components/headers/Galaxypay-Verified"}, []string{"response_signature_missing", "response_signature_invalid"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(documentsOf(t, test.handler)["/openapi.json"].body)
			for _, part := range test.has {
				if !strings.Contains(text, part) {
					t.Errorf("it lacks %s", part)
				}
			}
			for _, part := range test.lacks {
				if strings.Contains(text, part) {
					t.Errorf("it has %s", part)
				}
			}
			if want := fmt.Sprintf("%q: %q", "version", version()); !strings.Contains(text, want) {
				t.Errorf("it lacks %s", want)
			}
		})
	}
}

// The webhooks have the headers that the app gets, and those that every callback has are required.
func TestWebhooksDescribeTheHeaders(t *testing.T) {
	var d struct {
		Webhooks map[string]struct {
			Post struct {
				Parameters []struct {
					Name     string
					Required bool
					Schema   struct{ Enum []string }
				}
			}
		}
	}
	if err := json.Unmarshal(mustDocuments(t)["/openapi.json"].body, &d); err != nil {
		t.Fatal(err)
	}
	least, most := make(http.Header), make(http.Header)
	callbackHeaders{}.set(least)
	callbackHeaders{transaction: "1", order: "1", attempt: 1}.set(most)
	kinds := map[string][]string{"ipn": {kindIPN}, "paymentLinkIPN": {kindIPN}, "result": {kindResult, kindCancel}}
	if len(d.Webhooks) != len(kinds) {
		t.Errorf("%d webhooks", len(d.Webhooks))
	}
	for name, kind := range kinds {
		parameters := d.Webhooks[name].Post.Parameters
		if len(parameters) != len(most) {
			t.Errorf("%s: %d headers", name, len(parameters))
		}
		for _, parameter := range parameters {
			_, always := least[parameter.Name]
			if _, ok := most[parameter.Name]; !ok || parameter.Required != always {
				t.Errorf("%s: %s is required: %t", name, parameter.Name, parameter.Required)
			}
			if parameter.Name == "Galaxypay-Callback" && !slices.Equal(parameter.Schema.Enum, kind) {
				t.Errorf("%s: kinds %v", name, parameter.Schema.Enum)
			}
		}
	}
}
