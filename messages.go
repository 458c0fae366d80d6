package galaxypay

import (
	"fmt"
	"net/http"
	"strings"

	textlanguage "golang.org/x/text/language"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// language is one that the sidecar speaks to people in. Codes never change with it.
type language string

const (
	english    language = "en"
	vietnamese language = "vi"
)

// English comes first: it is what a matcher falls back to.
var spoken = textlanguage.NewMatcher([]textlanguage.Tag{textlanguage.English, textlanguage.Vietnamese})

// languageOf chooses by Accept-Language: Vietnamese where it is preferred, else English.
func languageOf(r *http.Request) language {
	accept := strings.Join(r.Header.Values("Accept-Language"), ",")
	if accept == "" {
		return english
	}
	if _, index := textlanguage.MatchStrings(spoken, accept); index == 1 {
		return vietnamese
	}
	return english
}

// words is one text in every language.
type words struct{ en, vi string }

func (w words) in(l language) string {
	if l == vietnamese {
		return w.vi
	}
	return w.en
}

// title is a failure's name for people.
func (l language) title(c Code) string { return titles[c].in(l) }

// say puts a message into words.
func (l language) say(m message, args ...any) string {
	return fmt.Sprintf(messages[m].in(l), args...)
}

// faultArgs are what the sentence on a JSON fault has verbs for: the offset, or nothing.
func faultArgs(err *rawjson.Error) []any {
	if strings.Contains(messages[message(err.Fault)].en, "%d") {
		return []any{err.Offset}
	}
	return nil
}

// message is the key of a sentence in messages.
type message string

const (
	msgEnvelopeRequestID message = "envelope_request_id"
	msgEnvelopeDateTime  message = "envelope_date_time"
	msgBodyUnreadable    message = "body_unreadable"

	msgCallerAddress    message = "caller_address"
	msgCallerOrigin     message = "caller_origin"
	msgOperationUnknown message = "operation_unknown"
	msgMethod           message = "method"
	msgBodyTooLarge     message = "body_too_large"
	msgContentType      message = "content_type"
	msgContentEncoding  message = "content_encoding"
	msgFieldsInvalid    message = "fields_invalid"
	msgFixedField       message = "fixed_field"
	msgOverloaded       message = "overloaded"

	msgFieldRequired         message = "field_required"
	msgFieldRequiredWhen     message = "field_required_when"
	msgFieldRequiredWhenBoth message = "field_required_when_both"
	msgFieldRequiredUnless   message = "field_required_unless"
	msgFieldRequiredWithout  message = "field_required_without"
	msgFieldText             message = "field_text"
	msgFieldTooLong          message = "field_too_long"
	msgFieldTime             message = "field_time"
	msgFieldAmount           message = "field_amount"
	msgFieldInteger          message = "field_integer"
	msgFieldFlag             message = "field_flag"
	msgFieldValue            message = "field_value"
	msgFieldURL              message = "field_url"
	msgFieldLink             message = "field_link"
	msgFieldObject           message = "field_object"
	msgFieldArray            message = "field_array"

	msgRefused           message = "refused"
	msgCodeUnexpected    message = "code_unexpected"
	msgUnsigned          message = "unsigned"
	msgUnsignedRefusal   message = "unsigned_refusal"
	msgWrongSignature    message = "wrong_signature"
	msgAnswerTooLarge    message = "answer_too_large"
	msgAnswerNotJSON     message = "answer_not_json"
	msgAnswerOther       message = "answer_other"
	msgUnreachable       message = "unreachable"
	msgTimeout           message = "timeout"
	msgNoAnswer          message = "no_answer"
	msgAppNoAnswer       message = "app_no_answer"
	msgInboxUnavailable  message = "inbox_unavailable"
	msgCallbackNoData    message = "callback_no_data"
	msgCallbackTwice     message = "callback_twice"
	msgCallbackForm      message = "callback_form"
	msgCallbackBase64    message = "callback_base64"
	msgCallbackData      message = "callback_data"
	msgCallbackBody      message = "callback_body"
	msgCallbackSignature message = "callback_signature"
	msgCallbackUnsigned  message = "callback_unsigned"
	msgCallbackType      message = "callback_type"
)

var titles = map[Code]words{
	CodeBodyInvalid:              {"The body is not one JSON object", "Nội dung gửi lên không phải là một đối tượng JSON"},
	CodeCallerNotAllowed:         {"The caller is not allowed", "Bên gọi không được phép"},
	CodeOperationUnknown:         {"There is no such operation here", "Không có nghiệp vụ này"},
	CodeMethodNotAllowed:         {"The method is not allowed", "Phương thức HTTP không được phép"},
	CodeBodyTooLarge:             {"The body is too large", "Nội dung gửi lên quá lớn"},
	CodeContentTypeUnsupported:   {"The content type is not supported", "Kiểu nội dung không được hỗ trợ"},
	CodeFieldsInvalid:            {"Some fields are invalid", "Một số trường không hợp lệ"},
	CodeOverloaded:               {"Too many calls at once", "Quá nhiều lời gọi cùng lúc"},
	CodeGatewayBadRequest:        {"The gateway refused the request", "Cổng thanh toán từ chối yêu cầu"},
	CodeGatewayUnauthorized:      {"The gateway refused our key or signature", "Cổng thanh toán từ chối khóa hoặc chữ ký"},
	CodePaymentExpired:           {"The transaction has expired", "Giao dịch đã hết hạn"},
	CodePaymentCancelled:         {"The customer cancelled", "Khách hàng đã hủy"},
	CodeAuthenticationFailed:     {"The card holder was not authenticated", "Xác thực chủ thẻ không thành công"},
	CodeTransactionDuplicate:     {"The gateway has this transaction already", "Giao dịch bị trùng"},
	CodeProviderUnreachable:      {"The gateway cannot reach the provider", "Cổng thanh toán không kết nối được nhà cung cấp"},
	CodeProviderUnavailable:      {"The gateway cannot send to the provider", "Cổng thanh toán không gửi được tới nhà cung cấp"},
	CodeProviderTimeout:          {"The provider did not answer the gateway in time", "Nhà cung cấp không trả lời kịp thời"},
	CodeResponseCodeUnexpected:   {"The gateway answered with an unknown code", "Cổng thanh toán trả về mã không xác định"},
	CodeResponseSignatureMissing: {"The gateway's answer is not signed", "Trả lời của cổng thanh toán không có chữ ký"},
	CodeResponseSignatureInvalid: {"The gateway's answer is not proven", "Chữ ký trong trả lời của cổng thanh toán không đúng"},
	CodeResponseMalformed:        {"The gateway's answer cannot be read", "Không đọc được trả lời của cổng thanh toán"},
	CodeGatewayUnreachable:       {"The gateway cannot be reached", "Không kết nối được cổng thanh toán"},
	CodeGatewayTimeout:           {"The gateway did not answer in time", "Cổng thanh toán không trả lời kịp thời"},
	CodeGatewayNoAnswer:          {"The gateway did not answer", "Cổng thanh toán không trả lời"},
	CodeSignatureInvalid:         {"The message is not proven", "Thông báo không được xác thực"},
	CodeCallbackMalformed:        {"The message cannot be read", "Không đọc được thông báo"},
	CodeAppUnavailable:           {"The app has not taken the message", "Ứng dụng chưa nhận thông báo"},
	CodeInboxUnavailable:         {"The message could not be kept", "Không lưu được thông báo"},
}

var messages = map[message]words{
	message(rawjson.Empty):     {"The body is empty; expected one JSON object.", "Nội dung rỗng; cần một đối tượng JSON."},
	message(rawjson.NotUTF8):   {"The text is not UTF-8 at byte %d.", "Văn bản không phải UTF-8 tại byte %d."},
	message(rawjson.NotObject): {"Expected a JSON object at byte %d.", "Cần một đối tượng JSON tại byte %d."},
	message(rawjson.Trailing):  {"There is more data after the JSON object, at byte %d.", "Có dữ liệu thừa sau đối tượng JSON, tại byte %d."},
	message(rawjson.Syntax):    {"The JSON is not valid at byte %d.", "JSON không hợp lệ tại byte %d."},
	message(rawjson.Duplicate): {"A name is given twice in one object, at byte %d.", "Một tên xuất hiện hai lần trong cùng đối tượng, tại byte %d."},
	message(rawjson.Truncated): {"The JSON ends too early, at byte %d.", "JSON kết thúc quá sớm, tại byte %d."},

	msgEnvelopeRequestID: {"A body with requestData is sent as it is, so it must carry a requestID of printable ASCII characters.", "Nội dung có requestData được gửi nguyên văn nên phải có requestID gồm các ký tự ASCII in được."},
	msgEnvelopeDateTime:  {"A body with requestData is sent as it is, so it must carry requestDateTime (yyyyMMddHHmmss).", "Nội dung có requestData được gửi nguyên văn nên phải có requestDateTime (yyyyMMddHHmmss)."},
	msgBodyUnreadable:    {"The body could not be read to its end.", "Không đọc được toàn bộ nội dung."},

	msgCallerAddress:         {"The caller's address is not in allow. By default only this machine may call.", "Địa chỉ bên gọi không có trong allow. Mặc định chỉ máy này được gọi."},
	msgCallerOrigin:          {"Requests with an Origin header come from web pages, which must not sign payments. Call from the server.", "Yêu cầu có header Origin đến từ trang web và không được phép ký thanh toán. Hãy gọi từ máy chủ."},
	msgOperationUnknown:      {"Use POST with an operation as the path, such as /pay, or with the path that the gateway documents. Operations here: %s.", "Hãy dùng POST với đường dẫn là tên nghiệp vụ, ví dụ /pay, hoặc đường dẫn theo tài liệu của cổng thanh toán. Các nghiệp vụ ở đây: %s."},
	msgMethod:                {"Use %s.", "Hãy dùng %s."},
	msgBodyTooLarge:          {"The body is larger than max_body, %d bytes.", "Nội dung lớn hơn max_body, %d byte."},
	msgContentType:           {"Send the body as application/json in UTF-8.", "Hãy gửi nội dung dạng application/json, mã UTF-8."},
	msgContentEncoding:       {"Send the body without a Content-Encoding.", "Hãy gửi nội dung không có Content-Encoding."},
	msgFieldsInvalid:         {"See errors, one entry for each field.", "Xem errors, mỗi trường một mục."},
	msgFieldRequired:         {"This field is required.", "Trường này là bắt buộc."},
	msgFieldRequiredWhen:     {"This field is required when %s is %s.", "Trường này là bắt buộc khi %s là %s."},
	msgFieldRequiredWhenBoth: {"This field is required when %s is %s and %s is %s.", "Trường này là bắt buộc khi %s là %s và %s là %s."},
	msgFieldRequiredUnless:   {"This field is required unless %s is %s.", "Trường này là bắt buộc, trừ khi %s là %s."},
	msgFieldRequiredWithout:  {"This field is required unless one of these is sent: %s.", "Trường này là bắt buộc, trừ khi gửi một trong các trường: %s."},
	msgFieldText:             {"Expected text or a number.", "Cần văn bản hoặc số."},
	msgFieldTooLong:          {"Expected at most %d characters.", "Tối đa %d ký tự."},
	msgFieldTime:             {"Expected a real date and time as yyyyMMddHHmmss.", "Cần ngày giờ có thật theo dạng yyyyMMddHHmmss."},
	msgFieldAmount:           {"Expected a decimal number of zero or more, without separators.", "Cần số thập phân không âm, không có dấu phân cách."},
	msgFieldInteger:          {"Expected digits only.", "Chỉ gồm chữ số."},
	msgFieldFlag:             {"Expected true or false.", "Cần giá trị true hoặc false."},
	msgFieldValue:            {"Expected one of: %s.", "Cần một trong các giá trị: %s."},
	msgFieldURL:              {"Expected an absolute http or https address.", "Cần địa chỉ http hoặc https đầy đủ."},
	msgFieldLink:             {"Expected an absolute address, such as https://shop.example/result.", "Cần địa chỉ đầy đủ, ví dụ https://shop.example/result."},
	msgFieldObject:           {"Expected a JSON object.", "Cần một đối tượng JSON."},
	msgFieldArray:            {"Expected a JSON array.", "Cần một mảng JSON."},
	msgFixedField:            {"The field %s has a fixed value in the operation %s; leave it out, or post to the operation it belongs to.", "Trường %s có giá trị cố định trong nghiệp vụ %s; hãy bỏ trường này hoặc gửi tới đúng nghiệp vụ."},
	msgOverloaded:            {"As many calls are at work as max_in_flight lets in, %d, so nothing was sent. Try again after Retry-After.", "Số lời gọi đang xử lý đã đạt max_in_flight, %d, nên chưa gửi gì. Hãy thử lại sau thời gian trong Retry-After."},

	msgRefused:           {"The gateway answered %s; its message is in responseMessage.", "Cổng thanh toán trả lời mã %s; thông báo nằm trong responseMessage."},
	msgCodeUnexpected:    {"The gateway's proven answer has a responseCode that its documents do not list. Ask query before doing anything else.", "Trả lời đã xác thực của cổng thanh toán có responseCode ngoài tài liệu. Hãy gọi query trước khi làm việc khác."},
	msgUnsigned:          {"The answer (HTTP %d) carries no signature, so nothing of it is passed on.", "Trả lời (HTTP %d) không có chữ ký nên không được chuyển tiếp."},
	msgUnsignedRefusal:   {"The answer (HTTP %d) carries no signature. Unproven, it says: responseCode %s, responseMessage %s.", "Trả lời (HTTP %d) không có chữ ký. Nội dung chưa xác thực: responseCode %s, responseMessage %s."},
	msgWrongSignature:    {"The answer's signature does not fit the salt, so nothing of it is passed on. Check the salt, and what stands between here and the gateway.", "Chữ ký của trả lời không khớp với salt nên không được chuyển tiếp. Hãy kiểm tra salt và đường truyền tới cổng thanh toán."},
	msgAnswerTooLarge:    {"The answer is larger than max_body, %d bytes.", "Trả lời lớn hơn max_body, %d byte."},
	msgAnswerNotJSON:     {"The answer is not one JSON object.", "Trả lời không phải là một đối tượng JSON."},
	msgAnswerOther:       {"The answer belongs to another request: its requestID is not ours.", "Trả lời thuộc yêu cầu khác: requestID không khớp."},
	msgUnreachable:       {"No connection to the gateway could be made, so nothing was sent. Try again.", "Không tạo được kết nối tới cổng thanh toán nên chưa gửi gì. Hãy thử lại."},
	msgTimeout:           {"The request was sent, but no answer came in time. Wait for the IPN or ask query; do not pay again under a new id.", "Yêu cầu đã gửi nhưng không có trả lời kịp thời. Hãy chờ IPN hoặc gọi query; không thanh toán lại với mã mới."},
	msgNoAnswer:          {"The connection ended before the answer was complete. Wait for the IPN or ask query; do not pay again under a new id.", "Kết nối đứt trước khi nhận đủ trả lời. Hãy chờ IPN hoặc gọi query; không thanh toán lại với mã mới."},
	msgAppNoAnswer:       {"The app did not confirm the message; send it again later.", "Ứng dụng chưa xác nhận thông báo; hãy gửi lại sau."},
	msgInboxUnavailable:  {"The message could not be stored, so it is not acknowledged; send it again later.", "Không lưu được thông báo nên chưa xác nhận; hãy gửi lại sau."},
	msgCallbackNoData:    {"The field data is missing, empty or not text.", "Trường data thiếu, rỗng hoặc không phải văn bản."},
	msgCallbackTwice:     {"The field %s is given more than once.", "Trường %s xuất hiện nhiều lần."},
	msgCallbackForm:      {"The form fields are not properly encoded.", "Các trường form không được mã hóa đúng."},
	msgCallbackBase64:    {"The field data is not standard Base64.", "Trường data không phải Base64 chuẩn."},
	msgCallbackData:      {"The field data does not hold one JSON object.", "Trường data không chứa một đối tượng JSON."},
	msgCallbackBody:      {"The body is not one JSON object with data and signature.", "Nội dung không phải là một đối tượng JSON gồm data và signature."},
	msgCallbackSignature: {"The signature does not fit the data.", "Chữ ký không khớp với dữ liệu."},
	msgCallbackUnsigned:  {"The signature is missing or not text.", "Chữ ký thiếu hoặc không phải văn bản."},
	msgCallbackType:      {"Send application/json or application/x-www-form-urlencoded.", "Hãy gửi application/json hoặc application/x-www-form-urlencoded."},
}
