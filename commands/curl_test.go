package commands

import (
	"slices"
	"testing"
)

func TestShellWords(t *testing.T) {
	for text, want := range map[string][]string{
		``:                             nil,
		`curl  a	b`:                    {"curl", "a", "b"},
		"curl \\\n  -H 'x: y'":         {"curl", "-H", "x: y"},
		"curl \\\r\n a":                {"curl", "a"},
		`'a'"b"c`:                      {"abc"},
		`""`:                           {""},
		`"a \" \\ \n \$"`:              {`a " \ \n $`},
		`'a \ " b'`:                    {`a \ " b`},
		`$'it\'s \n \u00e0 \x41 \\'`:   {"it's \n à A \\"},
		`a\ b`:                         {"a b"},
		`--data-raw '{"a":"Trà \/ "}'`: {"--data-raw", `{"a":"Trà \/ "}`},
	} {
		if got, err := shellWords(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`'a`, `"a`, `$'a`, `"a\"`} {
		if got, err := shellWords(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestParseCurl(t *testing.T) {
	in := &inputs{}
	m, err := in.parseCurl(`curl -sS --url 'http://x/y?a=b' -HContent-Type:text/x --header="signature: 1f" -d a=1 --data b=2 --compressed -X POST`)
	if err != nil {
		t.Fatal(err)
	}
	signature, _ := m.header("Signature")
	kind, _ := m.header("content-type")
	if string(m.body) != "a=1&b=2" || m.query != "a=b" || signature != "1f" || kind != "text/x" {
		t.Errorf("%+v", m)
	}
}

// What may not be shown is masked wherever it stands; the rest stays as it is.
func TestWithoutPersons(t *testing.T) {
	for object, want := range map[string]string{
		`{"a": 1, "Token" : "x", "b":[{"cardNumber":9704000000000018}]}`:    `{"a": 1, "Token" : "***", "b":[{"cardNumber":"***"}]}`,
		`{"x":"9704000000000018","y":4111111111111111}`:                     `{"x":"***","y":"***"}`,
		`{"orderID":"4111111111111111","x":"paid by 4111-1111-1111-1111."}`: `{"orderID":"4111111111111111","x":"paid by ***."}`,
		`{"responseData":"{\"token\":\"x\"}"}`:                              `{"responseData":"{\"token\":\"***\"}"}`,
		`{"token":{"value":"x"},"card":null}`:                               `{"token":"***","card":null}`,
	} {
		if got := string(withoutPersons([]byte(object))); got != want {
			t.Errorf("%s: %s, expected %s", object, got, want)
		}
	}
}
