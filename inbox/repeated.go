package inbox

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
)

// repeats returns the event that the app has taken and that says the same as r, if there is
// one. The gateway may sign the same news twice, with other times in it, and a customer can
// post the message that his browser brought to the IPN address: another text, so another ID,
// but no other payment.
//
// In doubt an event is delivered: the app must be able to take one twice anyway.
func (m *Member) repeats(r Record) (taken Record, ok bool) {
	if r.Alone {
		return Record{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	taken, ok, err := m.engine.store.Taken(ctx, r)
	if err != nil || !ok {
		return Record{}, false
	}
	second, err := m.Message(r.Event)
	if err != nil {
		return Record{}, false
	}
	if isAnswer := taken.Kind == KindQuery || r.Kind == KindQuery; isAnswer && len(taken.Message) > 0 {
		first, err := m.Message(taken.Event)
		return taken, err == nil && saysNoMore(first, second)
	}
	if len(taken.Message) == 0 { // it was dropped: RequestID, transaction and status decide
		return taken, !isPaymentLink(second)
	}
	first, err := m.Message(taken.Event)
	return taken, err == nil && isRepetition(first, second)
}

// isRepetition reports whether every member of the second message's responseData is in the
// first one's with an equal value, date-times aside. The caller has compared requestID,
// transaction and payment status. Messages about payment links are never repetitions: one
// link can be paid several times.
func isRepetition(first, second []byte) bool {
	before, now := responseData(first), responseData(second)
	if before == nil || now == nil || isPaymentLink(second) {
		return false
	}
	for name, value := range now {
		if strings.HasSuffix(name, "DateTime") {
			continue
		}
		old, ok := before[name]
		if !ok || !isEqual(name, old, value) {
			return false
		}
	}
	return true
}

// saysNoMore reports whether the second message is of the same amount as the first one and brings no stored card. It is the rule
// where one of them is the answer to a question, which has other members than an IPN.
func saysNoMore(first, second []byte) bool {
	before, now := responseData(first), responseData(second)
	return before != nil && now != nil && now["tokenization"] == nil && isEqual("orderAmount", before["orderAmount"], now["orderAmount"])
}

func isPaymentLink(message []byte) bool {
	return text(responseData(message)["transactionID"]) == ""
}

// isEqual compares two values of a member: an amount by its value, anything else by its text,
// since numbers and strings mean the same to the gateway.
func isEqual(name string, a, b any) bool {
	one, other := text(a), text(b)
	if one == "" || other == "" {
		return reflect.DeepEqual(a, b)
	}
	if strings.HasSuffix(name, "Amount") {
		x, okX := new(big.Rat).SetString(one)
		y, okY := new(big.Rat).SetString(other)
		return okX && okY && x.Cmp(y) == 0
	}
	return one == other
}

// text is a string or a number as text; empty for any other value.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// responseData returns the members of a message's responseData, which may be a JSON object in
// a JSON string; nil if there is none.
func responseData(message []byte) map[string]any {
	var envelope struct {
		ResponseData json.RawMessage `json:"responseData"`
	}
	if json.Unmarshal(message, &envelope) != nil {
		return nil
	}
	data := []byte(envelope.ResponseData)
	var quoted string
	if json.Unmarshal(data, &quoted) == nil {
		data = []byte(quoted)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var members map[string]any
	if decoder.Decode(&members) != nil {
		return nil
	}
	return members
}
