package ledger

import (
	"math/big"
	"regexp"
)

// longestAmount bounds the text of an amount that is compared, in bytes.
const longestAmount = 40

// amountForm is what an amount looks like, in the way of JSON numbers. The exponent is short: the few bytes of 1e999999999
// would take all memory.
var amountForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?$`)

// amountOf reads an amount: digits, with a point and an exponent or without.
func amountOf(text string) (*big.Rat, bool) {
	if len(text) > longestAmount || !amountForm.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// SameAmount reports whether two texts are the same amount, as 100000 and 100000.00 are.
func SameAmount(one, other string) bool {
	x, okX := amountOf(one)
	y, okY := amountOf(other)
	return okX && okY && x.Cmp(y) == 0
}

// contradictsAmount reports whether a message has another amount than the one that was signed. What cannot be read is another,
// unless it is the same text, or what was signed cannot be read either.
func contradictsAmount(signed, said string) bool {
	_, isReadable := amountOf(signed)
	return isReadable && said != "" && said != signed && !SameAmount(signed, said)
}
