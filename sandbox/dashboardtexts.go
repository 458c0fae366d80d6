package sandbox

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"

// dashboardTexts are the texts of the dashboard, for its template and for its script, which
// builds the rest of the page with them.
var dashboardTexts = map[string]language.Text{
	"title":    language.Both("Galaxy Pay sandbox", "Sandbox Galaxy Pay"),
	"live":     language.Both("live", "trực tiếp"),
	"lost":     language.Both("connecting …", "đang kết nối …"),
	"noScript": language.Both("Without JavaScript this is a plain list; reload it for news.", "Không có JavaScript, đây chỉ là danh sách tĩnh; hãy tải lại trang để cập nhật."),

	"transactions": language.Both("Transactions", "Giao dịch"),
	"none":         language.Both("No transactions yet. Send a payment to this address, and it appears here.", "Chưa có giao dịch nào. Hãy gửi một thanh toán đến địa chỉ này, nó sẽ hiện ở đây."),

	"search":    language.Both("Search", "Tìm kiếm"),
	"notFound":  language.Both("No transaction is like that.", "Không có giao dịch nào như vậy."),
	"thousands": thousands,
	"point":     point,

	"choose": language.Both("Choose a transaction to see what went over the wire.", "Chọn một giao dịch để xem những gì đã truyền qua mạng."),
	"back":   language.Both("All transactions", "Tất cả giao dịch"),

	"unassigned":    language.Both("Requests without a transaction", "Yêu cầu không thuộc giao dịch nào"),
	"unassignedTip": language.Both("Refused, not understood, or about no payment. The newest is at the end.", "Bị từ chối, không hiểu được, hoặc không liên quan đến thanh toán. Mới nhất ở cuối."),

	"controls":  language.Both("Faults, clock, reset", "Lỗi giả lập, đồng hồ, xóa"),
	"faults":    language.Both("Faults for every call", "Lỗi giả lập cho mọi lời gọi"),
	"faultsTip": language.Both("Until they are cleared. One request alone names its own in extraData.sandboxFault.", "Cho đến khi bỏ chọn. Từng yêu cầu có thể tự nêu lỗi trong extraData.sandboxFault."),

	"clock":     language.Both("Clock of the sandbox", "Đồng hồ của sandbox"),
	"advance":   language.Both("advance", "tua tới"),
	"reset":     language.Both("Forget everything", "Xóa tất cả"),
	"resetSure": language.Both("Forget all transactions, tokens, faults and the clock?", "Xóa mọi giao dịch, token, lỗi giả lập và đồng hồ?"),

	"page": language.Both("Payment page", "Trang thanh toán"),
	"json": language.Both("as JSON", "dạng JSON"),

	"complete":   language.Both("Complete", "Hoàn tất"),
	"fail":       language.Both("Let it fail", "Cho thất bại"),
	"cancel":     language.Both("Cancel", "Hủy"),
	"expire":     language.Both("Expire", "Cho hết hạn"),
	"capture":    language.Both("Capture", "Thu tiền"),
	"void":       language.Both("Void", "Hủy cấp phép"),
	"refund":     language.Both("Refund the rest", "Hoàn phần còn lại"),
	"resend-ipn": language.Both("Resend IPN", "Gửi lại IPN"),

	"resend-ipn-new-time": language.Both("Resend with a new time", "Gửi lại với thời gian mới"),

	"order":       language.Both("Order", "Đơn hàng"),
	"transaction": language.Both("Transaction", "Giao dịch"),
	"requestID":   language.Both("Request id", "Mã yêu cầu"),
	"operation":   language.Both("Operation", "Thao tác"),
	"method":      language.Both("Method", "Phương thức"),

	"opened":      language.Both("Opened", "Mở lúc"),
	"expires":     language.Both("Expires", "Hết hạn lúc"),
	"settled":     language.Both("Settled", "Kết thúc lúc"),
	"refunded":    language.Both("Refunded", "Đã hoàn"),
	"description": language.Both("Description", "Nội dung"),
	"ipnTo":       language.Both("IPN to", "IPN gửi đến"),

	"is_open":       language.Both("open", "đang mở"),
	"is_success":    language.Both("paid", "đã thanh toán"),
	"is_failure":    language.Both("failed", "thất bại"),
	"is_refused":    language.Both("refused", "bị từ chối"),
	"is_cancel":     language.Both("cancelled", "đã hủy"),
	"is_expired":    language.Both("expired", "hết hạn"),
	"is_authorised": language.Both("authorised", "đã cấp phép"),
	"is_voided":     language.Both("voided", "đã hủy cấp phép"),

	"ipn_none":     language.Both("no IPN wanted", "không cần IPN"),
	"ipn_waiting":  language.Both("IPN to come", "chưa đến lúc gửi IPN"),
	"ipn_sending":  language.Both("IPN on its way", "đang gửi IPN"),
	"ipn_answered": language.Both("IPN answered", "IPN đã được trả lời"),
	"ipn_failed":   language.Both("IPN failed", "gửi IPN thất bại"),

	"to_request":  language.Both("App → gateway", "Ứng dụng → cổng"),
	"to_ipn":      language.Both("Gateway → app: IPN", "Cổng → ứng dụng: IPN"),
	"to_redirect": language.Both("Gateway → app: browser", "Cổng → ứng dụng: trình duyệt"),
	"attempt":     language.Both("attempt", "lần"),

	"asSent":    language.Both("Exactly as sent", "Nguyên văn đã gửi"),
	"formatted": language.Both("Formatted", "Trình bày lại"),
	"headers":   language.Both("Headers", "Header"),
	"bytes":     language.Both("bytes", "byte"),
	"cut":       language.Both("only the beginning is kept of", "chỉ giữ phần đầu của"),
	"base64":    language.Both("not text: shown as Base64", "không phải văn bản: hiển thị bằng Base64"),

	"message":    language.Both("What the data says", "Nội dung của data"),
	"signedText": language.Both("Signed text", "Văn bản được ký"),
	"signature":  language.Both("Signature", "Chữ ký"),
	"empty":      language.Both("no body", "không có nội dung"),

	"right":          language.Both("Right: it is the SHA-256 of the signed text.", "Đúng: đây là SHA-256 của văn bản được ký."),
	"wrong":          language.Both("Wrong: it is not the SHA-256 of the signed text.", "Sai: đây không phải SHA-256 của văn bản được ký."),
	"missing":        language.Both("Missing: nothing was signed.", "Thiếu: không có chữ ký."),
	"unknown apiKey": language.Both("Header apiKey is missing or unknown, so the signature was not looked at.", "Header apiKey bị thiếu hoặc không đúng nên chữ ký không được xét."),

	"short_right":          language.Both("signature right", "chữ ký đúng"),
	"short_wrong":          language.Both("signature wrong", "chữ ký sai"),
	"short_missing":        language.Both("no signature", "thiếu chữ ký"),
	"short_unknown apiKey": language.Both("unknown apiKey", "apiKey lạ"),

	"answer":     language.Both("Answer of the gateway", "Trả lời của cổng"),
	"answer_ipn": language.Both("Answer of the app", "Trả lời của ứng dụng"),
	"noAnswer":   language.Both("No answer", "Không có trả lời"),
	"broken":     language.Both("the connection was broken off", "kết nối bị ngắt"),
	"fault":      language.Both("fault", "lỗi giả lập"),

	"leftOut": language.Both("exchanges were left out to make room", "lượt trao đổi đã bị bỏ để lấy chỗ"),
	"cards":   language.Both("Digits of cards other than the published test cards are shown as •. The word <salt> takes the place of the salt, which is never shown.", "Chữ số của thẻ không thuộc các thẻ thử đã công bố được thay bằng •. Chữ <salt> thay cho salt, vốn không bao giờ được hiển thị."),

	"failed": language.Both("That did not work", "Không thực hiện được"),
}
