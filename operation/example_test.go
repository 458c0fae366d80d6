package operation_test

import (
	"fmt"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Several operations share one path of the gateway, and differ in fixed fields alone.
func ExampleMatch() {
	var atOnePath []operation.Operation
	for _, op := range operation.All() {
		if op.Path == "/api/v1/transaction/pay" {
			atOnePath = append(atOnePath, op)
		}
	}
	sent := map[string]string{"apiOperation": "PAY", "sourceOfFund": "TOKEN"}
	op := operation.Match(atOnePath, func(field string) (string, bool) {
		text, ok := sent[field]
		return text, ok
	})
	fmt.Println(op.Name)
	fmt.Println(op.Title.En, "-", op.Title.Vi)
	// Output:
	// payWithToken
	// Pay with a stored card - Thanh toán bằng thẻ đã lưu
}

// Values are JSON texts, so a string has its quotation marks.
func ExampleOperation_Validate() {
	var refund operation.Operation
	for _, op := range operation.All() {
		if op.Name == "refund" {
			refund = op
		}
	}
	faults := refund.Validate([]operation.Member{
		{Name: []byte("transactionID"), Value: []byte(`"2211210123456789012345678901"`)},
		{Name: []byte("orderAmount"), Value: []byte(`"100.000 VND"`)},
	})
	for _, fault := range faults {
		fmt.Println(fault.Field.Name, fault.Code)
	}
	// Output:
	// orderAmount amount
	// orderID required
	// orderCurrency required
	// orderDateTime required
	// orderDescription required
}

// An app shows the customer the gateway's codes in words.
func ExampleLists() {
	for _, list := range operation.Lists() {
		if list.Name != "stages" {
			continue
		}
		fmt.Println(list.En, "-", list.Vi)
		for _, entry := range list.Codes {
			fmt.Printf("%s: %s - %s\n", entry.Code, entry.En, entry.Vi)
		}
	}
	// Output:
	// Stages of a transaction - Giai đoạn của giao dịch
	// INIT: Opened - Đã khởi tạo
	// PROCESSING: In progress - Đang xử lý
	// SUCCESSFUL: Succeeded - Thành công
	// FAILURE: Failed - Thất bại
}
