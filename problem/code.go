package problem

import (
	"maps"
	"net/http"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Outcome says what the app may do after a call that did not succeed.
type Outcome string

// The outcomes.
const (
	// NotSent: nothing reached the gateway; correct it and try again.
	NotSent Outcome = "not_sent"
	// Rejected: the gateway's proven answer is no.
	Rejected Outcome = "rejected"
	// Unknown: it may have been carried out. Wait for the IPN or call query;
	// never pay again under a new id.
	Unknown Outcome = "unknown"
)

// Code is the stable name of a problem. Programs branch on it; titles and details are for
// people and may change.
type Code string

// The codes of calls, some of them shared by callbacks.
const (
	CodeBodyInvalid              Code = "body_invalid"
	CodeIdempotencyKeyInvalid    Code = "idempotency_key_invalid"
	CodeCallerNotAllowed         Code = "caller_not_allowed"
	CodeOperationUnknown         Code = "operation_unknown"
	CodeMethodNotAllowed         Code = "method_not_allowed"
	CodePreconditionFailed       Code = "precondition_failed"
	CodeRangeNotSatisfiable      Code = "range_not_satisfiable"
	CodeBodyTooLarge             Code = "body_too_large"
	CodeBodyTimeout              Code = "body_timeout"
	CodeContentTypeUnsupported   Code = "content_type_unsupported"
	CodeFieldsInvalid            Code = "fields_invalid"
	CodeOverloaded               Code = "overloaded"
	CodeStoreUnavailable         Code = "store_unavailable"
	CodeInProgress               Code = "in_progress"
	CodeIdempotencyKeyReused     Code = "idempotency_key_reused"
	CodeSettled                  Code = "settled"
	CodePageLost                 Code = "page_lost"
	CodeGatewayBadRequest        Code = "gateway_bad_request"
	CodeGatewayUnauthorized      Code = "gateway_unauthorized"
	CodePaymentExpired           Code = "payment_expired"
	CodePaymentCancelled         Code = "payment_cancelled"
	CodeAuthenticationFailed     Code = "authentication_failed"
	CodeTransactionDuplicate     Code = "transaction_duplicate"
	CodeProviderUnreachable      Code = "provider_unreachable"
	CodeProviderUnavailable      Code = "provider_unavailable"
	CodeProviderTimeout          Code = "provider_timeout"
	CodeResponseCodeUnexpected   Code = "response_code_unexpected"
	CodeResponseSignatureMissing Code = "response_signature_missing"
	CodeResponseSignatureInvalid Code = "response_signature_invalid"
	CodeResponseMalformed        Code = "response_malformed"
	CodeGatewayUnreachable       Code = "gateway_unreachable"
	CodeGatewayTimeout           Code = "gateway_timeout"
	CodeGatewayNoAnswer          Code = "gateway_no_answer"
)

// The codes of callbacks alone.
const (
	CodeSignatureInvalid  Code = "signature_invalid"
	CodeCallbackMalformed Code = "callback_malformed"
	CodeAppUnavailable    Code = "app_unavailable"
)

// codes holds what goes with each code. Codes of callbacks alone have no outcome: nothing
// was to be sent.
var codes = map[Code]struct {
	status  int
	outcome Outcome
	title   language.Text
}{
	CodeBodyInvalid:              {http.StatusBadRequest, NotSent, language.Both("The body is not one JSON object", "Nội dung gửi lên không phải là một đối tượng JSON")},
	CodeIdempotencyKeyInvalid:    {http.StatusBadRequest, NotSent, language.Both("The Idempotency-Key cannot be used", "Không dùng được Idempotency-Key")},
	CodeCallerNotAllowed:         {http.StatusForbidden, NotSent, language.Both("The caller is not allowed", "Bên gọi không được phép")},
	CodeOperationUnknown:         {http.StatusNotFound, NotSent, language.Both("There is no such operation here", "Không có nghiệp vụ này")},
	CodeMethodNotAllowed:         {http.StatusMethodNotAllowed, NotSent, language.Both("The method is not allowed", "Phương thức HTTP không được phép")},
	CodePreconditionFailed:       {http.StatusPreconditionFailed, NotSent, language.Both("The document is another version", "Tài liệu là phiên bản khác")},
	CodeRangeNotSatisfiable:      {http.StatusRequestedRangeNotSatisfiable, NotSent, language.Both("The document does not have this range", "Tài liệu không có đoạn này")},
	CodeBodyTooLarge:             {http.StatusRequestEntityTooLarge, NotSent, language.Both("The body is too large", "Nội dung gửi lên quá lớn")},
	CodeBodyTimeout:              {http.StatusRequestTimeout, NotSent, language.Both("The body did not arrive in time", "Nội dung không gửi tới kịp thời")},
	CodeContentTypeUnsupported:   {http.StatusUnsupportedMediaType, NotSent, language.Both("The content type is not supported", "Kiểu nội dung không được hỗ trợ")},
	CodeFieldsInvalid:            {http.StatusUnprocessableEntity, NotSent, language.Both("Some fields are invalid", "Một số trường không hợp lệ")},
	CodeOverloaded:               {http.StatusServiceUnavailable, NotSent, language.Both("Too many requests at once", "Quá nhiều yêu cầu cùng lúc")},
	CodeStoreUnavailable:         {http.StatusServiceUnavailable, NotSent, language.Both("The store cannot be used", "Không dùng được kho lưu")},
	CodeInProgress:               {http.StatusConflict, Unknown, language.Both("The same call is at work now", "Lời gọi này đang được xử lý")},
	CodeIdempotencyKeyReused:     {http.StatusUnprocessableEntity, Unknown, language.Both("The requestID belongs to another call", "requestID thuộc về một lời gọi khác")},
	CodeSettled:                  {http.StatusConflict, Rejected, language.Both("An operator has settled this call as not carried out", "Người vận hành đã kết luận lời gọi này không được thực hiện")},
	CodePageLost:                 {http.StatusConflict, Rejected, language.Both("The payment page is lost", "Trang thanh toán đã mất")},
	CodeGatewayBadRequest:        {http.StatusBadRequest, Rejected, language.Both("The gateway refused the request", "Cổng thanh toán từ chối yêu cầu")},
	CodeGatewayUnauthorized:      {http.StatusBadGateway, Rejected, language.Both("The gateway refused our key or signature", "Cổng thanh toán từ chối khóa hoặc chữ ký")},
	CodePaymentExpired:           {http.StatusPaymentRequired, Rejected, language.Both("The transaction has expired", "Giao dịch đã hết hạn")},
	CodePaymentCancelled:         {http.StatusPaymentRequired, Rejected, language.Both("The customer cancelled", "Khách hàng đã hủy")},
	CodeAuthenticationFailed:     {http.StatusPaymentRequired, Rejected, language.Both("The card holder was not authenticated", "Xác thực chủ thẻ không thành công")},
	CodeTransactionDuplicate:     {http.StatusConflict, Rejected, language.Both("The gateway has this transaction already", "Giao dịch bị trùng")},
	CodeProviderUnreachable:      {http.StatusBadGateway, Rejected, language.Both("The gateway cannot reach the provider", "Cổng thanh toán không kết nối được nhà cung cấp")},
	CodeProviderUnavailable:      {http.StatusServiceUnavailable, Rejected, language.Both("The gateway cannot send to the provider", "Cổng thanh toán không gửi được tới nhà cung cấp")},
	CodeProviderTimeout:          {http.StatusGatewayTimeout, Unknown, language.Both("The provider did not answer the gateway in time", "Nhà cung cấp không trả lời kịp thời")},
	CodeResponseCodeUnexpected:   {http.StatusBadGateway, Unknown, language.Both("The gateway answered with an unknown code", "Cổng thanh toán trả về mã không xác định")},
	CodeResponseSignatureMissing: {http.StatusBadGateway, Unknown, language.Both("The gateway's answer is not signed", "Trả lời của cổng thanh toán không có chữ ký")},
	CodeResponseSignatureInvalid: {http.StatusBadGateway, Unknown, language.Both("The gateway's answer is not proven", "Chữ ký trong trả lời của cổng thanh toán không đúng")},
	CodeResponseMalformed:        {http.StatusBadGateway, Unknown, language.Both("The gateway's answer cannot be read", "Không đọc được trả lời của cổng thanh toán")},
	CodeGatewayUnreachable:       {http.StatusBadGateway, NotSent, language.Both("The gateway cannot be reached", "Không kết nối được cổng thanh toán")},
	CodeGatewayTimeout:           {http.StatusGatewayTimeout, Unknown, language.Both("The gateway did not answer in time", "Cổng thanh toán không trả lời kịp thời")},
	CodeGatewayNoAnswer:          {http.StatusBadGateway, Unknown, language.Both("The gateway did not answer", "Cổng thanh toán không trả lời")},

	CodeSignatureInvalid:  {http.StatusForbidden, "", language.Both("The message is not proven", "Thông báo không được xác thực")},
	CodeCallbackMalformed: {http.StatusBadRequest, "", language.Both("The message cannot be read", "Không đọc được thông báo")},
	CodeAppUnavailable:    {http.StatusServiceUnavailable, "", language.Both("The app has not taken the message", "Ứng dụng chưa nhận thông báo")},
}

// Codes returns every code, in alphabetical order.
func Codes() []Code { return slices.Sorted(maps.Keys(codes)) }

// Status is the HTTP status that goes with the code.
func (c Code) Status() int { return codes[c].status }

// Outcome is what the code says of a call; empty for the codes of callbacks alone.
func (c Code) Outcome() Outcome { return codes[c].outcome }

// Title is the code in a few words for people.
func (c Code) Title() language.Text { return codes[c].title }
