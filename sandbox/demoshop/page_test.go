package demoshop

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// Of all web pages only the shop's own may look and buy, opened under localhost or an address.
func TestOwnSite(t *testing.T) {
	for name, test := range map[string]struct {
		host    string
		origins []string
		want    int
	}{
		"program":                      {"localhost:9182", nil, http.StatusOK},
		"own page":                     {"localhost:9182", []string{"http://localhost:9182"}, http.StatusOK},
		"another site":                 {"localhost:9182", []string{"http://evil.example"}, http.StatusForbidden},
		"one right, one wrong":         {"localhost:9182", []string{"http://localhost:9182", "null"}, http.StatusForbidden},
		"a name that leads to here":    {"evil.example:9182", nil, http.StatusMisdirectedRequest},
		"a form of that name's":        {"evil.example:9182", []string{"http://evil.example:9182"}, http.StatusMisdirectedRequest},
		"a name that is not localhost": {"localhost.evil.example", nil, http.StatusMisdirectedRequest},
	} {
		t.Run(name, func(t *testing.T) {
			h := openShop(t)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host, r.Header["Origin"] = test.host, test.origins
			w := httptest.NewRecorder()
			if err := h.ServeHTTP(w, r, nil); err != nil || w.Code != test.want {
				t.Errorf("HTTP %d, want %d; %v", w.Code, test.want, err)
			}
		})
	}
}

// A web page that can set the sidecar's headers is not a gateway.
func TestIPNFromPage(t *testing.T) {
	for origin, want := range map[string]int{"": http.StatusOK, "http://evil.example:9182": http.StatusForbidden} {
		for _, kind := range []string{"ipn", "query"} {
			wantIPNFrom(t, origin, kind, want)
		}
	}
}

func wantIPNFrom(t *testing.T, origin, kind string, want int) {
	t.Helper()
	h := openShop(t)
	h.orders.add(&order{id: "DH-1", product: goods[0], state: pending})
	body := `{"responseData":{"orderID":"DH-1","orderAmount":"29000","orderCurrency":"VND"}}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/galaxypay/ipn", strings.NewReader(body))
	r.Header.Set("Galaxypay-Callback", kind)
	r.Header.Set("Galaxypay-Payment-Status", "paid")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, nil); err != nil || w.Code != want {
		t.Errorf("from %q: HTTP %d, want %d; %v", origin, w.Code, want, err)
	}
	if o, _ := h.orders.find("DH-1"); (o.state == paid) != (want == http.StatusOK) {
		t.Errorf("from %q: the order is %s", origin, o.state)
	}
}

// Each page has a title of its own. The result says in the reader's language how it went, and how much it
// was about.
func TestTitlesAndResults(t *testing.T) {
	h := openShop(t)
	h.orders.add(&order{id: "DH-1", product: goods[0], state: paid})
	h.orders.add(&order{id: "DH-3", product: goods[0], state: notOpened})
	h.orders.add(&order{id: "DH-4", product: goods[0], state: pending, story: "dispute"})
	result := func(status, orderID string) string {
		return status + ` {"responseData":{"orderID":"` + orderID + `","orderAmount":"1890000.00","orderCurrency":"VND"}}`
	}
	for name, test := range map[string]struct {
		path, result string
		want         []string
	}{
		"goods":    {"/", "", []string{"<title>Cửa hàng thử</title>"}},
		"order":    {"/orders/DH-1", "", []string{"<title>Đơn hàng DH-1: Đã thanh toán · Cửa hàng thử</title>"}},
		"live":     {"/orders/DH-1/live", "", []string{`data-title="Đơn hàng DH-1: Đã thanh toán · Cửa hàng thử"`}},
		"error":    {"/orders/DH-3", "", []string{"<title>Đơn hàng DH-3: Không mở được · Cửa hàng thử</title>"}},
		"no order": {"/orders/DH-2", "", []string{"<title>Không tìm thấy đơn hàng · Cửa hàng thử</title>"}},
		"paid": {"/galaxypay/result", result("paid", "DH-1"), []string{
			"<title>Cảm ơn bạn, đã nhận được thanh toán · Cửa hàng thử</title>", `<span class="badge paid">Đã thanh toán</span>`, "29.000 ₫",
		}},
		"cancelled, another shop's": {"/galaxypay/result", result("cancelled", "A-1"), []string{
			"<title>Bạn đã hủy thanh toán · Cửa hàng thử</title>", `<span class="badge cancelled">Đã hủy</span>`, "1.890.000 ₫",
		}},
		"disputed":          {"/galaxypay/result", result("disputed", "DH-1"), []string{`<span class="badge pending">Chờ thanh toán</span>`}},
		"authorized":        {"/galaxypay/result", result("authorized", "DH-1"), []string{`<span class="badge pending">Chờ thanh toán</span>`}},
		"story":             {"/orders/DH-4", "", []string{`<section class="card" id="story">`, "<h2>Thông điệp thật nhưng khác số tiền</h2>"}},
		"a status of later": {"/galaxypay/result", result("refunded", "DH-1"), []string{`<span class="badge failed">Thất bại</span>`}},
		"dollars": {"/galaxypay/result", `expired {"responseData":{"orderID":"A-1","orderAmount":"12.50","orderCurrency":"USD"}}`, []string{
			`<span class="price">12.50 USD</span>`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, posted := strings.Cut(test.result, " ")
			method := http.MethodGet
			if posted {
				method = http.MethodPost
			}
			r := httptest.NewRequestWithContext(t.Context(), method, test.path, strings.NewReader(body))
			r.Host = "localhost"
			r.Header.Set("Accept", "text/html")
			r.Header.Set("Accept-Language", "vi")
			if posted {
				r.Header.Set("Galaxypay-Callback", "result")
				r.Header.Set("Galaxypay-Payment-Status", status)
			}
			w := httptest.NewRecorder()
			if err := h.ServeHTTP(w, r, nil); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%q is missing in %s", want, w.Body)
				}
			}
		})
	}
}

// The shop offers every fault there is, once, and takes all of them.
func TestFaultsToChooseFrom(t *testing.T) {
	var offered []string
	for _, g := range viewFaults("vi") {
		if g.Title == "" || len(g.Faults) == 0 {
			t.Errorf("group %+v", g)
		}
		for _, f := range g.Faults {
			offered = append(offered, f.Name)
			if f.About == "" {
				t.Errorf("%s is not explained", f.Name)
			}
		}
	}
	if all := fault.All().Names(); !slices.Equal(offered, all) {
		t.Errorf("offered %v of %v", offered, all)
	}
	if size := len(strings.Join(offered, " ")); size > maxFaults {
		t.Errorf("all of them are %d bytes, more than the %d that an order may name", size, maxFaults)
	}
}

func openShop(t *testing.T) *Handler {
	t.Helper()
	ctx, release := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(release)
	h := new(Handler)
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestDong(t *testing.T) {
	for amount, want := range map[int64]string{0: "0 ₫", 999: "999 ₫", 1000: "1.000 ₫", 1_890_000: "1.890.000 ₫"} {
		if got := dong(amount); got != want {
			t.Errorf("%d is %q, want %q", amount, got, want)
		}
	}
}
