package galaxypay

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// runCommand runs "caddy galaxypay ..." and returns what it printed.
func runCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	registered, ok := caddycmd.Commands()["galaxypay"]
	if !ok {
		t.Fatal("caddy does not know the command")
	}
	cmd := &cobra.Command{Use: registered.Name, SilenceErrors: true, SilenceUsage: true}
	registered.CobraFunc(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// The command prints what a running sidecar answers.
func TestOpenAPICommand(t *testing.T) {
	printed, err := runCommand(t, "openapi")
	if err != nil {
		t.Fatal(err)
	}
	docs := mustDocuments(t)
	if served := string(docs["/openapi.json"].body); printed != served || !strings.HasPrefix(printed, "{\n  \"openapi\": \"3.1.0\"") {
		t.Errorf("printed %.100q, served %.100q", printed, served)
	}
}

func TestOpenAPICommandTakesNoArguments(t *testing.T) {
	if printed, err := runCommand(t, "openapi", "pay"); err == nil || strings.Contains(printed, "3.1.0") {
		t.Errorf("printed %.100q, error %v", printed, err)
	}
}

// A script that misspells a subcommand must not go on as if all was well.
func TestUnknownSubcommands(t *testing.T) {
	for _, args := range [][]string{{"inbx"}, {"inbox", "lst"}, {"store", "chek"}, {"inbox", "5b7e"}} {
		printed, err := runCommand(t, args...)
		if err == nil || !strings.Contains(err.Error(), "unknown subcommand") || !strings.Contains(err.Error(), "known are ") {
			t.Errorf("%q: error %v, printed %.100q", args, err, printed)
		}
	}
	for _, args := range [][]string{{"inbox", "show"}, {"inbox", "show", "5b7e", "5b7f"}} {
		if _, err := runCommand(t, args...); err == nil || !strings.Contains(err.Error(), "expected the id of an event, or its beginning, got") {
			t.Errorf("%q: error %v", args, err)
		}
	}
	for _, args := range [][]string{{"store", "backup"}, {"store", "backup", "a", "b"}} {
		if _, err := runCommand(t, args...); err == nil || !strings.Contains(err.Error(), "expected the file to write, got") {
			t.Errorf("%q: error %v", args, err)
		}
	}
	for _, args := range [][]string{{}, {"inbox"}, {"store"}, {"help"}, {"inbox", "help"}} {
		if printed, err := runCommand(t, args...); err != nil || !strings.Contains(printed, "Available Commands") {
			t.Errorf("%q: error %v, printed %.100q", args, err, printed)
		}
	}
}

func TestNoAdminEndpoint(t *testing.T) {
	socket := "unix/" + t.TempDir() + "/admin.sock"
	for _, address := range []string{"localhost:1", socket} {
		_, err := runCommand(t, "inbox", "stats", "--address", address)
		if err == nil || !strings.Contains(err.Error(), "option admin, and "+address+" was tried") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// description is what the tests look at in the OpenAPI document.
type description struct {
	Components struct {
		Responses map[string]struct {
			Description string
			Content     map[string]struct {
				Examples map[string]struct{ Value problem.Body }
			}
		}
		Headers map[string]struct{ Schema struct{ Enum []string } }
		Schemas map[string]struct {
			Required   []string
			Properties map[string]struct{ Type, Enum any }
		}
	}
}

func readDescription(t *testing.T) description {
	t.Helper()
	text, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// The description knows exactly the members that a problem can have. A callback's
// problem may lack the outcome; a call's never does.
func TestOpenAPIDescribesProblems(t *testing.T) {
	d := readDescription(t)
	for name, of := range map[string]reflect.Type{
		"Problem":    reflect.TypeFor[problem.Body](),
		"FieldError": reflect.TypeFor[problem.FieldError](),
	} {
		schema := d.Components.Schemas[name]
		var always []string
		for field := range of.Fields() {
			member, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			if option != "omitempty" || member == "outcome" {
				always = append(always, member)
			}
			want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Slice: "array"}[field.Type.Kind()]
			if got := schema.Properties[member].Type; got != want {
				t.Errorf("%s: %s is described as %v", name, member, got)
			}
		}
		if len(schema.Properties) != of.NumField() || !slices.Equal(schema.Required, always) {
			t.Errorf("%s: %d members, always %v", name, len(schema.Properties), schema.Required)
		}
	}
	want := []any{string(problem.NotSent), string(problem.Rejected), string(problem.Unknown)}
	if got := d.Components.Schemas["Problem"].Properties["outcome"].Enum; !reflect.DeepEqual(got, want) {
		t.Errorf("outcomes %v", got)
	}
}

func TestOpenAPIDescribesPaymentStatuses(t *testing.T) {
	want := []string{string(Paid), string(Cancelled), string(Expired), string(Pending), string(Failed)}
	if got := readDescription(t).Components.Headers["Galaxypay-Payment-Status"].Schema.Enum; !slices.Equal(got, want) {
		t.Errorf("statuses %v", got)
	}
}

// Every failure of a call is described under its status, with an example, and those of callbacks nowhere. Another
// method than POST has no place in the description.
func TestOpenAPIDescribesFailures(t *testing.T) {
	otherwise := map[problem.Code][]string{
		problem.CodeCallerNotAllowed:    {"DocumentProblem403", "Problem403"},
		problem.CodeOperationUnknown:    {"DocumentProblem404"}, // of calls where some operations are closed
		problem.CodePreconditionFailed:  {"DocumentProblem412"},
		problem.CodeRangeNotSatisfiable: {"DocumentProblem416"},
		problem.CodeMethodNotAllowed:    nil,
		// Of handlers with a ledger, which the command does not know.
		problem.CodeStoreUnavailable: nil, problem.CodeInProgress: nil, problem.CodeIdempotencyKeyReused: nil, problem.CodeSettled: nil, problem.CodePageLost: nil,
	}
	responses := readDescription(t).Components.Responses
	for _, code := range problem.Codes() {
		line := "- `" + string(code) + "` (`" + string(code.Outcome()) + "`): " + code.Title().En + "."
		var at []string
		for name, response := range responses {
			if slices.ContainsFunc(strings.Split(response.Description, "\n"), func(l string) bool { return strings.HasPrefix(l, line) }) {
				at = append(at, name)
			}
		}
		slices.Sort(at)
		want, special := otherwise[code]
		if !special && code.Outcome() != "" {
			want = []string{"Problem" + strconv.Itoa(code.Status())}
		}
		if !slices.Equal(at, want) {
			t.Errorf("%s is described at %v", code, at)
		}
		for _, name := range at {
			example := responses[name].Content["application/problem+json"].Examples[string(code)].Value
			if example.Code != code || example.Status != code.Status() || example.Detail == "" || example.Outcome != code.Outcome() {
				t.Errorf("%s: example %+v", code, example)
			}
		}
	}
}
