package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// text is all that the pages say, in one language.
type text struct {
	Language string

	Banner   string
	PayTitle string
	NoTitle  string

	Amount      string
	Description string
	Order       string
	Transaction string
	Stage       string

	Due      string // before the time of expiry
	TimeLeft string // before the countdown
	Switch   string // of the language, for screen readers

	ChooseMethod string
	OtherMethod  string
	Details      string // heading of what a payer is asked for
	Next         string

	Card        string // heading
	CardNumber  string
	CardName    string
	ExpiryDate  string
	IssueDate   string
	CVV         string
	TestCards   string
	TestCardTip string
	WithOTP     string
	WithoutOTP  string
	PayAmount   string // before the amount, on a button

	OTP      string // heading
	OTPTip   string
	OTPInput string
	SentFor  string // before the masked card

	Scan    string
	ScanTip string
	PaidApp string // on the button

	Panel    string // heading
	PanelTip string
	Succeed  string
	Refuse   string
	Fail     string
	Cancel   string
	RunOut   string

	Continue  string
	Returning string
	Unknown   string

	thousands string // between the groups of an amount's digits
	point     string // in front of its fraction

	Dashboard map[string]string

	questions  map[string]string // by the name of the payer's detail
	methods    map[string]string
	complaints map[complaint]string
	happened   map[outcome]string
	noIPN      string
	ipnSending string
	ipnFailed  string // one verb: the reason
	ipnAnswer  string // one verb: the HTTP status
}

var english = &text{
	Language:  "en",
	Dashboard: englishDashboard,

	Banner:   "Sandbox, not a gateway: no money moves here.",
	PayTitle: "Pay your order",
	NoTitle:  "Transaction not found",

	Amount:      "Amount",
	Description: "Description",
	Order:       "Order",
	Transaction: "Transaction",
	Stage:       "Stage",

	Due:      "Pay by",
	TimeLeft: "Time left",
	Switch:   "Language",

	ChooseMethod: "How would you like to pay?",
	OtherMethod:  "Choose another method",
	Details:      "Your details",
	Next:         "Continue",

	Card:        "Card details",
	CardNumber:  "Card number",
	CardName:    "Name on card",
	ExpiryDate:  "Expiry date (MM/YY)",
	IssueDate:   "Issue date (MM/YY)",
	CVV:         "Security code (CVV)",
	TestCards:   "Published test cards",
	TestCardTip: "Choose one to fill in the form.",
	WithOTP:     "asks for an OTP",
	WithoutOTP:  "no OTP",
	PayAmount:   "Pay",

	OTP:      "Confirm it is you",
	OTPTip:   "In this sandbox the password is always:",
	OTPInput: "One-time password (OTP)",
	SentFor:  "Your bank asks for a password for card",

	Scan:    "Pay in your app",
	ScanTip: "Scan this code with your phone. It leads to this page.",
	PaidApp: "I have paid in the app",

	Panel:    "Sandbox",
	PanelTip: "Skip the steps and end the payment at once:",
	Succeed:  "Success",
	Refuse:   "Refused by the bank",
	Fail:     "3-D Secure failed",
	Cancel:   "Cancelled",
	RunOut:   "Expired",

	Continue:  "Continue to the shop",
	Returning: "Taking you back to the shop…",
	Unknown:   "The sandbox does not know this transaction. It remembers the last 1,000, until it stops.",

	thousands: ",",
	point:     ".",

	questions: map[string]string{
		"fullname": "Full name", "email": "E-mail", "phone": "Phone", "shippingAddress": "Shipping address",
	},
	methods: map[string]string{
		card.Domestic: "Domestic card (NAPAS)", card.International: "International card", wallet: "E-wallet", qrpay: "QR code",
	},
	complaints: map[complaint]string{
		payerTooLong:  "No detail may have more than 50 characters.",
		cardUnknown:   "Use a published test card: real card numbers do not belong here.",
		nameMissing:   "The name on the card is missing or too long.",
		detailsDiffer: "The date or the security code is not the one published for this test card.",
		otpWrong:      "This password is wrong. The payment fails with the third wrong one.",
	},

	happened: map[outcome]string{
		success: "The payment was successful",
		failure: "The payment failed",
		cancel:  "The payment was cancelled",

		declined:   "The bank refused the payment",
		authorised: "The payment was authorised",
		voided:     "The payment was voided",
		expired:    "The payment has expired",
	},
	noIPN:      "No IPN was sent: the request had no ipnURL.",
	ipnSending: "The IPN is being sent.",
	ipnFailed:  "The IPN was not delivered: %s",
	ipnAnswer:  "The app answered the IPN with HTTP %d.",
}

var vietnamese = &text{
	Language:  "vi",
	Dashboard: vietnameseDashboard,

	Banner:   "Sandbox, không phải cổng thanh toán: không có giao dịch tiền thật nào ở đây.",
	PayTitle: "Thanh toán đơn hàng",
	NoTitle:  "Không tìm thấy giao dịch",

	Amount:      "Số tiền",
	Description: "Nội dung",
	Order:       "Đơn hàng",
	Transaction: "Giao dịch",
	Stage:       "Trạng thái",

	Due:      "Thanh toán trước",
	TimeLeft: "Thời gian còn lại",
	Switch:   "Ngôn ngữ",

	ChooseMethod: "Quý khách muốn thanh toán bằng cách nào?",
	OtherMethod:  "Chọn phương thức khác",
	Details:      "Thông tin của quý khách",
	Next:         "Tiếp tục",

	Card:        "Thông tin thẻ",
	CardNumber:  "Số thẻ",
	CardName:    "Tên in trên thẻ",
	ExpiryDate:  "Ngày hết hạn (MM/YY)",
	IssueDate:   "Ngày phát hành (MM/YY)",
	CVV:         "Mã bảo mật (CVV)",
	TestCards:   "Thẻ thử nghiệm đã công bố",
	TestCardTip: "Chọn một thẻ để điền vào biểu mẫu.",
	WithOTP:     "có hỏi OTP",
	WithoutOTP:  "không hỏi OTP",
	PayAmount:   "Thanh toán",

	OTP:      "Xác nhận giao dịch",
	OTPTip:   "Trong sandbox này, mật khẩu luôn là:",
	OTPInput: "Mật khẩu dùng một lần (OTP)",
	SentFor:  "Ngân hàng yêu cầu mật khẩu cho thẻ",

	Scan:    "Thanh toán trong ứng dụng",
	ScanTip: "Quét mã này bằng điện thoại. Mã dẫn đến chính trang này.",
	PaidApp: "Tôi đã thanh toán trong ứng dụng",

	Panel:    "Bảng thử nghiệm",
	PanelTip: "Bỏ qua các bước và kết thúc giao dịch ngay:",
	Succeed:  "Thành công",
	Refuse:   "Ngân hàng từ chối",
	Fail:     "3-D Secure thất bại",
	Cancel:   "Hủy",
	RunOut:   "Hết hạn",

	Continue:  "Quay lại cửa hàng",
	Returning: "Đang đưa quý khách trở lại cửa hàng…",
	Unknown:   "Sandbox không biết giao dịch này. Sandbox chỉ nhớ 1.000 giao dịch gần nhất, cho đến khi dừng.",

	thousands: ".",
	point:     ",",

	questions: map[string]string{
		"fullname": "Họ và tên", "email": "Email", "phone": "Số điện thoại", "shippingAddress": "Địa chỉ giao hàng",
	},
	methods: map[string]string{
		card.Domestic: "Thẻ nội địa (NAPAS)", card.International: "Thẻ quốc tế", wallet: "Ví điện tử", qrpay: "Mã QR",
	},
	complaints: map[complaint]string{ //nolint:gosec // G101: texts, no credentials
		payerTooLong:  "Mỗi thông tin không được dài quá 50 ký tự.",
		cardUnknown:   "Hãy dùng thẻ thử nghiệm đã công bố: không nhập số thẻ thật ở đây.",
		nameMissing:   "Tên in trên thẻ bị thiếu hoặc quá dài.",
		detailsDiffer: "Ngày hoặc mã bảo mật không đúng với thẻ thử nghiệm đã công bố.",
		otpWrong:      "Mật khẩu không đúng. Sai lần thứ ba thì giao dịch thất bại.",
	},

	happened: map[outcome]string{
		success: "Thanh toán thành công",
		failure: "Thanh toán thất bại",
		cancel:  "Thanh toán đã bị hủy",

		declined:   "Ngân hàng đã từ chối thanh toán",
		authorised: "Thanh toán đã được cấp phép",
		voided:     "Thanh toán đã được đơn vị bán hủy",
		expired:    "Thanh toán đã hết hạn",
	},
	noIPN:      "Không gửi IPN: yêu cầu không có ipnURL.",
	ipnSending: "Đang gửi IPN.",
	ipnFailed:  "Không gửi được IPN: %s",
	ipnAnswer:  "Ứng dụng trả lời IPN với HTTP %d.",
}

var languages = map[string]*text{"en": english, "vi": vietnamese}

// textOf is for the page of a payment: what its customer switched to comes before what the
// merchant asked for.
func textOf(t transaction, r *http.Request) *text {
	return textFor(cmp.Or(t.shownIn, t.language), r)
}

// textFor prefers the language in the page's own address, then the given one, then what the
// browser lists first, then English. The browser's weights are not read: browsers list
// their languages in falling order.
func textFor(language string, r *http.Request) *text {
	if wanted, known := languages[r.URL.Query().Get("language")]; known {
		return wanted
	}
	if wanted, known := languages[language]; known {
		return wanted
	}
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(tag, ";")
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		if wanted, known := languages[strings.ToLower(primary)]; known {
			return wanted
		}
	}
	return english
}

func (in *text) describe(t transaction) paymentView {
	view := paymentView{
		ID:        t.id,
		Title:     in.PayTitle,
		Order:     t.order,
		Amount:    in.readable(t.Amount) + " " + t.Currency,
		Stage:     t.stage(),
		Good:      t.stage() == "SUCCESSFUL",
		Happened:  in.happened[t.standing()],
		IPN:       in.describeIPN(t),
		IPNAnswer: t.delivery.answer,
	}
	select {
	case <-t.announced:
		view.Told = t.result().status
	default:
	}
	if t.link == nil {
		return view
	}
	view.Title = t.link.name
	for _, name := range t.link.asks {
		view.Questions = append(view.Questions, question{Name: name, Label: in.questions[name]})
	}
	return view
}

func (in *text) describeStep(t transaction, now time.Time) stepView {
	left := (t.expiresAt.Sub(now) + time.Second - 1).Truncate(time.Second) // never over too early
	view := stepView{
		Due:         t.expiresAt.In(message.Vietnam).Format("15:04:05 02/01/2006"),
		Left:        spell(left),
		LeftSeconds: int(left.Seconds()),
		Method:      t.method,
		MethodName:  cmp.Or(in.methods[t.method], t.method),
		Cards:       card.TestCardsOf(t.method),
		Paying:      t.card,
		OTP:         testOTP,
	}
	for _, method := range t.offers {
		view.Methods = append(view.Methods, choice{Method: method, Name: in.methods[method]})
	}
	return view
}

// readable writes an amount as people do. One with an exponent stays as it is.
func (in *text) readable(amount string) string {
	if strings.ContainsAny(amount, "eE") {
		return amount
	}
	whole, fraction, broken := strings.Cut(amount, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + in.thousands + whole[at:]
	}
	if broken {
		whole += in.point + fraction
	}
	return whole
}

// spell writes how long something takes as the page's script does, 04:59 or 71:59:59.
func spell(d time.Duration) string {
	hours, rest := int(d.Hours()), int(d.Seconds())%3600
	if hours == 0 {
		return fmt.Sprintf("%02d:%02d", rest/60, rest%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", hours, rest/60, rest%60)
}

func (in *text) describeIPN(t transaction) string {
	switch {
	case t.ipnURL == nil:
		return in.noIPN
	case t.delivery.failure != "":
		return fmt.Sprintf(in.ipnFailed, t.delivery.failure)
	case t.delivery.status != 0:
		return fmt.Sprintf(in.ipnAnswer, t.delivery.status)
	}
	return in.ipnSending
}
