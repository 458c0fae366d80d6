package store

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// PaymentColumns are the columns of the table galaxypay_payments that make a payment, in the
// order of PaymentFields. Both engines have them. Times are as in EventColumns, the names in
// transactions and the lines of history are JSON arrays.
//
// A second table, galaxypay_payment_transactions (transaction_id, book, seq), has a row for each
// of these names.
const PaymentColumns = `seq, book, request_id, operation, effect, fingerprint, order_id, amount, currency, method, about,
	deferred, captured, transactions, address, recorded_at, deadline, ended_at, sendings, outcome, code, was_unknown, reply,
	settled, reason, settled_at, status, word, status_at, ask_from, asked, answered, ask_at, asked_until, history`

// PaymentFields are pointers to the parts of a payment, in the order of PaymentColumns. Their
// types are *uint64, *string, *bool, *int, *[]byte, *Time and *Names.
func PaymentFields(p *ledger.Payment) []any {
	return []any{
		&p.Seq, &p.Book, &p.RequestID, &p.Operation, (*string)(&p.Effect), &p.Fingerprint, &p.OrderID, &p.Amount, &p.Currency, &p.Method, &p.About,
		&p.Deferred, &p.Captured, (*Names)(&p.Transactions), &p.Address,
		(*Time)(&p.RecordedAt), (*Time)(&p.Deadline), (*Time)(&p.EndedAt), &p.Sending, (*string)(&p.Outcome), &p.Code, &p.WasUnknown, &p.Reply,
		(*string)(&p.Settled), &p.Reason, (*Time)(&p.SettledAt), (*string)(&p.Status), &p.Word, (*Time)(&p.StatusAt),
		(*Time)(&p.AskFrom), &p.Asked, &p.Answered, (*Time)(&p.AskAt), (*Time)(&p.AskedUntil), (*Names)(&p.History),
	}
}

// Names are texts as a column has them: a JSON array.
type Names []string

// Text is the array.
func (n Names) Text() string {
	if len(n) == 0 {
		return "[]"
	}
	if !slices.ContainsFunc(n, isQuoted) {
		return `["` + strings.Join(n, `","`) + `"]`
	}
	text, err := json.Marshal([]string(n))
	if err != nil {
		panic(err) // texts can always be written
	}
	return string(text)
}

// isQuoted reports whether a text stands in JSON in another form than between quotation marks.
func isQuoted(text string) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' {
			return true
		}
	}
	return false
}

// NamesOf is the opposite of Text.
func NamesOf(text string) (Names, error) {
	if n, ok := plainNames(text); ok {
		return n, nil
	}
	var n Names
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, errors.New("expected a JSON array of texts")
	}
	if len(n) == 0 {
		return nil, nil
	}
	return n, nil
}

// plainNames reads what Text has written of texts that are not quoted, which nearly all are; ok is false for all else.
func plainNames(text string) (n Names, ok bool) {
	if text == "[]" {
		return nil, true
	}
	inner, begins := strings.CutPrefix(text, `["`)
	inner, ends := strings.CutSuffix(inner, `"]`)
	if !begins || !ends {
		return nil, false
	}
	n = strings.Split(inner, `","`)
	return n, !slices.ContainsFunc(n, isQuoted)
}

// Value implements driver.Valuer.
func (n Names) Value() (driver.Value, error) { return n.Text(), nil }

// Scan implements sql.Scanner.
func (n *Names) Scan(value any) (err error) {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("expected a text with names, got %T", value)
	}
	*n, err = NamesOf(text)
	return err
}

// Bounds of a payment: of Reply and Address, and of Reason, in bytes, and of its Transactions.
const (
	maxSealed = 16 << 20
	maxReason = 64 << 10
	maxNames  = 100
	maxLines  = 100 // of History
)

// CheckPayment refuses what no store keeps. The error names the field.
func CheckPayment(p *ledger.Payment) error {
	if p.Book == "" || p.RequestID == "" {
		return errors.New("a payment needs a book and a requestID")
	}
	for _, name := range [...]struct{ field, text string }{
		{"Book", p.Book}, {"RequestID", p.RequestID}, {"Operation", p.Operation}, {"Effect", string(p.Effect)}, {"Fingerprint", p.Fingerprint},
		{"OrderID", p.OrderID}, {"Amount", p.Amount}, {"Currency", p.Currency}, {"Method", p.Method}, {"About", p.About},
		{"Outcome", string(p.Outcome)}, {"Code", p.Code}, {"Settled", string(p.Settled)}, {"Status", string(p.Status)},
	} {
		if len(name.text) > ledger.MaxName {
			return fmt.Errorf("%s of a payment: expected at most %d bytes, got %d", name.field, ledger.MaxName, len(name.text))
		}
	}
	if len(p.Transactions) > maxNames {
		return fmt.Errorf("the Transactions of a payment: expected at most %d names, got %d", maxNames, len(p.Transactions))
	}
	for _, name := range p.Transactions {
		if name == "" || len(name) > ledger.MaxName {
			return fmt.Errorf("the Transactions of a payment: expected names of 1 to %d bytes, got one of %d", ledger.MaxName, len(name))
		}
	}
	if len(p.History) > maxLines || slices.ContainsFunc(p.History, func(line string) bool { return len(line) > ledger.MaxName }) {
		return fmt.Errorf("the History of a payment: expected at most %d lines of at most %d bytes", maxLines, ledger.MaxName)
	}
	if len(p.Reply) > maxSealed || len(p.Address) > maxSealed {
		return fmt.Errorf("the Reply and Address of a payment: expected at most %d bytes, got %d and %d", maxSealed, len(p.Reply), len(p.Address))
	}
	if len(p.Reason) > maxReason {
		return fmt.Errorf("the Reason of a payment: expected at most %d bytes, got %d", maxReason, len(p.Reason))
	}
	return nil
}

// LedgerView is the statement that makes the view galaxypay_ledger, which shows people the
// payments: SELECT * FROM galaxypay_ledger WHERE order_id = 'DH-1001'. Readable is that of
// InboxView.
func LedgerView(readable func(column string) string) string {
	columns := strings.Split(strings.Join(strings.Fields(PaymentColumns), " "), ", ")
	for i, column := range columns {
		switch column {
		case "recorded_at", "deadline", "ended_at", "settled_at", "status_at", "ask_from", "ask_at", "asked_until":
			columns[i] = readable(column) + " AS " + column
		case "address", "reply":
			columns[i] = "length(" + column + ") AS " + column + "_bytes"
		}
	}
	return "CREATE VIEW galaxypay_ledger AS SELECT " + strings.Join(columns, ", ") + " FROM galaxypay_payments"
}

// Conditions of indexes that leave out what most payments are. A query whose condition has the
// same words can use the index.
const (
	// OpenPayments are those that Stats.OldestOpen looks at.
	OpenPayments = "status IN ('open', 'unknown', 'authorized')"
	// RarePayments are those of a payment status that few have.
	RarePayments = "status IN ('open', 'unknown', 'authorized', 'reversed', 'abandoned', 'silent')"
	// RareOutcomes are the outcomes that few calls have.
	RareOutcomes = "outcome IN ('at_work', 'not_sent', 'unknown')"
)

// IsRareOutcome reports whether an outcome is one of RareOutcomes.
func IsRareOutcome(o ledger.Outcome) bool {
	return o == ledger.AtWork || o == ledger.NotSent || o == ledger.Unknown
}

// IsRareStatus reports whether a status is one of RarePayments.
func IsRareStatus(s ledger.Status) bool {
	switch s {
	case ledger.Open, ledger.StatusUnknown, ledger.Authorized, ledger.Reversed, ledger.Abandoned, ledger.Silent:
		return true
	}
	return false
}

// Queries of payments, with names for their parameters.
var (
	// PaymentOf finds the payment of a @book and a @request_id.
	PaymentOf = "SELECT " + PaymentColumns + " FROM galaxypay_payments WHERE book = @book AND request_id = @request_id"

	// NamedPayments finds those of a @book that have a @transaction_id among their names.
	NamedPayments = "SELECT " + PaymentColumns + " FROM galaxypay_payments WHERE " + named + " ORDER BY seq"

	// AboutPayments finds those of a @book that are about a transaction, @about.
	AboutPayments = "SELECT " + PaymentColumns + ` FROM galaxypay_payments
	WHERE book = @book AND about = @about AND about <> '' ORDER BY seq`

	// OrderedPayments finds those of a @book that take a payment for an order, @order_id.
	OrderedPayments = "SELECT " + PaymentColumns + ` FROM galaxypay_payments
	WHERE book = @book AND order_id = @order_id AND effect IN (` + paymentEffects() + ") ORDER BY seq"

	// DuePayments finds up to @limit of a @book that the gateway is to be asked about at a time,
	// @now, those that are due the longest first.
	DuePayments = "SELECT " + PaymentColumns + ` FROM galaxypay_payments
	WHERE book = @book AND ask_at <= @now ORDER BY ask_at, seq LIMIT @limit`
)

// The same, without more.
const (
	named = "seq IN (SELECT seq FROM galaxypay_payment_transactions WHERE transaction_id = @transaction_id AND book = @book)"

	// PaymentsAsked counts those that the gateway is being asked about at a time, @now.
	PaymentsAsked = "SELECT count(*) FROM galaxypay_payments WHERE asked_until > @now"

	// NextDuePayment finds when the first of a @book is due; NULL: none is.
	NextDuePayment = "SELECT min(ask_at) FROM galaxypay_payments WHERE book = @book AND ask_at IS NOT NULL"

	// OldestOpenPayments finds when the oldest open payment of each book was recorded.
	OldestOpenPayments = "SELECT book, min(recorded_at) FROM galaxypay_payments WHERE " + OpenPayments + " GROUP BY book"
)

func paymentEffects() string {
	var quoted []string
	for _, effect := range ledger.PaymentEffects() {
		quoted = append(quoted, "'"+string(effect)+"'")
	}
	return strings.Join(quoted, ", ")
}

// WherePayments is a filter as a condition on galaxypay_payments, all but its order and limit.
func WherePayments(f ledger.Filter) (condition string, args Args) {
	terms, args := []string{}, Args{}
	text := func(column, value string) {
		if value != "" {
			terms = append(terms, column+" = @"+column)
			args[column] = value
		}
	}
	text("book", f.Book)
	if f.Merchant != "" {
		terms = append(terms, "substr(book || ' ', 1, length(CAST(@name AS TEXT)) + 1) = CAST(@name AS TEXT) || ' '")
		args["name"] = f.Merchant
	}
	text("request_id", f.RequestID)
	if f.RequestStart != "" {
		terms = append(terms, "request_id >= @start AND request_id < @beyond")
		args["start"], args["beyond"] = f.RequestStart, beyond(f.RequestStart)
	}
	text("order_id", f.OrderID)
	if f.Transaction != "" {
		terms = append(terms, `seq IN (SELECT seq FROM galaxypay_payment_transactions WHERE transaction_id = @transaction_id
		UNION ALL SELECT seq FROM galaxypay_payments WHERE about = @transaction_id AND about <> '')`)
		args["transaction_id"] = f.Transaction
	}
	text("operation", f.Operation)
	text("outcome", string(f.Outcome))
	if IsRareOutcome(f.Outcome) {
		terms = append(terms, RareOutcomes)
	}
	text("status", string(f.Status))
	if IsRareStatus(f.Status) {
		terms = append(terms, RarePayments)
	}
	at := func(operator, name string, bound time.Time) {
		if micros, ok := Time(bound).Micros(); ok {
			terms = append(terms, "recorded_at "+operator+" @"+name)
			args[name] = micros
		}
	}
	at(">=", "since", f.Since)
	at("<", "until", f.Until)
	if len(terms) == 0 {
		return "true", args
	}
	return strings.Join(terms, " AND "), args
}

// beyond is the first text, in the order of bytes, behind all that begin with start.
func beyond(start string) string {
	last, size := utf8.DecodeLastRuneInString(start)
	switch last {
	case 0xD7FF: // what follows is no character
		last = 0xDFFF
	case utf8.MaxRune:
		return start + string(utf8.MaxRune)
	}
	return start[:len(start)-size] + string(last+1)
}

// ListPayments reads the next payments that a filter picks, in its order: up to limit of those
// behind the one with the number after. Of the first page, after is [FirstPayment].
func ListPayments(f ledger.Filter, after uint64, limit int) (sql string, args Args) {
	condition, args := WherePayments(f)
	args["after"], args["limit"] = after, limit
	follows, order := "seq > @after", "seq"
	if f.NewestFirst {
		follows, order = "seq < @after", "seq DESC"
	}
	return "SELECT " + PaymentColumns + " FROM galaxypay_payments WHERE " + condition + " AND " + follows + " ORDER BY " + order + " LIMIT @limit", args
}

// FirstPayment is the number behind which a list begins.
func FirstPayment(f ledger.Filter) uint64 {
	if f.NewestFirst {
		return 1<<63 - 1
	}
	return 0
}

// PaymentCounts are what ledger.Store.Stats returns.
type PaymentCounts []ledger.Stats

// Add counts n payments of a status and an outcome. Those of one book come one after another.
func (c *PaymentCounts) Add(book string, status ledger.Status, outcome ledger.Outcome, n int) {
	if len(*c) == 0 || (*c)[len(*c)-1].Book != book {
		*c = append(*c, newPaymentStats(book))
	}
	of := (*c)[len(*c)-1]
	if status != "" {
		of.Statuses[status] += n
	}
	if outcome != "" {
		of.Outcomes[outcome] += n
	}
}

// SetOldest notes when the oldest open payment of a book was recorded.
func (c PaymentCounts) SetOldest(book string, at time.Time) {
	for i := range c {
		if c[i].Book == book {
			c[i].OldestOpen = at
		}
	}
}

func newPaymentStats(book string) ledger.Stats {
	s := ledger.Stats{Book: book, Statuses: map[ledger.Status]int{}, Outcomes: map[ledger.Outcome]int{}}
	for _, status := range ledger.Statuses() {
		s.Statuses[status] = 0
	}
	for _, outcome := range ledger.Outcomes() {
		s.Outcomes[outcome] = 0
	}
	return s
}

// DueFirst sorts payments of several books by when they are due, and takes up to limit of them.
func DueFirst(due []*ledger.Payment, limit int) []*ledger.Payment {
	slices.SortStableFunc(due, func(a, b *ledger.Payment) int {
		return cmp.Or(a.AskAt.Compare(b.AskAt), cmp.Compare(a.Seq, b.Seq))
	})
	return due[:min(limit, len(due))]
}
