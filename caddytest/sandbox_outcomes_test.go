package caddytest

import "testing"

// Every way in which the panel of the payment page ends a payment, as the app sees it.
func TestSandboxOutcomes(t *testing.T) {
	for outcome, want := range map[string]struct{ app, query string }{
		"success": {"ipn paid, result paid", "200 paid"},
		"refused": {"ipn failed, result failed", "200 failed"},
		"failure": {"ipn failed, result failed", "200 failed"},
		"cancel":  {"ipn cancelled, cancel cancelled", "200 cancelled"},
		"expired": {"ipn expired", "200 expired"}, // the browser stays where it is
	} {
		t.Run(outcome, func(t *testing.T) {
			s := newFaultyShop(t, "")
			s.order(t, orderWith(`"extraData":{}`))
			id := s.opened(t)
			if got := s.ask(t, id); got != "200 pending" {
				t.Errorf("before that the query says %s", got)
			}
			s.customerEnds(t, id, outcome)
			if got := s.callbacks(t); got != want.app {
				t.Errorf("the app got %s, want %s", got, want.app)
			}
			if got := s.ask(t, id); got != want.query {
				t.Errorf("the query says %s, want %s", got, want.query)
			}
		})
	}
}
