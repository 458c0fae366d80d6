package caddytest

import "testing"

// The matrix is as large as it is said to be, and no title stands for two cases.
func TestNetworkMatrix(t *testing.T) {
	titles := make(map[string]bool)
	for _, c := range networkCases("pay", "query", "ipn to the app", "ipn from the gateway") {
		titles[c.title()] = true
	}
	if len(titles) < 200 {
		t.Errorf("%d cases, want at least 200", len(titles))
	}
	t.Logf("%d cases", len(titles))
}
