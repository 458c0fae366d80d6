package operation

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// Two payments as shops send them: some 700 bytes each, with everything about the
// customer in one and with long addresses in the other.
const (
	paymentWithExtraData = `{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,` +
		`"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"Vé máy bay TP. Hồ Chí Minh - Hà Nội",` +
		`"paymentMethod":"DOMESTIC","sourceType":"","language":"vi","ipnURL":"https://shop.example/galaxypay/ipn","extraData":{` +
		`"customer":{"firstName":"Thị Hương","lastName":"Nguyễn","email":"huong@shop.example","phoneNumber":"0901234567","phoneType":"M","gender":"F"},` +
		`"device":{"browser":"Chrome 96.0","fingerprint":"3f1c9a52","ipAddress":"203.0.113.7"},` +
		`"billing":{"country":"VN","state":"","city":"Hồ Chí Minh","postalCode":"700000","streetNumber":"12","address01":"Đường Nguyễn Huệ"}}}`
	paymentWithoutExtraData = `{"apiVersion":"2","apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":"205249008064",` +
		`"orderAmount":"100000","orderCurrency":"VND","orderDateTime":"20220426083322",` +
		`"orderDescription":"Thanh toán đơn hàng 205249008064 tại cửa hàng Nguyễn Huệ, Quận 1, Thành phố Hồ Chí Minh",` +
		`"paymentMethod":"WALLET","sourceType":"MOMO","language":"vi","isAutoCapture":true,` +
		`"successURL":"https://shop.example/orders/205249008064/success?session=4f6c1a","failureURL":"https://shop.example/orders/205249008064/failure?session=4f6c1a",` +
		`"cancelURL":"https://shop.example/orders/205249008064/cancel?session=4f6c1a","ipnURL":"https://shop.example/galaxypay/ipn"}`
)

// Validation is to cost no more than twice a mere check of the JSON, which the
// ratios below are against: of the scan, of validation alone, and of both together.
func BenchmarkValidate(b *testing.B) {
	pay := &All()[0]
	for name, text := range map[string]string{"extraData": paymentWithExtraData, "plain": paymentWithoutExtraData} {
		body := []byte(text)
		members, err := rawjson.Members(body)
		if err != nil || pay.Validate(members) != nil {
			b.Fatalf("%s is not valid", name)
		}
		check := func() { json.Valid(body) }
		run := func(kind string, work func()) {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					work()
				}
				b.ReportMetric(nanoseconds(b, work)/nanoseconds(b, check), "x-json.Valid")
			})
		}
		run("scan", func() { _, _ = rawjson.Members(body) })
		run("validate", func() { pay.Validate(members) })
		run("both", func() {
			members, _ := rawjson.Members(body)
			pay.Validate(members)
		})
	}
}

// nanoseconds is what one call takes: the best of some rounds, since another program
// on the machine can only make a round longer.
func nanoseconds(b *testing.B, work func()) float64 {
	b.Helper()
	const rounds, calls = 20, 2000
	best := time.Duration(1<<63 - 1)
	for range rounds {
		started := time.Now()
		for range calls {
			work()
		}
		best = min(best, time.Since(started))
	}
	return float64(best.Nanoseconds()) / calls
}
