// Package card has the gateway's published test cards, and what the sandbox keeps of the
// card in a request.
package card

import (
	"cmp"
	"strconv"
	"strings"
)

// The payment methods with a card.
const (
	Domestic      = "DOMESTIC"
	International = "INTERNATIONAL"
)

// UsualBank is the bank of a domestic card where no request names one.
const UsualBank = "SACOMBANK"

// Account is what is kept of a card, in the gateway's words: enough to recognise it, too
// little to charge it. The number itself, its date and its CVV go nowhere.
type Account struct {
	Brand  string `json:"accountBrand"`
	Source string `json:"accountSource"`
	Number string `json:"accountNumber"` // masked
	Name   string `json:"accountName"`
	OTP    bool   `json:"-"` // paying with it takes a one-time password
}

// IsNumber reports whether a text has the form of a card number.
func IsNumber(number string) bool {
	return len(number) >= 12 && len(number) <= 19 && strings.Trim(number, "0123456789") == ""
}

// NewAccount keeps what may be kept of a card, whose number is one by IsNumber.
func NewAccount(number, name, method, source string) *Account {
	return &Account{Brand: brandOf(number), Source: issuer(method, source), Number: mask(number), Name: name, OTP: needsOTP(number)}
}

// UsualAccount is the card of a customer who skipped the form for it.
func UsualAccount(method, source string) *Account {
	if method == International {
		return NewAccount("5506920809243667", "NGUYEN VAN A", method, source)
	}
	return NewAccount("9704000000000018", "NGUYEN VAN A", method, source)
}

// mask leaves the last four digits. How the gateway masks a number is not documented.
func mask(number string) string {
	return "************" + number[len(number)-4:]
}

// brandOf finds the brand by the ranges of numbers that the card schemes use. The
// gateway's list of brands has none for Vietnamese cards; NAPAS is their network.
func brandOf(number string) string {
	switch prefix, _ := strconv.Atoi(number[:4]); {
	case prefix/100 == 97:
		return "NAPAS"
	case prefix/1000 == 4:
		return "VISA"
	case prefix >= 5100 && prefix <= 5599, prefix >= 2221 && prefix <= 2720:
		return "MASTER"
	case prefix/100 == 34, prefix/100 == 37:
		return "AMEX"
	case prefix >= 3528 && prefix <= 3589:
		return "JCB"
	}
	return "UNKNOWN"
}

// issuer names the bank of a domestic card by its sourceType. Nothing in a request says
// the bank of an international one.
func issuer(method, source string) string {
	if method == International {
		return "SANDBOX"
	}
	return cmp.Or(source, UsualBank)
}
