package galaxypay

import "testing"

// A gateway that does not care for letter case would read another member than the one that was validated.
func TestParseRequestFindsRepeatedNames(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"none":                     {`{"orderID":"1","orderAmount":"1"}`, ""},
		"amounts":                  {`{"orderAmount":"1","OrderAmount":"2"}`, "orderAmount"},
		"amounts, ours last":       {`{"ORDERAMOUNT":"1","orderAmount":"2"}`, "orderAmount"},
		"two that are not ours":    {`{"orderamount":"1","Orderamount":"2"}`, "orderAmount"},
		"one that is not ours":     {`{"orderamount":"1"}`, ""},
		"fees":                     {`{"orderFeeAmount":"1","orderfeeAmount":"2"}`, "orderFeeAmount"},
		"currencies":               {`{"orderCurrency":"VND","ordercurrency":"USD"}`, "orderCurrency"},
		"orders":                   {`{"orderID":"1","orderId":"2"}`, "orderID"},
		"transactions":             {`{"transactionID":"1","transactionId":"2"}`, "transactionID"},
		"methods":                  {`{"paymentMethod":"1","PaymentMethod":"2"}`, "paymentMethod"},
		"cards":                    {`{"cardNumber":"1","cardnumber":"2"}`, "cardNumber"},
		"tokens":                   {`{"token":"1","Token":"2"}`, "token"},
		"captures":                 {`{"isAutoCapture":true,"IsAutoCapture":false}`, "isAutoCapture"},
		"callback addresses":       {`{"ipnURL":"","ipnUrl":"https://a.example"}`, "ipnURL"},
		"an escape":                {`{"orderAmount":"1","\u004frderAmount":"2"}`, "orderAmount"},
		"names that say nothing":   {`{"note":"1","Note":"2"}`, ""},
		"deeper":                   {`{"extraData":{"orderAmount":"1","OrderAmount":"2"}}`, ""},
		"in an envelope":           {`{"requestID":"1","requestData":{"orderAmount":"1","OrderAmount":"2"}}`, "orderAmount"},
		"two requestData":          {`{"requestID":"1","requestData":{},"RequestData":{}}`, "requestData"},
		"two requestData, one not": {`{"requestdata":1,"requestID":"1","requestData":{}}`, "requestData"},
		"two requestID":            {`{"requestID":"1","requestId":"2","requestData":{}}`, "requestID"},
		"two requestDateTime":      {`{"requestDateTime":"1","requestdatetime":"2","requestData":{}}`, "requestDateTime"},
		"requestID, no envelope":   {`{"requestID":"1","requestId":"2"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := parseRequest([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if req.repeated != test.want {
				t.Errorf("%q, want %q", req.repeated, test.want)
			}
		})
	}
}
