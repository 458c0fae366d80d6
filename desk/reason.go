package desk

import (
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// reasons are the texts of a history and of its last error, and their beginnings where the rest differs. The history keeps
// them in English, as the log does. Those that begin with another one come before it.
var reasons = []language.Text{
	language.Both("not sent: ", "không gửi: "),
	language.Both("put off: ", "hoãn lại: "),
	language.Both("delivered, the app said ", "đã giao, ứng dụng trả lời "),
	language.Both("the app has taken the same news before", "ứng dụng đã nhận tin này trước đó"),
	language.Both("the request of the gateway cannot be repeated: ", "không thể lặp lại yêu cầu của cổng: "),
	language.Both("the app did not answer: ", "ứng dụng không trả lời: "),
	language.Both("the ledger cannot be read", "không đọc được sổ cái"),
	language.Both("its payment is paid by now", "thanh toán của nó nay đã hoàn tất"),
	language.Both("a capture of its payment is at work", "đang thu tiền cho thanh toán của nó"),
	language.Both("its message cannot be read", "không đọc được thông điệp của nó"),
	language.Both("its message was dropped after keep; ask the gateway with query", "thông điệp của nó đã bị xóa sau thời hạn keep; hãy hỏi cổng bằng query"),
	language.Both("the gateway did not confirm it: ", "cổng không xác nhận: "),
	language.Both("the gateway, asked about the transaction, names another order, amount or currency than was signed", "khi được hỏi về giao dịch, cổng nêu đơn hàng, số tiền hoặc loại tiền khác với những gì đã ký"),
	language.Both("the gateway, asked about the transaction, does not say that it is paid with the same amount", "khi được hỏi về giao dịch, cổng không báo là đã thanh toán với cùng số tiền"),
	language.Both("the app does not know the order", "ứng dụng không biết đơn hàng này"),
	language.Both("no handler answered; expected ", "không có handler nào trả lời; cần "),
	language.Both("the app answered HTTP ", "ứng dụng trả lời HTTP "),
	language.Both("; expected ", "; cần "),
	language.Both(`HTTP 2xx with {"ipnStatus": "200"}, "404" or "409", an empty body, or OK`, `HTTP 2xx với {"ipnStatus": "200"}, "404" hoặc "409", body rỗng, hoặc OK`),
	language.Both("it took longer than ", "mất hơn "),
	language.Both("the inbox was closed during the attempt", "hộp thư đã đóng trong lúc giao"),
	language.Both("the app's answer is longer than ", "câu trả lời của ứng dụng dài hơn "),
	language.Both("a handler panicked", "một handler đã dừng vì panic"),
	language.Both("a handler failed with HTTP ", "một handler thất bại với HTTP "),
	language.Both("the connection broke, or the app's answer was not HTTP", "kết nối bị đứt, hoặc câu trả lời của ứng dụng không phải là HTTP"),
	language.Both("the connection ended before the answer was complete", "kết nối kết thúc trước khi nhận đủ câu trả lời"),
}

// reasonIn is a text of a history in Vietnamese. What it quotes, such as an error of the network, stays as it is.
func reasonIn(text string) string {
	var told strings.Builder
	if rest, ok := strings.CutPrefix(text, "attempt "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			told.WriteString("lần giao " + number + ": ")
			text = after
		}
	}
	for text != "" {
		known, ok := reasonAt(text)
		if !ok {
			size := strings.Index(text, "; expected ")
			if size <= 0 {
				size = len(text)
			}
			told.WriteString(text[:size])
			text = text[size:]
			continue
		}
		told.WriteString(known.Vi)
		text = text[len(known.En):]
	}
	return told.String()
}

// reasonAt is the one that a text begins with.
func reasonAt(text string) (found language.Text, ok bool) {
	for _, known := range reasons {
		if strings.HasPrefix(text, known.En) {
			return known, true
		}
	}
	return language.Text{}, false
}
