package secret

import "strings"

// IsCardNumber reports whether a text is the number of a payment card, whatever stands between its
// digits: 13 to 19 digits of which the last one is right (the Luhn algorithm).
func IsCardNumber(text string) bool {
	digits := folded(text)
	if len(digits) < 13 || len(digits) > 19 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			digit = digit*2/10 + digit*2%10
		}
		sum += digit
	}
	return sum%10 == 0
}
