package sandbox

import (
	"math/big"
	"regexp"
	"strings"
)

// decimal is a plain number: no sign, no exponent, no separators.
var decimal = regexp.MustCompile(`^[0-9]{1,30}(\.([0-9]{1,30}))?$`)

// withoutCents are the currencies whose smallest unit is the whole (ISO 4217).
const withoutCents = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "

// withThousandths are those that are counted in thousandths.
const withThousandths = " BHD IQD JOD KWD LYD OMR TND "

// parseAmount reads an amount of a currency exactly: money is never a float. The catalogue has
// the same rule; it is written a second time here, so that a mistake there shows.
func parseAmount(text, currency string) (amount *big.Rat, ok bool) {
	parts := decimal.FindStringSubmatch(text)
	if parts == nil || !hasFraction(parts[2], " "+strings.ToUpper(currency)+" ") {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// hasFraction reports whether the currency has these digits after the point. Of one that has
// none, .0 and .00 pass.
func hasFraction(digits, currency string) bool {
	switch {
	case digits == "", digits == "0", digits == "00":
		return true
	case strings.Contains(withoutCents, currency):
		return false
	case strings.Contains(withThousandths, currency):
		return len(digits) <= 3
	case currency == " CLF ", currency == " UYW ":
		return len(digits) <= 4
	}
	return len(digits) <= 2
}

const notAmount = "is not an amount of its currency: digits without separators, and a fraction only where the currency has one"

// amount takes a mandatory amount of more than 0, in the merchant's own spelling.
func (r *reader) amount(name, currency string) (text string, value *big.Rat) {
	text = r.required(name)
	value, ok := parseAmount(text, currency)
	if !ok {
		r.fail(name, notAmount)
		return text, new(big.Rat)
	}
	if value.Sign() == 0 {
		r.fail(name, notPositive)
	}
	return text, value
}

const notPositive = "must be more than 0"
