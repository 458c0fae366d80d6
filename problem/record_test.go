package problem

import (
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// A repeated call that nothing was sent of is of unknown outcome, and the app is told why. Other problems keep their sentence.
func TestMayBeDone(t *testing.T) {
	for name, test := range map[string]struct {
		problem *Problem
		changes bool
	}{
		"no connection":  {Unreachable(), true},
		"too late":       {StoreUnavailable(), true},
		"no answer":      {NoReply(), false},
		"no such record": {RecordDamaged(), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []language.Tag{language.English, language.Vietnamese} {
				before := test.problem.Body(in).Detail
				p := *test.problem
				p.MayBeDone()
				after := p.Body(in)
				if p.Outcome != Unknown || (after.Detail != before) != test.changes {
					t.Errorf("%s: %s, %q", in, p.Outcome, after.Detail)
				}
				if test.changes && !strings.Contains(after.Detail, "Idempotency-Key") {
					t.Errorf("%s: %q", in, after.Detail)
				}
			}
		})
	}
}
