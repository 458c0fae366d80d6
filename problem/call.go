package problem

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"

// What stops a call before it is sent.

// CallerAddress refuses a caller that is not in allow.
func CallerAddress() *Problem {
	return of(CodeCallerNotAllowed, say(
		"The caller's address is not in allow. By default only this machine may call.",
		"Địa chỉ bên gọi không có trong allow. Mặc định chỉ máy này được gọi."))
}

// CallerOrigin refuses a web page.
func CallerOrigin() *Problem {
	return of(CodeCallerNotAllowed, say(
		"Requests with an Origin header come from web pages, which must not sign payments. Call from the server.",
		"Yêu cầu có header Origin đến từ trang web và không được phép ký thanh toán. Hãy gọi từ máy chủ."))
}

// OperationUnknown refuses a path or an operation that is not open here; open lists those
// that are.
func OperationUnknown(open string) *Problem {
	return of(CodeOperationUnknown, say(
		"Use POST with an operation as the path, such as /pay, or with the path that the gateway documents. Operations here: %s.",
		"Hãy dùng POST với đường dẫn là tên nghiệp vụ, ví dụ /pay, hoặc đường dẫn theo tài liệu của cổng thanh toán. Các nghiệp vụ ở đây: %s.",
		open))
}

// DocumentUnknown refuses a GET of what is not here; documents lists what is.
func DocumentUnknown(documents string) *Problem {
	return of(CodeOperationUnknown, say(
		"There is nothing to GET at this path. GET has %s; operations take POST.",
		"Không có gì để GET ở đường dẫn này. GET có %s; các nghiệp vụ dùng POST.",
		documents))
}

// DocumentChanged refuses a document whose ETag is not the one that If-Match names.
func DocumentChanged() *Problem {
	return of(CodePreconditionFailed, say(
		"The document's ETag is not in If-Match. Get it without If-Match.",
		"ETag của tài liệu không có trong If-Match. Hãy tải lại, không dùng If-Match."))
}

// DocumentRange refuses a part of a document that is not there.
func DocumentRange() *Problem {
	return of(CodeRangeNotSatisfiable, say(
		"The document is shorter than the Range asks for; Content-Range has its length. Get it without Range.",
		"Tài liệu ngắn hơn Range yêu cầu; độ dài nằm trong Content-Range. Hãy tải lại, không dùng Range."))
}

// IdempotencyKeys refuses a call with more than one key.
func IdempotencyKeys() *Problem {
	return of(CodeIdempotencyKeyInvalid, say(
		"The request has more than one Idempotency-Key. Send one.",
		"Yêu cầu có nhiều Idempotency-Key. Hãy gửi một."))
}

// IdempotencyKeyBesideEnvelope refuses a key beside an envelope of the app's own, which has a requestID already.
func IdempotencyKeyBesideEnvelope() *Problem {
	return of(CodeIdempotencyKeyInvalid, say(
		"A body with requestData has a requestID of its own, which takes the place of an Idempotency-Key. Send one of the two.",
		"Nội dung có requestData đã có requestID riêng, thay cho Idempotency-Key. Chỉ gửi một trong hai."))
}

// MethodNotAllowed refuses a method; allowed is the value of the header Allow.
func MethodNotAllowed(allowed string) *Problem {
	return of(CodeMethodNotAllowed, say("Use %s.", "Hãy dùng %s.", allowed))
}

// Overloaded refuses a call above max_in_flight.
func Overloaded(maxInFlight int) *Problem {
	return of(CodeOverloaded, say(
		"Too many calls are in progress: max_in_flight is %d. Nothing was sent. Try again after Retry-After.",
		"Số lời gọi đang xử lý đã đạt max_in_flight, %d, nên chưa gửi gì. Hãy thử lại sau thời gian trong Retry-After.",
		maxInFlight))
}

// BodiesUnfinished refuses a body while those that are still arriving hold all that they may, in bytes.
func BodiesUnfinished(total int64) *Problem {
	return of(CodeOverloaded, say(
		"Too many bodies are still arriving: together they may hold %d bytes. This request was not carried out. Try again after Retry-After, and send the body at once.",
		"Quá nhiều nội dung đang gửi dở: tổng cộng không được quá %d byte. Yêu cầu này chưa được thực hiện. Hãy thử lại sau thời gian trong Retry-After và gửi nội dung liền một lần.",
		total))
}

// ContentType refuses a body that is not labelled as JSON.
func ContentType() *Problem {
	return of(CodeContentTypeUnsupported, say(
		"Send the body with Content-Type: application/json, in UTF-8.",
		"Hãy gửi nội dung với Content-Type: application/json, mã UTF-8."))
}

// ContentEncoding refuses a compressed body.
func ContentEncoding() *Problem {
	return of(CodeContentTypeUnsupported, say(
		"Send the body without a Content-Encoding.",
		"Hãy gửi nội dung không có Content-Encoding."))
}

// BodyTooLarge refuses a body of more than maxBody bytes.
func BodyTooLarge(maxBody int64) *Problem {
	return of(CodeBodyTooLarge, say(
		"The body is larger than max_body, %d bytes.",
		"Nội dung lớn hơn max_body, %d byte.",
		maxBody))
}

// BodyTimeout refuses a body that was not complete in time.
func BodyTimeout() *Problem {
	return of(CodeBodyTimeout, say(
		"The body was not complete in time: it may take 30 seconds, or less where the server's read timeouts are shorter. This request was not carried out. Send the body at once, and as long as Content-Length says.",
		"Nội dung không gửi xong kịp thời: tối đa 30 giây, hoặc ít hơn nếu máy chủ đặt thời hạn đọc ngắn hơn. Yêu cầu này chưa được thực hiện. Hãy gửi nội dung liền một lần, đủ độ dài ghi trong Content-Length."))
}

// BodyUnreadable refuses a body that broke off, under the code of a call or of a callback.
func BodyUnreadable(code Code) *Problem {
	return of(code, say(
		"The body could not be read to its end.",
		"Không đọc được toàn bộ nội dung."))
}

// ByteOrderMark refuses a body that begins with a byte order mark, whose kind is named.
func ByteOrderMark(kind string) *Problem {
	return of(CodeBodyInvalid, say(
		"There is a byte order mark of %s at byte 0. Send UTF-8 without one.",
		"Có byte order mark (BOM) của %s tại byte 0. Hãy gửi UTF-8 không có BOM.",
		kind))
}

// BodyNotJSON refuses a body that is not one JSON object, and says where it stops being one.
func BodyNotJSON(err *rawjson.Error) *Problem {
	return of(CodeBodyInvalid, jsonFault(err))
}

func jsonFault(err *rawjson.Error) sentence {
	at := err.Offset
	switch err.Fault {
	case rawjson.Empty:
		return say("The body is empty; expected one JSON object.", "Nội dung rỗng; cần một đối tượng JSON.")
	case rawjson.NotUTF8:
		return say("The text is not UTF-8 at byte %d.", "Văn bản không phải UTF-8 tại byte %d.", at)
	case rawjson.NotObject:
		return say("Expected a JSON object at byte %d.", "Cần một đối tượng JSON tại byte %d.", at)
	case rawjson.Trailing:
		return say("There is more data after the JSON object, at byte %d.", "Có dữ liệu thừa sau đối tượng JSON, tại byte %d.", at)
	case rawjson.Duplicate:
		return say("A name is given twice in one object, at byte %d.", "Một tên xuất hiện hai lần trong cùng đối tượng, tại byte %d.", at)
	case rawjson.Truncated:
		return say("The JSON ends too early, at byte %d.", "JSON kết thúc quá sớm, tại byte %d.", at)
	}
	return say("The JSON is not valid at byte %d.", "JSON không hợp lệ tại byte %d.", at)
}

// NameRepeated refuses a body in which a name that decides stands twice.
func NameRepeated(name string) *Problem {
	return of(CodeBodyInvalid, say(
		"The name %s is in the body twice, in whatever letter case. Send it once.",
		"Tên %s xuất hiện hai lần trong nội dung, bất kể chữ hoa hay chữ thường. Hãy gửi một lần.",
		name))
}

// EnvelopeRequestID refuses an envelope of the app's own whose requestID cannot be used.
func EnvelopeRequestID() *Problem {
	return of(CodeBodyInvalid, say(
		"A body with requestData is sent as it is, so it must carry a requestID of printable ASCII characters.",
		"Nội dung có requestData được gửi nguyên văn nên phải có requestID gồm các ký tự ASCII in được."))
}

// EnvelopeDateTime refuses an envelope of the app's own without a requestDateTime.
func EnvelopeDateTime() *Problem {
	return of(CodeBodyInvalid, say(
		"A body with requestData is sent as it is, so it must carry requestDateTime (yyyyMMddHHmmss).",
		"Nội dung có requestData được gửi nguyên văn nên phải có requestDateTime (yyyyMMddHHmmss)."))
}
