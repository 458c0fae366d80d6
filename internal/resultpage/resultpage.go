// Package resultpage is what a customer sees who comes back from the gateway and cannot get the shop's page.
// It does not invite to pay again: the money may be on its way.
package resultpage

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/respond"
)

// Page is one page.
type Page struct {
	title, advice language.Text
}

var (
	// Refused is for a message that is not proven.
	Refused = Page{
		language.Both(
			"We could not confirm this page",
			"Chưa xác nhận được trang này"),
		language.Both(
			"The payment result that your browser sent could not be verified. If you have paid, do not pay again: the shop receives the payment result separately. Please look at your order in the shop.",
			"Không xác thực được kết quả thanh toán mà trình duyệt gửi tới. Nếu bạn đã thanh toán, vui lòng không thanh toán lại: cửa hàng được thông báo riêng. Hãy kiểm tra đơn hàng tại cửa hàng."),
	}

	// Paid is for a message that proves a payment, where the shop does not answer.
	Paid = Page{
		unanswered,
		language.Both(
			"The payment gateway confirms that you have paid. Please do not pay again. The shop's page does not open at the moment; the shop receives the payment result separately. Load this page again in a few minutes, or look at your order in the shop later.",
			"Cổng thanh toán xác nhận bạn đã thanh toán. Vui lòng không thanh toán lại. Trang của cửa hàng hiện chưa mở được; cửa hàng được thông báo riêng về kết quả. Hãy tải lại trang này sau ít phút, hoặc xem lại đơn hàng tại cửa hàng sau."),
	}

	// Result is for every other proven message, where the shop does not answer.
	Result = Page{
		unanswered,
		language.Both(
			"The shop's page does not open at the moment. Please do not pay again before you have seen your order in the shop: the shop receives the payment result separately. Load this page again in a few minutes, or look at your order in the shop later.",
			"Trang của cửa hàng hiện chưa mở được. Vui lòng không thanh toán lại khi chưa xem đơn hàng tại cửa hàng: cửa hàng được thông báo riêng về kết quả. Hãy tải lại trang này sau ít phút, hoặc xem lại đơn hàng tại cửa hàng sau."),
	}

	unanswered = language.Both(
		"We have your payment's result",
		"Đã nhận được kết quả thanh toán của bạn")
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// Wanted reports whether the client accepts pages. Programs do not say so.
func Wanted(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// Write answers with the page, in the client's language. The note stands below it in small letters; it may be empty.
func (p Page) Write(w http.ResponseWriter, r *http.Request, status int, note string) error {
	in := language.Of(r)
	var body bytes.Buffer
	err := page.Execute(&body, map[string]any{
		"Language": in,
		"Title":    p.title.In(in),
		"Advice":   p.advice.In(in),
		"Note":     note,
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Del("Content-Encoding")
	h.Set("Content-Language", string(in))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	Private(h)
	return respond.Whole(w, status, "text/html; charset=utf-8", body.Bytes())
}

// Private sets what every answer needs whose address holds a message: it must not travel on in a Referer, and not be found by a search.
func Private(h http.Header) {
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
}
