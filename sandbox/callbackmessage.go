package sandbox

import (
	"cmp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// settled is the responseData of a callback.
type settled struct {
	TransactionID       string `json:"transactionID"`
	TransactionDateTime string `json:"transactionDateTime"`
	*details
	ledger.Order
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

// tokenization is what an IPN says about the card that was stored with a payment (the
// gateway's page "Result & IPN Callback"). The values of status are not documented; here
// it is a response code.
type tokenization struct {
	card.Account
	Token   string `json:"token"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// ipnMessage is the message that the app gets from the gateway's server: the result, and
// besides the token, which must not pass through the browser.
func ipnMessage(t ledger.Transaction) any {
	switch {
	case t.Link != nil:
		return newLinkMessage(t)
	case t.Stored == nil:
		return callback(t, newDetails(t), nil)
	}
	return callback(t, newDetails(t), &tokenization{
		Account: t.Stored.Account,
		Token:   t.Stored.Value,
		Status:  message.CodeSuccess,
		Message: "Success",
	})
}

// browserMessage is what the browser says on its way to successURL, failureURL or
// cancelURL. The page "Cancel Callback" lists no field of apiVersion 2.
func browserMessage(t ledger.Transaction) message.Envelope {
	if t.Outcome == ledger.Cancelled {
		return callback(t, nil, nil)
	}
	return callback(t, newDetails(t), nil)
}

func newDetails(t ledger.Transaction) *details {
	if t.APIVersion != "2" {
		return nil
	}
	t.Method = cmp.Or(t.Method, card.Domestic)
	return &details{
		TransactionStatus:      t.Outcome.Result().Status,
		TransactionDescription: t.Outcome.Result().Description,
		PaymentMethod:          t.Method,
		SourceType:             t.SourceType(),
	}
}

// callback builds a message from what was settled and nothing else, so a message that is
// made again is the same message.
func callback(t ledger.Transaction, d *details, stored *tokenization) message.Envelope {
	return message.Envelope{
		RequestID:        t.RequestID,
		ResponseDateTime: message.Stamp(t.SettledAt),
		ResponseCode:     t.Outcome.Result().Status,
		ResponseMessage:  t.Outcome.Result().Message,
		ResponseData: settled{
			TransactionID:       t.ID,
			TransactionDateTime: message.Stamp(t.OpenedAt),
			details:             d,
			Order:               t.Order,
			Language:            cmp.Or(t.Language, "vi"), // required in callbacks, optional in requests
			Tokenization:        stored,
		},
	}
}

// linkMessage is the IPN of a payment link (the gateway's page "Payment Link IPN"): its
// envelope spells requestId. Its orderReference is left out, because no field of the
// request is known to be it.
type linkMessage struct {
	RequestID        string   `json:"requestId"`
	ResponseDateTime string   `json:"responseDateTime"`
	ResponseCode     string   `json:"responseCode"`
	ResponseMessage  string   `json:"responseMessage"`
	ResponseData     linkPaid `json:"responseData"`
}

type linkPaid struct {
	OrderNo     string       `json:"orderNo"`
	OrderAmount string       `json:"orderAmount"`
	ExtraData   ledger.Payer `json:"extraData,omitzero"`
}

func newLinkMessage(t ledger.Transaction) linkMessage {
	return linkMessage{
		RequestID:        t.RequestID,
		ResponseDateTime: message.Stamp(t.SettledAt),
		ResponseCode:     t.Outcome.Result().Status,
		ResponseMessage:  t.Outcome.Result().Message,
		ResponseData:     linkPaid{OrderNo: t.ID, OrderAmount: t.Order.Amount, ExtraData: t.Payer},
	}
}
