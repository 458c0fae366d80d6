package galaxypay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The secrets of these tests begin with canary, so that a single search finds any
// of them, or a piece, wherever it must not be.
const (
	canary       = "canary"
	canaryKey    = "canary-api-key"
	canarySalt   = "canary-salt-long-enough"
	canaryBefore = "canary-previous-salt-long-enough"
)

// logBook is a logger and what was written to it.
type logBook struct {
	*zap.Logger
	text bytes.Buffer
}

func newLogBook() *logBook {
	b := new(logBook)
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder})
	b.Logger = zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&b.text), zap.DebugLevel))
	return b
}

// warnings are the messages in the book, all of which must be warnings about the
// merchant of that name.
func (b *logBook) warnings(t *testing.T, merchant string) []string {
	t.Helper()
	var all []string
	for line := range bytes.Lines(b.text.Bytes()) {
		var entry struct{ Level, Msg, Merchant string }
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Level != "warn" || entry.Merchant != merchant {
			t.Errorf("logged %s", line)
		}
		all = append(all, entry.Msg)
	}
	return all
}

// setSecrets sets the variables that the tests' merchants read their secrets from.
func setSecrets(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"TEST_KEY": canaryKey, "TEST_SALT": canarySalt, "TEST_BEFORE": canaryBefore, "TEST_SHORT": "canary-9-chars!",
		"TEST_EMPTY": "", "TEST_BLANK": " ", "TEST_BLANK_AFTER": canarySalt + " ", "TEST_TAB_BEFORE": "\t" + canarySalt,
		"TEST_LINE_END": canarySalt + "\n", "TEST_NO_BREAK_SPACE": canarySalt + "\u00a0", "TEST_VIETNAMESE": canaryKey + "ễ",
		"TEST_TWO_LINES": canaryKey + "\n" + canaryKey, "TEST_DELETE": canaryKey + "\x7f", "TEST_BRACES": "canary{salt}{env.TEST_KEY}",
		"TEST_SANDBOX": "sandbox", "TEST_PUBLISHED": "GO@2021", "TEST_UAT": "uat",
	} {
		t.Setenv(name, value)
	}
}

// secretFile writes a file and returns the placeholder for it.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return "{file." + path + "}"
}

func TestMerchantAddress(t *testing.T) {
	setSecrets(t)
	for name, test := range map[string]struct {
		environment, baseURL string
		want                 string
	}{
		"uat":                      {"uat", "", "https://uat-secure.galaxypay.vn"},
		"production":               {"production", "", "https://secure.galaxypay.vn"},
		"sandbox":                  {"sandbox", "", "http://localhost:9190"},
		"sandbox elsewhere":        {"sandbox", "http://127.0.0.1:9999", "http://127.0.0.1:9999"},
		"placeholder":              {"{env.TEST_UAT}", "", "https://uat-secure.galaxypay.vn"},
		"base URL":                 {"", "https://gateway.example", "https://gateway.example"},
		"base URL, placeholder":    {"", "https://{env.TEST_UAT}.example", "https://uat.example"},
		"base URL, port":           {"", "https://gateway.example:8443", "https://gateway.example:8443"},
		"base URL, path":           {"", "https://gateway.example/galaxypay", "https://gateway.example/galaxypay"},
		"base URL, slash":          {"", "https://gateway.example/", "https://gateway.example"},
		"base URL, path and slash": {"", "https://gateway.example/a/b//", "https://gateway.example/a/b"},
		"base URL, capitals":       {"", "HTTPS://Gateway.Example", "https://Gateway.Example"},
		"loopback by name":         {"", "http://LocalHost:1", "http://LocalHost:1"},
		"loopback, IPv4":           {"", "http://127.9.9.9", "http://127.9.9.9"},
		"loopback, IPv6":           {"", "http://[::1]:1", "http://[::1]:1"},
		"loopback, mapped":         {"", "http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Merchant{Environment: test.environment, BaseURL: test.baseURL, APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}"}
			m, err := c.resolve("m", zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			if m.baseURL.String() != test.want {
				t.Errorf("address %s, expected %s", m.baseURL, test.want)
			}
			wantEnvironment := test.environment
			if strings.HasPrefix(wantEnvironment, "{") {
				wantEnvironment = "uat"
			}
			if m.name != "m" || m.environment != wantEnvironment {
				t.Errorf("name %s, environment %s", m.name, m.environment)
			}
		})
	}
}

func TestMerchantSecrets(t *testing.T) {
	setSecrets(t)
	for name, test := range map[string]struct {
		config    Merchant
		key, salt string
	}{
		"variables":             {Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}"}, canaryKey, canarySalt},
		"files":                 {Merchant{Environment: "uat", APIKey: secretFile(t, canaryKey), Salt: secretFile(t, canarySalt)}, canaryKey, canarySalt},
		"files with a line end": {Merchant{Environment: "uat", APIKey: secretFile(t, canaryKey+"\n"), Salt: secretFile(t, canarySalt+"\r\n")}, canaryKey, canarySalt},
		"literal":               {Merchant{Environment: "uat", APIKey: canaryKey, Salt: canarySalt}, canaryKey, canarySalt},
		"literal with braces":   {Merchant{Environment: "uat", APIKey: canaryKey, Salt: `canary\{salt\}long-enough`}, canaryKey, `canary{salt}long-enough`},
		"put together":          {Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}-1", Salt: "{env.TEST_SALT}{env.TEST_BEFORE}"}, canaryKey + "-1", canarySalt + canaryBefore},
		"braces in a variable":  {Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_BRACES}"}, canaryKey, "canary{salt}{env.TEST_KEY}"},
		"inner blanks":          {Merchant{Environment: "uat", APIKey: "canary key", Salt: "canary salt of  the tests"}, "canary key", "canary salt of  the tests"},
		"salt of other letters": {Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_VIETNAMESE}"}, canaryKey, canaryKey + "ễ"},
		"the sandbox's own":     {Merchant{Environment: "sandbox"}, "sandbox", "GO@2021"},
		"sandbox, other port":   {Merchant{Environment: "sandbox", BaseURL: "http://localhost:1"}, "sandbox", "GO@2021"},
		"sandbox, another pair": {Merchant{Environment: "sandbox", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}"}, canaryKey, canarySalt},
		"published pair, here":  {Merchant{BaseURL: "http://localhost:1", APIKey: "{env.TEST_SANDBOX}", Salt: "{env.TEST_PUBLISHED}"}, "sandbox", "GO@2021"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := test.config.resolve("m", zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			if m.apiKey != test.key || string(m.signer.salt) != test.salt {
				t.Errorf("api key %q, salt %q", m.apiKey, m.signer.salt)
			}
			if got := m.signer.sign([]byte("text")); got != plainSignature("text", test.salt) {
				t.Error("signs with something else")
			}
		})
	}
}

func TestMerchantPreviousSalts(t *testing.T) {
	setSecrets(t)
	c := Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}", PreviousSalts: []PreviousSalt{
		{Salt: "{env.TEST_BEFORE}", Until: "2026-06-15T19:00:00+07:00"}, // today, by the clock of the tests
		{Salt: secretFile(t, "canary-in-a-file-for-ever\n")},
	}}
	m, err := c.resolve("m", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for salt, want := range map[string][2]verdict{ // just before, and at the end of the first one
		canarySalt:                  {signatureProven, signatureProven},
		canaryBefore:                {signaturePrevious, signatureInvalid},
		"canary-in-a-file-for-ever": {signaturePrevious, signaturePrevious},
	} {
		before := m.signer.verify([]byte("text"), plainSignature("text", salt), today.Add(-time.Second))
		after := m.signer.verify([]byte("text"), plainSignature("text", salt), today)
		if before != want[0] || after != want[1] {
			t.Errorf("%s: verdicts %d and %d", salt, before, after)
		}
	}
}

// A salt in a file is read again whenever a config is loaded.
func TestMerchantReadsItsFilesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salt")
	c := Merchant{Environment: "uat", APIKey: canaryKey, Salt: "{file." + path + "}"}
	for _, salt := range []string{"canary-before-rotation", "canary-after-rotation"} {
		if err := os.WriteFile(path, []byte(salt), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := c.resolve("m", zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		if string(m.signer.salt) != salt {
			t.Errorf("salt %q, expected %q", m.signer.salt, salt)
		}
	}
	if c.Salt != "{file."+path+"}" {
		t.Error("the configuration was changed; a dump of it would show the salt")
	}
}

// refusedMerchants are the configurations that must not start, with what the
// operator reads in the error. All their secrets hold the word canary, the error none of it.
func refusedMerchants(t *testing.T) map[string]struct {
	config Merchant
	want   string
} {
	t.Helper()
	setSecrets(t)
	const key, salt = "{env.TEST_KEY}", "{env.TEST_SALT}"
	uat := func(apiKey, salt string) Merchant {
		return Merchant{Environment: "uat", APIKey: apiKey, Salt: salt}
	}
	at := func(baseURL string) Merchant { return Merchant{BaseURL: baseURL, APIKey: key, Salt: salt} }
	rotated := func(p ...PreviousSalt) Merchant {
		return Merchant{Environment: "uat", APIKey: key, Salt: salt, PreviousSalts: p}
	}
	return map[string]struct {
		config Merchant
		want   string
	}{
		"nothing":                  {Merchant{}, "environment is required"},
		"no address":               {Merchant{APIKey: canaryKey, Salt: canarySalt}, "environment is required"},
		"unknown environment":      {Merchant{Environment: "prod", APIKey: key, Salt: salt}, `environment: unknown value "prod"`},
		"environment in capitals":  {Merchant{Environment: "UAT", APIKey: key, Salt: salt}, `environment: unknown value "UAT"`},
		"environment not set":      {Merchant{Environment: "{env.TEST_UNSET}", APIKey: key, Salt: salt}, "environment: "},
		"base URL not set":         {at("{env.TEST_UNSET}"), "base_url: "},
		"unknown placeholder":      {at("{nothing}"), "base_url: "},
		"environment and base URL": {Merchant{Environment: "uat", BaseURL: "https://x.example", APIKey: key, Salt: salt}, "base_url: environment uat has an address of its own"},
		"production and base URL":  {Merchant{Environment: "production", BaseURL: "http://localhost", APIKey: key, Salt: salt}, "base_url: environment production has an address of its own"},
		"sandbox far away":         {Merchant{Environment: "sandbox", BaseURL: "https://secure.galaxypay.vn"}, "base_url: with environment sandbox, expected an address of this machine"},
		"no URL":                   {at("gateway.example"), "base_url: expected an address"},
		"no URL at all":            {at("http://[::1"), "base_url: expected an address"},
		"no host":                  {at("https:///path"), "base_url: expected an address"},
		"port without a host":      {at("http://:8080"), "base_url: expected an address"},
		"port too high":            {at("https://gateway.example:65536"), "base_url: expected an address"},
		"port zero":                {at("https://gateway.example:0"), "base_url: expected an address"},
		"another scheme":           {at("ftp://gateway.example"), "base_url: expected an address"},
		"with a user":              {at("https://canary:canary@gateway.example"), "base_url: expected scheme, host and path only"},
		"with a query":             {at("https://gateway.example/?key=canary"), "base_url: expected scheme, host and path only"},
		"with an empty query":      {at("https://gateway.example/?"), "base_url: expected scheme, host and path only"},
		"with a fragment":          {at("https://gateway.example/#canary"), "base_url: expected scheme, host and path only"},
		"plain http":               {at("http://gateway.example"), "base_url: plain http"},
		"plain http, private":      {at("http://192.168.0.1"), "base_url: plain http"},
		"plain http, look-alike":   {at("http://localhost.example"), "base_url: plain http"},
		"plain http, any address":  {at("http://0.0.0.0"), "base_url: plain http"},

		"no api key":                {uat("", salt), "api_key: missing"},
		"no salt":                   {uat(key, ""), "salt: missing"},
		"neither":                   {uat("", ""), "api_key: missing"},
		"sandbox, salt only":        {Merchant{Environment: "sandbox", Salt: salt}, "api_key: missing"},
		"sandbox, api key only":     {Merchant{Environment: "sandbox", APIKey: key}, "salt: missing"},
		"api key not set":           {uat("{env.TEST_UNSET}", salt), "api_key: {env.TEST_UNSET} is not set, empty or unreadable"},
		"salt not set":              {uat(key, "{env.TEST_UNSET}"), "salt: {env.TEST_UNSET} is not set, empty or unreadable"},
		"api key empty":             {uat("{env.TEST_EMPTY}", salt), "api_key: {env.TEST_EMPTY} is not set, empty or unreadable"},
		"salt empty":                {uat(key, "{env.TEST_EMPTY}"), "salt: {env.TEST_EMPTY} is not set, empty or unreadable"},
		"salt of an empty file":     {uat(key, secretFile(t, "")), "is not set, empty or unreadable"},
		"salt of a line end":        {uat(key, secretFile(t, "\n")), "is not set, empty or unreadable"},
		"salt of no file":           {uat(key, "{file./nonexistent/file}"), "salt: {file./nonexistent/file} is not set, empty or unreadable"},
		"half of a salt not set":    {uat(key, canarySalt+"{env.TEST_UNSET}"), "salt: cannot be resolved"},
		"unset with canary behind":  {uat(key, "{env.TEST_UNSET}canary}"), "salt: has a brace too few or too many"},
		"brace behind":              {uat(key, "{env.TEST_SALT}canary}"), "salt: has a brace too few or too many"},
		"unclosed":                  {uat(key, "{env.TEST_SALT"), "salt: has a brace too few or too many"},
		"quoted salt":               {uat(key, `"`+canarySalt+`"`), "salt: is in quotation marks"},
		"quoted api key":            {uat("'"+canaryKey+"'", salt), "api_key: is in quotation marks"},
		"quoted previous salt":      {rotated(PreviousSalt{Salt: `"` + canarySalt + `"`}), "previous_salt 1: is in quotation marks"},
		"salt in UTF-16":            {uat(key, secretFile(t, "\xff\xfec\x00a\x00n\x00a\x00r\x00y\x00")), "salt: is text in UTF-16"},
		"salt of another tool":      {uat(key, secretFile(t, "${CANARY}\n")), "salt: is still a placeholder"},
		"literal with braces":       {uat(key, "ab{canary}cd"), "salt: cannot be resolved"},
		"api key in braces":         {uat("{canary}", salt), "api_key: cannot be resolved"},
		"salt, blank behind":        {uat(key, "{env.TEST_BLANK_AFTER}"), "salt: has white space around it"},
		"salt, tab in front":        {uat(key, "{env.TEST_TAB_BEFORE}"), "salt: has white space around it"},
		"salt, line end":            {uat(key, "{env.TEST_LINE_END}"), "salt: has white space around it"},
		"salt, no-break space":      {uat(key, "{env.TEST_NO_BREAK_SPACE}"), "salt: has white space around it"},
		"salt, two line ends":       {uat(key, secretFile(t, canarySalt+"\n\n")), "salt: has white space around it"},
		"salt, only a blank":        {uat(key, "{env.TEST_BLANK}"), "salt: has white space around it"},
		"salt, byte order mark":     {uat(key, secretFile(t, "\xef\xbb\xbf"+canarySalt)), "salt: begins with a byte order mark"},
		"literal salt, blank":       {uat(key, canarySalt+" "), "salt: has white space around it"},
		"api key, blank behind":     {uat("{env.TEST_BLANK_AFTER}", salt), "api_key: has white space around it"},
		"api key not ASCII":         {uat("{env.TEST_VIETNAMESE}", salt), "api_key: expected printable ASCII"},
		"api key of two lines":      {uat("{env.TEST_TWO_LINES}", salt), "api_key: has more than one line"},
		"api key with DEL":          {uat("{env.TEST_DELETE}", salt), "api_key: holds a control character"},
		"published pair":            {uat("{env.TEST_SANDBOX}", "{env.TEST_PUBLISHED}"), "published pair"},
		"published pair, base URL":  {Merchant{BaseURL: "https://gateway.example", APIKey: "sandbox", Salt: "GO@2021"}, "published pair"},
		"previous salt empty":       {rotated(PreviousSalt{}), "previous_salt 1: missing"},
		"previous salt not set":     {rotated(PreviousSalt{Salt: "{env.TEST_UNSET}"}), "previous_salt 1: {env.TEST_UNSET} is not set, empty or unreadable"},
		"second previous salt":      {rotated(PreviousSalt{Salt: canaryBefore}, PreviousSalt{Salt: canarySalt + "\n"}), "previous_salt 2: has white space around it"},
		"previous salt, braces":     {rotated(PreviousSalt{Salt: "{canary}"}), "previous_salt 1: cannot be resolved"},
		"until no time":             {rotated(PreviousSalt{Salt: canaryBefore, Until: "canary"}), "previous_salt 1: until: expected a time"},
		"until without a time zone": {rotated(PreviousSalt{Salt: canaryBefore, Until: "2026-12-31T00:00:00"}), "previous_salt 1: until: expected a time"},
		"until a day":               {rotated(PreviousSalt{Salt: canaryBefore, Until: "2026-12-31"}), "previous_salt 1: until: expected a time"},
	}
}

func TestMerchantRefuses(t *testing.T) {
	for name, test := range refusedMerchants(t) {
		t.Run(name, func(t *testing.T) {
			book := newLogBook()
			m, err := test.config.resolve("m", book.Logger)
			if err == nil {
				t.Fatalf("resolved as %s", m)
			}
			if m != nil {
				t.Error("a merchant in spite of an error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, expected %q", err, test.want)
			}
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				if printed := fmt.Sprintf(format, err); strings.Contains(printed, canary) {
					t.Errorf("a secret in the error, by %s: %s", format, printed)
				}
			}
			if strings.Contains(book.text.String(), canary) {
				t.Errorf("a secret in the log: %s", book.text.String())
			}
		})
	}
}

func TestMerchantWarnings(t *testing.T) {
	setSecrets(t)
	const (
		literal  = "a secret is written in the configuration"
		short    = "the salt is short enough to be guessed"
		shortOld = "a previous salt is short enough to be guessed"
		expired  = "a previous salt has expired"

		atSandbox = "this merchant is at the sandbox"
		published = "a salt is the one that the gateway's documents publish"
	)
	proper := func(change func(*Merchant)) Merchant {
		c := Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}"}
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		config Merchant
		want   []string
	}{
		"none":              {proper(func(*Merchant) {}), nil},
		"files":             {proper(func(c *Merchant) { c.APIKey, c.Salt = secretFile(t, canaryKey), secretFile(t, canarySalt) }), nil},
		"the sandbox's own": {Merchant{Environment: "sandbox"}, []string{atSandbox}},
		"literal api key":   {proper(func(c *Merchant) { c.APIKey = canaryKey }), []string{literal}},
		"literal salt":      {proper(func(c *Merchant) { c.Salt = canarySalt }), []string{literal}},
		"literal beside a variable": {
			proper(func(c *Merchant) { c.Salt = "{env.TEST_SALT}" + canary }), []string{literal}},
		"literal between variables": {
			proper(func(c *Merchant) { c.Salt = "{env.TEST_SALT}" + canary + "{env.TEST_KEY}" }), []string{literal}},
		"Base64 of a salt": {proper(func(c *Merchant) { c.Salt = secretFile(t, base64.StdEncoding.EncodeToString([]byte(canarySalt))) }),
			[]string{"the salt looks like the Base64 of another text"}},
		"literal previous salt": {proper(func(c *Merchant) { c.PreviousSalts = []PreviousSalt{{Salt: canaryBefore}} }), []string{literal}},
		"three literals, once": {
			Merchant{Environment: "uat", APIKey: canaryKey, Salt: canarySalt, PreviousSalts: []PreviousSalt{{Salt: canaryBefore}}}, []string{literal}},
		"15 characters":        {proper(func(c *Merchant) { c.Salt = "{env.TEST_SHORT}" }), []string{short}},
		"16 characters":        {proper(func(c *Merchant) { c.Salt = secretFile(t, "canary-16-chars!") }), nil},
		"short in the sandbox": {proper(func(c *Merchant) { c.Environment, c.Salt = "sandbox", "{env.TEST_SHORT}" }), []string{atSandbox}},
		"short by a base URL":  {Merchant{BaseURL: "https://x.example", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SHORT}"}, []string{short}},
		"short previous salt":  {proper(func(c *Merchant) { c.PreviousSalts = []PreviousSalt{{Salt: "{env.TEST_SHORT}"}} }), []string{shortOld}},
		"short before the sandbox": {proper(func(c *Merchant) {
			c.Environment, c.PreviousSalts = "sandbox", []PreviousSalt{{Salt: "{env.TEST_SHORT}"}}
		}), []string{atSandbox}},
		"published salt": {proper(func(c *Merchant) { c.Salt = "{env.TEST_PUBLISHED}" }), []string{published, short}},
		"published previous salt": {
			proper(func(c *Merchant) { c.PreviousSalts = []PreviousSalt{{Salt: "{env.TEST_PUBLISHED}"}} }), []string{published, shortOld}},
		"expired previous salt": {
			proper(func(c *Merchant) {
				c.PreviousSalts = []PreviousSalt{{Salt: "{env.TEST_SHORT}", Until: "2001-01-01T00:00:00Z"}}
			}), []string{expired}},
		"unexpired previous salt": {
			proper(func(c *Merchant) {
				c.PreviousSalts = []PreviousSalt{{Salt: "{env.TEST_BEFORE}", Until: "9999-01-01T00:00:00Z"}}
			}), nil},
		"all of it": {
			Merchant{BaseURL: "https://x.example", APIKey: canaryKey, Salt: canary, PreviousSalts: []PreviousSalt{
				{Salt: canaryBefore, Until: "2001-01-01T00:00:00Z"}, {Salt: canary}}}, []string{literal, short, expired, shortOld}},
	} {
		t.Run(name, func(t *testing.T) {
			book := newLogBook()
			if _, err := test.config.resolve("airline", book.Logger); err != nil {
				t.Fatal(err)
			}
			got := book.warnings(t, "airline")
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("warned %q, expected %q", got, test.want)
			}
			if strings.Contains(book.text.String(), canary) {
				t.Errorf("a secret in the log: %s", book.text.String())
			}
		})
	}
}

// A merchant reaches logs and panics by accident, so no way of printing it may
// show its secrets.
func TestMerchantPrintsAsItsName(t *testing.T) {
	setSecrets(t)
	c := Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}", PreviousSalts: []PreviousSalt{{Salt: "{env.TEST_BEFORE}"}}}
	m, err := c.resolve("airline", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Merchant *merchant
		merchant *merchant
		Any      any
		List     []*merchant
		ByName   map[string]*merchant
	}
	h := holder{m, m, m, []*merchant{m}, map[string]*merchant{"airline": m}}
	app := &App{Merchants: map[string]*Merchant{"airline": &c}, merchants: map[string]*merchant{"airline": m}}
	for name, value := range map[string]any{
		"itself": m, "holder": h, "pointer to holder": &h, "proxy": &Proxy{merchant: m}, "callback": &IPN{Receiver: Receiver{merchant: m}},
		"app": app, "error": fmt.Errorf("with %v", m), "in a list": []any{m, h, app},
	} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%c", "%p", "%T"} {
			printed := fmt.Sprintf(format, value)
			for _, secret := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "99 97 110 97 114 121", "0x63, 0x61, 0x6e"} {
				if strings.Contains(printed, secret) {
					t.Errorf("%s prints a secret by %q: %s", name, format, printed)
				}
			}
		}
		if marshaled, err := json.Marshal(value); err == nil && bytes.Contains(marshaled, []byte(canary)) {
			t.Errorf("%s marshals as %s", name, marshaled)
		}
		book := newLogBook()
		book.Info("logged", zap.Any("value", value), zap.Reflect("reflected", value))
		if strings.Contains(book.text.String(), canary) {
			t.Errorf("%s is logged as %s", name, book.text.String())
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%t"} {
		if printed := fmt.Sprintf(format, m); printed != "merchant airline" {
			t.Errorf("%s prints %s", format, printed)
		}
	}
}

func TestApp(t *testing.T) {
	setSecrets(t)
	provision := func(t *testing.T, app *App) error {
		t.Helper()
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		t.Cleanup(cancel)
		return app.Provision(ctx)
	}
	proper := func() *Merchant {
		return &Merchant{Environment: "uat", APIKey: "{env.TEST_KEY}", Salt: "{env.TEST_SALT}"}
	}

	t.Run("finds merchants by name", func(t *testing.T) {
		app := &App{Merchants: map[string]*Merchant{"default": proper(), "airline": {Environment: "sandbox"}}}
		if err := provision(t, app); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"": "default", "default": "default", "airline": "airline"} {
			if m, err := app.merchant(name); err != nil || m.name != want {
				t.Errorf("%q gives %v, error %v", name, m, err)
			}
		}
		m, err := app.merchant("hotel")
		if m != nil || err == nil || err.Error() != `unknown merchant "hotel"; the global option galaxypay describes airline, default` {
			t.Errorf("gives %v, error %v", m, err)
		}
	})
	t.Run("names no default", func(t *testing.T) {
		app := &App{Merchants: map[string]*Merchant{"airline": proper()}}
		if err := provision(t, app); err != nil {
			t.Fatal(err)
		}
		if _, err := app.merchant(""); err == nil || !strings.Contains(err.Error(), `unknown merchant "default"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("describes none", func(t *testing.T) {
		app := new(App)
		if err := provision(t, app); err != nil {
			t.Fatal(err)
		}
		if _, err := app.merchant(""); err == nil || !strings.Contains(err.Error(), "describes none") {
			t.Errorf("error %v", err)
		}
	})
	for name, test := range map[string]struct {
		merchants map[string]*Merchant
		want      string
	}{
		"null":            {map[string]*Merchant{"airline": nil}, "merchant airline: expected an object"},
		"without a name":  {map[string]*Merchant{"": proper()}, "merchant: expected a name of printable ASCII"},
		"name with blank": {map[string]*Merchant{"air line": proper()}, "merchant: expected a name of printable ASCII"},
		"name of two lines": {
			map[string]*Merchant{"air\r\nline": proper()}, "merchant: expected a name of printable ASCII"},
		"name not ASCII":  {map[string]*Merchant{"hàng-không": proper()}, "merchant: expected a name of printable ASCII"},
		"one of them bad": {map[string]*Merchant{"airline": proper(), "hotel": {Environment: "uat", APIKey: canaryKey}}, "merchant hotel: salt: missing"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			err := provision(t, &App{Merchants: test.merchants})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, expected %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("a secret in %q", err)
			}
		})
	}
}

// One gateway has one book, however its address is written: in another, a call that was sent would count as new.
func TestBookOfAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://secure.galaxypay.vn":       "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn/":      "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn//":     "https://secure.galaxypay.vn",
		"HTTPS://Secure.GalaxyPay.VN":       "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn:443":   "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn.:443/": "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn:":      "https://secure.galaxypay.vn",
		"https://secure.galaxypay.vn:8443":  "https://secure.galaxypay.vn:8443",
		"https://secure.galaxypay.vn:80":    "https://secure.galaxypay.vn:80",
		"https://secure.galaxypay.vn/Pay/":  "https://secure.galaxypay.vn/Pay",
		"http://LocalHost:80/a":             "http://localhost/a",
		"http://[::1]:9190":                 "http://[::1]:9190",
		"http://[::1]":                      "http://[::1]",
	} {
		base, err := parseBaseURL(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := bookAddress(base); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
