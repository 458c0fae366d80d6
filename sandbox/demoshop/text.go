package demoshop

import (
	"net/http"

	"golang.org/x/text/language"
)

// text is all that the pages say, in one language.
type text struct {
	Language string

	Title, Banner, Lead              string
	Buy, Redirect, Modal, Link       string
	Break, BreakAbout                string
	Orders, NoOrders                 string
	Strangers, StrangersAbout        string
	Dashboard, Back, Missing         string
	Order, Transaction, State, Told  string
	Way, HandedOut, Review, Lost     string
	ToPay, OpenModal, LinkAbout, Ask string
	AskAbout                         string
	Wire, WireAbout                  string
	Call, Callback                   string
	Sent, Got, Answered, NoAnswer    string
	Dropped                          string
	ResultAbout, ToOrder             string

	ways    map[string]string
	states  map[state]string
	abouts  map[state]string
	results map[state]string
	name    func(product) string
}

var english = &text{
	Language: "en",

	Title:    "Demo shop",
	Banner:   "A demo: no money moves here, and nothing is delivered.",
	Lead:     "Buy something, pay at the sandbox, and see every message that an app sends to the sidecar and gets from it.",
	Buy:      "Pay by",
	Redirect: "Redirect",
	Modal:    "Modal window",
	Link:     "Payment link",

	Break:      "Break it on purpose",
	BreakAbout: "What goes wrong with the next order: names of the sandbox's faults, several with commas. Empty: nothing.",
	Orders:     "Orders",
	NoOrders:   "No orders yet.",

	Strangers:      "Callbacks for orders of others",
	StrangersAbout: "Proven messages about orders that were not made in this shop, by curl for example. The gateway is told 404.",

	Dashboard: "Sandbox",
	Back:      "Back to the shop",
	Missing:   "The shop does not know this order. It remembers the last 100, until it stops.",

	Order:       "Order",
	Transaction: "Transaction",
	State:       "State",
	Told:        "Last answer to a query",
	Way:         "Paid by",
	HandedOut:   "Goods handed out",
	Review:      "An IPN came with another amount than the order's. It is authentic, but not enough: no goods are handed out, and a person has to look at it.",
	Lost:        "The gateway has the payment, but the answer with its address was lost, so the customer cannot be sent there. Wait for the IPN. Only then may the customer order anew.",
	ToPay:       "To the payment page",
	OpenModal:   "Open the payment window",
	LinkAbout:   "Send this link to whoever pays:",
	Ask:         "Ask the gateway",
	AskAbout:    "The answer is shown below. Only an IPN changes the order.",

	Wire:      "What your app sent and got",
	WireAbout: "Plain JSON, without a key, a salt or a hash.",
	Call:      "App to sidecar",
	Callback:  "Sidecar to app",
	Sent:      "Request",
	Got:       "Answer",
	Answered:  "The app's answer",
	NoAnswer:  "no answer",
	Dropped:   "earlier messages are forgotten",

	ResultAbout: "Your browser brought this result. The shop hands out goods on the IPN alone, which the gateway sends to it directly.",
	ToOrder:     "To the order",

	ways: map[string]string{"redirect": "Redirect", "modal": "Modal window", "link": "Payment link"},
	states: map[state]string{
		opening: "Being opened", pending: "Waiting for the payment", unclear: "Unclear", notOpened: "Not opened",
		paid: "Paid", failed: "Failed", cancelled: "Cancelled", expired: "Expired",
	},
	abouts: map[state]string{
		opening:   "The app is asking the gateway for the payment.",
		pending:   "The gateway has the payment. The IPN will tell how it ended.",
		unclear:   "The call may have been carried out (outcome unknown). It must not be made anew under another id: wait for the IPN, or ask.",
		notOpened: "There is no payment, so nobody can have paid (outcome not_sent or rejected). The reason is in the answer below.",
		paid:      "The IPN said paid, and its amount is the order's.",
		failed:    "The IPN said that the payment failed.",
		cancelled: "The IPN said that the customer cancelled.",
		expired:   "The IPN said that nobody paid in time.",
	},
	results: map[state]string{
		paid: "Thank you, your payment has arrived", failed: "The payment failed", cancelled: "You have cancelled the payment",
		expired: "The time for the payment is over", pending: "The payment is being processed",
	},
	name: func(p product) string { return p.en },
}

var vietnamese = &text{
	Language: "vi",

	Title:    "Cửa hàng thử",
	Banner:   "Bản thử: không có tiền thật, không giao hàng thật.",
	Lead:     "Mua thử một món, thanh toán ở sandbox, rồi xem từng thông điệp mà ứng dụng gửi tới sidecar và nhận về.",
	Buy:      "Thanh toán bằng",
	Redirect: "Chuyển trang",
	Modal:    "Cửa sổ",
	Link:     "Liên kết",

	Break:      "Cố ý gây lỗi",
	BreakAbout: "Lỗi xảy ra với đơn hàng kế tiếp: tên lỗi của sandbox, nhiều lỗi cách nhau bằng dấu phẩy. Để trống: không lỗi.",
	Orders:     "Đơn hàng",
	NoOrders:   "Chưa có đơn hàng.",

	Strangers:      "Callback của đơn hàng nơi khác",
	StrangersAbout: "Thông điệp đã xác thực về đơn hàng không tạo ở cửa hàng này, ví dụ bằng curl. Cổng thanh toán nhận trả lời 404.",

	Dashboard: "Sandbox",
	Back:      "Về cửa hàng",
	Missing:   "Cửa hàng không có đơn hàng này. Chỉ 100 đơn gần nhất được nhớ, cho tới khi chương trình dừng.",

	Order:       "Đơn hàng",
	Transaction: "Giao dịch",
	State:       "Trạng thái",
	Told:        "Trả lời truy vấn gần nhất",
	Way:         "Cách thanh toán",
	HandedOut:   "Số lần giao hàng",
	Review:      "Có IPN với số tiền khác đơn hàng. Thông điệp là thật nhưng không đủ: không giao hàng, cần người kiểm tra.",
	Lost:        "Cổng thanh toán đã có giao dịch, nhưng địa chỉ thanh toán đã mất cùng với trả lời nên không thể đưa khách hàng tới đó. Hãy chờ IPN, sau đó khách hàng mới được đặt lại.",
	ToPay:       "Tới trang thanh toán",
	OpenModal:   "Mở cửa sổ thanh toán",
	LinkAbout:   "Gửi liên kết này cho người trả tiền:",
	Ask:         "Hỏi cổng thanh toán",
	AskAbout:    "Trả lời hiện ở bên dưới. Chỉ IPN mới thay đổi đơn hàng.",

	Wire:      "Ứng dụng đã gửi và nhận gì",
	WireAbout: "JSON thuần, không khóa, không salt, không băm.",
	Call:      "Ứng dụng → sidecar",
	Callback:  "Sidecar → ứng dụng",
	Sent:      "Yêu cầu",
	Got:       "Trả lời",
	Answered:  "Ứng dụng trả lời",
	NoAnswer:  "không có trả lời",
	Dropped:   "thông điệp cũ hơn đã bị bỏ",

	ResultAbout: "Trình duyệt của bạn mang kết quả này tới. Cửa hàng chỉ giao hàng theo IPN mà cổng thanh toán gửi trực tiếp.",
	ToOrder:     "Xem đơn hàng",

	ways: map[string]string{"redirect": "Chuyển trang", "modal": "Cửa sổ thanh toán", "link": "Liên kết thanh toán"},
	states: map[state]string{
		opening: "Đang mở", pending: "Chờ thanh toán", unclear: "Chưa rõ", notOpened: "Không mở được",
		paid: "Đã thanh toán", failed: "Thất bại", cancelled: "Đã hủy", expired: "Hết hạn",
	},
	abouts: map[state]string{
		opening:   "Ứng dụng đang yêu cầu cổng thanh toán mở giao dịch.",
		pending:   "Cổng thanh toán đã có giao dịch. IPN sẽ cho biết kết quả.",
		unclear:   "Lệnh có thể đã được thực hiện (outcome unknown). Không được tạo lại với mã khác: hãy chờ IPN hoặc hỏi lại.",
		notOpened: "Không có giao dịch nên không ai trả tiền được (outcome not_sent hoặc rejected). Lý do ở trong trả lời bên dưới.",
		paid:      "IPN báo đã thanh toán và số tiền đúng với đơn hàng.",
		failed:    "IPN báo thanh toán thất bại.",
		cancelled: "IPN báo khách hàng đã hủy.",
		expired:   "IPN báo đã hết thời gian thanh toán.",
	},
	results: map[state]string{
		paid: "Cảm ơn bạn, đã nhận được thanh toán", failed: "Thanh toán thất bại", cancelled: "Bạn đã hủy thanh toán",
		expired: "Đã hết thời gian thanh toán", pending: "Thanh toán đang được xử lý",
	},
	name: func(p product) string { return p.vi },
}

var languages = language.NewMatcher([]language.Tag{language.English, language.Vietnamese})

// textFor is the text in the browser's language, English for those that are neither.
func textFor(r *http.Request) *text {
	if _, i := language.MatchStrings(languages, r.Header.Get("Accept-Language")); i == 1 {
		return vietnamese
	}
	return english
}

func (in *text) describe(o order) orderView {
	open := o.endpoint != "" && !o.state.ended()
	return orderView{
		ID:            o.id,
		Name:          in.name(o.product),
		Price:         o.product.price,
		Way:           in.ways[o.way],
		State:         string(o.state),
		StateName:     in.states[o.state],
		StateAbout:    in.abouts[o.state],
		Told:          o.told,
		TransactionID: o.transactionID,
		Endpoint:      o.endpoint,
		Home:          o.home,
		Open:          open,
		CanAsk:        o.canAsk(),
		Lost:          o.state == pending && o.endpoint == "",
		Modal:         o.way == "modal",
		Link:          o.way == "link",
		Review:        o.review,
		HandedOut:     o.handedOut,
		Exchanges:     o.exchanges,
		Dropped:       o.dropped,
	}
}
