package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Payments go through the sidecar: pay, the IPN, refund. They hold no secret and sign nothing: the sidecar does.
type Payments struct {
	sidecar string
	orders  *Orders
}

var (
	vietnam = time.FixedZone("UTC+7", 7*60*60)
	client  = &http.Client{Timeout: 35 * time.Second} // the sidecar waits 30 s
)

type answer struct{ Outcome, TransactionID, Endpoint string }

// call posts plain JSON to the sidecar. The outcome of the answer is ok, not_sent, rejected or unknown.
func (p *Payments) call(operation, key string, fields map[string]any) answer {
	fields["orderDateTime"] = time.Now().In(vietnam).Format("20060102150405")
	body, _ := json.Marshal(fields)
	request, err := http.NewRequest(http.MethodPost, p.sidecar+"/"+operation, bytes.NewReader(body))
	if err != nil {
		return answer{Outcome: "not_sent"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := client.Do(request)
	if err != nil {
		log.Printf("%s %s: %v", operation, key, err)
		return answer{Outcome: "unknown"}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body) // what is broken off is no JSON
	a := answer{Outcome: "unknown"}
	if err := json.Unmarshal(text, &a); err == nil && response.StatusCode == http.StatusOK {
		a.Outcome = "ok"
		return a
	}
	log.Printf("%s %s: %d %s", operation, key, response.StatusCode, text) // says what to correct
	return a
}

// New makes an order, and the key of its payment with it: the key is kept before anything is sent.
func (p *Payments) New(id string, amount int64, description string) error {
	return p.orders.save(&Order{ID: id, Amount: amount, Currency: "VND", Description: description, Status: "open", PayKey: id + "-pay-1"})
}

// Pay opens the payment of an order. It returns the payment page, or "". Repeated, it sends the same key: one payment.
func (p *Payments) Pay(o *Order) (endpoint string, err error) {
	a := p.call("pay", o.PayKey, map[string]any{
		"orderID": o.ID, "orderAmount": o.Amount, "orderCurrency": o.Currency,
		"orderDescription": o.Description, "paymentMethod": "DOMESTIC",
	})
	_, err = p.orders.Change(o.ID, func(o *Order) {
		if a.Outcome == "ok" && o.TransactionID == "" {
			o.TransactionID = a.TransactionID
		}
		if a.Outcome == "rejected" && o.Status == "open" { // the gateway's proven no: the customer may make another order
			o.Status = "failed"
		}
	})
	return a.Endpoint, err // unknown or not_sent: the order stays open, to be tried again under the same key
}

// Message is a proven IPN: what its headers and its body say.
type Message struct {
	Order, Transaction, Status string
	Data                       struct{ OrderAmount, OrderCurrency any }
}

// Take takes a proven IPN. It returns ipnStatus and ipnDescription.
func (p *Payments) Take(m Message) (status, description string, err error) {
	if p.orders.Find(m.Order) == nil {
		return "404", "No such order", nil
	}
	_, err = p.orders.Change(m.Order, func(o *Order) {
		noted := m.Transaction + " " + m.Status
		if slices.Contains(o.Messages, noted) { // an IPN can come twice
			status, description = "409", "Noted before"
			return
		}
		o.Messages = append(o.Messages, noted)
		status, description = o.take(m)
	})
	return status, description, err
}

// take is what an IPN does to the order: only paid hands out goods, and nothing undoes it.
func (o *Order) take(m Message) (status, description string) {
	unpaid := o.Status == "open" || o.Status == "failed"
	switch {
	case m.Status == "disputed", m.Status == "paid" && !o.isFullPayment(m):
		log.Printf("%s: transaction %s has another amount than the order; a person must look at it", o.ID, m.Transaction)
		if unpaid {
			o.Status = "review"
		}
		return "200", "Another amount than ordered"
	case m.Status == "paid" && unpaid:
		o.Status, o.TransactionID = "paid", m.Transaction
		o.HandedOut++ // hand out the goods here
		return "200", "Paid"
	case m.Status == "paid":
		log.Printf("%s: paid again, by transaction %s; a person must look at it", o.ID, m.Transaction)
		return "409", "Paid before"
	case o.Status == "open" && slices.Contains([]string{"cancelled", "expired", "failed"}, m.Status):
		o.Status = "failed"
	}
	return "200", "Noted"
}

// isFullPayment compares by value: the gateway writes 109000, "109000" or "109000.00".
func (o *Order) isFullPayment(m Message) bool {
	text := fmt.Sprint(m.Data.OrderAmount)
	amount, ok := new(big.Rat).SetString(text)
	return ok && strings.Trim(text, "0123456789.") == "" && amount.Cmp(new(big.Rat).SetInt64(o.Amount)) == 0 && m.Data.OrderCurrency == o.Currency
}

// Refund gives the money of a paid order back. Repeated after unknown, it sends the same key: one refund.
func (p *Payments) Refund(id string) error {
	o, err := p.orders.Change(id, func(o *Order) { // kept before anything is sent
		if o.Status == "paid" {
			o.Status, o.RefundKey = "refunding", fmt.Sprintf("%s-refund-%d", id, o.RefundsRefused+1)
		}
	})
	if err != nil || o.Status != "refunding" {
		return err
	}
	a := p.call("refund", o.RefundKey, map[string]any{
		"orderID": id, "transactionID": o.TransactionID, "orderAmount": o.Amount,
		"orderCurrency": o.Currency, "orderDescription": "Refund",
	})
	key := o.RefundKey
	_, err = p.orders.Change(id, func(o *Order) {
		switch {
		case a.Outcome == "ok":
			o.Status = "refunded"
		case a.Outcome == "rejected" && o.Status == "refunding" && o.RefundKey == key: // another try is another key
			o.Status = "paid"
			o.RefundsRefused++
		}
	})
	return err
}
