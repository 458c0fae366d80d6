package ledger

import "testing"

// A payment whose source the merchant left open has one in its callbacks, whatever the
// customer chose.
func TestUsualSources(t *testing.T) {
	for _, method := range Methods() {
		if (Transaction{Payment: Payment{Method: method}}).SourceType() == "" {
			t.Errorf("%s has no source", method)
		}
	}
}
