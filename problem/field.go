package problem

import (
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Field is what is wrong with one field of a call.
type Field struct {
	// Name is the dotted path of the field in what the app posted.
	Name string
	// Code is the stable name of the fault.
	Code string

	detail sentence
}

// FieldsInvalid refuses a call for what is wrong with its fields, every one at once; nil if
// there is nothing.
func FieldsInvalid(fields []Field) *Problem {
	if len(fields) == 0 {
		return nil
	}
	p := of(CodeFieldsInvalid, say(
		"See errors, one entry for each field.",
		"Xem errors, mỗi trường một mục."))
	p.Fields = fields
	return p
}

// FixedField is a field that contradicts its operation: FAST_PAY in a pay.
func FixedField(name, fixed, operationName string) Field {
	return Field{name, "fixed", say(
		"The field %s has a fixed value in the operation %s; leave it out, or post to the operation it belongs to.",
		"Trường %s có giá trị cố định trong nghiệp vụ %s; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ.",
		fixed, operationName)}
}

// LongField is a field of more than limit characters.
func LongField(name string, limit int) Field {
	return Field{name, string(operation.CodeTooLong), tooLong(limit)}
}

// TimeField is a field that is not a date and time.
func TimeField(name string) Field {
	return Field{name, string(operation.CodeTime), expected(operation.KindTime)}
}

// FieldFault puts a fault that the catalogue found into words; name is the field's path in
// what the app posted.
func FieldFault(name string, fault operation.Fault) Field {
	return Field{name, string(fault.Code), faultDetail(fault)}
}

func faultDetail(fault operation.Fault) sentence {
	field := fault.Field
	switch fault.Code {
	case operation.CodeRequired:
		return required(field)
	case operation.CodeTooLong:
		return tooLongFor(field)
	case operation.CodeTime, operation.CodeCurrency:
		return expected(field.Kind)
	case operation.CodeAmount:
		return amountDetail(fault.Amount)
	case operation.CodeInteger:
		return expected(operation.KindInteger)
	case operation.CodeValue:
		return oneOf(field.Values)
	}
	switch { // CodeKind, CodeURL
	case fault.Element, field.Kind == operation.KindArray && field.Lists != nil:
		return say("Expected a JSON array of codes, none of them null or empty.", "Cần một mảng JSON gồm các mã, không mã nào null hoặc rỗng.")
	case field.Kind == operation.KindText && field.Values != nil:
		return oneOf(field.Values)
	}
	return expected(field.Kind)
}

// amountDetail says what the amount must look like in its currency, and what was probably meant.
func amountDetail(fault operation.AmountFault) sentence {
	if fault.Zero {
		return say("Expected an amount of more than 0.", "Cần số tiền lớn hơn 0.")
	}
	en, vi, args := fractionRule(fault)
	en = "Expected a decimal number of zero or more, without separators and without an exponent. " + en
	vi = "Cần số thập phân không âm, không có dấu phân cách và không có số mũ. " + vi
	if fault.Meant == "" {
		return say(en, vi, args...)
	}
	return say(en+" Probably meant: %s.", vi+" Có lẽ ý bạn là: %s.", append(args, fault.Meant)...)
}

func fractionRule(fault operation.AmountFault) (en, vi string, args []any) {
	switch {
	case fault.Undecided:
		return "How many digits may stand after the point depends on the currency, which is missing or wrong here; VND has none.",
			"Số chữ số sau dấu chấm tùy theo loại tiền tệ, ở đây đang thiếu hoặc sai; VND không có phần thập phân.", nil
	case fault.Currency == "":
		return "Without an orderCurrency of three letters the amount counts as VND, which has no fraction.",
			"Khi không có orderCurrency gồm ba chữ cái, số tiền được tính theo VND, không có phần thập phân.", nil
	case fault.Digits == 0:
		return "%s has no fraction; only .0 and .00 pass.", "%s không có phần thập phân; chỉ chấp nhận .0 và .00.", []any{fault.Currency}
	}
	return "%s has at most %d digits after the point.", "%s có tối đa %d chữ số sau dấu chấm.", []any{fault.Currency, fault.Digits}
}

func oneOf(values []string) sentence {
	return say("Expected one of: %s.", "Cần một trong các giá trị: %s.", list(values))
}

func tooLong(limit int) sentence {
	return say("Expected at most %d characters.", "Tối đa %d ký tự.", limit)
}

// tooLongFor says what a value of the field looks like, where that is known, else how long it may be.
func tooLongFor(field *operation.Field) sentence {
	switch {
	case field.Form != (language.Text{}):
		return say("Expected "+field.Form.En+".", "Cần "+field.Form.Vi+".")
	case field.Kind == operation.KindAmount, field.Kind == operation.KindInteger:
		return say("Expected at most %d digits.", "Tối đa %d chữ số.", field.Max)
	}
	return tooLong(field.Max)
}

// expected says what the value of a field of this kind looks like.
func expected(kind operation.Kind) sentence {
	switch kind {
	case operation.KindAmount:
		return say("Expected a decimal number of zero or more, without separators.", "Cần số thập phân không âm, không có dấu phân cách.")
	case operation.KindInteger:
		return say("Expected digits only.", "Chỉ gồm chữ số.")
	case operation.KindTime:
		return say("Expected a real date and time as yyyyMMddHHmmss.", "Cần ngày giờ có thật theo dạng yyyyMMddHHmmss.")
	case operation.KindCurrency:
		return say("Expected the three letters of an ISO 4217 currency code, such as VND.", "Cần mã tiền tệ ISO 4217 gồm ba chữ cái, ví dụ VND.")
	case operation.KindFlag:
		return say("Expected true or false.", "Cần giá trị true hoặc false.")
	case operation.KindURL:
		return say("Expected an absolute http or https address.", "Cần địa chỉ http hoặc https đầy đủ.")
	case operation.KindLink:
		return say("Expected an absolute address, such as https://shop.example/result.", "Cần địa chỉ đầy đủ, ví dụ https://shop.example/result.")
	case operation.KindObject:
		return say("Expected a JSON object.", "Cần một đối tượng JSON.")
	case operation.KindArray:
		return say("Expected a JSON array.", "Cần một mảng JSON.")
	}
	return say("Expected text or a number.", "Cần văn bản hoặc số.")
}

// required says under which condition a field must be sent.
func required(field *operation.Field) sentence {
	when := field.When
	switch {
	case when == nil && field.Values != nil:
		return say("This field is required, with one of these values: %s.", "Trường này là bắt buộc, với một trong các giá trị: %s.", list(field.Values))
	case when == nil:
		return say("This field is required.", "Trường này là bắt buộc.")
	case when.Without != nil:
		return say("This field is required unless one of these is sent: %s.",
			"Trường này là bắt buộc, trừ khi gửi một trong các trường: %s.", list(when.Without))
	case when.NotIn != nil:
		return say("This field is required unless %s is %s.",
			"Trường này là bắt buộc, trừ khi %s là %s.", when.Field, list(when.NotIn))
	case when.And != nil:
		return say("This field is required when %s is %s and %s is %s.",
			"Trường này là bắt buộc khi %s là %s và %s là %s.", when.Field, list(when.In), when.And.Field, list(when.And.In))
	}
	return say("This field is required when %s is %s.",
		"Trường này là bắt buộc khi %s là %s.", when.Field, list(when.In))
}

func list(values []string) string { return strings.Join(values, ", ") }
