package demoshop

import (
	"net/http"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// story is something to play in the shop: an order with which something goes wrong, and what to look at then. All of them
// show the ledger of the sidecar, so they need a store there.
type story struct {
	id     string
	faults []string
	title  language.Text
	about  language.Text
	steps  []language.Text
}

var stories = []story{
	{
		id:    "replay",
		title: language.Both("The same call twice", "Cùng một lời gọi hai lần"),
		about: language.Both("A customer presses Pay twice, or the app has lost the answer and repeats the call. It is one payment: the sidecar answers the second call from its ledger, and sends nothing to the gateway.", "Khách bấm thanh toán hai lần, hoặc ứng dụng mất trả lời nên gọi lại. Vẫn chỉ có một giao dịch: sidecar trả lời lần thứ hai từ sổ của mình và không gửi gì tới cổng thanh toán."),
		steps: []language.Text{
			language.Both("Press “Send the same call again”. Below there are two messages POST /pay: with the same Idempotency-Key and the same answer, and the second answer has Galaxypay-Replayed: true.", "Bấm “Gửi lại đúng lời gọi đó”. Bên dưới có hai thông điệp POST /pay: cùng Idempotency-Key, cùng trả lời, và trả lời thứ hai có Galaxypay-Replayed: true."),
			language.Both("Open the sandbox: it has one payment for this order, and got one request for it.", "Mở sandbox: đơn hàng này chỉ có một giao dịch và một yêu cầu."),
			language.Both("Pay, come back to this order, and send the call once more: Galaxypay-Payment-Status now says paid, and the goods are handed out once.", "Thanh toán, quay về đơn hàng này rồi gửi lại lần nữa: Galaxypay-Payment-Status giờ là paid, và hàng chỉ được giao một lần."),
		},
	},
	{
		id:     "dispute",
		faults: []string{"ipn_other_amount"},
		title:  language.Both("A genuine message about another amount", "Thông điệp thật nhưng khác số tiền"),
		about:  language.Both("The IPN has another amount than the call, and its signature is right. Only the ledger shows that it does not fit.", "IPN mang số tiền khác với lời gọi, còn chữ ký thì đúng. Chỉ có sổ của sidecar cho thấy nó không khớp."),
		steps: []language.Text{
			language.Both("Pay on the payment page, and come back to this order.", "Thanh toán ở trang thanh toán rồi quay về đơn hàng này."),
			language.Both("Look at POST /galaxypay/ipn: its body says paid, and the headers say Galaxypay-Order: mismatched and Galaxypay-Payment-Status: disputed. No goods are handed out on it.", "Xem POST /galaxypay/ipn: nội dung báo đã thanh toán, còn header ghi Galaxypay-Order: mismatched và Galaxypay-Payment-Status: disputed. Không giao hàng theo nó."),
			language.Both("Wait for about ten seconds. The sidecar queries the gateway by itself, and the truth comes: Galaxypay-Callback: query, matched and paid. Now the goods are handed out, once.", "Chờ khoảng mười giây. Sidecar tự truy vấn cổng thanh toán và sự thật đến: Galaxypay-Callback: query, matched và paid. Giờ hàng mới được giao, một lần."),
		},
	},
	{
		id:     "reconciliation",
		faults: []string{"ipn_lost"},
		title:  language.Both("An IPN that never comes", "IPN không bao giờ đến"),
		about:  language.Both("The customer has paid, and the IPN is lost. Without the ledger the order would wait for ever.", "Khách đã trả tiền nhưng IPN bị mất. Không có sổ của sidecar thì đơn hàng sẽ chờ mãi."),
		steps: []language.Text{
			language.Both("Pay on the payment page, and come back to this order. It still waits: no IPN has come.", "Thanh toán ở trang thanh toán rồi quay về đơn hàng này. Đơn vẫn chờ vì chưa có IPN nào."),
			language.Both("Wait for about ten seconds. The sidecar queries the gateway by itself, and hands the answer to the shop like an IPN: POST /galaxypay/ipn, with Galaxypay-Callback: query.", "Chờ khoảng mười giây. Sidecar tự truy vấn cổng thanh toán rồi chuyển trả lời cho cửa hàng như một IPN: POST /galaxypay/ipn, có Galaxypay-Callback: query."),
			language.Both("The order is paid, and the goods are handed out once. The option reconcile in the Caddyfile has the delays.", "Đơn hàng đã thanh toán và hàng được giao một lần. Tùy chọn reconcile trong Caddyfile quy định các khoảng chờ."),
		},
	},
}

// storyOf returns the story with this id.
func storyOf(id string) (s story, found bool) {
	i := slices.IndexFunc(stories, func(s story) bool { return s.id == id })
	if i < 0 {
		return story{}, false
	}
	return stories[i], true
}

// play makes the order of a story, and shows it: what to do next stands there.
func (h *Handler) play(w http.ResponseWriter, r *http.Request) {
	s, found := storyOf(r.PathValue("story"))
	if !found {
		http.Error(w, "There is no such story.", http.StatusNotFound)
		return
	}
	o := newOrder(r, goods[0], "redirect")
	o.faults, o.story = s.faults, s.id
	h.orders.add(o)
	h.pay(r.Context(), o.id)
	http.Redirect(w, r, "/orders/"+o.id, http.StatusSeeOther)
}

// storyView is a story in the reader's language.
type storyView struct {
	ID, Title, About string
	Steps            []string
}

// viewStory is empty where there is no such story.
func viewStory(id string, in language.Tag) storyView {
	s, _ := storyOf(id)
	v := storyView{ID: s.id, Title: s.title.In(in), About: s.about.In(in)}
	for _, step := range s.steps {
		v.Steps = append(v.Steps, step.In(in))
	}
	return v
}

func viewStories(in language.Tag) (all []storyView) {
	for _, s := range stories {
		all = append(all, viewStory(s.id, in))
	}
	return all
}
