package ledger

import "math/big"

// Sum adds amounts exactly. Its zero value is 0.
type Sum struct{ value big.Rat }

// Add adds an amount, or takes it away where isMinus says so. It returns false, and adds nothing, where the text is no amount.
func (s *Sum) Add(amount string, isMinus bool) bool {
	value, ok := amountOf(amount)
	if !ok {
		return false
	}
	if isMinus {
		value.Neg(value)
	}
	s.value.Add(&s.value, value)
	return true
}

// Text is the sum as a decimal, without an exponent and with no digit more than it needs.
func (s *Sum) Text() string { return s.value.FloatString(digitsOf(&s.value)) }

// digitsOf is how many digits behind the point a decimal needs.
func digitsOf(value *big.Rat) (n int) {
	ten := big.NewRat(10, 1)
	for rest := new(big.Rat).Set(value); !rest.IsInt() && n < 2*longestAmount+100; n++ {
		rest.Mul(rest, ten)
	}
	return n
}

// Decimal is an amount without an exponent; ok is false where the text is no amount.
func Decimal(amount string) (text string, ok bool) {
	var s Sum
	ok = s.Add(amount, false)
	return s.Text(), ok
}
