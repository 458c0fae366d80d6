package wirelog

import (
	"strings"
	"testing"
)

func TestLogIsBounded(t *testing.T) {
	small, large := Exchange{}, Exchange{Body: &Content{Text: strings.Repeat("x", maxBody)}}
	for name, test := range map[string]struct {
		repeated Exchange
		want     int
	}{
		"by number": {small, OfTransaction.Exchanges},
		"by size":   {large, OfTransaction.Size / large.size()},
	} {
		t.Run(name, func(t *testing.T) {
			var log Log
			log = log.With(Exchange{Operation: "pay"}, OfTransaction)
			for range 100 {
				log = log.With(test.repeated, OfTransaction)
			}
			log = log.With(Exchange{Operation: "query"}, OfTransaction)
			first, last := log.Exchanges[0], log.Exchanges[len(log.Exchanges)-1]
			if len(log.Exchanges) > OfTransaction.Exchanges || log.size() > OfTransaction.Size || len(log.Exchanges) < test.want ||
				len(log.Exchanges)+log.LeftOut != 102 || first.Operation != "pay" || last.Operation != "query" {
				t.Errorf("%d kept of size %d, %d left out, from %q to %q", len(log.Exchanges), log.size(), log.LeftOut, first.Operation, last.Operation)
			}
		})
	}
}
