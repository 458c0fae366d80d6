package describe

import "encoding/json"

// What the app gets from the gateway. The fields are those of the gateway's page "Result & IPN
// Callback", of which versions differ: apps must not demand more than is required here.

// webhooks describes the callbacks as the app gets them. Their addresses are the operator's choice.
func (s *Site) webhooks() object {
	return object{
		{"ipn", object{{"post", s.callback("receiveIPN", "IPN: how a payment ended",
			"The gateway's server says how a payment ended, and the sidecar has proven it. Go by Galaxypay-Payment-Status: hand out goods "+
				"for `paid` and nothing else, after comparing orderAmount by value. The same news may come several times: go by "+
				"Galaxypay-Transaction-Id with the payment status.\n\n"+
				"Máy chủ của cổng thanh toán báo kết quả, sidecar đã xác thực. Chỉ giao hàng khi Galaxypay-Payment-Status là `paid`.",
			s.ipnKinds(), callbackSchema(), ipnExample, wordResponses)}}},
		{"paymentLinkIPN", object{{"post", s.callback("receivePaymentLinkIPN", "IPN of a payment link",
			"As `ipn`, at the ipnURL of the link. It names the link by orderNo, which Galaxypay-Transaction-Id and Galaxypay-Order-Id "+
				"hold too, and has no orderID.\n\nNhư `ipn`, dành cho liên kết thanh toán; nhận biết liên kết bằng orderNo.",
			s.ipnKinds(), linkCallbackSchema(), linkExample, wordResponses)}}},
		{"result", object{
			{"get", s.visit("showResult", "Result: the customer's browser is back",
				"The customer's browser comes back after paying or cancelling, at successURL, failureURL or cancelURL, and gets the app's page. "+
					"The headers say which order it is about. "+
					"The customer may never come back, and the result often comes before the IPN: then show a page that waits for it, and hand out goods by the IPN.\n\n"+
					"Trình duyệt của khách hàng quay lại. Trang này chỉ để hiển thị; hãy giao hàng theo IPN.")},
			{"post", s.callback("receiveResult", "Result with its message: with forward post, or too long for an address",
				"As get, with the gateway's message as body, if galaxypay_result says `forward post`, or where the message does not fit an address.\n\n"+
					"Như get, kèm nội dung thông báo: khi cấu hình `forward post`, hoặc khi thông báo quá dài.",
				[]string{"result", "cancel"}, callbackSchema(), resultExample, pageResponses)},
		}},
	}
}

// ipnKinds are the kinds of what arrives like an IPN: with a ledger, also what the gateway has answered on asking.
func (s *Site) ipnKinds() []string {
	if s.Ledger {
		return []string{"ipn", "query"}
	}
	return []string{"ipn"}
}

// visit describes a result that the app gets as the visit of a page.
func (s *Site) visit(id, summary, description string) object {
	return object{
		{"operationId", id},
		{"tags", []string{tagCallbacks}},
		{"summary", summary},
		{"description", description},
		{"parameters", s.callbackHeaders([]string{"result", "cancel"})},
		{"responses", pageResponses},
	}
}

// pageResponses are the app's answers to a result.
var pageResponses = object{{"default", object{{"description", "The page that the customer sees. Headers and body pass through unchanged. " +
	"Where the status is 500 or more and the body is empty, or the app does not answer, the customer gets a page of the sidecar's."}}}}

func (s *Site) callback(id, summary, description string, kinds []string, message schema, example json.RawMessage, responses object) object {
	return object{
		{"operationId", id},
		{"tags", []string{tagCallbacks}},
		{"summary", summary},
		{"description", description},
		{"parameters", s.callbackHeaders(kinds)},
		{"requestBody", object{{"required", true}, {"content", jsonContent(message, example)}}},
		{"responses", responses},
	}
}

// callbackHeaders are those that the app gets. Like the schemas, they stand in each webhook:
// some generators leave out the components that only webhooks refer to.
func (s *Site) callbackHeaders(kinds []string) []object {
	headers := []object{
		callbackHeader("Galaxypay-Callback", true, "Which callback it is.", kinds[0], kinds...),
		callbackHeader("Galaxypay-Merchant", true, "Whose salt proved it.", "default"),
		callbackHeader(paymentStatusHeader, true, "What it means for the order. Only `paid` hands out goods.", "paid", s.paymentStatuses()...),
		callbackHeader("Galaxypay-Delivery-Id", true, "Of this message: a repeated attempt has the same one.",
			"a3f5b0c1d2e4968778695a4b3c2d1e0f00112233445566778899aabbccddeeff"),
		callbackHeader("Galaxypay-Transaction-Id", false, "transactionID or, of a payment link, orderNo. Percent-encoded: decode it.",
			"22050699e65d9a71d548e6b67323aef1a494ac"),
		callbackHeader("Galaxypay-Order-Id", false, "orderID or, of a payment link, orderNo. Percent-encoded: decode it.", "888289"),
		callbackHeader("Galaxypay-Attempt", false, "With an inbox: which attempt this is, from 1 on.", "1"),
	}
	if !s.Ledger {
		return headers
	}
	return append(headers,
		callbackHeader(orderHeader, false, "Whether it fits what was signed. A message that does not is `disputed`.", "matched", "matched", "mismatched", "unknown"),
		callbackHeader("Galaxypay-Operation", false, "Short name of the call that it is about, where it was recorded.", "pay"),
		callbackHeader("Galaxypay-Confirmed", false, "With confirm on: `true` after the gateway, on asking, has said the same.", "true", "true", "false"),
	)
}

func callbackHeader(name string, required bool, description, example string, values ...string) object {
	text := object{{"type", typeString}}
	if values != nil {
		text = append(text, member{"enum", values})
	}
	return object{
		{"name", name}, {"in", "header"}, {"required", required}, {"description", description},
		{"schema", text}, {"example", example},
	}
}

// wordResponses are the app's answers to an IPN.
var wordResponses = object{
	{"200", object{
		{"description", "The app's word, which the gateway gets. An empty body, or a JSON object without ipnStatus that reports no error, means 200. " +
			"404 is passed on to the gateway; with an inbox the IPN comes again, since the order may be written a moment later."},
		{"content", jsonContent(wordSchema, json.RawMessage(`{"ipnStatus":"200","ipnDescription":"Transaction Success"}`))},
	}},
	{"204", object{{"description", "As 200 with an empty body."}}},
	{"409", object{
		{"description", "The order was finished before. The body must say so too."},
		{"content", jsonContent(wordSchema, json.RawMessage(`{"ipnStatus":"409","ipnDescription":"Transaction Completed"}`))},
	}},
	{"default", object{{"description", "No word: the IPN comes again. Without an inbox the gateway gets 503 and decides when."}}},
}

var wordSchema = schema{
	Type: typeObject, Description: "The app's word on an IPN.",
	Properties: object{
		{"ipnStatus", schema{
			Description: "200: the app has it. 404: the app does not know the order, or not yet. 409: the app had finished it before.",
			OneOf:       []schema{{Type: typeString, Enum: []string{"200", "404", "409"}}, {Type: typeInteger, Minimum: "200", Maximum: "409"}},
		}},
		{"ipnDescription", schema{Type: typeString, MaxLength: 250, Description: "For the gateway's people."}},
	},
}

// envelopeSchema is a whole message of the gateway's.
func envelopeSchema(description string, data schema) schema {
	return schema{
		Type: typeObject, Description: description, Additional: true,
		Required: []string{"responseCode", "responseData"},
		Properties: object{
			{"requestID", text("The requestID of the call that it is about.")},
			{"responseDateTime", textOrNumber("Time of the message, yyyyMMddHHmmss.")},
			{"responseCode", textOrNumber("Codes: /codes/responseCodes.")},
			{"responseMessage", text("The code in words.")},
			{"responseData", data},
		},
	}
}

func text(description string) schema { return schema{Type: typeString, Description: description} }

func textOrNumber(description string) schema {
	return schema{OneOf: []schema{{Type: typeString}, {Type: typeNumber}}, Description: description}
}

func callbackSchema() schema {
	return envelopeSchema("The gateway's message, as it was signed. Amounts come as text: compare them by value.", schema{
		Type: typeObject, Additional: true,
		Properties: object{
			{"transactionID", text("Galaxy Pay's id of the transaction.")},
			{"transactionDateTime", textOrNumber("Time of the transaction, yyyyMMddHHmmss; not in every message.")},
			{"transactionStatus", textOrNumber("Result code of the transaction itself, with apiVersion 2. Codes: /codes/responseCodes.")},
			{"transactionDescription", text("The result in words, with apiVersion 2.")},
			{"paymentMethod", text("How the customer paid, with apiVersion 2.")},
			{"sourceType", text("Provider within the method, with apiVersion 2.")},
			{"orderID", text("The merchant's own id of this transaction.")},
			{"orderNumber", textOrNumber("The merchant's order or bill number.")},
			{"orderAmount", textOrNumber("Amount. `109000.00` may come back as `109000`.")},
			{"orderCurrency", text("Currency code.")},
			{"orderDateTime", textOrNumber("Time of the order, yyyyMMddHHmmss.")},
			{"orderDescription", text("What the payment is for.")},
			{"language", text("Language of the payment pages.")},
			{"tokenization", schema{
				Type: typeObject, Additional: true,
				Description: "The stored card. In the IPN of a successful payWithCreateToken only, never in a result.",
				Properties: object{
					{"token", text("Token of the card; keep it like a password.")},
					{"accountBrand", text("Card brand.")},
					{"accountSource", text("Card issuer.")},
					{"accountNumber", text("Card number, masked.")},
					{"accountName", text("Name on the card.")},
					{"status", textOrNumber("Result code of storing the card.")},
					{"message", text("The result in words.")},
				},
			}},
		},
	})
}

func linkCallbackSchema() schema {
	s := envelopeSchema("The gateway's message about a payment link, as it was signed.", schema{
		Type: typeObject, Additional: true,
		Properties: object{
			{"orderNo", text("Id of the payment link, as createPaymentLink answered it.")},
			{"orderReference", text("The merchant's reference.")},
			{"orderAmount", textOrNumber("Amount. Compare it by value.")},
			{"extraData", schema{
				Type: typeObject, Additional: true, Description: "What the payer was asked for, by paymentFields.",
				Properties: object{
					{"fullName", text("Name.")},
					{"phone", text("Phone.")},
					{"email", text("E-mail.")},
					{"shippingAddress", text("Delivery address.")},
				},
			}},
		},
	})
	s.Properties[0] = member{"requestId", text("The requestID of createPaymentLink. This message spells it so.")}
	return s
}

var (
	ipnExample = json.RawMessage(`{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","responseDateTime":"20220506113517","responseCode":"200",` +
		`"responseMessage":"Transaction is successful.","responseData":{"transactionID":"22050699e65d9a71d548e6b67323aef1a494ac",` +
		`"transactionDateTime":"20220405202000","orderID":"888289","orderNumber":"82262889","orderAmount":"109000",` +
		`"orderDescription":"Secure Page Demo","orderCurrency":"VND","orderDateTime":"20220405202000","language":"vi"}}`)
	resultExample = json.RawMessage(`{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","responseDateTime":"20220506113517","responseCode":"499",` +
		`"responseMessage":"Canceled by user","responseData":{"transactionID":"22050699e65d9a71d548e6b67323aef1a494ac",` +
		`"transactionDateTime":"20220506113517","orderID":"888289","orderNumber":"82262889","orderAmount":"109000",` +
		`"orderDescription":"Secure Page Demo","orderCurrency":"VND","orderDateTime":"20220405202000","language":"vi"}}`)
	linkExample = json.RawMessage(`{"requestId":"5f0c3c2e8c0b4d0b9a55b7c1f6a2d3e4","responseDateTime":"20231116151903","responseCode":"200",` +
		`"responseMessage":"Success","responseData":{"orderNo":"2311165672361384300115770","orderAmount":"100000",` +
		`"extraData":{"fullName":"NGUYEN VAN A","email":"a@shop.example"}}}`)
)

// envelopeExample is a whole message with a responseData.
func envelopeExample(data json.RawMessage) object {
	return object{
		{"requestID", "14653fa12f694f4f9d4b240e1bebbdf3"},
		{"responseDateTime", "20230726172307"},
		{"responseCode", "200"},
		{"responseMessage", "Success"},
		{"responseData", data},
	}
}
