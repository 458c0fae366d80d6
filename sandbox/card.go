package sandbox

import (
	"cmp"
	"strconv"
	"strings"
)

// account is what is kept of a card, in the gateway's words: enough to recognise it, too
// little to charge it. The number itself, its date and its CVV go nowhere.
type account struct {
	Brand  string `json:"accountBrand"`
	Source string `json:"accountSource"`
	Number string `json:"accountNumber"` // masked
	Name   string `json:"accountName"`
	otp    bool   // paying with it takes a one-time password
}

// card takes the card data of a request that the catalogue has
// nothing against.
func (r *reader) card(method, source string) *account {
	number := r.required("cardNumber")
	name := r.optional("cardHolderName")
	if !isCardNumber(number) {
		r.fail("cardNumber", "is not a card number")
		return nil
	}
	return newAccount(number, name, method, source)
}

func isCardNumber(number string) bool {
	return len(number) >= 12 && len(number) <= 19 && strings.Trim(number, "0123456789") == ""
}

func newAccount(number, name, method, source string) *account {
	return &account{Brand: brandOf(number), Source: issuer(method, source), Number: mask(number), Name: name, otp: asksOTP(number)}
}

// mask leaves the last four digits. How the gateway masks a number is not documented.
func mask(number string) string {
	return "************" + number[len(number)-4:]
}

// brandOf tells the brand by the ranges of numbers that the card schemes use. The
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

// issuer names the bank of a domestic card by its sourceType. Nothing in a request tells
// the bank of an international one.
func issuer(method, source string) string {
	if method == international {
		return "SANDBOX"
	}
	return cmp.Or(source, usualSource[domestic])
}

// usualCard stands for the card of a customer who took a shortcut around the form for it.
func usualCard(method, source string) *account {
	if method == international {
		return newAccount("5506920809243667", "NGUYEN VAN A", method, source)
	}
	return newAccount("9704000000000018", "NGUYEN VAN A", method, source)
}
