package galaxypay

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// sources parses the package's own files, without its tests.
func sources(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	set := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

// constantsOf returns the constants that the source declares with a type, by their
// names. Go has no list of them at run time.
func constantsOf(t *testing.T, dir, typeName string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, file := range sources(t, dir) {
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				constant, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				if kind, ok := constant.Type.(*ast.Ident); !ok || kind.Name != typeName {
					continue
				}
				for i, name := range constant.Names {
					literal, ok := constant.Values[i].(*ast.BasicLit)
					if !ok {
						t.Fatalf("%s is not a plain text", name.Name)
					}
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[name.Name] = value
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no constant of type %s", typeName)
	}
	return found
}

var verb = regexp.MustCompile(`%[^%]|%%`)

// verbs are the places in a sentence that arguments go to, in their order.
func verbs(sentence string) []string {
	return slices.DeleteFunc(verb.FindAllString(sentence, -1), func(v string) bool { return v == "%%" })
}

func TestMessagesAreComplete(t *testing.T) {
	keys := constantsOf(t, ".", "message")
	maps.Copy(keys, constantsOf(t, "internal/rawjson", "Fault"))
	for name, key := range keys {
		sentence, ok := messages[message(key)]
		if !ok {
			t.Errorf("%s has no sentence", name)
			continue
		}
		if !slices.Equal(verbs(sentence.en), verbs(sentence.vi)) {
			t.Errorf("%s has the verbs %q in English, %q in Vietnamese", name, verbs(sentence.en), verbs(sentence.vi))
		}
		for _, v := range append(verbs(sentence.en), verbs(sentence.vi)...) {
			if v != "%s" && v != "%d" {
				t.Errorf("%s has the verb %s", name, v)
			}
		}
		for _, text := range []string{sentence.en, sentence.vi} {
			if !strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
				t.Errorf("%s is not one sentence or more: %q", name, text)
			}
		}
		if sentence.en == sentence.vi {
			t.Errorf("%s is the same in both languages", name)
		}
	}
	for key := range messages {
		if !slices.ContainsFunc(mapValues(keys), func(value string) bool { return value == string(key) }) {
			t.Errorf("messages has %s, which is no key", key)
		}
	}
}

func mapValues(m map[string]string) (values []string) {
	for _, value := range m {
		values = append(values, value)
	}
	return values
}

// isVietnamese reports whether a text has letters of the Vietnamese alphabet that
// English does not have.
func isVietnamese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsLetter(r) })
}

func TestLanguagesAreNotMixedUp(t *testing.T) {
	texts := map[string]words{"pageTitle": pageTitle, "pageAdvice": pageAdvice}
	for key, sentence := range messages {
		texts["message "+string(key)] = sentence
	}
	for code, title := range titles {
		texts["title "+string(code)] = title
	}
	for name, text := range texts {
		if text.en == "" || isVietnamese(text.en) {
			t.Errorf("%s in English is %q", name, text.en)
		}
		if !isVietnamese(text.vi) {
			t.Errorf("%s in Vietnamese is %q", name, text.vi)
		}
		if text.in(english) != text.en || text.in(vietnamese) != text.vi || text.in("") != text.en {
			t.Errorf("%s comes in the wrong language", name)
		}
	}
}

// Wherever the source fails with a sentence, it must bring what its verbs ask for:
// the compiler does not look, and go vet cannot.
func TestFailuresBringWhatTheirSentencesNeed(t *testing.T) {
	keys := constantsOf(t, ".", "message")
	used := make(map[string]bool)
	check := func(file, name string, arguments int, spread bool) {
		used[name] = true
		want := len(verbs(messages[message(keys[name])].en))
		if !spread && arguments != want {
			t.Errorf("%s: %s is given %d arguments, needs %d", file, name, arguments, want)
		}
	}
	for name, file := range sources(t, ".") {
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr: // fail(code, message, arguments...)
				called, ok := node.Fun.(*ast.Ident)
				if !ok || called.Name != "fail" || len(node.Args) < 2 {
					return true
				}
				if key, ok := node.Args[1].(*ast.Ident); ok && keys[key.Name] != "" {
					check(name, key.Name, len(node.Args)-2, node.Ellipsis.IsValid())
				}
			case *ast.CompositeLit: // fieldFault{detail: message, args: ...}
				if kind, ok := node.Type.(*ast.Ident); !ok || kind.Name != "fieldFault" {
					return true
				}
				key, arguments := "", 0
				for _, element := range node.Elts {
					pair, ok := element.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					if id, ok := pair.Value.(*ast.Ident); ok && keys[id.Name] != "" {
						key = id.Name
					}
					if list, ok := pair.Value.(*ast.CompositeLit); ok {
						arguments = len(list.Elts)
					}
				}
				if key != "" {
					check(name, key, arguments, false)
				}
			case *ast.Ident:
				if name != "messages.go" && keys[node.Name] != "" {
					used[node.Name] = true
				}
			}
			return true
		})
	}
	for name := range keys {
		if !used[name] {
			t.Errorf("%s is said nowhere", name)
		}
	}
}

// Every sentence, with arguments of the kinds that it gets, comes out without any
// of the marks that fmt leaves where something is missing or of the wrong kind.
func TestSay(t *testing.T) {
	for key, sentence := range messages {
		var args []any
		for i, v := range verbs(sentence.en) {
			if v == "%d" {
				args = append(args, 4000+i)
			} else {
				args = append(args, fmt.Sprintf("<%d>", 4000+i))
			}
		}
		for _, in := range []language{english, vietnamese} {
			said := in.say(key, args...)
			if strings.Contains(said, "%!") {
				t.Errorf("%s in %s: %s", key, in, said)
			}
			for i := range args {
				if !strings.Contains(said, fmt.Sprint(4000+i)) {
					t.Errorf("%s in %s lacks argument %d: %s", key, in, i+1, said)
				}
			}
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for name, test := range map[string]struct {
		accept []string
		want   language
	}{
		"no wish":                {nil, english},
		"empty":                  {[]string{""}, english},
		"Vietnamese":             {[]string{"vi"}, vietnamese},
		"of Vietnam":             {[]string{"vi-VN"}, vietnamese},
		"upper case":             {[]string{"VI-vn"}, vietnamese},
		"a browser in Vietnam":   {[]string{"vi-VN,vi;q=0.9,fr-FR;q=0.8,fr;q=0.7,en-US;q=0.6,en;q=0.5"}, vietnamese},
		"a browser in America":   {[]string{"en-US,en;q=0.9"}, english},
		"English first":          {[]string{"en,vi;q=0.9"}, english},
		"English first, by q":    {[]string{"vi;q=0.5,en;q=0.9"}, english},
		"Vietnamese first, by q": {[]string{"en;q=0.5,vi;q=0.9"}, vietnamese},
		"two headers":            {[]string{"fr", "vi"}, vietnamese},
		"none of ours":           {[]string{"fr,de;q=0.5"}, english},
		"none of ours, then vi":  {[]string{"ja,vi;q=0.5"}, vietnamese},
		"anything":               {[]string{"*"}, english},
		"refused":                {[]string{"vi;q=0"}, english},
		"nonsense":               {[]string{"\x00;;;q=vi,,,"}, english},
		"long nonsense":          {[]string{strings.Repeat("a-", 10000)}, english},
		"long list":              {[]string{strings.Repeat("fr,", 10000) + "vi"}, vietnamese},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{Header: http.Header{"Accept-Language": test.accept}}
			if got := languageOf(r); got != test.want {
				t.Errorf("%s, expected %s", got, test.want)
			}
		})
	}
}
