package caddytest

import (
	"strings"
	"testing"
)

// One key is replaced by another, and then the old one is lost. What was encrypted with a key needs
// that key.
func TestInboxKeyRotation(t *testing.T) {
	t.Setenv("TEST_INBOX_KEY", strings.Repeat("0f", 32))
	t.Setenv("TEST_NEW_KEY", strings.Repeat("A", 43)+"=")
	k := newInboxSidecar(t, "")
	plain := k.arrive(t, paidMessage)
	reload := func(options string) {
		t.Helper()
		k.mustLoad(t, k.caddyfile(options))
	}
	reload("encrypt first " + inboxKey)
	first := k.arrive(t, strings.ReplaceAll(paidMessage, "260102123", "260102124"))
	const second = "encrypt second {env.TEST_NEW_KEY}"
	reload(second + "\nencrypt first " + inboxKey)
	last := k.arrive(t, strings.ReplaceAll(paidMessage, "260102123", "260102125"))
	for name, test := range map[string]struct {
		options string
		errors  [3]string // of plain, first, last
	}{
		"all keys":             {second + "\nencrypt first " + inboxKey, [3]string{}},
		"the old one lost":     {second, [3]string{"", "key first is not configured", ""}},
		"unencrypted refused":  {second + "\nencrypt first " + inboxKey + "\nrefuse_unencrypted", [3]string{"not encrypted", "", ""}},
		"another under the id": {second + "\nencrypt first {env.TEST_NEW_KEY}", [3]string{"", "key first does not fit", ""}},
		"no keys":              {"", [3]string{"", "key first is not configured", "key second is not configured"}},
	} {
		t.Run(name, func(t *testing.T) {
			reload(test.options)
			for i, id := range []string{plain, first, last} {
				e := k.show(t, id)
				if (test.errors[i] == "") != (e.MessageError == "") || !strings.Contains(e.MessageError, test.errors[i]) || (e.Message == nil) == (e.MessageError == "") {
					t.Errorf("event %d: message %.20s, error %q, want %q", i+1, e.Message, e.MessageError, test.errors[i])
				}
			}
		})
	}
	if logs := k.logs(t); strings.Contains(logs, strings.Repeat("0f", 32)) || strings.Contains(logs, strings.Repeat("A", 43)) {
		t.Error("a key is in the log")
	}
}

const inboxKey = "{env.TEST_INBOX_KEY}"

// A secret that is written in the configuration works, but the log warns of it.
func TestInboxSecretInTheConfiguration(t *testing.T) {
	const canary = "5ec2e70f"
	key, address := strings.Repeat(canary, 8), "postgres://shop:"+canary+"@"+deadAddress(t)+"/shop"
	t.Setenv("INBOX_KEY", key)
	t.Setenv("INBOX_ADDRESS", address)
	for store, warnings := range map[string]int{
		"sqlite " + inboxFile(t) + " {\nencrypt a " + key + "\n}":     1,
		"sqlite " + inboxFile(t) + " {\nencrypt a {env.INBOX_KEY}\n}": 0,
		"postgres " + address:          1,
		"postgres {env.INBOX_ADDRESS}": 0,
	} {
		site := strings.Replace(inboxSite("", newApp(t).address, ""), "store sqlite ", "store "+store, 1)
		c := start(t, site)
		c.stop()
		logs := c.logs(t)
		if n := strings.Count(logs, "config dumps show it"); n != warnings {
			t.Errorf("%s: %d warnings, want %d", store, n, warnings)
		}
		if strings.Contains(logs, canary) {
			t.Errorf("%s: the secret is in the log", store)
		}
	}
}
