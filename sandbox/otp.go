package sandbox

import "net/url"

const (
	// testOTP is the one-time password that the gateway publishes for its NAPAS card. None
	// is published for 3-D Secure; here it is the same.
	testOTP = "otp"
	// maxWrongOTPs ends the payment. What the banks allow is not documented.
	maxWrongOTPs = 3
)

// takeOTP lets the payment succeed with the right password, and fail with the last of too
// many wrong ones.
func (t *transaction) takeOTP(form url.Values) (outcome, complaint) {
	if form.Get("otp") == testOTP {
		return success, ""
	}
	if t.wrongOTPs++; t.wrongOTPs == maxWrongOTPs {
		return failure, ""
	}
	return "", otpWrong
}
