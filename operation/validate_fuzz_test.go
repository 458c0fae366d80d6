package operation

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// The rules of validation, written a second time for values that encoding/json has read,
// with regular expressions, and with net/url for every address.

var (
	noFraction = regexp.MustCompile(`^[0-9]+(\.0{1,2})?$`)
	fractions  = map[int]*regexp.Regexp{2: regexp.MustCompile(`^[0-9]+(\.[0-9]{1,2})?$`), 3: regexp.MustCompile(`^[0-9]+(\.[0-9]{1,3})?$`), 4: regexp.MustCompile(`^[0-9]+(\.[0-9]{1,4})?$`)}
	nought     = regexp.MustCompile(`^[0.]+$`)
	letters    = regexp.MustCompile(`^[A-Za-z]{3}$`)
	integer    = regexp.MustCompile(`^[0-9]+$`)
	accents    = regexp.MustCompile(`\p{Mn}`)
	notDigits  = regexp.MustCompile(`[\x00-/:-\x7f]`)
)

// opinion collects what is wrong with an object's fields into found.
func opinion(fields []Field, object map[string]any, currency any, found map[string]Code) {
	for i := range fields {
		f := &fields[i]
		value := object[f.BaseName()]
		if value == nil || value == "" {
			continue
		}
		inner, isObject := value.(map[string]any)
		if f.Kind == KindObject && isObject {
			opinion(f.Fields, inner, currency, found)
			continue
		}
		elements, _ := value.([]any)
		for _, element := range elements {
			inner, _ := element.(map[string]any)
			within := make(map[string]Code)
			opinion(f.Fields, inner, ownCurrency(inner, currency), within)
			for name, code := range within {
				if _, known := found[name]; !known {
					found[name] = code
				}
			}
		}
		if code := opinionOn(f, value, currency); code != "" {
			found[f.Name] = code
		}
	}
}

// ownCurrency is the currency of an object in an array, else the one around it.
func ownCurrency(object map[string]any, around any) any {
	for _, name := range []string{"currency", "ccy_code"} {
		if own := object[name]; own != nil && own != "" {
			return own
		}
	}
	return around
}

// currencyAround is what the amounts of a request go by: a missing or wrong currency is told for itself
// where the operation has the field.
func currencyAround(op *Operation, object map[string]any) any {
	value := object["orderCurrency"]
	code, _ := value.(string)
	at := slices.IndexFunc(op.Request, func(f Field) bool { return f.Name == "orderCurrency" })
	switch {
	case (at < 0 || op.Request[at].Required) && (value == nil || value == ""):
		return "none"
	case at < 0 && !letters.MatchString(code):
		return nil
	}
	return value
}

// amountIsRight is the rule for amounts once more, by the currency's code.
func amountIsRight(f *Field, text string, currency any) bool {
	if f.BaseName() == "orderAmount" && nought.MatchString(text) {
		return false
	}
	if currency == nil || currency == "" {
		return noFraction.MatchString(text)
	}
	code, _ := currency.(string)
	switch strings.ToUpper(code) {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return noFraction.MatchString(text)
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return fractions[3].MatchString(text)
	case "CLF", "UYW":
		return fractions[4].MatchString(text)
	}
	return fractions[2].MatchString(text)
}

// opinionOnUnlisted is that on the amounts of a request that its operation does not list.
func opinionOnUnlisted(op *Operation, object map[string]any, currency any, want map[string]Code) {
	for name, value := range object {
		isListed := slices.ContainsFunc(op.Request, func(f Field) bool { return f.Name == name })
		if isListed || op.Name == Other || !strings.HasSuffix(name, "Amount") || value == nil || value == "" {
			continue
		}
		f := &Field{Name: name, Kind: KindAmount, Max: 16}
		code := Code("")
		if slices.Contains([]string{"orderAmount", "orderNetAmount", "orderFeeAmount", "orderDiscountAmount"}, name) {
			code = opinionOn(f, value, currency)
		} else if text, ok := plain(value); ok {
			code = unless(amountIsRight(f, strings.TrimPrefix(text, "-"), currency), CodeAmount)
		}
		if code != "" {
			want[name] = code
		}
	}
}

func opinionOn(f *Field, value, currency any) Code {
	if f.Kind == KindObject {
		return CodeKind
	}
	if elements, isArray := value.([]any); f.Kind == KindArray {
		for _, element := range elements {
			if text, ok := plain(element); f.Lists != nil && (!ok || text == "") {
				return CodeKind
			}
		}
		return unless(isArray, CodeKind)
	}
	if _, isBool := value.(bool); isBool && f.Kind == KindFlag {
		return ""
	}
	text, ok := plain(value)
	if !ok {
		return CodeKind
	}
	if code := formCode(f, text, currency); code != "" {
		return code
	}
	counted := accents.ReplaceAllString(text, "")
	if f.Kind == KindAmount {
		counted = notDigits.ReplaceAllString(counted, "")
	}
	return unless(f.Max <= 0 || utf8.RuneCountInString(counted) <= f.Max, CodeTooLong)
}

var threeLetters = regexp.MustCompile(`^[A-Za-z]{3}$`)

func formCode(f *Field, text string, currency any) Code {
	if f.Values != nil {
		return unless(slices.Contains(f.Values, text), CodeValue)
	}
	switch f.Kind {
	case KindAmount:
		return unless(amountIsRight(f, text, currency), CodeAmount)
	case KindInteger:
		return unless(integer.MatchString(text), CodeInteger)
	case KindTime:
		at, err := time.Parse("20060102150405", text)
		return unless(err == nil && at.Format("20060102150405") == text, CodeTime)
	case KindCurrency:
		return unless(threeLetters.MatchString(text), CodeCurrency)
	case KindURL, KindLink:
		return unless(isAddress(text, f.Kind), CodeURL)
	}
	return ""
}

func isAddress(text string, kind Kind) bool {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return false
	case u.Scheme == "http", u.Scheme == "https":
		return u.Hostname() != ""
	}
	return kind == KindLink && u.Scheme != "" && (u.Host != "" || len(u.Path) > 1)
}

func unless(right bool, code Code) Code {
	if right {
		return ""
	}
	return code
}

// plain is a text or number as text.
func plain(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	}
	return "", false
}

func mustBeSent(c *Condition, object map[string]any) bool {
	if c == nil {
		return true
	}
	for _, other := range c.Without {
		if value := object[other]; value != nil && value != "" {
			return false
		}
	}
	decides, _ := plain(object[c.Field])
	right := c.Without != nil || slices.Contains(c.In, decides)
	if c.NotIn != nil {
		right = decides != "" && !slices.Contains(c.NotIn, decides)
	}
	return right && mustBeSent(c.And, object)
}

// Every object gets exactly the verdict of the second rules, of every operation, and
// none of it holds anything of a value.
func FuzzValidate(f *testing.F) {
	for i, op := range All() {
		f.Add(uint8(i), []byte(op.Example))
		f.Add(uint8(i+1), []byte(op.Example))
	}
	for _, seed := range []string{
		`{"orderAmount":-1,"orderDateTime":"20260230000000","successURL":"shopapp:/","ipnURL":"http://a..b/%zz","language":"VI"}`, `{"orderAmount":1E-400,"isAutoCapture":true,"successURL":"http://[::1","failureURL":"//x/y"}`,
		`{"orderAmount":"12345678901234567.0","orderDescription":"` + strings.Repeat(`e\u0323`, 251) + `","cancelURL":"https://-/["}`, `{"extraData":{"customer":{"email":[],"firstName":{}},"device":null,"order":"x"}}`,
		`{"paymentMethods":[null],"paymentFields":["email",""]}`, `{"paymentMethods":[1,"QRPAY"],"paymentFields":[["email"]]}`, `{"orderAmount":"109.000","orderCurrency":"vnd"}`, `{"orderAmount":1.234,"orderCurrency":"KWD"}`, `{"orderAmount":"0.00","orderCurrency":704}`,
		`{"orderCurrency":"VND","extraData":{"airline":{"services":[{"amount":12.50,"currency":"USD"},1,{"amount":"109.000","totalAmount":-1}]},"payment_detail":[{"amount":"12.50","ccy_code":""}]}}`,
		`{"apiOperation":"FAST_PAY","sourceOfFund":"CARD","token":"","cardNumber":null}`, `{"paymentMethod":"WALLET","sourceType":"","apiVersion":2.0}`, `{"orderDateTime":"2026061519000\u0660","ipnURL":"HTTPS://x"}`,
		`{"orderNetAmount":"109.000","orderFeeAmount":-1,"shippingAmount":-20.5,"taxAmount":"1,5","couponAmount":{"a":"1,5"},"otherAmount":"--1","orderCurrency":"VND"}`,
		`{"orderDiscountAmount":"12.505","orderAmount":"12.50","tipAmount":true,"Amount":1e5}`,
		`{"successURL":"javascript:alert(1)","failureURL":"mailto:a@b","cancelURL":"https://user:p@host:99999/?q#f","ipnURL":"https:///x"}`,
	} {
		for i := range All() {
			f.Add(uint8(i), []byte(seed))
		}
	}
	ops := append(All(), Operation{Name: Other})
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		members, err := rawjson.Members(text)
		if err != nil {
			t.Skip("refused before there is anything to validate")
		}
		var object map[string]any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&object); err != nil {
			t.Fatal(err)
		}
		op := &ops[int(which)%len(ops)]
		want := make(map[string]Code)
		opinion(op.Request, object, currencyAround(op, object), want)
		opinionOnUnlisted(op, object, currencyAround(op, object), want)
		for i := range op.Request {
			f := &op.Request[i]
			if value := object[f.Name]; (value == nil || value == "") && (f.Required || f.When != nil && mustBeSent(f.When, object)) {
				want[f.Name] = CodeRequired
			}
		}
		before := bytes.Clone(text)
		got := make(map[string]Code)
		faults := op.Validate(members)
		for _, fault := range faults {
			got[fault.Field.Name] = fault.Code
		}
		if !maps.Equal(got, want) || len(got) != len(faults) {
			t.Errorf("%s of %s:\nfaults %v\nexpected %v", text, op.Name, inWords(faults), want)
		}
		if !bytes.Equal(text, before) {
			t.Error("the text was changed")
		}
	})
}
