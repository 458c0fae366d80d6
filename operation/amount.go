package operation

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// AmountFault says what an amount must look like here, and what was probably meant.
type AmountFault struct {
	// Currency is the code that the amount goes by, in capitals; "" where the request has none
	// of three letters. An amount without one is judged as one in VND, unless Undecided is set.
	Currency string
	// Undecided is set where the currency has a fault of its own, or is that of another call. Then
	// only an amount that would be wrong in nearly every currency is a fault.
	Undecided bool
	// Digits is how many may stand after the point; with 0, up to two zeros may.
	Digits int
	// Zero is set where the amount is 0, and this field must be more.
	Zero bool
	// Meant is the amount that was probably meant; "" where the text can be read in two ways,
	// or has more digits than an amount in a sentence should repeat: a card number has 13.
	Meant string
}

// requestCurrency is the field of requestData that the amounts in it go by.
const requestCurrency = "orderCurrency"

// undecided takes the place of a currency that is missing although it is required, or that the
// request does not say, since its operation is about a payment that was made before. It is no
// JSON value, so no request can hold it.
var undecided = []byte("?")

// currencyOf returns what the amounts of a request go by: a JSON value, nil where they count as
// VND, or undecided. An operation without this field refuses none that is wrong, so one that is
// no code counts as VND there.
func (o *Operation) currencyOf(data []Member) []byte {
	value := currencyIn(data, requestCurrency)
	i, known := o.index[requestCurrency]
	switch {
	case value == nil && (!known || o.Request[i].Required):
		return undecided
	case value != nil && !known && codeOf(value) == "":
		return nil
	}
	return value
}

// LacksCurrency reports whether a request has an amount, and no currency, because its operation is about a
// payment that was made before: the amount is in the currency of that.
func (o *Operation) LacksCurrency(data []Member) bool {
	return !o.Takes(requestCurrency) && currencyIn(data, requestCurrency) == nil && slices.ContainsFunc(data, IsAmount)
}

// IsAmount reports whether a member of requestData says something and holds an amount, as its name says.
func IsAmount(m Member) bool { return bytes.HasSuffix(m.Name, []byte("Amount")) && !IsEmpty(m.Value) }

// faultsOfUnlisted judges a member that the operation does not list. Only an amount is judged: by the rule that it has in
// other operations, or, where none lists it, by how its number is written. That one may be less than zero.
func (o *Operation) faultsOfUnlisted(m Member, currency []byte) []Fault {
	if o.Name == Other || !IsAmount(m) {
		return nil
	}
	if f := anyField(string(m.Name)); f != nil && f.Kind == KindAmount {
		return f.faults(m.Value, currency)
	}
	text, ok := textOf(m.Value)
	if !ok {
		return nil
	}
	f := &Field{Name: string(m.Name), Kind: KindAmount}
	return f.faultsOfAmount(bytes.TrimPrefix(text, []byte("-")), currency)
}

// codeOf returns a JSON value as the code of a currency, "" if it is none.
func codeOf(value []byte) string { return currencyCode([]byte(rawjson.Scalar(value))) }

// minorUnits are the digits after the point, by ISO 4217, of the currencies that have another
// number of them than two. (CLDR, which golang.org/x/text/currency holds, counts otherwise: it
// gives the riel and the rupiah what is used in shops.)
var minorUnits = func() map[string]int {
	units := make(map[string]int)
	for digits, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			units[code] = digits
		}
	}
	return units
}()

// WithoutFraction returns the currencies whose amounts have no fraction other than zeros.
func WithoutFraction() []string {
	var codes []string
	for code, digits := range minorUnits {
		if digits == 0 {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// currencyCode returns a text as the code of a currency, "" if it is not three letters.
func currencyCode(text []byte) string {
	code := strings.ToUpper(string(text))
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return code
}

// minorUnit returns how many digits an amount may have after its point. A code that ISO 4217
// does not have gets the two that nearly every currency has; no code at all, those of VND.
func minorUnit(code string) int {
	if digits, ok := minorUnits[code]; ok || code == "" {
		return digits
	}
	return usualDigits
}

// usualDigits is how many digits nearly every currency has after the point.
const usualDigits = 2

// currencyIn returns the value of the first member called name that says something, nil if
// there is none.
func currencyIn(data []Member, name string) []byte {
	for i := range data {
		if string(data[i].Name) == name && !IsEmpty(data[i].Value) {
			return data[i].Value
		}
	}
	return nil
}

// faultsOfAmount judges an amount by its currency, which is a JSON value, nil or undecided.
func (f *Field) faultsOfAmount(text, currency []byte) []Fault {
	whole, fraction, broken := bytes.Cut(text, []byte("."))
	plain := isDigits(whole) && (!broken || isDigits(fraction))
	if plain && !broken && (!f.Positive || !isZero(whole)) {
		return nil
	}
	code := codeOf(currency)
	digits := minorUnit(code)
	isUndecided := code == "" && currency != nil
	if isUndecided {
		digits = usualDigits
	}
	right := plain && (len(fraction) <= digits || digits == 0 && len(fraction) <= 2 && isZero(fraction))
	zero := right && f.Positive && isZero(whole) && isZero(fraction)
	if right && !zero {
		return nil
	}
	about := AmountFault{Currency: code, Undecided: isUndecided, Digits: digits, Zero: zero}
	if !zero {
		about.Meant = meant(string(text), digits)
	}
	return []Fault{{Field: f, Code: CodeAmount, Amount: about}}
}

// isZero reports whether text is zeros only.
func isZero(text []byte) bool { return len(bytes.Trim(text, "0")) == 0 }

// The marks that people and programs put between groups of three digits, and in front of a
// fraction.
var (
	groupMarks = []string{"", ".", ",", " ", "\u00a0", "\u202f", "'", "\u2019", "_"}
	pointMarks = []string{".", ","}
)

const (
	// longestMeant is the most digits of an amount that a sentence repeats: fewer than a card
	// number has.
	longestMeant = 12
	// longestRead bounds the text that is read in several ways.
	longestRead = 40
)

// meant returns the amount that a wrong one was probably meant to be. It reads the text in every
// way that fits the currency, and returns "" where that gives no amount but 0, or several.
func meant(text string, digits int) string {
	if len(text) > longestRead {
		return ""
	}
	text = strings.TrimPrefix(strings.TrimSpace(strings.Map(narrow, text)), "+")
	if number, ok := withoutExponent(text); ok {
		return only([]string{reading(number, "", ".", digits)})
	}
	if digits > 0 && isTwofold(text) {
		return ""
	}
	var grouped, ungrouped []string
	for _, point := range pointMarks {
		ungrouped = append(ungrouped, reading(text, "", point, digits))
		for _, group := range groupMarks[1:] {
			if group != point {
				grouped = append(grouped, reading(text, group, point, digits))
			}
		}
	}
	if digits == 0 && only(grouped) != "" { // 109.000 is no fraction of a currency that has none
		return only(grouped)
	}
	return only(append(grouped, ungrouped...))
}

// isTwofold reports whether text has one mark, and three digits behind it: 10.995 dollars are
// 10995 of them, or a little less than 11. A guess could be a thousand times too high.
func isTwofold(text string) bool {
	at := strings.IndexAny(text, strings.Join(pointMarks, ""))
	return at >= 0 && at <= 3 && len(text)-at == 4 && isDigits([]byte(text[at+1:])) && isDigits([]byte(text[:at]))
}

// narrow turns the full-width characters of East Asian keyboards into those of ASCII.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

// only returns the one amount that readings agree on, "" if they do not agree.
func only(readings []string) string {
	readings = slices.DeleteFunc(slices.Clone(readings), func(r string) bool { return r == "" })
	slices.Sort(readings)
	if readings = slices.Compact(readings); len(readings) != 1 {
		return ""
	}
	return readings[0]
}

// reading reads text with these marks; "" if it is not an amount then.
func reading(text, group, point string, digits int) string {
	whole, fraction, _ := strings.Cut(text, point)
	whole, ok := ungroup(whole, group)
	if digits == 0 && len(fraction) > 2 && (group != "" || len(whole) <= 3) {
		return "" // it may be a group of thousands
	}
	fraction = strings.TrimRight(fraction, "0")
	number := strings.TrimLeft(whole, "0")
	switch {
	case !ok, strings.Trim(whole+fraction, "0123456789") != "", len(fraction) > digits, len(number)+len(fraction) > longestMeant:
		return ""
	case number == "" && fraction == "":
		return ""
	case number == "":
		number = "0"
	}
	if fraction == "" {
		return number
	}
	return number + "." + fraction
}

// ungroup takes the marks out from between groups of three digits.
func ungroup(text, mark string) (string, bool) {
	if mark == "" {
		return text, true
	}
	groups := strings.Split(text, mark)
	if len(groups) < 2 || groups[0] == "" || len(groups[0]) > 3 || groups[0][0] == '0' {
		return "", false
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// withoutExponent writes a number that has an exponent without it: 1.5e3 as 1500.
func withoutExponent(text string) (string, bool) {
	at := strings.IndexFunc(text, func(r rune) bool { return unicode.ToLower(r) == 'e' })
	if at < 1 {
		return "", false
	}
	whole, fraction, _ := strings.Cut(text[:at], ".")
	exponent := strings.TrimPrefix(text[at+1:], "+")
	if len(exponent) != 1 && len(exponent) != 2 || !isDigits([]byte(exponent)) || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	n := int(exponent[len(exponent)-1] - '0')
	if len(exponent) == 2 {
		n += 10 * int(exponent[0]-'0')
	}
	if missing := n - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	return whole + fraction[:n] + "." + fraction[n:], true
}
