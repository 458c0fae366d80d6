package sandbox

import (
	"net/url"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

const (
	// testOTP is the one-time password that the gateway publishes for its NAPAS card. None
	// is published for 3-D Secure; here it is the same.
	testOTP = "otp"
	// maxWrongOTPs ends the payment. What the banks allow is not documented.
	maxWrongOTPs = 3
)

// takeOTP lets the payment succeed with the right password, and fail with the last of too
// many wrong ones.
func takeOTP(t *ledger.Transaction, form url.Values) (ledger.Outcome, complaint) {
	if form.Get("otp") == testOTP {
		return ledger.Success, ""
	}
	if t.WrongOTPs++; t.WrongOTPs == maxWrongOTPs {
		return ledger.Failure, ""
	}
	return "", otpWrong
}
