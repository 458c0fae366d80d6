package ledger

import "testing"

func TestSum(t *testing.T) {
	var s Sum
	for _, amount := range []string{"0.1", "0.2", "109000", "109000.00", "1e3", "0.0000000001", "90071992547409931"} {
		if !s.Add(amount, false) {
			t.Errorf("%s is no amount", amount)
		}
	}
	s.Add("1E-1", true)
	if got := s.Text(); got != "90071992547628931.2000000001" {
		t.Errorf("the sum is %s", got)
	}
	for _, wrong := range []string{"", "x", "1,5", "=1", "1e999999", "NaN", "0x10", "1/3"} {
		if s.Add(wrong, false) {
			t.Errorf("%q is an amount", wrong)
		}
	}
	if got := s.Text(); got != "90071992547628931.2000000001" {
		t.Errorf("the sum is %s", got)
	}
}

func TestDecimal(t *testing.T) {
	for amount, want := range map[string]string{"109000": "109000", "109000.00": "109000", "12.50": "12.5", "1e5": "100000", "15e-1": "1.5", "-0.0": "0", "-7.25": "-7.25"} {
		if got, ok := Decimal(amount); !ok || got != want {
			t.Errorf("%s: %s, %t, want %s", amount, got, ok, want)
		}
	}
	if got, ok := Decimal("=1+1"); ok {
		t.Errorf("read %s", got)
	}
}
