package sandbox

import (
	"cmp"
	"encoding/base64"
)

// sealed is a callback as it travels: the message in Base64, and the signature of that
// text, not of the message inside.
type sealed struct {
	Data      string `json:"data"`
	Signature string `json:"signature,omitempty"`
}

func seal(m any, salt string) sealed {
	data := base64.StdEncoding.EncodeToString(encode(m))
	return sealed{Data: data, Signature: sign([]byte(data), salt)}
}

// settled is the responseData of a callback.
type settled struct {
	TransactionID       string `json:"transactionID"`
	TransactionDateTime string `json:"transactionDateTime"`
	*details
	order
	Language     string        `json:"language"`
	Tokenization *tokenization `json:"tokenization,omitempty"`
}

// details are the fields that apiVersion 2 adds to the result and the IPN (the gateway's
// page "Result & IPN Callback").
type details struct {
	TransactionStatus      string `json:"transactionStatus"`
	TransactionDescription string `json:"transactionDescription"`
	PaymentMethod          string `json:"paymentMethod"`
	SourceType             string `json:"sourceType"`
}

// resultMessage is what the browser says on its way to successURL or failureURL.
func (t transaction) resultMessage() message {
	return t.callback(t.details(), nil)
}

// ipnMessage is the result, and besides the token that nobody but the app may see.
func (t transaction) ipnMessage() message {
	if t.stored == nil {
		return t.resultMessage()
	}
	return t.callback(t.details(), &tokenization{
		account: t.stored.account,
		Token:   t.stored.value,
		Status:  codeSuccess,
		Message: "Success",
	})
}

// ipn is what the app is told.
func (t transaction) ipn() any {
	if t.link != nil {
		return t.linkMessage()
	}
	return t.ipnMessage()
}

func (t transaction) details() *details {
	if t.apiVersion != "2" {
		return nil
	}
	t.method = cmp.Or(t.method, domestic)
	return &details{
		TransactionStatus:      t.result().status,
		TransactionDescription: t.result().description,
		PaymentMethod:          t.method,
		SourceType:             t.sourceType(),
	}
}

// usualSource stands for the bank or card scheme of a customer whose merchant left it
// open. Where a merchant names another method, it has to name the source too.
var usualSource = map[string]string{domestic: "SACOMBANK", international: "VISA", wallet: "MOMO", qrpay: "QRPAY"}

// cancelMessage is what the browser says on its way to cancelURL. The page "Cancel
// Callback" lists no field of apiVersion 2.
func (t transaction) cancelMessage() message { return t.callback(nil, nil) }

// callback builds a message from what was settled and nothing else, so a message that is
// made again is the same message.
func (t transaction) callback(d *details, stored *tokenization) message {
	return message{
		RequestID:        t.requestID,
		ResponseDateTime: stamp(t.settledAt),
		ResponseCode:     t.result().status,
		ResponseMessage:  t.result().message,
		ResponseData: settled{
			TransactionID:       t.id,
			TransactionDateTime: stamp(t.openedAt),
			details:             d,
			order:               t.order,
			Language:            cmp.Or(t.language, "vi"), // required in callbacks, optional in requests
			Tokenization:        stored,
		},
	}
}
