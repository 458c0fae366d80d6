package problem

// What stops a callback. The gateway, or a customer's browser, gets it as the answer.

// CallbackBody refuses a JSON body that does not hold the two fields.
func CallbackBody() *Problem {
	return of(CodeCallbackMalformed, say(
		"The body is not one JSON object with data and signature.",
		"Nội dung không phải là một đối tượng JSON gồm data và signature."))
}

// CallbackForm refuses form fields that cannot be decoded.
func CallbackForm() *Problem {
	return of(CodeCallbackMalformed, say(
		"The form fields are not properly encoded.",
		"Các trường form không được mã hóa đúng."))
}

// CallbackNoData refuses a callback without data.
func CallbackNoData() *Problem {
	return of(CodeCallbackMalformed, say(
		"The field data is missing, empty or not text.",
		"Trường data thiếu, rỗng hoặc không phải văn bản."))
}

// CallbackTwice refuses a callback that gives one of its fields twice: two programs could
// read two messages from it.
func CallbackTwice(field string) *Problem {
	return of(CodeCallbackMalformed, say(
		"The field %s is given more than once.",
		"Trường %s xuất hiện nhiều lần.",
		field))
}

// CallbackUnsigned refuses a callback without a signature.
func CallbackUnsigned() *Problem {
	return of(CodeSignatureInvalid, say(
		"The signature is missing or not text.",
		"Chữ ký thiếu hoặc không phải văn bản."))
}

// CallbackSignature refuses a callback whose signature does not fit.
func CallbackSignature() *Problem {
	return of(CodeSignatureInvalid, say(
		"The signature does not fit the data.",
		"Chữ ký không khớp với dữ liệu."))
}

// CallbackBase64 refuses a proven callback whose data is not Base64.
func CallbackBase64() *Problem {
	return of(CodeCallbackMalformed, say(
		"The field data is not standard Base64.",
		"Trường data không phải Base64 chuẩn."))
}

// CallbackData refuses a proven callback whose data holds no JSON object.
func CallbackData() *Problem {
	return of(CodeCallbackMalformed, say(
		"The field data does not hold one JSON object, or a name that decides is in it twice, in whatever letter case.",
		"Trường data không chứa một đối tượng JSON, hoặc có một tên quan trọng xuất hiện hai lần, kể cả khác chữ hoa chữ thường."))
}

// AppUnavailable informs the gateway that the app has not confirmed an IPN.
func AppUnavailable() *Problem {
	return of(CodeAppUnavailable, say(
		"The app did not confirm the message; send it again later.",
		"Ứng dụng chưa xác nhận thông báo; hãy gửi lại sau."))
}

// ResultUnanswered informs a program that brings a proven result: the app has no page for it. The status is that of the app's failure.
func ResultUnanswered(status int) *Problem {
	p := of(CodeAppUnavailable, say(
		"The payment result is proven, but the app did not answer with a page. Do not pay again; load this address again later.",
		"Kết quả thanh toán đã được xác thực, nhưng ứng dụng chưa trả về trang. Đừng thanh toán lại; hãy tải lại địa chỉ này sau."))
	p.status = status
	return p
}

// MessageNotKept informs the gateway that an IPN could not be kept, or not be held against what was signed.
func MessageNotKept() *Problem {
	return of(CodeStoreUnavailable, say(
		"The message could not be stored, so it is not acknowledged; send it again later.",
		"Không lưu được thông báo nên chưa xác nhận; hãy gửi lại sau."))
}
