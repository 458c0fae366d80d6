// A small shop in Go: go build -o shop . && ./shop. Its payments are in payment.go.
package main

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
)

const (
	amount      = 109000
	description = "Cà phê sữa đá"
)

// Shop is its routes.
type Shop struct {
	orders   *Orders
	payments *Payments
}

func main() {
	folder := cmp.Or(os.Getenv("SHOP_STORE"), "orders")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		log.Fatal(err)
	}
	orders := &Orders{folder: folder}
	shop := &Shop{orders, &Payments{cmp.Or(os.Getenv("GALAXYPAY_URL"), "http://localhost:9180"), orders}}
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, "home", description) })
	http.HandleFunc("POST /buy", shop.buy)
	http.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) { shop.showOrder(w, r, r.PathValue("id"), "") })
	http.HandleFunc("GET /galaxypay/result", shop.result)
	http.HandleFunc("POST /galaxypay/ipn", shop.ipn)
	http.HandleFunc("POST /refund", shop.refund)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8000"), nil))
}

func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("order")
	if id == "" {
		random := make([]byte, 5)
		_, _ = rand.Read(random) // never fails
		id = "DH-" + hex.EncodeToString(random)
		if fails(w, s.payments.New(id, amount, description)) {
			return
		}
	}
	o := s.orders.Find(id)
	if o == nil {
		http.NotFound(w, r)
		return
	}
	address := ""
	if o.Status == "open" {
		var err error
		if address, err = s.payments.Pay(o); fails(w, err) {
			return
		}
	}
	http.Redirect(w, r, cmp.Or(address, "/orders/"+id), http.StatusSeeOther)
}

// showOrder is the page of an order. It goes by the shop's own order; result is what the customer's browser has brought.
func (s *Shop) showOrder(w http.ResponseWriter, r *http.Request, id, result string) {
	o := s.orders.Find(id)
	if o == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	confirming := o.Status == "open" && (result == "paid" || result == "pending")
	show(w, "order", struct {
		*Order
		Confirming bool
	}{o, confirming})
}

// result is only a page: goods go by the IPN.
func (s *Shop) result(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Galaxypay-Callback") == "" {
		http.Error(w, "This did not come through galaxypay_result.", http.StatusForbidden)
		return
	}
	s.showOrder(w, r, named(r, "Galaxypay-Order-Id"), r.Header.Get("Galaxypay-Payment-Status"))
}

func (s *Shop) ipn(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains([]string{"ipn", "query"}, r.Header.Get("Galaxypay-Callback")) {
		http.Error(w, "This did not come through galaxypay_ipn.", http.StatusForbidden)
		return
	}
	m := Message{Order: named(r, "Galaxypay-Order-Id"), Transaction: named(r, "Galaxypay-Transaction-Id"), Status: r.Header.Get("Galaxypay-Payment-Status")}
	body := struct{ ResponseData any }{&m.Data}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		http.Error(w, "The body is not an IPN.", http.StatusBadRequest)
		return
	}
	status, said, err := s.payments.Take(m)
	if fails(w, err) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"ipnStatus": status, "ipnDescription": said})
}

// refund is for your staff: your shop's login belongs here.
func (s *Shop) refund(w http.ResponseWriter, r *http.Request) {
	password := os.Getenv("STAFF_PASSWORD")
	if password == "" || r.PostFormValue("password") != password {
		http.Error(w, "Only for staff. Start the shop with STAFF_PASSWORD.", http.StatusForbidden)
		return
	}
	id := r.PostFormValue("order")
	if !fails(w, s.payments.Refund(id)) {
		http.Redirect(w, r, "/orders/"+url.PathEscape(id), http.StatusSeeOther)
	}
}

// named reads a header of the sidecar that names something. It is percent-encoded.
func named(r *http.Request, header string) string {
	name, err := url.PathUnescape(r.Header.Get(header))
	if err != nil {
		return ""
	}
	return name
}

// fails answers 500 to an error, so that an IPN is not taken then.
func fails(w http.ResponseWriter, err error) bool {
	if err != nil {
		log.Print(err)
		http.Error(w, "The shop cannot do this now.", http.StatusInternalServerError)
	}
	return err != nil
}

func show(w http.ResponseWriter, name string, data any) {
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		log.Print(err)
	}
}

var pages = template.Must(template.New("pages").Parse(`
{{define "head"}}<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cửa hàng</title>{{end}}
{{define "body"}}</head><body style="font: 1.1em sans-serif; max-width: 32em; margin: 2em auto">{{end}}
{{define "home"}}{{template "head"}}{{template "body"}}<h1>{{.}}</h1><p>109.000 ₫</p>
<form method="post" action="/buy"><button id="buy">Mua</button></form></body></html>{{end}}
{{define "order"}}{{template "head"}}{{if .Confirming}}<meta http-equiv="refresh" content="3">{{end}}{{template "body"}}<h1 id="order">{{.ID}}</h1>
<p>{{if .Confirming}}Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.
{{else if eq .Status "open"}}Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.
{{else if eq .Status "failed"}}Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.
{{else if eq .Status "paid"}}Cảm ơn bạn! Đơn hàng đã được thanh toán.
{{else if eq .Status "refunding"}}Tiền đang được hoàn lại.
{{else if eq .Status "refunded"}}Tiền đã được hoàn lại.
{{else}}Cửa hàng đang kiểm tra khoản thanh toán này.{{end}}</p>
<p>Trạng thái: <b id="status">{{.Status}}</b>, đã giao: <b id="handed-out">{{.HandedOut}}</b></p>
{{if and (eq .Status "open") (not .Confirming)}}<form method="post" action="/buy"><button id="pay" name="order" value="{{.ID}}">Thanh toán</button></form>{{end}}
{{if or (eq .Status "paid") (eq .Status "refunding")}}<form method="post" action="/refund"><input type="hidden" name="order" value="{{.ID}}">
<input id="password" type="password" name="password" placeholder="Mật khẩu nhân viên"><button id="refund">Hoàn tiền</button></form>{{end}}
<p><a href="/">Về cửa hàng</a></p></body></html>{{end}}
`))
