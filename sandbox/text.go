package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// text is all that the pages say, in one language.
type text struct {
	Language string

	Banner    string
	PayTitle  string
	ListTitle string
	NoTitle   string

	Amount      string
	Description string
	Order       string
	Transaction string
	Stage       string

	Pay    string
	Fail   string
	Cancel string

	Continue string
	Empty    string
	Unknown  string

	questions  map[string]string // by the name of the payer's detail
	happened   map[outcome]string
	noIPN      string
	ipnSending string
	ipnFailed  string // one verb: the reason
	ipnAnswer  string // one verb: the HTTP status
}

var english = &text{
	Language: "en",

	Banner:    "Sandbox, not a gateway: no money moves here.",
	PayTitle:  "Pay your order",
	ListTitle: "Recent transactions",
	NoTitle:   "Transaction not found",

	Amount:      "Amount",
	Description: "Description",
	Order:       "Order",
	Transaction: "Transaction",
	Stage:       "Stage",

	Pay:    "Pay",
	Fail:   "Let the payment fail",
	Cancel: "Cancel",

	Continue: "Continue to the shop",
	Empty:    "No transactions yet.",
	Unknown:  "The sandbox does not know this transaction. It remembers the last 1,000, until it stops.",

	questions: map[string]string{
		"fullname": "Full name", "email": "E-mail", "phone": "Phone", "shippingAddress": "Shipping address",
	},

	happened: map[outcome]string{
		success: "The payment was successful",
		failure: "The payment failed",
		cancel:  "The payment was cancelled",

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
	Language: "vi",

	Banner:    "Sandbox, không phải cổng thanh toán: không có giao dịch tiền thật nào ở đây.",
	PayTitle:  "Thanh toán đơn hàng",
	ListTitle: "Giao dịch gần đây",
	NoTitle:   "Không tìm thấy giao dịch",

	Amount:      "Số tiền",
	Description: "Nội dung",
	Order:       "Đơn hàng",
	Transaction: "Giao dịch",
	Stage:       "Trạng thái",

	Pay:    "Thanh toán",
	Fail:   "Cho thanh toán thất bại",
	Cancel: "Hủy",

	Continue: "Quay lại cửa hàng",
	Empty:    "Chưa có giao dịch nào.",
	Unknown:  "Sandbox không biết giao dịch này. Sandbox chỉ nhớ 1.000 giao dịch gần nhất, cho đến khi dừng.",

	questions: map[string]string{
		"fullname": "Họ và tên", "email": "Email", "phone": "Số điện thoại", "shippingAddress": "Địa chỉ giao hàng",
	},

	happened: map[outcome]string{
		success: "Thanh toán thành công",
		failure: "Thanh toán thất bại",
		cancel:  "Thanh toán đã bị hủy",

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

// textFor prefers the language that the merchant asked for, then what the browser lists
// first, then English. The browser's weights are not read: browsers list their languages
// in falling order.
func textFor(language string, r *http.Request) *text {
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
		Stage:     t.stage(),
		Happened:  in.happened[t.standing()],
		IPN:       in.describeIPN(t),
		IPNAnswer: t.delivery.answer,
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
