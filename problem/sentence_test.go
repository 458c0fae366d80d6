package problem

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/sourcetest"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// problems is one example of each function that makes a problem, by its name.
func problems() map[string]*Problem {
	return map[string]*Problem{
		"AppUnavailable":               AppUnavailable(),
		"ResultUnanswered":             ResultUnanswered(4000),
		"BodyNotJSON":                  BodyNotJSON(&rawjson.Error{Fault: rawjson.Syntax, Offset: 4000}),
		"BodiesUnfinished":             BodiesUnfinished(4000),
		"BodyTimeout":                  BodyTimeout(),
		"BodyTooLarge":                 BodyTooLarge(4000),
		"BodyUnreadable":               BodyUnreadable(CodeBodyInvalid),
		"ByteOrderMark":                ByteOrderMark("<4000>"),
		"CallbackBase64":               CallbackBase64(),
		"CallbackBody":                 CallbackBody(),
		"CallbackData":                 CallbackData(),
		"CallbackForm":                 CallbackForm(),
		"CallbackNoData":               CallbackNoData(),
		"CallbackSignature":            CallbackSignature(),
		"CallbackTwice":                CallbackTwice("<4000>"),
		"CallbackUnsigned":             CallbackUnsigned(),
		"CallerAddress":                CallerAddress(),
		"CallerOrigin":                 CallerOrigin(),
		"ContentEncoding":              ContentEncoding(),
		"ContentType":                  ContentType(),
		"DocumentChanged":              DocumentChanged(),
		"DocumentRange":                DocumentRange(),
		"DocumentUnknown":              DocumentUnknown("<4000>"),
		"EnvelopeDateTime":             EnvelopeDateTime(),
		"NameRepeated":                 NameRepeated("4000"),
		"EnvelopeRequestID":            EnvelopeRequestID(),
		"FieldsInvalid":                FieldsInvalid([]Field{TimeField("x")}),
		"IdempotencyKeyBesideEnvelope": IdempotencyKeyBesideEnvelope(),
		"IdempotencyKeys":              IdempotencyKeys(),
		"StoreUnavailable":             StoreUnavailable(),
		"AnswerSealed":                 AnswerSealed(Unknown),
		"RecordDamaged":                RecordDamaged(),
		"InProgress":                   InProgress(),
		"KeyReused":                    KeyReused(Rejected),
		"StillUnknown":                 StillUnknown(CodeGatewayTimeout),
		"Settled":                      Settled(),
		"PageLost":                     PageLost(),
		"PaymentOver":                  PaymentOver(CodePaymentExpired),
		"MessageNotKept":               MessageNotKept(),
		"MethodNotAllowed":             MethodNotAllowed("<4000>"),
		"NoReply":                      NoReply(),
		"OperationUnknown":             OperationUnknown("<4000>"),
		"Overloaded":                   Overloaded(4000),
		"Refused":                      Refused(CodeGatewayBadRequest, "<4000>", "no"),
		"Repeated":                     Repeated("409", "no"),
		"ReplyNotJSON":                 ReplyNotJSON(),
		"ReplyToAnother":               ReplyToAnother(),
		"ReplyTooLarge":                ReplyTooLarge(4000),
		"ResponseCodeUnexpected":       ResponseCodeUnexpected("00", "no"),
		"Timeout":                      Timeout(),
		"Unreachable":                  Unreachable(),
		"Unsigned":                     Unsigned(4000),
		"UnsignedUnauthorized":         UnsignedUnauthorized(4000, "<4001>", "<4002>"),
		"UnsignedUnauthorizedPage":     UnsignedUnauthorizedPage(4000),
		"UnsignedRefusal":              UnsignedRefusal(4000, "<4001>", "<4002>"),
		"WrongSignature":               WrongSignature(),
	}
}

// sentences are all that the package says, with arguments that begin at 4000.
func sentences() map[string]sentence {
	all := make(map[string]sentence)
	for name, p := range problems() {
		all[name] = p.detail
	}
	for _, fault := range []rawjson.Fault{
		rawjson.Empty, rawjson.NotUTF8, rawjson.NotObject, rawjson.Trailing, rawjson.Syntax, rawjson.Duplicate, rawjson.Truncated,
	} {
		all["JSON "+string(fault)] = jsonFault(&rawjson.Error{Fault: fault, Offset: 4000})
	}
	all["FixedField"] = FixedField("x", "<4000>", "<4001>").detail
	all["LongField"] = LongField("x", 4000).detail
	all["too long, with a form"] = faultDetail(operation.Fault{
		Code: operation.CodeTooLong, Field: &operation.Field{Max: 4000, Form: language.Both("a form", "một dạng")},
	})
	all["too many digits"] = faultDetail(operation.Fault{Code: operation.CodeTooLong, Field: &operation.Field{Kind: operation.KindInteger, Max: 4000}})
	all["an array of codes"] = faultDetail(operation.Fault{Code: operation.CodeKind, Field: &operation.Field{Kind: operation.KindArray, Lists: []string{"x"}}})
	all["amount, undecided"] = faultDetail(operation.Fault{Code: operation.CodeAmount, Field: new(operation.Field), Amount: operation.AmountFault{Undecided: true}})
	all["value"] = faultDetail(operation.Fault{Code: operation.CodeValue, Field: &operation.Field{Values: []string{"<4000>"}}})
	for name, when := range map[string]*operation.Condition{
		"required":                nil,
		"required, when":          {Field: "<4000>", In: []string{"<4001>"}},
		"required, when and when": {Field: "<4000>", In: []string{"<4001>"}, And: &operation.Condition{Field: "<4002>", In: []string{"<4003>"}}},
		"required, unless":        {Field: "<4000>", NotIn: []string{"<4001>"}},
		"required, without":       {Without: []string{"<4000>"}},
	} {
		all[name] = required(&operation.Field{When: when})
	}
	all["required, of a list"] = required(&operation.Field{Values: []string{"<4000>"}})
	for _, kind := range []operation.Kind{
		operation.KindText, operation.KindAmount, operation.KindInteger, operation.KindTime, operation.KindFlag, operation.KindCurrency,
		operation.KindURL, operation.KindLink, operation.KindObject, operation.KindArray,
	} {
		all["a field of kind "+string(kind)] = expected(kind)
	}
	return all
}

func TestEveryProblemIsAmongTheExamples(t *testing.T) {
	examples := problems()
	functions := sourcetest.Functions(t, ".", "*Problem")
	for _, name := range functions {
		if examples[name] == nil {
			t.Errorf("problems() has no example of %s", name)
		}
	}
	if len(functions) != len(examples) {
		t.Errorf("%d functions, %d examples", len(functions), len(examples))
	}
	if faults := sourcetest.Constants(t, "../internal/rawjson", "Fault"); len(faults) != 7 {
		t.Errorf("sentences() does not know each of the faults %v", faults)
	}
	if kinds := sourcetest.Constants(t, "../operation", "Kind"); len(kinds) != 10 {
		t.Errorf("sentences() does not know each of the kinds %v", kinds)
	}
}

var verb = regexp.MustCompile(`%[^%]|%%`)

// verbs are the places in a sentence that arguments go to, in their order.
func verbs(text string) []string {
	return slices.DeleteFunc(verb.FindAllString(text, -1), func(v string) bool { return v == "%%" })
}

// isVietnamese reports whether a text has letters of the Vietnamese alphabet that
// English does not have.
func isVietnamese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsLetter(r) })
}

func wantText(t *testing.T, name string, text language.Text) {
	t.Helper()
	if text.En == "" || isVietnamese(text.En) {
		t.Errorf("%s in English is %q", name, text.En)
	}
	if !isVietnamese(text.Vi) {
		t.Errorf("%s in Vietnamese is %q", name, text.Vi)
	}
}

func TestSentences(t *testing.T) {
	for name, s := range sentences() {
		wantText(t, name, s.text)
		if !slices.Equal(verbs(s.text.En), verbs(s.text.Vi)) {
			t.Errorf("%s has the verbs %q in English, %q in Vietnamese", name, verbs(s.text.En), verbs(s.text.Vi))
		}
		for _, v := range append(verbs(s.text.En), verbs(s.text.Vi)...) {
			if v != "%s" && v != "%d" {
				t.Errorf("%s has the verb %s", name, v)
			}
		}
		for _, text := range []string{s.text.En, s.text.Vi} {
			if !strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
				t.Errorf("%s is not one sentence or more: %q", name, text)
			}
		}
	}
}

// Every sentence comes out with its arguments, and without any of the marks that fmt leaves
// where something is missing or of the wrong kind.
func TestSentencesSayTheirArguments(t *testing.T) {
	for name, s := range sentences() {
		for _, in := range language.Tags() {
			said := s.in(in)
			if strings.Contains(said, "%!") {
				t.Errorf("%s in %s: %s", name, in, said)
			}
			for i := range verbs(s.text.En) {
				if !strings.Contains(said, fmt.Sprint(4000+i)) {
					t.Errorf("%s in %s lacks argument %d: %s", name, in, i+1, said)
				}
			}
		}
	}
}
