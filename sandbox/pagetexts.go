package sandbox

import (
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// pageTexts is what the templates of the payment page say, by the name that they use.
var pageTexts = map[string]language.Text{
	"Banner":  language.Both("Sandbox, not a gateway: no money moves here.", "Sandbox, không phải cổng thanh toán: không có giao dịch tiền thật nào ở đây."),
	"NoTitle": language.Both("Transaction not found", "Không tìm thấy giao dịch"),

	"Amount":      language.Both("Amount", "Số tiền"),
	"Description": language.Both("Description", "Nội dung"),
	"Order":       language.Both("Order", "Đơn hàng"),
	"Transaction": language.Both("Transaction", "Giao dịch"),
	"Stage":       language.Both("Stage", "Trạng thái"),

	"Due":      language.Both("Pay by", "Thanh toán trước"),     // before the time of expiry
	"TimeLeft": language.Both("Time left", "Thời gian còn lại"), // before the countdown
	"Switch":   language.Both("Language", "Ngôn ngữ"),           // of the language, for screen readers

	"OtherMethod": language.Both("Choose another method", "Chọn phương thức khác"),
	"Next":        language.Both("Continue", "Tiếp tục"),

	"CardNumber":  language.Both("Card number", "Số thẻ"),
	"CardName":    language.Both("Name on card", "Tên in trên thẻ"),
	"ExpiryDate":  language.Both("Expiry date (MM/YY)", "Ngày hết hạn (MM/YY)"),
	"IssueDate":   language.Both("Issue date (MM/YY)", "Ngày phát hành (MM/YY)"),
	"CVV":         language.Both("Security code (CVV)", "Mã bảo mật (CVV)"),
	"TestCards":   language.Both("Published test cards", "Thẻ thử nghiệm đã công bố"),
	"TestCardTip": language.Both("Choose one to fill in the form.", "Chọn một thẻ để điền vào biểu mẫu."),
	"WithOTP":     language.Both("asks for an OTP", "có hỏi OTP"),
	"WithoutOTP":  language.Both("no OTP", "không hỏi OTP"),
	"PayAmount":   language.Both("Pay", "Thanh toán"), // before the amount, on a button

	"OTPTip":   language.Both("In this sandbox the password is always:", "Trong sandbox này, mật khẩu luôn là:"),
	"OTPInput": language.Both("One-time password (OTP)", "Mật khẩu dùng một lần (OTP)"),
	"SentFor":  language.Both("Your bank asks for a password for card", "Ngân hàng yêu cầu mật khẩu cho thẻ"), // before the masked card

	"ScanTip": language.Both("Scan this code with your phone. It leads to this page.", "Quét mã này bằng điện thoại. Mã dẫn đến chính trang này."),
	"PaidApp": language.Both("I have paid in the app", "Tôi đã thanh toán trong ứng dụng"), // on the button

	"Panel":    language.Both("Sandbox", "Bảng thử nghiệm"), // heading
	"PanelTip": language.Both("Skip the steps and end the payment at once:", "Bỏ qua các bước và kết thúc giao dịch ngay:"),
	"Succeed":  language.Both("Success", "Thành công"),
	"Refuse":   language.Both("Refused by the bank", "Ngân hàng từ chối"),
	"Fail":     language.Both("3-D Secure failed", "3-D Secure thất bại"),
	"Cancel":   language.Both("Cancelled", "Hủy"),
	"RunOut":   language.Both("Expired", "Hết hạn"),

	"Continue":  language.Both("Continue to the shop", "Quay lại cửa hàng"),
	"Returning": language.Both("Taking you back to the shop…", "Đang đưa quý khách trở lại cửa hàng…"),
	"Unknown":   language.Both("The sandbox does not know this transaction. It remembers the last 1,000, until it stops.", "Sandbox không biết giao dịch này. Sandbox chỉ nhớ 1.000 giao dịch gần nhất, cho đến khi dừng."),
}

// The texts that the code chooses.
var (
	wrongForm  = language.Both("Error: %s", "Lỗi: %s") // title of a page that complains; one verb: its title without the complaint
	payTitle   = language.Both("Pay your order", "Thanh toán đơn hàng")
	noIPN      = language.Both("No IPN was sent: the request had no ipnURL.", "Không gửi IPN: yêu cầu không có ipnURL.")
	ipnSending = language.Both("The IPN is being sent.", "Đang gửi IPN.")
	ipnFailed  = language.Both("The IPN was not delivered: %s", "Không gửi được IPN: %s")                     // one verb: the reason
	ipnAnswer  = language.Both("The app answered the IPN with HTTP %d.", "Ứng dụng trả lời IPN với HTTP %d.") // one verb: the HTTP status

	thousands = language.Both(",", ".") // between the groups of an amount's digits
	point     = language.Both(".", ",") // in front of its fraction
)

// stepTexts are the headings of the steps of an open payment.
var stepTexts = map[pageStep]language.Text{
	payerStep:   language.Both("Your details", "Thông tin của quý khách"),
	methodStep:  language.Both("How would you like to pay?", "Quý khách muốn thanh toán bằng cách nào?"),
	cardStep:    language.Both("Card details", "Thông tin thẻ"),
	otpStep:     language.Both("Confirm it is you", "Xác nhận giao dịch"),
	cardIsKnown: language.Both("Your card", "Thẻ của quý khách"),
	appStep:     language.Both("Pay in your app", "Thanh toán trong ứng dụng"),
}

// payerTexts are the names of the payer's details.
var payerTexts = map[string]language.Text{
	"fullname":        language.Both("Full name", "Họ và tên"),
	"email":           language.Both("E-mail", "Email"),
	"phone":           language.Both("Phone", "Số điện thoại"),
	"shippingAddress": language.Both("Shipping address", "Địa chỉ giao hàng"),
}

// methodTexts are the names of the payment methods.
var methodTexts = map[string]language.Text{
	card.Domestic:      language.Both("Domestic card (NAPAS)", "Thẻ nội địa (NAPAS)"),
	card.International: language.Both("International card", "Thẻ quốc tế"),
	ledger.Wallet:      language.Both("E-wallet", "Ví điện tử"),
	ledger.QRPay:       language.Both("QR code", "Mã QR"),
}

// complaintTexts say what is wrong with a form.
var complaintTexts = map[complaint]language.Text{
	payerTooLong:  language.Both("No detail may have more than 50 characters.", "Mỗi thông tin không được dài quá 50 ký tự."),
	cardUnknown:   language.Both("Use a published test card: real card numbers do not belong here.", "Hãy dùng thẻ thử nghiệm đã công bố: không nhập số thẻ thật ở đây."),
	nameMissing:   language.Both("The name on the card is missing or too long.", "Tên in trên thẻ bị thiếu hoặc quá dài."),
	detailsDiffer: language.Both("The date or the security code is not the one published for this test card.", "Ngày hoặc mã bảo mật không đúng với thẻ thử nghiệm đã công bố."),
	otpWrong:      language.Both("This password is wrong. The payment fails with the third wrong one.", "Mật khẩu không đúng. Sai lần thứ ba thì giao dịch thất bại."),
}

// outcomeTexts say what happened to a payment.
var outcomeTexts = map[ledger.Outcome]language.Text{
	ledger.Success:    language.Both("The payment was successful", "Thanh toán thành công"),
	ledger.Failure:    language.Both("The payment failed", "Thanh toán thất bại"),
	ledger.Cancelled:  language.Both("The payment was cancelled", "Thanh toán đã bị hủy"),
	ledger.Refused:    language.Both("The bank refused the payment", "Ngân hàng đã từ chối thanh toán"),
	ledger.Authorised: language.Both("The payment was authorised", "Thanh toán đã được cấp phép"),
	ledger.Voided:     language.Both("The payment was voided", "Thanh toán đã được đơn vị bán hủy"),
	ledger.Expired:    language.Both("The payment has expired", "Thanh toán đã hết hạn"),
}
