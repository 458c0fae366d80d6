package caddytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A configuration that protects less than it seems to does not load. Its error names the option, and
// never a secret.
func TestConfigErrorsNameTheOption(t *testing.T) {
	files := setSecrets(t)
	for name, test := range wrongGlobalOptions(files) {
		t.Run("global/"+name, func(t *testing.T) {
			wantLoadError(t, "{\ngalaxypay {\n"+test.options+"\n}\n}\nhttp://:9180 {\ngalaxypay\n}\n", test.want)
		})
	}
	for name, test := range wrongSiteOptions {
		t.Run("site/"+name, func(t *testing.T) {
			wantLoadError(t, "{\ngalaxypay {\nenvironment "+test.environment+keyPair+"\n}\n}\nhttp://:9180 {\ngalaxypay {\n"+test.options+"\n}\n}\n", test.want)
		})
	}
	for name, test := range wrongCaddyfiles {
		t.Run("file/"+name, func(t *testing.T) { wantLoadError(t, test.caddyfile, test.want) })
	}
}

// wrongOption is options that must not load, and parts of the error.
type wrongOption struct {
	options string
	want    []string
}

// wrongGlobalOptions are the contents of the global option, beside one site with the bare directive.
func wrongGlobalOptions(files string) map[string]wrongOption {
	return map[string]wrongOption{
		"nothing":                         {"", []string{"merchant", "default"}},
		"no environment":                  {keyPair, []string{"environment"}},
		"unknown environment":             {"environment prod" + keyPair, []string{"environment", "prod", "sandbox, uat or production"}},
		"environment without value":       {"environment", []string{"environment"}},
		"environment with two values":     {"environment uat production", []string{"environment"}},
		"environment and base_url":        {"environment uat\nbase_url https://gateway.example" + keyPair, []string{"base_url", "environment"}},
		"environment from unset variable": {"environment {env.UNSET}" + keyPair, []string{"environment", "UNSET"}},
		"environment from empty variable": {"environment {env.EMPTY}" + keyPair, []string{"environment", "EMPTY"}},

		"plain http":                  {"base_url http://gateway.example" + keyPair, []string{"base_url", "https"}},
		"plain http, private address": {"base_url http://10.0.0.1" + keyPair, []string{"base_url", "https"}},
		"plain http, all addresses":   {"base_url http://0.0.0.0" + keyPair, []string{"base_url", "https"}},
		"plain http, looks local":     {"base_url http://localhost.evil.example" + keyPair, []string{"base_url", "https"}},
		"plain http, looks local too": {"base_url http://127.0.0.1.evil.example" + keyPair, []string{"base_url", "https"}},
		"plain http, local user":      {"base_url http://localhost@evil.example" + keyPair, []string{"base_url"}},
		"plain http, HTTP":            {"base_url HTTP://gateway.example" + keyPair, []string{"base_url", "https"}},
		"sandbox elsewhere":           {"environment sandbox\nbase_url http://gateway.example", []string{"base_url", "https"}},
		"no scheme":                   {"base_url gateway.example" + keyPair, []string{"base_url"}},
		"no host":                     {"base_url https://" + keyPair, []string{"base_url"}},
		"other scheme":                {"base_url ftp://gateway.example" + keyPair, []string{"base_url"}},
		"not a URL":                   {"base_url https://gate%zzway" + keyPair, []string{"base_url"}},
		"URL with password":           {"base_url {env.URL_WITH_PASSWORD}" + keyPair, []string{"base_url"}},
		"URL with query":              {"base_url https://gateway.example/?a=1" + keyPair, []string{"base_url"}},
		"URL with fragment":           {"base_url https://gateway.example/#a" + keyPair, []string{"base_url"}},
		"URL from unset variable":     {"base_url {env.UNSET}" + keyPair, []string{"base_url", "UNSET"}},

		"no api_key":                 {"environment uat\nsalt {env.SALT}", []string{"api_key"}},
		"api_key unset":              {"environment uat\napi_key {env.UNSET}\nsalt {env.SALT}", []string{"api_key", "UNSET"}},
		"api_key empty":              {"environment uat\napi_key {env.EMPTY}\nsalt {env.SALT}", []string{"api_key", "EMPTY"}},
		"api_key blank":              {"environment uat\napi_key {env.BLANK}\nsalt {env.SALT}", []string{"api_key", "white space"}},
		"api_key with a line end":    {"environment uat\napi_key {env.KEY_WITH_LINE_END}\nsalt {env.SALT}", []string{"api_key"}},
		"api_key not ASCII":          {"environment uat\napi_key {env.KEY_WITH_ACCENT}\nsalt {env.SALT}", []string{"api_key"}},
		"api_key with two values":    {"environment uat\napi_key secret-canary secret-canary\nsalt {env.SALT}", []string{"api_key"}},
		"api_key without value":      {"environment uat\napi_key\nsalt {env.SALT}", []string{"api_key"}},
		"api_key, {$} unset":         {"environment uat\napi_key {$UNSET}\nsalt {env.SALT}", []string{"api_key", "{$NAME}"}},
		"api_key in quotation marks": {"environment uat\napi_key `\"{env.KEY}\"`\nsalt {env.SALT}", []string{"api_key", "quotation marks"}},
		"api_key, unknown namespace": {"environment uat\napi_key {vault.secret-canary}\nsalt {env.SALT}", []string{"api_key"}},

		"no salt":                   {"environment production\napi_key {env.KEY}", []string{"salt"}},
		"sandbox with one of two":   {"environment sandbox\napi_key {env.KEY}", []string{"salt"}},
		"sandbox with other of two": {"environment sandbox\nsalt {env.SALT}", []string{"api_key"}},
		"salt unset":                {"environment uat\napi_key {env.KEY}\nsalt {env.UNSET}", []string{"salt", "UNSET"}},
		"salt empty":                {"environment uat\napi_key {env.KEY}\nsalt {env.EMPTY}", []string{"salt", "EMPTY"}},
		"salt empty text":           {"environment uat\napi_key {env.KEY}\nsalt \"\"", []string{"salt"}},
		"salt file missing":         {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "/missing}", []string{"salt", "missing"}},
		"salt file is a folder":     {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "}", []string{"salt"}},
		"salt file empty":           {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "/empty}", []string{"salt", "empty"}},
		"salt file of a line end":   {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "/only_line}", []string{"salt"}},
		"salt file of two lines":    {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "/two_lines}", []string{"salt", "white space"}},
		"salt with blank behind":    {"environment uat\napi_key {env.KEY}\nsalt {env.PADDED}", []string{"salt", "white space"}},
		"salt with tab in front":    {"environment uat\napi_key {env.KEY}\nsalt {env.PADDED_LEFT}", []string{"salt", "white space"}},
		"salt literal, padded":      {"environment uat\napi_key {env.KEY}\nsalt \"secret-canary \"", []string{"salt", "white space"}},
		"salt in quotation marks":   {"environment uat\napi_key {env.KEY}\nsalt '{env.SALT}'", []string{"salt", "quotation marks"}},
		"salt of a second line":     {"environment uat\napi_key {env.KEY}\nsalt {env.KEY_WITH_LINE_END}", []string{"salt", "more than one line"}},
		"salt unclosed":             {"environment uat\napi_key {env.KEY}\nsalt {env.SALT", []string{"salt", "brace"}},
		"salt of another tool":      {"environment uat\napi_key {env.KEY}\nsalt %SALT%", []string{"salt", "placeholder"}},
		"salt literal, two words":   {"environment uat\napi_key {env.KEY}\nsalt secret-canary secret-canary", []string{"salt"}},
		"salt literal, with braces": {"environment uat\napi_key {env.KEY}\nsalt a{secret-canary}b", []string{"salt"}},
		"salt, variable and text":   {"environment uat\napi_key {env.KEY}\nsalt secret-canary{env.UNSET}", []string{"salt"}},

		"sandbox pair with uat":        {"environment uat\napi_key {env.SANDBOX_KEY}\nsalt {env.SANDBOX_SALT}", []string{"api_key", "salt", "sandbox"}},
		"sandbox pair with production": {"environment production\napi_key sandbox\nsalt GO@2021", []string{"api_key", "salt", "sandbox"}},
		"sandbox pair elsewhere":       {"base_url https://gateway.example\napi_key sandbox\nsalt GO@2021", []string{"api_key", "salt", "sandbox"}},

		"previous_salt without value":  {"environment uat" + keyPair + "previous_salt", []string{"previous_salt"}},
		"previous_salt, stray word":    {"environment uat" + keyPair + "previous_salt secret-canary secret-canary", []string{"previous_salt"}},
		"previous_salt, no time":       {"environment uat" + keyPair + "previous_salt secret-canary until", []string{"previous_salt"}},
		"previous_salt, wrong word":    {"environment uat" + keyPair + "previous_salt secret-canary till 2026-12-31T00:00:00Z", []string{"previous_salt"}},
		"previous_salt, date only":     {"environment uat" + keyPair + "previous_salt {env.SALT} until 2026-12-31", []string{"previous_salt", "until"}},
		"previous_salt, no zone":       {"environment uat" + keyPair + "previous_salt {env.SALT} until 2026-12-31T00:00:00", []string{"previous_salt", "until"}},
		"previous_salt, no such day":   {"environment uat" + keyPair + "previous_salt {env.SALT} until 2026-02-30T00:00:00Z", []string{"previous_salt", "until"}},
		"previous_salt unset":          {"environment uat" + keyPair + "previous_salt {env.UNSET}", []string{"previous_salt", "UNSET"}},
		"previous_salt empty":          {"environment uat" + keyPair + "previous_salt {env.EMPTY}", []string{"previous_salt", "EMPTY"}},
		"previous_salt padded, second": {"environment uat" + keyPair + "previous_salt {env.SALT}\nprevious_salt {env.PADDED}", []string{"previous_salt 2", "white space"}},

		"unknown option":         {"environment uat" + keyPair + "slat {env.SALT}", []string{"unknown option", "slat"}},
		"option of the handler":  {"environment uat" + keyPair + "max_body 1KiB", []string{"unknown option", "max_body"}},
		"block after a value":    {"environment uat {\n}" + keyPair, []string{"unknown option"}},
		"duplicate environment":  {"environment uat\nenvironment uat" + keyPair, []string{"duplicate", "environment"}},
		"duplicate base_url":     {"base_url https://a.example\nbase_url https://a.example" + keyPair, []string{"duplicate", "base_url"}},
		"duplicate api_key":      {"environment uat" + keyPair + "api_key secret-canary", []string{"duplicate", "api_key"}},
		"duplicate salt":         {"environment uat" + keyPair + "salt secret-canary", []string{"duplicate", "salt"}},
		"merchant without name":  {"merchant {\n}", []string{"merchant"}},
		"merchant, two names":    {"merchant a b {\n}", []string{"merchant"}},
		"merchant twice":         {"merchant a {\nenvironment sandbox\n}\nmerchant a {\nenvironment sandbox\n}", []string{"merchant a", "twice"}},
		"default twice":          {"environment sandbox\nmerchant default {\nenvironment sandbox\n}", []string{"merchant default", "twice"}},
		"merchant in a merchant": {"merchant a {\nmerchant b {\nenvironment sandbox\n}\n}", []string{"unknown option", "merchant"}},
		"merchant empty":         {"environment sandbox\nmerchant a {\n}", []string{"merchant a", "environment"}},
		"merchant with an error": {"environment sandbox\nmerchant a {\nenvironment uat\napi_key {env.KEY}\nsalt {env.UNSET}\n}", []string{"merchant a", "salt", "UNSET"}},
		"name not for a header":  {"merchant \"a b\" {\nenvironment sandbox\n}", []string{"merchant"}},
		"name not ASCII":         {"merchant máy {\nenvironment sandbox\n}", []string{"merchant"}},
	}
}

// wrongSiteOptions are the contents of the directive, for a merchant of the sandbox or of uat.
var wrongSiteOptions = map[string]struct {
	environment string
	options     string
	want        []string
}{
	"unknown merchant":          {"sandbox", "merchant airline", []string{"merchant", "airline", "default"}},
	"merchant without name":     {"sandbox", "merchant", []string{"merchant"}},
	"merchant with two names":   {"sandbox", "merchant default default", []string{"merchant"}},
	"empty value":               {"sandbox", `merchant ""`, []string{"merchant", "empty"}},
	"unknown option":            {"sandbox", "alow 10.0.0.0/8", []string{"unknown option", "alow"}},
	"option of the global one":  {"sandbox", "salt secret-canary", []string{"unknown option", "salt"}},
	"duplicate allow":           {"sandbox", "allow 10.0.0.0/8\nallow 10.0.0.0/8", []string{"duplicate", "allow"}},
	"duplicate operations":      {"sandbox", "operations pay\noperations query", []string{"duplicate", "operations"}},
	"duplicate defaults":        {"sandbox", "defaults {\n}\ndefaults {\n}", []string{"duplicate", "defaults"}},
	"duplicate transport":       {"sandbox", "transport http\ntransport http", []string{"duplicate", "transport"}},
	"duplicate timeout":         {"sandbox", "timeout 3s\ntimeout 3s", []string{"duplicate", "timeout"}},
	"allow without value":       {"sandbox", "allow", []string{"allow"}},
	"allow, no address":         {"sandbox", "allow everybody", []string{"allow", "everybody"}},
	"allow, bad range":          {"sandbox", "allow 10.0.0.0/33", []string{"allow", "10.0.0.0/33"}},
	"allow, host name":          {"sandbox", "allow localhost", []string{"allow", "localhost"}},
	"allow, second is bad":      {"sandbox", "allow 10.0.0.0/8 x", []string{"allow", "x"}},
	"operations without value":  {"sandbox", "operations", []string{"operations"}},
	"operations, unknown":       {"sandbox", "operations pay pya", []string{"operations", "pya"}},
	"operations, wrong case":    {"sandbox", "operations Pay", []string{"operations", "Pay"}},
	"operations, a path":        {"sandbox", "operations /api/v1/x", []string{"operations", "/api/v1/x"}},
	"response without value":    {"sandbox", "response", []string{"response"}},
	"response, unknown":         {"sandbox", "response all", []string{"response", "all", "data or envelope"}},
	"response, two values":      {"sandbox", "response data envelope", []string{"response"}},
	"verify, unknown":           {"sandbox", "verify off", []string{"verify", "off", "strict or report"}},
	"verify without value":      {"sandbox", "verify", []string{"verify"}},
	"validate, unknown":         {"sandbox", "validate strict", []string{"validate", "strict", "on or off"}},
	"validate without value":    {"sandbox", "validate", []string{"validate"}},
	"validate twice":            {"sandbox", "validate on\nvalidate off", []string{"duplicate", "validate"}},
	"defaults with a value":     {"sandbox", "defaults ipnURL https://shop.example {\n}", []string{"defaults"}},
	"defaults without value":    {"sandbox", "defaults {\nipnURL\n}", []string{"ipnURL"}},
	"defaults, two values":      {"sandbox", "defaults {\nipnURL a b\n}", []string{"ipnURL"}},
	"defaults, duplicate":       {"sandbox", "defaults {\nipnURL a\nipnURL b\n}", []string{"defaults", "ipnURL"}},
	"defaults, bad name":        {"sandbox", "defaults {\n\"ipn\\\"URL\" a\n}", []string{"defaults"}},
	"defaults, other letters":   {"sandbox", "defaults {\nipnUrl https://shop.example\n}", []string{"defaults", "ipnUrl", "did you mean ipnURL?"}},
	"defaults, no such field":   {"sandbox", "defaults {\nmerchantNote x\n}", []string{"defaults", "merchantNote", "no operation takes this field"}},
	"defaults, relative":        {"sandbox", "defaults {\nipnURL /galaxypay/ipn\n}", []string{"defaults", "ipnURL", "absolute http or https address"}},
	"defaults, no host":         {"sandbox", "defaults {\nsuccessURL https:///result\n}", []string{"defaults", "successURL", "absolute address"}},
	"defaults, relative by env": {"sandbox", "defaults {\ncancelURL {env.SALT}\n}", []string{"defaults", "cancelURL", "absolute address"}},
	"defaults, null":            {"sandbox", "defaults {\nlanguage null\n}", []string{"defaults", "language", "expected a text"}},
	"defaults, empty":           {"sandbox", "defaults {\nlanguage \"\"\n}", []string{"language", "empty"}},
	"defaults, unset variable":  {"sandbox", "defaults {\nipnURL {env.UNSET}\n}", []string{"defaults", "ipnURL", "UNSET"}},
	"path without value":        {"sandbox", "path", []string{"path"}},
	"path with one value":       {"sandbox", "path void", []string{"path"}},
	"path with three values":    {"sandbox", "path void /a /b", []string{"path"}},
	"path, duplicate":           {"sandbox", "path void /a\npath void /b", []string{"path", "duplicate", "void"}},
	"path, unknown operation":   {"sandbox", "path avoid /a", []string{"path", "avoid"}},
	"path, other":               {"sandbox", "path other /a", []string{"path", "other"}},
	"path, relative":            {"sandbox", "path void a", []string{"path", "void"}},
	"path, a URL":               {"sandbox", "path void https://evil.example/", []string{"path", "void"}},
	"path, climbing":            {"sandbox", "path void /a/../b", []string{"path", "void"}},
	"path, with query":          {"sandbox", "path void /a?b=c", []string{"path", "void"}},
	"path of another":           {"sandbox", "path void /api/v1/transaction/pay", []string{"path void", "/api/v1/transaction/pay"}},
	"path, with escapes":        {"sandbox", "path void /a%2fb", []string{"path", "void"}},
	"max_body, zero":            {"sandbox", "max_body 0", []string{"max_body", "0"}},
	"max_body, negative":        {"sandbox", "max_body -1", []string{"max_body", "-1"}},
	"max_body, no size":         {"sandbox", "max_body unlimited", []string{"max_body", "unlimited"}},
	"max_body, too large":       {"sandbox", "max_body 2GiB", []string{"max_body", "2GiB"}},
	"max_body without value":    {"sandbox", "max_body", []string{"max_body"}},
	"max_body, two values":      {"sandbox", "max_body 1 MiB", []string{"max_body"}},
	"timeout, zero":             {"sandbox", "timeout 0s", []string{"timeout", "0s"}},
	"timeout, negative":         {"sandbox", "timeout -1s", []string{"timeout", "-1s"}},
	"timeout, no unit":          {"sandbox", "timeout 30", []string{"timeout", "30"}},
	"timeout without value":     {"sandbox", "timeout", []string{"timeout"}},
	"max_in_flight, zero":       {"sandbox", "max_in_flight 0", []string{"max_in_flight", "0"}},
	"max_in_flight, negative":   {"sandbox", "max_in_flight -1", []string{"max_in_flight", "-1"}},
	"max_in_flight, no number":  {"sandbox", "max_in_flight unlimited", []string{"max_in_flight", "unlimited"}},
	"max_in_flight, a fraction": {"sandbox", "max_in_flight 1.5", []string{"max_in_flight", "1.5"}},
	"max_in_flight, no value":   {"sandbox", "max_in_flight", []string{"max_in_flight"}},
	"max_in_flight, two values": {"sandbox", "max_in_flight 1 2", []string{"max_in_flight"}},
	"max_in_flight, twice":      {"sandbox", "max_in_flight 1\nmax_in_flight 2", []string{"duplicate", "max_in_flight"}},
	"transport without value":   {"sandbox", "transport", []string{"transport"}},
	"transport, other":          {"sandbox", "transport fastcgi", []string{"transport", "fastcgi", "http"}},
	"transport, unknown option": {"sandbox", "transport http {\nverify off\n}", []string{"verify"}},
	"no verification of TLS":    {"uat", "transport http {\ntls_insecure_skip_verify\n}", []string{"transport", "tls_insecure_skip_verify"}},
}

// wrongCaddyfiles are whole Caddyfiles.
var wrongCaddyfiles = map[string]struct {
	caddyfile string
	want      []string
}{
	"global option twice":         {"{\ngalaxypay {\nenvironment sandbox\n}\ngalaxypay {\nmerchant a {\nenvironment sandbox\n}\n}\n}\n", []string{"galaxypay", "twice"}},
	"global option with argument": {"{\ngalaxypay airline {\nenvironment sandbox\n}\n}\n", []string{"airline"}},
	"no global option":            {"http://:9180 {\ngalaxypay\n}\n", []string{"merchant", "galaxypay"}},
	"argument of the directive":   {sandboxMerchant + "http://:9180 {\ngalaxypay airline\n}\n", []string{"airline"}},
	"two arguments":               {sandboxMerchant + "http://:9180 {\ngalaxypay * airline\n}\n", []string{"airline"}},
	"ipn, unknown merchant":       {sandboxMerchant + "http://:9180 {\ngalaxypay_ipn {\nmerchant a\n}\n}\n", []string{"merchant", `"a"`}},
	"ipn, unknown option":         {sandboxMerchant + "http://:9180 {\ngalaxypay_ipn {\nverify report\n}\n}\n", []string{"unknown option", "verify"}},
	"ipn, duplicate option":       {sandboxMerchant + "http://:9180 {\ngalaxypay_ipn {\nmax_body 1KiB\nmax_body 1KiB\n}\n}\n", []string{"duplicate", "max_body"}},
	"ipn, bad size":               {sandboxMerchant + "http://:9180 {\ngalaxypay_ipn {\nmax_body x\n}\n}\n", []string{"max_body"}},
	"result, unknown merchant":    {sandboxMerchant + "http://:9180 {\ngalaxypay_result {\nmerchant a\n}\n}\n", []string{"merchant", `"a"`}},
	"result, unknown option":      {sandboxMerchant + "http://:9180 {\ngalaxypay_result {\ninbox\n}\n}\n", []string{"unknown option", "inbox"}},
	"result, unknown forward":     {sandboxMerchant + "http://:9180 {\ngalaxypay_result {\nforward put\n}\n}\n", []string{"forward", `"put"`, "get or post"}},
	"result, forward of nothing":  {sandboxMerchant + "http://:9180 {\ngalaxypay_result {\nforward\n}\n}\n", []string{"forward", "expected a value"}},
	"result, forward twice":       {sandboxMerchant + "http://:9180 {\ngalaxypay_result {\nforward get\nforward get\n}\n}\n", []string{"duplicate", "forward"}},
	"ipn, forward":                {sandboxMerchant + "http://:9180 {\ngalaxypay_ipn {\nforward get\n}\n}\n", []string{"unknown option", "forward"}},
	"result, argument":            {sandboxMerchant + "http://:9180 {\ngalaxypay_result airline\n}\n", []string{"airline"}},
}

// wantLoadError checks that Caddy refuses a Caddyfile with an error that contains these parts.
func wantLoadError(t *testing.T, caddyfile string, want []string) {
	t.Helper()
	c, err := tryStart(t, caddyfile)
	if err == nil {
		t.Fatalf("Caddy started with\n%s", caddyfile)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	checkNoSecret(t, "error", err.Error())
	c.stop()
	if logs, err := os.ReadFile(c.logFile); err == nil {
		checkNoSecret(t, "log", string(logs))
	}
}

// The same holds for JSON, which does not go through the parser of the Caddyfile.
func TestConfigErrorsInJSON(t *testing.T) {
	setSecrets(t)
	const good = `"environment":"uat","api_key":"{env.KEY}","salt":"{env.SALT}"`
	for name, test := range map[string]struct{ merchant, handler, want string }{
		"unknown field of a merchant": {good + `,"slat":"secret-canary"`, ``, "slat"},
		"unknown field of the proxy":  {good, `,"allowed":[]`, "allowed"},
		"response":                    {good, `,"response":"all"`, "response"},
		"verify":                      {good, `,"verify":"none"`, "verify"},
		"validate":                    {good, `,"validate":"maybe"`, "validate"},
		"max_body":                    {good, `,"max_body":-1`, "max_body"},
		"timeout":                     {good, `,"timeout":-1`, "timeout"},
		"max_in_flight":               {good, `,"max_in_flight":-1`, "max_in_flight"},
		"transport":                   {good, `,"transport":{"protocol":"fastcgi"}`, "transport"},
		"transport is not an object":  {good, `,"transport":"http"`, "transport"},
		"skip verify":                 {good, `,"transport":{"protocol":"http","tls":{"insecure_skip_verify":true}}`, "tls_insecure_skip_verify"},
		"operations":                  {good, `,"operations":["x"]`, "operations"},
		"paths":                       {good, `,"paths":{"x":"/x"}`, "path"},
		"defaults":                    {good, `,"defaults":{"a\"b":"/x"}`, "defaults"},
		"forward":                     {good, `},{"handler":"galaxypay_result","forward":"PUT"`, `forward: unknown value "PUT"; expected get or post`},
		"empty default":               {good, `,"defaults":{"ipnURL":""}`, "defaults: ipnURL: expected a text"},
		"default null":                {good, `,"defaults":{"ipnURL":null}`, "defaults: ipnURL: expected a text"},
		"salt of a wrong type":        {`"environment":"uat","api_key":"{env.KEY}","salt":["secret-canary"]`, ``, "salt"},
		"no salt":                     {`"environment":"uat","api_key":"{env.KEY}"`, ``, "salt"},
		"until":                       {good + `,"previous_salts":[{"salt":"{env.SALT}","until":"tomorrow"}]`, ``, "until"},
		"previous salt missing":       {good + `,"previous_salts":[{}]`, ``, "previous_salt"},
	} {
		t.Run(name, func(t *testing.T) {
			c := startEmpty(t)
			err := c.loadJSON(t, []byte(`{"apps":{
				"galaxypay":{"merchants":{"default":{`+test.merchant+`}}},
				"http":{"servers":{"s":{"listen":[":9180"],"routes":[{"handle":[{"handler":"galaxypay"`+test.handler+`}]}]}}}}}`))
			if err == nil {
				t.Fatal("Caddy took the configuration")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not say %q: %v", test.want, err)
			}
			checkNoSecret(t, "error", err.Error())
			c.stop()
			checkNoSecret(t, "log", c.logs(t))
		})
	}
}

// Settings that are close to the refused ones, and right, load.
func TestConfigsThatLoad(t *testing.T) {
	files := setSecrets(t)
	for name, test := range map[string]struct{ global, site string }{
		"sandbox alone":                    {"environment sandbox", ""},
		"sandbox with its pair":            {"environment sandbox\napi_key sandbox\nsalt GO@2021", ""},
		"sandbox at another port":          {"environment sandbox\nbase_url http://localhost:9191", ""},
		"sandbox, skip verify":             {"environment sandbox", "transport http {\ntls_insecure_skip_verify\n}"},
		"http to localhost":                {"base_url http://localhost:9190" + keyPair, ""},
		"http to 127.8.8.8":                {"base_url http://127.8.8.8" + keyPair, ""},
		"http to ::1":                      {"base_url http://[::1]:9190" + keyPair, ""},
		"https anywhere":                   {"base_url https://gateway.example:8443/prefix/" + keyPair, ""},
		"file with one line end":           {"environment uat\napi_key {env.KEY}\nsalt {file." + files + "/salt}", ""},
		"salt with blanks inside":          {"environment uat\napi_key {env.KEY}\nsalt \"secret canary of words\"", ""},
		"salt with escaped braces":         {"environment uat\napi_key {env.KEY}\nsalt secret-canary\\{x\\}", ""},
		"expired salt":                     {"environment uat" + keyPair + "previous_salt {env.SALT} until 2020-01-01T00:00:00+07:00", ""},
		"every size and time":              {"environment uat" + keyPair, "max_body 1GiB\ntimeout 1d"},
		"other in operations":              {"environment uat" + keyPair, "operations other"},
		"HTTP/2 in transport":              {"environment uat" + keyPair, "transport http {\nversions 2\n}"},
		"no default merchant, none in use": {"merchant a {\nenvironment sandbox\n}", "merchant a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "{\ngalaxypay {\n"+test.global+"\n}\n}\nhttp://:9180 {\ngalaxypay {\n"+test.site+"\n}\n}\n")
			c.stop()
			checkNoSecret(t, "log", c.logs(t))
		})
	}
}

// When a configuration loads, the log warns of settings that work but should be changed.
func TestConfigWarnings(t *testing.T) {
	setSecrets(t)
	t.Setenv("SHORT", "15-characters-x")
	t.Setenv("LONG", "16-characters-xx")
	const literal, short = "is written in the configuration", "short enough to be guessed"
	for name, test := range map[string]struct {
		options string
		want    []string
	}{
		"all well":               {"environment uat\napi_key {env.KEY}\nsalt {env.LONG}", nil},
		"literal api_key":        {"environment uat\napi_key secret-canary\nsalt {env.SALT}", []string{literal}},
		"literal salt":           {"environment uat\napi_key {env.KEY}\nsalt secret-canary-salt-16", []string{literal}},
		"literal previous_salt":  {"environment uat" + keyPair + "previous_salt secret-canary-of-old", []string{literal}},
		"short previous_salt":    {"environment uat" + keyPair + "previous_salt {env.SHORT}", []string{short}},
		"replaced by the parser": {"environment uat\napi_key {env.KEY}\nsalt {$SALT}", []string{literal}},
		"partly literal":         {"environment uat\napi_key {env.KEY}\nsalt secret-canary{env.SALT}", []string{literal}},
		"short salt":             {"environment uat\napi_key {env.KEY}\nsalt {env.SHORT}", []string{short}},
		"literal and short":      {"environment uat\napi_key secret-canary\nsalt canary", []string{literal, short}},
		"sandbox":                {"environment sandbox", []string{"this merchant is at the sandbox"}},
		"of a named merchant":    {"merchant default {\nenvironment uat\napi_key {env.KEY}\nsalt {env.SHORT}\n}", []string{short}},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "{\ngalaxypay {\n"+test.options+"\n}\n}\nhttp://:9180 {\ngalaxypay\n}\n")
			c.stop()
			var got []string
			for text := range strings.Lines(c.logs(t)) {
				if strings.Contains(text, `"logger":"galaxypay"`) && strings.Contains(text, `"level":"warn"`) {
					got = append(got, text)
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d warnings, want %d: %q", len(got), len(test.want), got)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) || !strings.Contains(got[i], `"merchant":"default"`) {
					t.Errorf("warning %s, want one that says %q", got[i], want)
				}
			}
			checkNoSecret(t, "log", c.logs(t))
		})
	}
}

// The secrets of these tests. None of them may appear in an error or a warning.
const (
	secretKey  = "secret-canary-api-key"
	secretSalt = "secret-canary-salt"
)

// setSecrets provides the secrets in all ways to which a configuration can refer, right and wrong ones,
// and returns the folder of the files.
func setSecrets(t *testing.T) string {
	t.Helper()
	t.Setenv("KEY", secretKey)
	t.Setenv("SALT", secretSalt)
	t.Setenv("EMPTY", "")
	t.Setenv("BLANK", " ")
	t.Setenv("PADDED", secretSalt+" ")
	t.Setenv("PADDED_LEFT", "\t"+secretSalt)
	t.Setenv("KEY_WITH_LINE_END", secretKey+"\nX-Injected: 1")
	t.Setenv("KEY_WITH_ACCENT", secretKey+"ạ")
	t.Setenv("SANDBOX_KEY", "sandbox")
	t.Setenv("SANDBOX_SALT", "GO@2021")
	t.Setenv("URL_WITH_PASSWORD", "https://user:secret-canary-password@gateway.example")
	dir := t.TempDir()
	for name, content := range map[string]string{
		"salt":      secretSalt + "\n",
		"two_lines": secretSalt + "\n\n",
		"crlf":      secretSalt + "\r\n",
		"empty":     "",
		"only_line": "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// keyPair is the options that complete a merchant.
const keyPair = `
	api_key {env.KEY}
	salt {env.SALT}
	`

// checkNoSecret checks that a text holds no secret.
func checkNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{"secret-canary", secretKey, secretSalt} {
		// All literal secrets of these tests begin with the same word. The name of a placeholder is no
		// secret.
		if strings.Contains(text, secret) {
			t.Errorf("the %s holds a secret: %s", where, text)
			return
		}
	}
}
