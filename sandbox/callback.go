package sandbox

import (
	"cmp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

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
func (t transaction) resultMessage() message.Envelope {
	return t.callback(t.details(), nil)
}

// ipnMessage is the result, and besides the token that nobody but the app may see.
func (t transaction) ipnMessage() message.Envelope {
	if t.stored == nil {
		return t.resultMessage()
	}
	return t.callback(t.details(), &tokenization{
		Account: t.stored.Account,
		Token:   t.stored.value,
		Status:  message.CodeSuccess,
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
	t.method = cmp.Or(t.method, card.Domestic)
	return &details{
		TransactionStatus:      t.result().status,
		TransactionDescription: t.result().description,
		PaymentMethod:          t.method,
		SourceType:             t.sourceType(),
	}
}

// usualSource stands for the bank or card scheme of a customer whose merchant left it
// open. Where a merchant names another method, it has to name the source too.
var usualSource = map[string]string{card.Domestic: card.UsualBank, card.International: "VISA", wallet: "MOMO", qrpay: "QRPAY"}

// cancelMessage is what the browser says on its way to cancelURL. The page "Cancel
// Callback" lists no field of apiVersion 2.
func (t transaction) cancelMessage() message.Envelope { return t.callback(nil, nil) }

// callback builds a message from what was settled and nothing else, so a message that is
// made again is the same message.
func (t transaction) callback(d *details, stored *tokenization) message.Envelope {
	return message.Envelope{
		RequestID:        t.requestID,
		ResponseDateTime: message.Stamp(t.settledAt),
		ResponseCode:     t.result().status,
		ResponseMessage:  t.result().message,
		ResponseData: settled{
			TransactionID:       t.id,
			TransactionDateTime: message.Stamp(t.openedAt),
			details:             d,
			order:               t.order,
			Language:            cmp.Or(t.language, "vi"), // required in callbacks, optional in requests
			Tokenization:        stored,
		},
	}
}
