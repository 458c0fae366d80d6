package fault

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"

// all is every fault there is. Those of one request strike in this order: the message,
// then its signature, then how it travels.
var all = Faults{
	{Name: "answer_code_401", About: language.Both("the request is refused with responseCode 401 and not carried out", "yêu cầu bị từ chối với responseCode 401 và không được thực hiện"), code: "401"},
	{Name: "answer_code_408", About: language.Both("the request is refused with responseCode 408 and not carried out", "yêu cầu bị từ chối với responseCode 408 và không được thực hiện"), code: "408"},
	{Name: "answer_code_409", About: language.Both("the request is refused with responseCode 409 and not carried out", "yêu cầu bị từ chối với responseCode 409 và không được thực hiện"), code: "409"},
	{Name: "answer_code_499", About: language.Both("the request is refused with responseCode 499 and not carried out", "yêu cầu bị từ chối với responseCode 499 và không được thực hiện"), code: "499"},
	{Name: "answer_code_502", About: language.Both("the request is refused with responseCode 502 and not carried out", "yêu cầu bị từ chối với responseCode 502 và không được thực hiện"), code: "502"},
	{Name: "answer_code_503", About: language.Both("the request is refused with responseCode 503 and not carried out", "yêu cầu bị từ chối với responseCode 503 và không được thực hiện"), code: "503"},
	{Name: "answer_code_504", About: language.Both("the request is refused with responseCode 504 and not carried out", "yêu cầu bị từ chối với responseCode 504 và không được thực hiện"), code: "504"},
	{Name: "answer_code_505", About: language.Both("the request is refused with responseCode 505 and not carried out", "yêu cầu bị từ chối với responseCode 505 và không được thực hiện"), code: "505"},
	{Name: "answer_code_00", About: language.Both("the request is carried out, but its responseCode is 00", "yêu cầu được thực hiện, nhưng responseCode là 00"), answer: code00},
	{Name: "answer_other_request", About: language.Both("the answer has the requestID of another request", "trả lời mang requestID của yêu cầu khác"), answer: otherRequestID},
	{Name: "answer_clock_skew", About: language.Both("responseDateTime of the answer is a day behind", "responseDateTime của trả lời chậm một ngày"), answer: dayBehind},
	{Name: "answer_extra_fields", About: language.Both("the answer has fields that no document lists", "trả lời có những trường không có trong tài liệu nào"), answer: extraFields},
	{Name: "answer_data_string", About: language.Both("responseData is a text that holds JSON", "responseData là một chuỗi chứa JSON"), answer: dataAsString},
	{Name: "answer_numbers", About: language.Both("the codes of the answer are numbers", "các mã trong trả lời là số"), answer: codesAsNumbers},
	{Name: "answer_1mib", About: language.Both("the answer is exactly 1 MiB long", "trả lời dài đúng 1 MiB"), answer: pad},
	{Name: "answer_empty", About: language.Both("the answer has no body", "trả lời không có nội dung"), answer: empty},
	{Name: "answer_wrong_salt", About: language.Both("the answer is signed with another salt", "trả lời được ký bằng salt khác"), answer: signWithOtherSalt},
	{Name: "answer_unsigned", About: language.Both("the answer has no signature", "trả lời không có chữ ký"), answer: removeSignature},
	{Name: "answer_tampered", About: language.Both("one byte of the answer was changed after signing", "một byte của trả lời bị sửa sau khi ký"), answer: tamper},
	{Name: "answer_gzip", About: language.Both("the answer is compressed, asked for or not", "trả lời bị nén, dù có được yêu cầu hay không"), answer: gzipBody},
	{Name: "answer_slow", About: language.Both("the answer arrives in small pieces within about two seconds", "trả lời đến từng mẩu nhỏ trong khoảng hai giây"), answer: sendSlowly},
	{Name: "answer_cut", About: language.Both("the connection breaks in the middle of the answer", "kết nối bị ngắt giữa chừng trả lời"), answer: cut},
	{Name: "answer_html_502", About: language.Both("HTTP 502 and a web page take the place of the answer", "thay cho trả lời là HTTP 502 và một trang web"), answer: html502},
	{Name: "answer_hang", About: language.Both("the answer never comes; after 60 seconds the connection breaks", "trả lời không bao giờ đến; sau 60 giây kết nối bị ngắt"), answer: hang},
	{Name: "reset_after", About: language.Both("the request is carried out, then the connection breaks without an answer", "yêu cầu được thực hiện, rồi kết nối bị ngắt mà không có trả lời"), answer: resetConnection},
	{Name: "reset_before", About: language.Both("the connection breaks before the request is carried out", "kết nối bị ngắt trước khi yêu cầu được thực hiện"), before: hangUp},

	{Name: "ipn_paid_after_expired", About: language.Both("the IPN of a paid payment follows one that says expired", "IPN báo đã thanh toán đến sau một IPN báo hết hạn"), ipns: expiredBefore},
	{Name: "ipn_cancel_after_paid", About: language.Both("the IPN of a paid payment is followed by one that says cancelled", "sau IPN báo đã thanh toán là một IPN báo đã hủy"), ipns: cancelledAfter},
	{Name: "ipn_clock_skew", About: language.Both("responseDateTime of the IPN is a day behind", "responseDateTime của IPN chậm một ngày"), ipns: ipnDayBehind},
	{Name: "ipn_plus", About: language.Both("the Base64 of the IPN always contains + and /", "Base64 của IPN luôn có + và /"), ipns: ipnPlus},
	{Name: "ipn_twice", About: language.Both("every IPN is sent twice", "mỗi IPN được gửi hai lần"), ipns: twice},
	{Name: "ipn_tampered_amount", About: language.Both("the amount in the IPN was changed after signing", "số tiền trong IPN bị sửa sau khi ký"), ipns: raiseAmount},
	{Name: "ipn_wrong_salt", About: language.Both("the IPN is signed with another salt", "IPN được ký bằng salt khác"), ipns: signIPNWithOtherSalt},
	{Name: "ipn_unsigned", About: language.Both("the IPN has no signature", "IPN không có chữ ký"), ipns: removeIPNSignature},
	{Name: "ipn_late", About: language.Both("the IPN is sent five seconds after the outcome, and the browser does not wait for it", "IPN được gửi sau kết quả năm giây, và trình duyệt không chờ"), ipns: late},
	{Name: "ipn_lost", About: language.Both("the IPN is never sent", "IPN không bao giờ được gửi"), ipns: lose},

	{Name: "result_plus", About: language.Both("the Base64 of the browser's result has a + that is not percent-encoded and arrives as a space", "Base64 trong kết quả mà trình duyệt mang về có dấu + không được mã hóa phần trăm nên đến nơi thành dấu cách"), redirect: rawPlus},
}
