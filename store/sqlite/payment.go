package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// paymentColumns are what readPayment reads.
const paymentColumns = store.PaymentColumns + ", checksum"

// readPayment reads paymentColumns. It fails with a damagedError if the row is not what was
// written.
func readPayment(stmt *sqliteStmt) (ledger.Payment, error) {
	var p ledger.Payment
	fields := store.PaymentFields(&p)
	for i, field := range fields {
		column(stmt, i, field)
	}
	if stmt.ColumnInt64(len(fields)) != int64(paymentChecksum(&p)) {
		return ledger.Payment{Seq: p.Seq}, &damagedError{seq: p.Seq, isPayment: true}
	}
	return p, nil
}

func paymentChecksum(p *ledger.Payment) uint32 { return checksumOf(store.PaymentFields(p)...) }

// keyChecksum is that of a row of galaxypay_payment_keys.
func keyChecksum(seq uint64, book, requestID string) uint32 {
	return checksumOf(&seq, &book, &requestID)
}

// checksumOf is the checksum of fields. Lengths stand in front of texts, so that nothing can move
// from one to the next.
func checksumOf(fields ...any) uint32 {
	all := make([]byte, 0, 2<<10)
	number := func(n uint64) { all = binary.LittleEndian.AppendUint64(all, n) }
	text := func(s string) {
		number(uint64(len(s)))
		all = append(all, s...)
	}
	for _, field := range fields {
		switch field := field.(type) {
		case *uint64:
			number(*field)
		case *int:
			number(uint64(*field)) //nolint:gosec // G115: all its bits are wanted
		case *bool:
			number(numberOf(*field))
		case *string:
			text(*field)
		case *store.Names:
			text(field.Text())
		case *[]byte:
			number(uint64(len(*field)))
			all = append(all, *field...)
		case *store.Time:
			micros, ok := field.Micros()
			if !ok {
				micros = -1 << 63 // no time that can be kept
			}
			number(uint64(micros)) //nolint:gosec // G115: all its bits are wanted
		default:
			panic(fmt.Sprintf("a checksum of type %T", field))
		}
	}
	return crc32.Checksum(all, castagnoli)
}

func numberOf(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// keptPayment is a payment as the file can keep it: with valid texts, and times in microseconds.
func keptPayment(p *ledger.Payment) ledger.Payment {
	kept := *p
	kept.Transactions, kept.History = keptTexts(p.Transactions), keptTexts(p.History)
	for _, field := range store.PaymentFields(&kept) {
		switch field := field.(type) {
		case *string:
			*field = keptText(*field)
		case *store.Time:
			*field = store.Time(truncated(time.Time(*field)))
		}
	}
	return kept
}

func keptText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// keptTexts are copies.
func keptTexts(texts []string) []string {
	kept := slices.Clone(texts)
	for i, text := range kept {
		kept[i] = keptText(text)
	}
	return kept
}

var insertPaymentRow = "INSERT INTO galaxypay_payments (" + paymentColumns + ") VALUES (" +
	strings.Repeat("?, ", strings.Count(paymentColumns, ",")) + "?) ON CONFLICT DO NOTHING"

// insertPayment keeps a new payment, with a copy of its key, and reports whether its requestID is
// new in its book.
func insertPayment(c *conn, p *ledger.Payment) (bool, error) {
	stmt, err := c.Prepare(insertPaymentRow)
	if err != nil {
		return false, err
	}
	fields := store.PaymentFields(p)
	bindAll(stmt, fields)
	bind(stmt, len(fields)+1, paymentChecksum(p))
	if err := finish(stmt); err != nil || c.Changes() == 0 {
		return false, err
	}
	if err := insertKey(c, p.Seq, p.Book, p.RequestID); err != nil {
		return false, err
	}
	return true, insertNames(c, p, p.Transactions)
}

// insertKey keeps the key of a new payment. If there is one already, the index of payments is damaged:
// it has not shown the record.
func insertKey(c *conn, seq uint64, book, requestID string) error {
	return c.run("INSERT INTO galaxypay_payment_keys (seq, book, request_id, checksum) VALUES (?, ?, ?, ?)",
		seq, book, requestID, keyChecksum(seq, book, requestID))
}

func insertNames(c *conn, p *ledger.Payment, names []string) error {
	for _, name := range names {
		err := c.run("INSERT OR IGNORE INTO galaxypay_payment_transactions (transaction_id, book, seq) VALUES (?, ?, ?)", name, p.Book, p.Seq)
		if err != nil {
			return err
		}
	}
	return nil
}

// indexedColumns are those that an index has, or the condition of one. To set such a column costs a page of each of these indexes,
// even if it stays as it is, and most changes leave most of them as they are.
var indexedColumns = []string{"outcome", "status", "recorded_at", "order_id", "about", "ask_at", "asked_until"}

// setChanged has the statement that replaces a payment for each set of changed indexed columns: a bit for each.
var setChanged = func() (statements []string) {
	for changed := range 1 << len(indexedColumns) {
		var same []string
		for i, column := range indexedColumns {
			if changed>>i&1 == 0 {
				same = append(same, column)
			}
		}
		statements = append(statements, setColumns(same))
	}
	return statements
}()

// setColumns is the statement that replaces a payment, but for some of its columns.
func setColumns(without []string) string {
	without = append(without, "seq", "book", "request_id")
	var set []string
	for i, column := range paymentNames {
		if !slices.Contains(without, column) {
			set = append(set, fmt.Sprintf("%s = ?%d", column, i+1))
		}
	}
	return fmt.Sprintf("UPDATE galaxypay_payments SET %s, checksum = ?%d WHERE seq = ?1", strings.Join(set, ", "), len(paymentNames)+1)
}

// seenPayment is what a change has seen of a record in its transaction, whole and by its checksum: its key, what indexes have of it, and
// its names.
type seenPayment struct {
	book, requestID, orderID, about string
	outcome                         ledger.Outcome
	status                          ledger.Status
	recordedAt, askAt, askedUntil   time.Time
	transactions                    []string
}

func seenOf(p *ledger.Payment) seenPayment {
	return seenPayment{
		p.Book, p.RequestID, p.OrderID, p.About, p.Outcome, p.Status, p.RecordedAt, p.AskAt, p.AskedUntil, slices.Clone(p.Transactions),
	}
}

// changedColumns are the indexed columns in which a payment differs, as bits.
func (before *seenPayment) changedColumns(p *ledger.Payment) (changed int) {
	for i, differs := range [...]bool{
		before.outcome != p.Outcome, before.status != p.Status, !before.recordedAt.Equal(p.RecordedAt), before.orderID != p.OrderID,
		before.about != p.About, !before.askAt.Equal(p.AskAt), !before.askedUntil.Equal(p.AskedUntil),
	} {
		if differs {
			changed |= 1 << i
		}
	}
	return changed
}

// paymentNames are the names of store.PaymentColumns.
var paymentNames = strings.Split(strings.Join(strings.Fields(store.PaymentColumns), ""), ",")

// updatePayment puts a payment in the place of its record before.
func updatePayment(c *conn, before *seenPayment, p *ledger.Payment) error {
	stmt, err := c.Prepare(setChanged[before.changedColumns(p)])
	if err != nil {
		return err
	}
	fields := append(store.PaymentFields(p), new(uint64(paymentChecksum(p))))
	for i := 1; i <= stmt.BindParamCount(); i++ {
		if stmt.BindParamName(i) != "" {
			bind(stmt, i, fields[i-1])
		}
	}
	if err := finish(stmt); err != nil {
		return err
	}
	if c.Changes() != 1 {
		return fmt.Errorf("%w: a record is not found under its number", errDamaged)
	}
	for _, name := range before.transactions {
		if slices.Contains(p.Transactions, name) {
			continue
		}
		if err := c.run("DELETE FROM galaxypay_payment_transactions WHERE transaction_id = ? AND book = ? AND seq = ?", name, p.Book, p.Seq); err != nil {
			return err
		}
	}
	return insertNames(c, p, slices.DeleteFunc(slices.Clone(p.Transactions), func(name string) bool { return slices.Contains(before.transactions, name) }))
}

// paymentFile are pointers to the parts of a payment in the order of the table's columns, without
// seq, which is the key of the row; nil is the checksum.
func paymentFile(p *ledger.Payment) []any {
	fields := store.PaymentFields(p)
	file := make([]any, len(paymentOrder))
	for i, of := range paymentOrder {
		if of >= 0 {
			file[i] = fields[of]
		}
	}
	return file
}

// paymentOrder has for each column of the table which one of paymentNames it is; -1 is the
// checksum.
var paymentOrder = func() (order []int) {
	for _, column := range []string{
		"book", "request_id", "outcome", "status", "recorded_at", "checksum", "operation", "effect", "fingerprint", "order_id", "amount", "currency",
		"method", "about", "deferred", "captured", "transactions", "deadline", "ended_at", "sendings", "code", "was_unknown", "settled", "reason",
		"settled_at", "word", "status_at", "ask_from", "asked", "answered", "ask_at", "asked_until", "history", "address", "reply",
	} {
		order = append(order, slices.Index(paymentNames, column))
	}
	return order
}()
