package store

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Each column has its field, and each field its column: what is read from where it was written
// is the same payment.
func TestPaymentFieldsFitColumns(t *testing.T) {
	var p ledger.Payment
	fields := PaymentFields(&p)
	if columns := strings.Split(PaymentColumns, ","); len(fields) != len(columns) {
		t.Errorf("%d fields of %d columns", len(fields), len(columns))
	}
	if parts := reflect.TypeFor[ledger.Payment]().NumField(); len(fields) != parts {
		t.Errorf("%d fields of a payment with %d", len(fields), parts)
	}
	for i, field := range fields {
		for _, other := range fields[i+1:] {
			if reflect.ValueOf(field).Pointer() == reflect.ValueOf(other).Pointer() {
				t.Errorf("field %d is there twice", i)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		names Names
		text  string
	}{
		{nil, "[]"},
		{Names{"GP1"}, `["GP1"]`},
		{Names{"GP1", "GP2"}, `["GP1","GP2"]`},
		{Names{"GP1", `a"b,]`, "\x00", "đ"}, `["GP1","a\"b,]","\u0000","đ"]`},
		{Names{""}, `[""]`},
		{Names{"", ""}, `["",""]`},
		{Names{",", "a,b", "[", "]"}, `[",","a,b","[","]"]`},
		{Names{`","`}, `["\",\""]`},
		{Names{`\`, `a\"`}, `["\\","a\\\""]`},
		{Names{"<", ">", "&", "/", "'", "~", " "}, `["\u003c","\u003e","\u0026","/","'","~"," "]`},
		{Names{"\x1f", "\x7f", "\u2028"}, "[\"\\u001f\",\"\x7f\",\"\\u2028\"]"},
	} {
		var read Names
		if err := read.Scan(test.names.Text()); err != nil || test.names.Text() != test.text || !slices.Equal(read, test.names) {
			t.Errorf("%q is %s, read as %q, %v", test.names, test.names.Text(), read, err)
		}
	}
	for _, value := range []any{
		"", "GP1", `{"a":1}`, `[1]`, `["a"`, `["`, `["]`, `"]`, `["a","b]`, `["a""b"]`, `["a","b",]`, `["a",1]`, `["a"],["b"]`, "[\"a\nb\"]", int64(1), nil,
	} {
		if err := new(Names).Scan(value); err == nil {
			t.Errorf("%v is read as names", value)
		}
	}
}

// The short way to write and read texts is the one of JSON.
func FuzzNames(f *testing.F) {
	for _, text := range []string{"", "[]", `["a"]`, `["a","b"]`, `["\u0061"]`, `["a" ,"b"]`, ` ["a"]`, `["a\"]`, `["đ"]`, "[\"\xff\"]", `[null]`, `null`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		err := json.Unmarshal([]byte(text), &want)
		got, gotErr := NamesOf(text)
		if (gotErr == nil) != (err == nil) || err == nil && !slices.Equal([]string(got), want) {
			t.Errorf("%q is read as %q, %v; as JSON it is %q, %v", text, got, gotErr, want, err)
		}
		written, err := json.Marshal([]string{text, "a"})
		if err != nil {
			t.Fatal(err)
		}
		if got := (Names{text, "a"}).Text(); got != string(written) {
			t.Errorf("%q is written as %s, expected %s", text, got, written)
		}
	})
}

func TestCheckPayment(t *testing.T) {
	long := strings.Repeat("a", ledger.MaxName+1)
	for name, test := range map[string]struct {
		change func(*ledger.Payment)
		want   string
	}{
		"whole":               {func(*ledger.Payment) {}, ""},
		"longest":             {func(p *ledger.Payment) { p.OrderID, p.RequestID = long[1:], long[1:] }, ""},
		"without a book":      {func(p *ledger.Payment) { p.Book = "" }, "needs a book"},
		"without a requestID": {func(p *ledger.Payment) { p.RequestID = "" }, "and a requestID"},
		"long book":           {func(p *ledger.Payment) { p.Book = long }, "Book"},
		"long requestID":      {func(p *ledger.Payment) { p.RequestID = long }, "RequestID"},
		"long operation":      {func(p *ledger.Payment) { p.Operation = long }, "Operation"},
		"long effect":         {func(p *ledger.Payment) { p.Effect = operation.Effect(long) }, "Effect"},
		"long fingerprint":    {func(p *ledger.Payment) { p.Fingerprint = long }, "Fingerprint"},
		"long order":          {func(p *ledger.Payment) { p.OrderID = long }, "OrderID"},
		"long amount":         {func(p *ledger.Payment) { p.Amount = long }, "Amount"},
		"long currency":       {func(p *ledger.Payment) { p.Currency = long }, "Currency"},
		"long method":         {func(p *ledger.Payment) { p.Method = long }, "Method"},
		"long about":          {func(p *ledger.Payment) { p.About = long }, "About"},
		"long code":           {func(p *ledger.Payment) { p.Code = long }, "Code"},
		"long name":           {func(p *ledger.Payment) { p.Transactions = []string{"a", long} }, "Transactions"},
		"empty name":          {func(p *ledger.Payment) { p.Transactions = []string{""} }, "Transactions"},
		"largest reply":       {func(p *ledger.Payment) { p.Reply = make([]byte, maxSealed) }, ""},
		"large reply":         {func(p *ledger.Payment) { p.Reply = make([]byte, maxSealed+1) }, "Reply"},
		"long reason":         {func(p *ledger.Payment) { p.Reason = strings.Repeat("a", maxReason+1) }, "Reason"},
		"most names":          {func(p *ledger.Payment) { p.Transactions = slices.Repeat([]string{"a"}, maxNames) }, ""},
		"many names":          {func(p *ledger.Payment) { p.Transactions = slices.Repeat([]string{"a"}, maxNames+1) }, "Transactions"},
		"large address":       {func(p *ledger.Payment) { p.Address = make([]byte, maxSealed+1) }, "Address"},
	} {
		t.Run(name, func(t *testing.T) {
			p := ledger.Payment{Book: "shop https://gateway", RequestID: "R1"}
			test.change(&p)
			err := CheckPayment(&p)
			if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), long)) {
				t.Errorf("%v, expected %q", err, test.want)
			}
		})
	}
}

func TestLedgerView(t *testing.T) {
	view := LedgerView(func(column string) string { return "readable(" + column + ")" })
	for _, want := range []string{"readable(recorded_at) AS recorded_at", "readable(ask_at) AS ask_at", "length(reply) AS reply_bytes", " order_id,", " status,"} {
		if !strings.Contains(view, want) {
			t.Errorf("it has no %s: %s", want, view)
		}
	}
	for _, unwanted := range []string{" reply,", " address,"} {
		if strings.Contains(view, unwanted) {
			t.Errorf("it has %s: %s", unwanted, view)
		}
	}
}

func TestWherePayments(t *testing.T) {
	since := time.UnixMicro(7)
	for _, test := range []struct {
		filter    ledger.Filter
		condition string
		args      Args
	}{
		{ledger.Filter{}, "true", Args{}},
		{ledger.Filter{Limit: 3, NewestFirst: true, OrderID: "DH-1"}, "order_id = @order_id", Args{"order_id": "DH-1"}},
		{ledger.Filter{Status: ledger.Paid, Until: since}, "status = @status AND recorded_at < @until", Args{"status": "paid", "until": int64(7)}},
		{ledger.Filter{Status: ledger.Silent}, "status = @status AND " + RarePayments, Args{"status": "silent"}},
		{ledger.Filter{Book: "b", Outcome: ledger.Unknown}, "book = @book AND outcome = @outcome AND " + RareOutcomes, Args{"book": "b", "outcome": "unknown"}},
		{ledger.Filter{Merchant: "m", OrderID: "o"}, "substr(book || ' ', 1, length(CAST(@name AS TEXT)) + 1) = CAST(@name AS TEXT) || ' ' AND order_id = @order_id",
			Args{"name": "m", "order_id": "o"}},
		{ledger.Filter{RequestID: "r", Operation: "pay", Outcome: ledger.Accepted}, "request_id = @request_id AND operation = @operation AND outcome = @outcome",
			Args{"request_id": "r", "operation": "pay", "outcome": "accepted"}},
	} {
		if condition, args := WherePayments(test.filter); condition != test.condition || !maps.Equal(args, test.args) {
			t.Errorf("%+v: %s, %v", test.filter, condition, args)
		}
	}
}

// What an index leaves out is never looked for with its condition.
func TestConditionsOfIndexes(t *testing.T) {
	for _, status := range ledger.Statuses() {
		quoted := "'" + string(status) + "'"
		if strings.Contains(RarePayments, quoted) != IsRareStatus(status) || strings.Contains(OpenPayments, quoted) != status.IsOpen() {
			t.Errorf("%s is not where it should be", status)
		}
	}
	for _, outcome := range ledger.Outcomes() {
		condition, _ := WherePayments(ledger.Filter{Outcome: outcome})
		if isRare := strings.Contains(RareOutcomes, "'"+string(outcome)+"'"); strings.Contains(condition, RareOutcomes) != isRare || IsRareOutcome(outcome) != isRare {
			t.Errorf("%s is looked for by %s", outcome, condition)
		}
	}
}

func TestPaymentList(t *testing.T) {
	const kept = 2*pageSize + 50
	for _, newestFirst := range []bool{false, true} {
		f := ledger.Filter{NewestFirst: newestFirst, Limit: pageSize + 7}
		read := func(after uint64, size int) (page []ledger.Payment, err error) {
			for i := range uint64(kept) {
				seq := i + 1
				if newestFirst {
					seq = kept - i
				}
				if (seq > after) != newestFirst && seq != after && len(page) < size {
					page = append(page, ledger.Payment{Seq: seq})
				}
			}
			return page, nil
		}
		var seqs []uint64
		for p, err := range PaymentList(f, read) {
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, p.Seq)
		}
		if newestFirst {
			slices.Reverse(seqs)
		}
		if len(seqs) != f.Limit || !slices.IsSorted(seqs) || len(slices.Compact(seqs)) != f.Limit {
			t.Errorf("newest first %t: listed %v", newestFirst, seqs)
		}
	}
}
