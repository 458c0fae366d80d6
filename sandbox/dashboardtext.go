package sandbox

// The words of the dashboard, for its template and for its script, which builds the rest of
// the page with them.

var englishDashboard = map[string]string{ //nolint:gosec // G101: words, not credentials
	"title": "Galaxy Pay sandbox", "live": "live", "lost": "connecting …", "noScript": "Without JavaScript this is a plain list; reload it for news.",
	"transactions": "Transactions", "none": "No transactions yet. Send a payment to this address, and it appears here.",
	"choose": "Choose a transaction to see what went over the wire.", "back": "All transactions",
	"strangers": "Requests without a transaction", "strangersTip": "Refused, not understood, or about no payment. The newest is at the end.",
	"controls": "Faults, clock, reset", "faults": "Faults that strike every call", "faultsTip": "Until they are cleared. One request alone names its own in extraData.sandboxFault.",
	"clock": "Clock of the sandbox", "advance": "advance", "reset": "Forget everything", "resetSure": "Forget all transactions, tokens, faults and the clock?",
	"page": "Payment page", "json": "as JSON",
	"complete": "Complete", "fail": "Let it fail", "cancel": "Cancel", "expire": "Expire", "capture": "Capture", "void": "Void", "refund": "Refund the rest", "resend-ipn": "Resend IPN",
	"order": "Order", "transaction": "Transaction", "requestID": "Request id", "operation": "Operation", "method": "Method",
	"opened": "Opened", "expires": "Expires", "settled": "Settled", "refunded": "Refunded", "description": "Description", "ipnTo": "IPN to",
	"is_open": "open", "is_success": "paid", "is_failure": "failed", "is_refused": "refused", "is_cancel": "cancelled", "is_expired": "expired", "is_authorised": "authorised", "is_voided": "voided",
	"ipn_none": "no IPN wanted", "ipn_waiting": "IPN to come", "ipn_sending": "IPN on its way", "ipn_answered": "IPN answered", "ipn_failed": "IPN failed",
	"to_request": "App → gateway", "to_ipn": "Gateway → app: IPN", "to_redirect": "Gateway → app: browser", "attempt": "attempt",
	"asSent": "Exactly as sent", "formatted": "Formatted", "headers": "Headers", "bytes": "bytes", "cut": "only the beginning is kept of", "base64": "not text: shown as Base64",
	"message": "What the data says", "signedText": "Signed text", "signature": "Signature", "empty": "no body",
	"right": "Right: it is the SHA-256 of the signed text.", "wrong": "Wrong: it is not the SHA-256 of the signed text.", "missing": "Missing: nothing was signed.", "unknown apiKey": "Header apiKey is missing or unknown, so the signature was not looked at.",
	"short_right": "signature right", "short_wrong": "signature wrong", "short_missing": "no signature", "short_unknown apiKey": "unknown apiKey",
	"answer": "Answer of the gateway", "answer_ipn": "Answer of the app", "noAnswer": "No answer", "broken": "the connection was broken off", "fault": "fault",
	"leftOut": "exchanges were left out to make room", "cards": "Digits of cards other than the published test cards are shown as •. The word <salt> stands for the salt, which is never shown.",
	"failed": "That did not work",
}

var vietnameseDashboard = map[string]string{ //nolint:gosec // G101: as above
	"title": "Sandbox Galaxy Pay", "live": "trực tiếp", "lost": "đang kết nối …", "noScript": "Không có JavaScript, đây chỉ là danh sách tĩnh; hãy tải lại trang để cập nhật.",
	"transactions": "Giao dịch", "none": "Chưa có giao dịch nào. Hãy gửi một thanh toán đến địa chỉ này, nó sẽ hiện ở đây.",
	"choose": "Chọn một giao dịch để xem những gì đã truyền qua mạng.", "back": "Tất cả giao dịch",
	"strangers": "Yêu cầu không thuộc giao dịch nào", "strangersTip": "Bị từ chối, không hiểu được, hoặc không liên quan đến thanh toán. Mới nhất ở cuối.",
	"controls": "Lỗi giả lập, đồng hồ, xóa", "faults": "Lỗi giả lập cho mọi lời gọi", "faultsTip": "Cho đến khi bỏ chọn. Từng yêu cầu có thể tự nêu lỗi trong extraData.sandboxFault.",
	"clock": "Đồng hồ của sandbox", "advance": "tua tới", "reset": "Xóa tất cả", "resetSure": "Xóa mọi giao dịch, token, lỗi giả lập và đồng hồ?",
	"page": "Trang thanh toán", "json": "dạng JSON",
	"complete": "Hoàn tất", "fail": "Cho thất bại", "cancel": "Hủy", "expire": "Cho hết hạn", "capture": "Thu tiền", "void": "Hủy cấp phép", "refund": "Hoàn phần còn lại", "resend-ipn": "Gửi lại IPN",
	"order": "Đơn hàng", "transaction": "Giao dịch", "requestID": "Mã yêu cầu", "operation": "Thao tác", "method": "Phương thức",
	"opened": "Mở lúc", "expires": "Hết hạn lúc", "settled": "Kết thúc lúc", "refunded": "Đã hoàn", "description": "Nội dung", "ipnTo": "IPN gửi đến",
	"is_open": "đang mở", "is_success": "đã thanh toán", "is_failure": "thất bại", "is_refused": "bị từ chối", "is_cancel": "đã hủy", "is_expired": "hết hạn", "is_authorised": "đã cấp phép", "is_voided": "đã hủy cấp phép",
	"ipn_none": "không cần IPN", "ipn_waiting": "chưa đến lúc gửi IPN", "ipn_sending": "đang gửi IPN", "ipn_answered": "IPN đã được trả lời", "ipn_failed": "gửi IPN thất bại",
	"to_request": "Ứng dụng → cổng", "to_ipn": "Cổng → ứng dụng: IPN", "to_redirect": "Cổng → ứng dụng: trình duyệt", "attempt": "lần",
	"asSent": "Nguyên văn đã gửi", "formatted": "Trình bày lại", "headers": "Header", "bytes": "byte", "cut": "chỉ giữ phần đầu của", "base64": "không phải văn bản: hiển thị bằng Base64",
	"message": "Nội dung của data", "signedText": "Văn bản được ký", "signature": "Chữ ký", "empty": "không có nội dung",
	"right": "Đúng: đây là SHA-256 của văn bản được ký.", "wrong": "Sai: đây không phải SHA-256 của văn bản được ký.", "missing": "Thiếu: không có chữ ký.", "unknown apiKey": "Header apiKey bị thiếu hoặc không đúng nên chữ ký không được xét.",
	"short_right": "chữ ký đúng", "short_wrong": "chữ ký sai", "short_missing": "thiếu chữ ký", "short_unknown apiKey": "apiKey lạ",
	"answer": "Trả lời của cổng", "answer_ipn": "Trả lời của ứng dụng", "noAnswer": "Không có trả lời", "broken": "kết nối bị ngắt", "fault": "lỗi giả lập",
	"leftOut": "lượt trao đổi đã bị bỏ để lấy chỗ", "cards": "Chữ số của thẻ không thuộc các thẻ thử đã công bố được thay bằng •. Chữ <salt> thay cho salt, vốn không bao giờ được hiển thị.",
	"failed": "Không thực hiện được",
}
