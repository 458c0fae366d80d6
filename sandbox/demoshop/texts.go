package demoshop

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"

// pageTexts is what the templates say, by the name that they use.
var pageTexts = map[string]language.Text{
	"Title":    language.Both("Demo shop", "Cửa hàng thử"),
	"Banner":   language.Both("A demo: no money moves here, and nothing is delivered.", "Bản thử: không có tiền thật, không giao hàng thật."),
	"Lead":     language.Both("Buy something, pay at the sandbox, and see every message that an app sends to the sidecar and gets from it.", "Mua thử một món, thanh toán ở sandbox, rồi xem từng thông điệp mà ứng dụng gửi tới sidecar và nhận về."),
	"Buy":      language.Both("Pay by", "Thanh toán bằng"),
	"Redirect": language.Both("Redirect", "Chuyển trang"),
	"Modal":    language.Both("Modal window", "Cửa sổ"),
	"Link":     language.Both("Payment link", "Liên kết"),

	"Break":        language.Both("Break it on purpose", "Cố ý gây lỗi"),
	"BreakAbout":   language.Both("Choose what goes wrong with the next order that you buy.", "Hãy chọn lỗi sẽ xảy ra với đơn hàng kế tiếp."),
	"Stories":      language.Both("Stories to play", "Những câu chuyện để thử"),
	"StoriesAbout": language.Both("Each buys an iced milk coffee with which something goes wrong, and says what to look at. They show the ledger, which the sidecar has with the option store.", "Mỗi câu chuyện mua một ly cà phê sữa đá với một trục trặc và cho biết cần xem gì. Chúng cho thấy sổ mà sidecar có khi bật tùy chọn store."),
	"Play":         language.Both("Play", "Chơi thử"),
	"Orders":       language.Both("Orders", "Đơn hàng"),
	"NoOrders":     language.Both("No orders yet.", "Chưa có đơn hàng."),

	"Unassigned":      language.Both("Callbacks for orders that this shop did not make", "Callback của đơn hàng nơi khác"),
	"UnassignedAbout": language.Both("Proven messages about orders that were not made in this shop, by curl for example. Goods are not handed out on them.", "Thông điệp đã xác thực về đơn hàng không tạo ở cửa hàng này, ví dụ bằng curl. Không giao hàng theo chúng."),

	"Dashboard": language.Both("Sandbox", "Sandbox"),
	"Back":      language.Both("Back to the shop", "Về cửa hàng"),
	"NoOrder":   language.Both("Order not found", "Không tìm thấy đơn hàng"),
	"Missing":   language.Both("The shop does not know this order. It remembers the last 100, until it stops.", "Cửa hàng không có đơn hàng này. Chỉ 100 đơn gần nhất được nhớ, cho tới khi chương trình dừng."),

	"Order":       language.Both("Order", "Đơn hàng"),
	"Transaction": language.Both("Transaction", "Giao dịch"),
	"State":       language.Both("State", "Trạng thái"),
	"Told":        language.Both("Last answer to a query", "Trả lời truy vấn gần nhất"),
	"Way":         language.Both("Paid by", "Cách thanh toán"),
	"HandedOut":   language.Both("Goods handed out", "Số lần giao hàng"),
	"Review":      language.Both("An IPN came with another amount than the order's. It is authentic, but not enough: no goods are handed out, and a person has to look at it.", "Có IPN với số tiền khác đơn hàng. Thông điệp là thật nhưng không đủ: không giao hàng, cần người kiểm tra."),
	"Disputed":    language.Both("A proven message does not fit the call that the sidecar has signed: Galaxypay-Payment-Status is disputed. No goods are handed out on it, and a person has to look at it.", "Có thông điệp đã xác thực nhưng không khớp với lời gọi mà sidecar đã ký: Galaxypay-Payment-Status là disputed. Không giao hàng theo nó, cần người kiểm tra."),
	"Lost":        language.Both("The gateway has the payment, but the answer with its address was lost, so the customer cannot be sent there. Wait for the IPN. The customer may order again only after that.", "Cổng thanh toán đã có giao dịch, nhưng địa chỉ thanh toán đã mất cùng với trả lời nên không thể đưa khách hàng tới đó. Hãy chờ IPN, sau đó khách hàng mới được đặt lại."),
	"ToPay":       language.Both("To the payment page", "Tới trang thanh toán"),
	"OpenModal":   language.Both("Open the payment window", "Mở cửa sổ thanh toán"),
	"LinkAbout":   language.Both("Send this link to the person who pays:", "Gửi liên kết này cho người trả tiền:"),
	"LookAt":      language.Both("What to do and to look at", "Cần làm và cần xem gì"),
	"Repeat":      language.Both("Send the same call again", "Gửi lại đúng lời gọi đó"),
	"Ask":         language.Both("Ask the gateway", "Hỏi cổng thanh toán"),
	"AskAbout":    language.Both("The answer is shown below. Only an IPN changes the order.", "Trả lời hiện ở bên dưới. Chỉ IPN mới thay đổi đơn hàng."),

	"Wire":      language.Both("What your app sent and got", "Ứng dụng đã gửi và nhận gì"),
	"WireAbout": language.Both("Plain JSON, without a key, a salt or a hash.", "JSON thuần, không khóa, không salt, không băm."),
	"Call":      language.Both("App to sidecar", "Ứng dụng → sidecar"),
	"Callback":  language.Both("Sidecar to app", "Sidecar → ứng dụng"),
	"Sent":      language.Both("Request", "Yêu cầu"),
	"Got":       language.Both("Answer", "Trả lời"),
	"Answered":  language.Both("The app's answer", "Ứng dụng trả lời"),
	"NoAnswer":  language.Both("no answer", "không có trả lời"),
	"Dropped":   language.Both("earlier messages are forgotten", "thông điệp cũ hơn đã bị bỏ"),

	"ResultAbout": language.Both("Your browser brought this result. The shop hands out goods on the IPN alone, which the gateway sends to it directly.", "Trình duyệt của bạn mang kết quả này tới. Cửa hàng chỉ giao hàng theo IPN mà cổng thanh toán gửi trực tiếp."),
	"ToOrder":     language.Both("To the order", "Xem đơn hàng"),
}

// The headings of the faults.
var (
	faultsOfAnswers = language.Both("In the answer to the request", "Trong trả lời cho yêu cầu")
	faultsOfIPNs    = language.Both("In the IPN", "Trong IPN")
	faultsOfQueries = language.Both("In what queries about it say", "Trong trả lời các truy vấn về nó")
	faultsOfResults = language.Both("In the result that the browser brings back", "Trong kết quả mà trình duyệt mang về")
)

// wayTexts are the names of the ways to pay.
var wayTexts = map[string]language.Text{
	"redirect": language.Both("Redirect", "Chuyển trang"),
	"modal":    language.Both("Modal window", "Cửa sổ thanh toán"),
	"link":     language.Both("Payment link", "Liên kết thanh toán"),
}

// stateTexts are the names of the states of an order.
var stateTexts = map[state]language.Text{
	opening:   language.Both("Being opened", "Đang mở"),
	pending:   language.Both("Waiting for the payment", "Chờ thanh toán"),
	unclear:   language.Both("Unclear", "Chưa rõ"),
	notOpened: language.Both("Not opened", "Không mở được"),
	paid:      language.Both("Paid", "Đã thanh toán"),
	failed:    language.Both("Failed", "Thất bại"),
	cancelled: language.Both("Cancelled", "Đã hủy"),
	expired:   language.Both("Expired", "Hết hạn"),
}

// aboutTexts explain the states of an order.
var aboutTexts = map[state]language.Text{
	opening:   language.Both("The app is asking the gateway for the payment.", "Ứng dụng đang yêu cầu cổng thanh toán mở giao dịch."),
	pending:   language.Both("The gateway has the payment. The IPN will say how it ended.", "Cổng thanh toán đã có giao dịch. IPN sẽ cho biết kết quả."),
	unclear:   language.Both("The call may have been carried out (outcome unknown). Do not repeat it with another id: wait for the IPN, or call query.", "Lệnh có thể đã được thực hiện (outcome unknown). Không được tạo lại với mã khác: hãy chờ IPN hoặc hỏi lại."),
	notOpened: language.Both("There is no transaction, so no payment was made (outcome not_sent or rejected). The reason is in the answer below.", "Không có giao dịch nên không ai trả tiền được (outcome not_sent hoặc rejected). Lý do ở trong trả lời bên dưới."),
	paid:      language.Both("The IPN said paid, and its amount is the order's.", "IPN báo đã thanh toán và số tiền đúng với đơn hàng."),
	failed:    language.Both("The IPN said that the payment failed.", "IPN báo thanh toán thất bại."),
	cancelled: language.Both("The IPN said that the customer cancelled.", "IPN báo khách hàng đã hủy."),
	expired:   language.Both("The IPN said that the payment time ran out.", "IPN báo đã hết thời gian thanh toán."),
}

// resultTexts are for the customer who comes back.
var resultTexts = map[state]language.Text{
	paid:      language.Both("Thank you, your payment has arrived", "Cảm ơn bạn, đã nhận được thanh toán"),
	failed:    language.Both("The payment failed", "Thanh toán thất bại"),
	cancelled: language.Both("You have cancelled the payment", "Bạn đã hủy thanh toán"),
	expired:   language.Both("The time for the payment is over", "Đã hết thời gian thanh toán"),
	pending:   language.Both("The payment is being processed", "Thanh toán đang được xử lý"),
}

// textsOfPages returns the texts of the templates in one language.
func textsOfPages(in language.Tag) map[string]string {
	texts := make(map[string]string, len(pageTexts))
	for key, text := range pageTexts {
		texts[key] = text.In(in)
	}
	return texts
}
