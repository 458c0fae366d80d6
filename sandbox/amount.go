package sandbox

import (
	"math/big"
	"regexp"
)

// decimal is what JSON calls a number, without a sign. The exponent is kept short, because
// a long one would make an exact number of any size.
var decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$`)

// parseAmount reads an amount exactly: money is never a float.
func parseAmount(text string) (amount *big.Rat, ok bool) {
	if !decimal.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

const notAmount = "is not a decimal of zero or more"

// amount takes a mandatory amount, in the merchant's own spelling.
func (r *reader) amount(name string) (text string, value *big.Rat) {
	text = r.required(name)
	value, ok := parseAmount(text)
	if !ok {
		r.fail(name, notAmount)
		return text, new(big.Rat)
	}
	return text, value
}
