package operation

import (
	"encoding/json"
	"math"
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
				b.ReportMetric(ratio(work, check), "x-json.Valid")
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

// ratio is how many times as long one call of work takes as one of check. Each counts
// with the best of many short rounds, in turns: another program on the machine can only
// make a round longer, and makes those of both longer.
func ratio(work, check func()) float64 {
	const rounds, calls = 400, 100
	best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range rounds {
		for i, do := range []func(){work, check} {
			started := time.Now()
			for range calls {
				do()
			}
			best[i] = min(best[i], time.Since(started))
		}
	}
	return float64(best[0]) / float64(best[1])
}
