package caddytest

import (
	"strings"
	"testing"
)

// A variable {$NAME} that is not set leaves nothing, or an empty text in quotation marks. Neither must silently
// mean the default, and the error says where nothing may come from.
func TestConfigUnsetVariables(t *testing.T) {
	const sandbox = "environment sandbox\n"
	global := func(option string) string { return "{\ngalaxypay {\n" + option + "\n}\n}\n:9180 {\ngalaxypay\n}" }
	handler := func(directive string) func(string) string {
		return func(option string) string {
			return "{\ngalaxypay {\n" + sandbox + "store sqlite /srv/store.db\n}\n}\n:9180 {\n" + directive + " {\n" + option + "\n}\n}"
		}
	}
	for _, test := range []struct {
		name    string
		around  func(option string) string
		options []string // with UNSET, once as it is and once in quotation marks
	}{
		{"the global option", global, []string{
			"environment UNSET", "base_url UNSET", "api_key UNSET", "salt UNSET", "merchant UNSET {\n" + sandbox + "}",
			sandbox + "previous_salt UNSET", sandbox + "previous_salt a-long-enough-salt until UNSET", sandbox + "previous_salt UNSET until 2027-01-01T00:00:00+07:00",
			sandbox + "store UNSET", sandbox + "store postgres UNSET",
			sandbox + "store sqlite /srv/store.db {\nencrypt k UNSET\n}", sandbox + "store sqlite /srv/store.db {\nencrypt UNSET k\n}", sandbox + "store sqlite /srv/store.db {\nkeep UNSET\n}",
		}},
		{"calls", handler("galaxypay"), []string{
			"merchant UNSET", "allow UNSET", "operations UNSET", "response UNSET", "verify UNSET", "validate UNSET", "defaults {\nipnURL UNSET\n}",
			"path void UNSET", "path UNSET /api/v1/transaction/void", "max_body UNSET", "timeout UNSET", "max_in_flight UNSET", "transport UNSET",
		}},
		{"IPNs", handler("galaxypay_ipn"), []string{
			"merchant UNSET", "max_body UNSET", "inbox {\ndeliver_to UNSET\n}", "inbox {\nretry UNSET\n}", "inbox {\nanswer_within UNSET\n}",
		}},
		{"results", handler("galaxypay_result"), []string{"merchant UNSET", "max_body UNSET", "forward UNSET"}},
		{"the sandbox", handler("galaxypay_sandbox"), []string{"api_key UNSET", "salt UNSET", "allow UNSET", "hosts UNSET", "expiry UNSET", "result UNSET"}},
	} {
		for _, option := range test.options {
			for _, unset := range []string{"{$TEST_NOT_SET}", `"{$TEST_NOT_SET}"`, "`{$TEST_NOT_SET:}`"} {
				option := strings.Replace(option, "UNSET", unset, 1)
				t.Run(test.name+" "+option, func(t *testing.T) {
					wantUnset(t, test.around(option))
				})
			}
		}
	}
	wantUnset(t, global(sandbox+`store sqlite "{$TEST_NOT_SET}"`)) // without quotation marks it is the default path
	wantUnset(t, handler("galaxypay")(`allow 10.0.0.0/8 "{$TEST_NOT_SET}"`))
	wantUnset(t, handler("galaxypay_ipn")("inbox {\nretry 1s \"{$TEST_NOT_SET}\"\n}"))
}

func wantUnset(t *testing.T, caddyfile string) {
	t.Helper()
	_, _, err := adapt(t, caddyfile)
	if err == nil || !strings.Contains(err.Error(), "a variable {$NAME} that is not set leaves none") {
		t.Errorf("%s\nerror %v", caddyfile, err)
	}
}
