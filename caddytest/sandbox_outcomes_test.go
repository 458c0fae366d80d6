package caddytest

import (
	"testing"
)

// outcomeSeen is what the app sees of how a payment ends.
type outcomeSeen struct{ app, query string }

// The panel of the payment page ends a payment in every way.
func TestSandboxOutcomes(t *testing.T) {
	for outcome, want := range map[string]outcomeSeen{
		"success": {"ipn paid, result paid", "200 paid"},
		"refused": {"ipn failed, result failed", "200 failed"},
		"failure": {"ipn failed, result failed", "200 failed"},
		"cancel":  {"ipn cancelled, cancel cancelled", "200 cancelled"},
		"expired": {"ipn expired", "200 expired"}, // the browser stays where it is
	} {
		t.Run(outcome, func(t *testing.T) {
			newSandboxShop(t, "").wantEnd(t, want, func(s sandboxShop, id string) { s.customerEnds(t, id, outcome) })
		})
	}
}

// The control API ends a payment in every way, without a browser.
func TestSandboxControl(t *testing.T) {
	for name, test := range map[string]struct {
		action, body string
		want         outcomeSeen
	}{
		"complete": {"complete", "", outcomeSeen{"ipn paid", "200 paid"}},
		"fail":     {"fail", "", outcomeSeen{"ipn failed", "200 failed"}},
		"refuse":   {"fail", `{"reason":"refused"}`, outcomeSeen{"ipn failed", "200 failed"}},
		"cancel":   {"cancel", "", outcomeSeen{"ipn cancelled", "200 cancelled"}},
		"expire":   {"expire", "", outcomeSeen{"ipn expired", "200 expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandboxShop(t, "")
			s.wantEnd(t, test.want, func(s sandboxShop, id string) {
				s.control(t, "/transactions/"+id+"/"+test.action, test.body)
			})
			s.control(t, "/transactions/"+s.payment(t)+"/resend-ipn", "")
			if got := s.callbacks(t); got != test.want.app {
				t.Errorf("sent again, the app got %s, want %s", got, test.want.app)
			}
		})
	}
}

// The clock of the sandbox can be moved. The query that makes the sandbox notice an expiry is
// answered before the IPN is sent.
func TestSandboxClock(t *testing.T) {
	s := newSandboxShop(t, "")
	s.order(t, orderWith(`"extraData":{}`))
	s.control(t, "/clock", `{"advance":"1h"}`)
	if got := s.query(t, s.payment(t)); got != "200 expired" {
		t.Errorf("the query says %s", got)
	}
	if got := s.ipns.await(t, 1); got != "200 ipnStatus 200" {
		t.Errorf("the IPNs were answered with %s", got)
	}
	if got := s.callbacks(t); got != "ipn expired" {
		t.Errorf("the app got %s", got)
	}
}

// wantEnd opens a payment, lets it end, and checks what the app then sees.
func (s sandboxShop) wantEnd(t *testing.T, want outcomeSeen, end func(s sandboxShop, id string)) {
	t.Helper()
	s.order(t, orderWith(`"extraData":{}`))
	id := s.payment(t)
	if got := s.query(t, id); got != "200 pending" {
		t.Errorf("before the end the query says %s", got)
	}
	end(s, id)
	got := outcomeSeen{app: s.callbacks(t)}
	if got.query = s.query(t, id); got != want {
		t.Errorf("the app saw %+v, want %+v", got, want)
	}
}
