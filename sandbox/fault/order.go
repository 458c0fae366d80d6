package fault

import (
	"bytes"
	"regexp"
)

// The functions here make the text of a message one about something else than was ordered. A member that the message does not
// have stays out of it.

// otherOrder puts something in front of orderID.
func otherOrder(text []byte) []byte {
	return bytes.Replace(text, []byte(`"orderID":"`), []byte(`"orderID":"OTHER-`), 1)
}

var firstDigits = regexp.MustCompile(`"orderAmount":"[0-9]{1,2}`)

// otherAmount changes the second digit of orderAmount, or its only one: 100000 becomes 110000.
func otherAmount(text []byte) []byte {
	return firstDigits.ReplaceAllFunc(text, func(found []byte) []byte {
		changed := bytes.Clone(found)
		last := &changed[len(changed)-1]
		if *last == '9' {
			*last = '8'
		} else {
			*last++
		}
		return changed
	})
}

var currency = regexp.MustCompile(`"orderCurrency":"[^"]*"`)

// otherCurrency makes dong dollars, and all other money dong.
func otherCurrency(text []byte) []byte {
	return currency.ReplaceAllFunc(text, func(found []byte) []byte {
		if bytes.Contains(found, []byte("VND")) {
			return []byte(`"orderCurrency":"USD"`)
		}
		return []byte(`"orderCurrency":"VND"`)
	})
}
