package secret

import (
	"encoding/base64"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// Every secret of these tests holds this word. No error may.
const canary = "canary-9f2c"

// inFile returns the placeholder of a file with that content.
func inFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return "{file." + path + "}"
}

// inUTF16 writes a text as UTF-16, little or big endian.
func inUTF16(text string, little bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if little {
			b.Write(binary.LittleEndian.AppendUint16(nil, unit))
		} else {
			b.Write(binary.BigEndian.AppendUint16(nil, unit))
		}
	}
	return b.String()
}

func TestResolveTakes(t *testing.T) {
	t.Setenv("TEST_SECRET", canary)
	for name, test := range map[string]struct{ value, want string }{
		"variable":                      {"{env.TEST_SECRET}", canary},
		"file":                          {inFile(t, canary), canary},
		"file, final newline":           {inFile(t, canary+"\n"), canary},
		"file, newline of Windows":      {inFile(t, canary+"\r\n"), canary},
		"literal":                       {canary, canary},
		"inner blank":                   {"canary 9f2c", "canary 9f2c"},
		"escaped braces":                {`\{` + canary + `\}`, ""},
		"braces inside":                 {`canary\{9f2c\}x`, "canary{9f2c}x"},
		"an open brace":                 {"canary{9f2c", "canary{9f2c"},
		"other letters":                 {"muối-ễ-" + canary, "muối-ễ-" + canary},
		"letters of two characters":     {"e\u0323\u0302" + canary, "e\u0323\u0302" + canary},
		"dollar in front":               {"$" + canary, "$" + canary},
		"dollar and a capital":          {"$CANARY9F2C", "$CANARY9F2C"},
		"per cent around, no name":      {"%a-b%", "%a-b%"},
		"one per cent":                  {"%" + canary, "%" + canary},
		"less and greater inside":       {"a<" + canary + ">b", "a<" + canary + ">b"},
		"a quotation mark in front":     {`"` + canary, `"` + canary},
		"a quotation mark behind":       {canary + "'", canary + "'"},
		"two other quotation marks":     {`"` + canary + "'", `"` + canary + "'"},
		"quotation marks inside":        {`a"` + canary + `"b`, `a"` + canary + `"b`},
		"a quotation mark alone":        {`"`, `"`},
		"two placeholders":              {"{env.TEST_SECRET}{env.TEST_SECRET}", canary + canary},
		"a template inside":             {"a${CANARY\\}", ""},
		"Base64, padded":                {"CANARY_9F2C==", "CANARY_9F2C=="},
		"a sign = inside":               {"Canary9f2c=x", "Canary9f2c=x"},
		"Base64":                        {base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))},
		"the published salt":            {"GO@2021", "GO@2021"},
		"hex":                           {strings.Repeat("0f", 32), strings.Repeat("0f", 32)},
		"of every printable ASCII":      {"a !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az|~b", "a !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az|~b"},
		"an address with a percent":     {"postgres://shop:%40b%2F@db/shop", "postgres://shop:%40b%2F@db/shop"},
		"an address of words":           {"host=db user=shop password='a b'", "host=db user=shop password='a b'"},
		"a path of a socket in address": {"postgres:///shop?host=/run/postgresql", "postgres:///shop?host=/run/postgresql"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve(test.value)
			if test.want == "" {
				return // refused or not: only a crash would be wrong
			}
			if err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Setenv("TEST_SECRET", canary)
	t.Setenv("TEST_EMPTY", "")
	const (
		quoted    = "is in quotation marks"
		template  = "is still a placeholder"
		variable  = "is a line such as NAME=secret"
		lines     = "has more than one line"
		around    = "has white space around it"
		invisible = "holds a control character or an invisible one"
		braces    = "has a brace too few or too many"
		sixteen   = "UTF-16"
	)
	for name, test := range map[string]struct{ text, want string }{
		"double quotation marks":     {`"` + canary + `"`, quoted},
		"single quotation marks":     {"'" + canary + "'", quoted},
		"backquotes":                 {"`" + canary + "`", quoted},
		"of an editor":               {"“" + canary + "”", quoted},
		"of an editor, single":       {"‘" + canary + "’", quoted},
		"quotation marks alone":      {`""`, quoted},
		"with a placeholder in them": {`"${CANARY}"`, quoted},
		"shell":                      {"${CANARY_9F2C}", template},
		"shell, with a default":      {"${CANARY_9F2C:-" + canary + "}", template},
		"shell, unclosed":            {"${CANARY_9F2C", template},
		"shell, without braces":      {"$CANARY_9F2C", template},
		"Compose, escaped":           {"$$CANARY_9F2C", template},
		"Kubernetes, make":           {"$(CANARY_9F2C)", template},
		"Windows":                    {"%CANARY_9F2C%", template},
		"Windows, lower case":        {"%canary%", template},
		"a guide":                    {"<" + canary + ">", template},
		"a guide, with blanks":       {"<your canary here>", template},
		"Helm, Jinja":                {"{{ .Values." + canary + " }}", template},
		"a workflow":                 {"${{ secrets.CANARY }}", template},
		"Caddy's, in the variable":   {"{env.CANARY_9F2C}", template},
		"Caddy's, unclosed":          {"{env.CANARY_9F2C", template},
		"Caddy's, of a file":         {"{file./run/" + canary, template},
		"Caddy's, at parsing":        {"{$CANARY_9F2C}", template},
		"Caddy's, unclosed, parsing": {"{$CANARY_9F2C", template},
		"Caddy's, any":               {"{" + canary + "}", template},
		"a variable":                 {"GALAXYPAY_SALT=" + canary, variable},
		"a variable, exported":       {"export GALAXYPAY_SALT=" + canary, variable},
		"a variable, quoted":         {`GALAXYPAY_SALT="` + canary + `"`, variable},
		"a variable, blanks":         {"GALAXYPAY_API_KEY = " + canary, variable},
		"a variable, one word":       {"salt=" + canary, variable},
		"a property":                 {"galaxypay.apiKey=" + canary, variable},
		"two lines":                  {canary + "\nX-Injected: 1", lines},
		"two lines of Windows":       {canary + "\r\n" + canary, lines},
		"a carriage return inside":   {canary + "\r" + canary, lines},
		"a line separator":           {canary + "\u2028" + canary, lines},
		"blank in front":             {" " + canary, around},
		"blank behind":               {canary + " ", around},
		"no-break space behind":      {canary + "\u00a0", around},
		"two line ends":              {canary + "\n\n", around},
		"only blanks":                {" \t ", around},
		"tab inside":                 {canary + "\t" + canary, invisible},
		"escape":                     {canary + "\x1b[0m", invisible},
		"DEL":                        {canary + "\x7f", invisible},
		"C1":                         {canary + "\u009b" + canary, invisible},
		"zero width":                 {canary + "\u200b", invisible},
		"marks of direction":         {"\u202e" + canary, invisible},
		"byte order mark inside":     {canary + "\ufeff" + canary, invisible},
		"soft hyphen":                {"can\u00adary", invisible},
		"byte order mark":            {"\ufeff" + canary, "byte order mark"},
		"UTF-16":                     {inUTF16("\ufeff"+canary, true), sixteen},
		"UTF-16, big endian":         {inUTF16("\ufeff"+canary, false), sixteen},
		"UTF-16 without a mark":      {inUTF16(canary, true), sixteen},
		"UTF-16 without a mark, big": {inUTF16(canary, false), sixteen},
		"NUL behind":                 {canary + "\x00", "NUL"},
		"NUL inside":                 {canary + "\x00" + canary, "NUL"},
		"Latin-1":                    {"mu\xe9" + canary, "is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			checkRefused(t, inFile(t, test.text+"\n"), test.want)
			if !strings.ContainsAny(test.text, "\x00") { // no variable holds one
				t.Setenv("TEST_WRONG", test.text)
				checkRefused(t, "{env.TEST_WRONG}", test.want)
			}
		})
	}
	t.Setenv("TEST_RETURN", canary+"\r") // Caddy takes a line end of Windows off a file, and off no variable
	for name, test := range map[string]struct{ value, want string }{
		"carriage return behind": {"{env.TEST_RETURN}", around},
		"missing":                {"", "missing"},
		"not set":                {"{env.TEST_UNSET}", "{env.TEST_UNSET} is not set, empty or unreadable"},
		"empty variable":         {"{env.TEST_EMPTY}", "{env.TEST_EMPTY} is not set, empty or unreadable"},
		"empty file":             {inFile(t, ""), "is not set, empty or unreadable"},
		"no such file":           {"{file./nowhere/at/all}", "is not set, empty or unreadable"},
		"unclosed":               {"{env.TEST_SECRET", braces},
		"unclosed file":          {"{file./run/secrets/salt", braces},
		"unclosed, of parsing":   {"{$TEST_SECRET", braces},
		"unclosed, behind text":  {canary + "{env.TEST_SECRET", braces},
		"unclosed, then closed":  {"{env.TEST_SECRET{env.TEST_SECRET}", braces},
		"closed twice":           {"{env.TEST_SECRET}}", braces},
		"opened twice":           {"{{env.TEST_SECRET}", "brace"},
		"in two pairs":           {"{{env.TEST_SECRET}}", ""},
		"of parsing, in JSON":    {"{$TEST_SECRET}", "cannot be resolved"},
		"dollar in front":        {"${env.TEST_SECRET}", "has a $ in front of a placeholder"},
		"without braces":         {"env.TEST_SECRET", "has no braces"},
		"without braces, a file": {"file./run/secrets/salt", "has no braces"},
		"quoted placeholder":     {"'{env.TEST_SECRET}'", quoted},
		"placeholder in per cent": {
			"<{env.TEST_SECRET}>", template},
		"another placeholder": {"{vault.canary}", "cannot be resolved"},
		"literal braces":      {"ab{" + canary + "}cd", "cannot be resolved"},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, test.value, test.want) })
	}
}

func checkRefused(t *testing.T, value, want string) {
	t.Helper()
	text, err := Resolve(value)
	if err == nil || text != "" {
		t.Fatalf("resolved as %q", text)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
	if lower := strings.ToLower(err.Error()); strings.Contains(lower, "canary") || strings.Contains(lower, "9f2c") {
		t.Errorf("the error holds the secret: %q", err)
	}
}

func TestIsBase64OfText(t *testing.T) {
	for text, want := range map[string]bool{
		base64.StdEncoding.EncodeToString([]byte("s3cr3t-Salt-2026-xyz")):   true,
		base64.StdEncoding.EncodeToString([]byte("s3cr3t-Salt-2026-xyz\n")): true,
		base64.StdEncoding.EncodeToString([]byte("a\x80bcdefghijk")):        false,
		base64.StdEncoding.EncodeToString([]byte("short")):                  false,
		"s3cr3t-Salt-2026-xyz":    false,
		"":                        false,
		strings.Repeat("0f1e", 8): false,
		"GO@2021":                 false,
	} {
		if got := IsBase64OfText(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
