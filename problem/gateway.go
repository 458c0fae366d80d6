package problem

// What comes back from the gateway instead of a proven yes.

// Refused is a proven answer whose responseCode says no.
func Refused(code Code, responseCode, responseMessage string) *Problem {
	p := of(code, say(
		"The gateway answered %s; its message is in responseMessage.",
		"Cổng thanh toán trả lời mã %s; thông báo nằm trong responseMessage.",
		responseCode))
	p.ResponseCode, p.ResponseMessage = responseCode, responseMessage
	return p
}

// Repeated is a proven 409 to a call that may be a repetition: the first call with its requestID stands, whatever became of it.
func Repeated(responseCode, responseMessage string) *Problem {
	p := of(CodeTransactionDuplicate, say(
		"The gateway has a request with this requestID already, which may be an earlier try of this call, and may have been carried out. Wait for its IPN, or call query; do not pay again under a new id.",
		"Cổng thanh toán đã có yêu cầu với requestID này, có thể là lần gửi trước của chính lời gọi này và có thể đã được thực hiện. Hãy chờ IPN hoặc gọi query; không thanh toán lại với mã mới."))
	p.Outcome, p.ResponseCode, p.ResponseMessage = Unknown, responseCode, responseMessage
	return p
}

// ResponseCodeUnexpected is a proven answer whose responseCode no document lists.
func ResponseCodeUnexpected(responseCode, responseMessage string) *Problem {
	p := of(CodeResponseCodeUnexpected, say(
		"The gateway's proven answer has a responseCode that its documents do not list. Call query before doing anything else.",
		"Trả lời đã xác thực của cổng thanh toán có responseCode ngoài tài liệu. Hãy gọi query trước khi làm việc khác."))
	p.ResponseCode, p.ResponseMessage = responseCode, responseMessage
	return p
}

// Unsigned is a reply without a signature.
func Unsigned(httpStatus int) *Problem {
	return of(CodeResponseSignatureMissing, say(
		"The answer (HTTP %d) carries no signature, so the sidecar does not pass it on.",
		"Trả lời (HTTP %d) không có chữ ký nên không được chuyển tiếp.",
		httpStatus))
}

// UnsignedRefusal is a reply without a signature that says no. The two texts are quoted in
// the sentence, so the caller makes them printable and short.
func UnsignedRefusal(httpStatus int, responseCode, responseMessage string) *Problem {
	return of(CodeResponseSignatureMissing, say(
		"The answer (HTTP %d) carries no signature. Unproven, it says: responseCode %s, responseMessage %s.",
		"Trả lời (HTTP %d) không có chữ ký. Nội dung chưa xác thực: responseCode %s, responseMessage %s.",
		httpStatus, responseCode, responseMessage))
}

// UnsignedUnauthorized is a reply without a signature that says, by its HTTP status or its responseCode, that the gateway does not
// know the key pair. Its two texts are quoted as in UnsignedRefusal.
func UnsignedUnauthorized(httpStatus int, responseCode, responseMessage string) *Problem {
	return of(CodeResponseSignatureMissing, say(
		"The gateway refused the api key or the signature (HTTP %d, not signed). Usually the configured api_key or salt is wrong, or belongs to another environment. Unproven, it says: responseCode %s, responseMessage %s.",
		"Cổng thanh toán từ chối api key hoặc chữ ký (HTTP %d, không có chữ ký). Thường là do api_key hoặc salt trong cấu hình sai, hoặc thuộc môi trường khác. Nội dung chưa xác thực: responseCode %s, responseMessage %s.",
		httpStatus, responseCode, responseMessage))
}

// UnsignedUnauthorizedPage is an HTTP 401 without a signature whose body says nothing that can be quoted, such as a web page.
func UnsignedUnauthorizedPage(httpStatus int) *Problem {
	return of(CodeResponseSignatureMissing, say(
		"The gateway refused the api key or the signature (HTTP %d, not signed). Usually the configured api_key or salt is wrong, or belongs to another environment.",
		"Cổng thanh toán từ chối api key hoặc chữ ký (HTTP %d, không có chữ ký). Thường là do api_key hoặc salt trong cấu hình sai, hoặc thuộc môi trường khác.",
		httpStatus))
}

// WrongSignature is a reply whose signature does not fit.
func WrongSignature() *Problem {
	return of(CodeResponseSignatureInvalid, say(
		"The answer's signature does not fit the salt, so the sidecar does not pass it on. Check the salt, and any proxy between the sidecar and the gateway.",
		"Chữ ký của trả lời không khớp với salt nên không được chuyển tiếp. Hãy kiểm tra salt và đường truyền tới cổng thanh toán."))
}

// ReplyTooLarge is a reply of more than maxBody bytes.
func ReplyTooLarge(maxBody int64) *Problem {
	return of(CodeResponseMalformed, say(
		"The answer is larger than max_body, %d bytes.",
		"Trả lời lớn hơn max_body, %d byte.",
		maxBody))
}

// ReplyNotJSON is a reply that is not one JSON object.
func ReplyNotJSON() *Problem {
	return of(CodeResponseMalformed, say(
		"The answer is not one JSON object, or a name that decides is in it twice, in whatever letter case.",
		"Trả lời không phải là một đối tượng JSON, hoặc có một tên quan trọng xuất hiện hai lần, kể cả khác chữ hoa chữ thường."))
}

// ReplyToAnother is a reply with another requestID than ours.
func ReplyToAnother() *Problem {
	return of(CodeResponseMalformed, say(
		"The answer belongs to another request: its requestID is not ours.",
		"Trả lời thuộc yêu cầu khác: requestID không khớp."))
}

// Unreachable is a call of which no byte was sent.
func Unreachable() *Problem {
	return of(CodeGatewayUnreachable, say(
		"No connection to the gateway could be made, so nothing was sent. Try again.",
		"Không tạo được kết nối tới cổng thanh toán nên chưa gửi gì. Hãy thử lại."))
}

// Timeout is a call that was sent and got no reply in time.
func Timeout() *Problem {
	return of(CodeGatewayTimeout, say(
		"The request was sent, but no answer came in time. Wait for the IPN or call query; do not pay again under a new id.",
		"Yêu cầu đã gửi nhưng không có trả lời kịp thời. Hãy chờ IPN hoặc gọi query; không thanh toán lại với mã mới."))
}

// NoReply is a call whose connection ended before the reply was complete.
func NoReply() *Problem {
	return of(CodeGatewayNoAnswer, say(
		"The connection ended before the answer was complete. Wait for the IPN or call query; do not pay again under a new id.",
		"Kết nối đứt trước khi nhận đủ trả lời. Hãy chờ IPN hoặc gọi query; không thanh toán lại với mã mới."))
}
