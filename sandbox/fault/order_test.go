package fault

import "testing"

// Another amount has as many digits, and is never the same; nothing else of the message changes.
func TestOtherAmounts(t *testing.T) {
	for amount, want := range map[string]string{
		"100000": "110000", "109000": "119000", "12.50": "13.50", "9": "8", "5": "6", "99": "98", "190000": "180000", "5.25": "6.25",
	} {
		if got := string(otherAmount([]byte(`{"orderNo":"100","orderAmount":"` + amount + `"}`))); got != `{"orderNo":"100","orderAmount":"`+want+`"}` {
			t.Errorf("%s becomes %s", amount, got)
		}
	}
}

// A member that a message does not have is not added to it.
func TestOtherWithoutMember(t *testing.T) {
	const text = `{"orderNo":"1","description":"\"orderID\":\"x\""}`
	for name, change := range map[string]func([]byte) []byte{"order": otherOrder, "amount": otherAmount, "currency": otherCurrency} {
		if got := string(change([]byte(text))); got != text {
			t.Errorf("%s: %s", name, got)
		}
	}
}
