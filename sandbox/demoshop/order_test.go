package demoshop

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// What the shop may do after each answer. In doubt it is unknown.
func TestOutcome(t *testing.T) {
	yes := http.Header{"Galaxypay-Response-Code": {"200"}}
	for name, test := range map[string]struct {
		answer answer
		want   outcome
	}{
		"yes":                      {answer{status: 200, header: yes, body: []byte(`{}`)}, ok},
		"yes, but cut":             {answer{status: 200, header: yes, broken: errors.New("EOF")}, unknown},
		"not the sidecar's":        {answer{status: 200, header: http.Header{}, body: []byte(`<html>`)}, unknown},
		"not sent":                 {answer{status: 422, header: http.Header{}, body: []byte(`{"outcome":"not_sent"}`)}, notSent},
		"rejected":                 {answer{status: 409, header: http.Header{}, body: []byte(`{"outcome":"rejected"}`)}, rejected},
		"unknown":                  {answer{status: 504, header: http.Header{}, body: []byte(`{"outcome":"unknown"}`)}, unknown},
		"an outcome of its own":    {answer{status: 500, header: http.Header{}, body: []byte(`{"outcome":"ok"}`)}, unknown},
		"an error without outcome": {answer{status: 500, header: http.Header{}}, unknown},
		"no answer":                {answer{broken: errors.New("connection refused")}, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.answer.outcome(); got != test.want {
				t.Errorf("outcome %s, want %s", got, test.want)
			}
		})
	}
}

// ipn is a proven message of this status about order A, which costs 29000 VND.
func ipn(t *testing.T, status state, data string) callback {
	t.Helper()
	c := callback{kind: "ipn", status: status}
	if err := json.Unmarshal([]byte(`{"responseData":`+data+`}`), &c.message); err != nil {
		t.Fatal(err)
	}
	return c
}

const inFull = `{"orderID":"A","orderAmount":"29000","orderCurrency":"VND"}`

// IPNs come twice, late and in any order.
func TestTakeIPNs(t *testing.T) {
	for name, test := range map[string]struct {
		statuses []state
		answers  string
		state    state
		goods    int
	}{
		"paid":                  {[]state{paid}, "200", paid, 1},
		"paid twice":            {[]state{paid, paid}, "200 409", paid, 1},
		"cancelled":             {[]state{cancelled}, "200", cancelled, 0},
		"paid, then cancelled":  {[]state{paid, cancelled}, "200 409", paid, 1},
		"paid, then failed":     {[]state{paid, failed}, "200 409", paid, 1},
		"paid, then pending":    {[]state{paid, pending}, "200 409", paid, 1},
		"failed, then paid":     {[]state{failed, paid}, "200 200", paid, 1},
		"failed, then expired":  {[]state{failed, expired}, "200 409", failed, 0},
		"pending, then paid":    {[]state{pending, paid}, "200 200", paid, 1},
		"disputed":              {[]state{disputed}, "200", unclear, 0},
		"disputed, then paid":   {[]state{disputed, paid}, "200 200", paid, 1},
		"paid, then disputed":   {[]state{paid, disputed}, "200 200", paid, 1},
		"about a refund":        {[]state{none}, "200", unclear, 0},
		"paid, then a refund":   {[]state{paid, none}, "200 200", paid, 1},
		"authorized":            {[]state{authorized}, "200", unclear, 0},
		"authorized, then paid": {[]state{authorized, paid}, "200 200", paid, 1},
		"reversed":              {[]state{"reversed"}, "200", failed, 0},
		"an unheard-of status":  {[]state{"opening"}, "200", failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := &order{id: "A", product: goods[0], state: unclear}
			var answers []string
			for _, status := range test.statuses {
				answers = append(answers, o.take(ipn(t, status, inFull)).Status)
			}
			if got := strings.Join(answers, " "); got != test.answers {
				t.Errorf("answers %s, want %s", got, test.answers)
			}
			if want := slices.Contains(test.statuses, disputed); o.disputed != want {
				t.Errorf("the order is disputed: %t, want %t", o.disputed, want)
			}
			if o.state != test.state || o.handedOut != test.goods {
				t.Errorf("the order is %s with goods handed out %d times, want %s and %d", o.state, o.handedOut, test.state, test.goods)
			}
		})
	}
}

// An IPN that says paid is worth what its amount says.
func TestAmounts(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		paid bool
	}{
		"text":                        {inFull, true},
		"number":                      {`{"orderAmount":29000,"orderCurrency":"VND"}`, true},
		"with decimals":               {`{"orderAmount":"29000.00","orderCurrency":"VND"}`, true},
		"link without currency":       {`{"orderNo":"1","orderAmount":"29000"}`, true},
		"link with another currency":  {`{"orderNo":"1","orderAmount":"29000","orderCurrency":"USD"}`, false},
		"too little":                  {`{"orderAmount":"28999","orderCurrency":"VND"}`, false},
		"too much":                    {`{"orderAmount":"290000","orderCurrency":"VND"}`, false},
		"a little less":               {`{"orderAmount":"28999.99","orderCurrency":"VND"}`, false},
		"another currency":            {`{"orderAmount":"29000","orderCurrency":"IDR"}`, false},
		"no currency":                 {`{"orderAmount":"29000"}`, false},
		"no amount":                   {`{"orderCurrency":"VND"}`, false},
		"no number":                   {`{"orderAmount":"all","orderCurrency":"VND"}`, false},
		"fraction":                    {`{"orderAmount":"58000/2","orderCurrency":"VND"}`, false},
		"exponent":                    {`{"orderAmount":29e3,"orderCurrency":"VND"}`, false},
		"exponent to fill the memory": {`{"orderAmount":"1e999999999","orderCurrency":"VND"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := &order{id: "A", product: goods[0], state: pending}
			answer := o.take(ipn(t, paid, test.data))
			if got := o.state == paid; got != test.paid || o.review == test.paid || answer.Status != "200" {
				t.Errorf("paid %t, for review %t, answer %s; want paid %t", got, o.review, answer.Status, test.paid)
			}
		})
	}
}

// A late answer to a call does not undo what an IPN has said.
func TestIPNBeforeTheAnswer(t *testing.T) {
	o := &order{id: "A", product: goods[0], state: opening}
	o.take(ipn(t, paid, inFull))
	o.opened("1", "http://pay.example/1")
	o.becomes(unclear)
	if o.state != paid {
		t.Errorf("the order is %s", o.state)
	}
}

// Memory is bounded, whatever comes.
func TestBounds(t *testing.T) {
	s := newOrders()
	for i := range maxOrders + 5 {
		s.add(&order{id: fmt.Sprint(i)})
	}
	if _, found := s.find("4"); found || len(s.newest()) != maxOrders || s.newest()[0].id != "104" {
		t.Errorf("%d orders are kept, the newest is %s", len(s.newest()), s.newest()[0].id)
	}
	for range maxUnassigned + 1 {
		s.noteUnassigned(exchange{})
	}
	if n := len(s.unassignedCallbacks()); n != maxUnassigned {
		t.Errorf("%d callbacks without an order are kept", n)
	}
	o := new(order)
	for range maxExchanges + 3 {
		o.note(exchange{})
	}
	if len(o.exchanges) != maxExchanges || o.dropped != 3 || o.exchanges[0].Number != 4 {
		t.Errorf("%d exchanges are kept, the first is number %d, %d are dropped", len(o.exchanges), o.exchanges[0].Number, o.dropped)
	}
	long := readable([]byte("x" + strings.Repeat("ế", maxShown)))
	if len(long) > maxShown+len("…") || !utf8.ValidString(long) {
		t.Errorf("a long message has %d bytes, valid: %t", len(long), utf8.ValidString(long))
	}
}

// An address that is not a web address never becomes a link or a redirect.
func TestWhereToPay(t *testing.T) {
	for name, test := range map[string]struct{ body, id, endpoint string }{
		"payment":     {`{"transactionID":"1","endpoint":"https://pay.example/1"}`, "1", "https://pay.example/1"},
		"number":      {`{"transactionID":1,"endpoint":"https://pay.example/1"}`, "1", "https://pay.example/1"},
		"link":        {`{"orderNo":"2","shortLink":"https://pay.example/2"}`, "2", "https://pay.example/2"},
		"script":      {`{"transactionID":"3","endpoint":"javascript:alert(1)"}`, "3", ""},
		"no endpoint": {`{"transactionID":"4"}`, "4", ""},
		"nothing":     {`{}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if id, endpoint := whereToPay([]byte(test.body)); id != test.id || endpoint != test.endpoint {
				t.Errorf("got %q and %q, want %q and %q", id, endpoint, test.id, test.endpoint)
			}
		})
	}
}
