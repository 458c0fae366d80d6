package caddytest

import "testing"

// A call and a callback about the same payment have one line each, with the same names in it.
func TestLogLines(t *testing.T) {
	s := newDeskSidecar(t, "reconcile off\n")
	s.paidOrder(t)
	calls, callbacks := s.logLines(t, "call"), s.logLines(t, "callback")
	if len(calls) != 2 || len(callbacks) != 1 {
		t.Fatalf("%d lines of calls, %d of callbacks", len(calls), len(callbacks))
	}
	for name, line := range map[string]map[string]any{"call": calls[0], "callback": callbacks[0]} {
		for field, want := range map[string]any{
			"merchant": "default", "operation": "pay", "request_id": orderKey, "order_id": "A-1",
			"transaction_id": "2601021234567890123456789", "response_code": "200",
		} {
			if line[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, line[field], want)
			}
		}
		if took, ok := line["duration"].(float64); !ok || took <= 0 {
			t.Errorf("%s: the duration is %v", name, line["duration"])
		}
	}
	whole, gateway := calls[0]["duration"].(float64), calls[0]["gateway_duration"].(float64)
	if gateway <= 0 || gateway >= whole || calls[0]["outcome"] != "ok" || callbacks[0]["payment_status"] != "paid" {
		t.Errorf("%v; %v", calls[0], callbacks[0])
	}
	s.post(t, s.url("9180")+"/pay", "{")
	if calls = s.logLines(t, "call"); calls[len(calls)-1]["gateway_duration"] != 0.0 || calls[len(calls)-1]["order_id"] != "" {
		t.Errorf("of a call that was not sent: %v", calls[len(calls)-1])
	}
}
