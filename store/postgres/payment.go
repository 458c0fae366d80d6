package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// readPayment reads a payment from store.PaymentColumns.
func readPayment(row pgx.CollectableRow) (ledger.Payment, error) {
	var p ledger.Payment
	err := row.Scan(store.PaymentFields(&p)...)
	return p, err
}

// storablePayment is a payment as it is stored.
func storablePayment(p *ledger.Payment) ledger.Payment {
	kept := *p
	kept.Transactions, kept.History = storables(p.Transactions), storables(p.History)
	for _, field := range store.PaymentFields(&kept) {
		switch field := field.(type) {
		case *string:
			*field = storable(*field)
		case *[]byte:
			*field = append([]byte{}, *field...) // nil would be null
		case *store.Time:
			*field = store.Time(storableTime(time.Time(*field)))
		}
	}
	return kept
}

func storablePaymentFilter(f ledger.Filter) ledger.Filter {
	for _, text := range []*string{&f.Book, &f.Merchant, &f.RequestID, &f.RequestStart, &f.OrderID, &f.Transaction, &f.Operation, (*string)(&f.Outcome), (*string)(&f.Status)} {
		*text = storable(*text)
	}
	return f
}

// paymentNames are the columns of a payment. The first is seq.
var paymentNames = strings.Split(strings.Join(strings.Fields(store.PaymentColumns), ""), ",")

// insertPayment keeps a new payment, with its names, and returns its number; no row if its book has
// the requestID already. The parameters are those of store.PaymentFields, without the number, and
// the names as an array.
var insertPayment = func() string {
	columns := paymentNames[1:]
	values := make([]string, len(columns))
	for i := range columns {
		values[i] = fmt.Sprintf("$%d", i+1)
	}
	return fmt.Sprintf(`
WITH added AS (
	INSERT INTO galaxypay_payments (%s) VALUES (%s)
	ON CONFLICT (request_id, book) DO NOTHING
	RETURNING seq, book
), named AS (
	INSERT INTO galaxypay_payment_transactions (transaction_id, book, seq)
	SELECT DISTINCT name, book, seq FROM added CROSS JOIN unnest($%d::text[]) AS name
)
SELECT seq FROM added`, strings.Join(columns, ", "), strings.Join(values, ", "), len(columns)+1)
}()

// replacePayment puts a payment in the place of the one with its number, with the names that it did
// not have, and returns those that it had; no row if there is none of that number, book and requestID.
// The parameters are those of store.PaymentFields, and the names as an array.
var replacePayment = func() string {
	var set, where []string
	names := ""
	for i, column := range paymentNames {
		term := fmt.Sprintf("%s = $%d", column, i+1)
		switch column {
		case "seq", "book", "request_id":
			where = append(where, term)
			continue
		case "transactions":
			names = fmt.Sprintf("$%d", i+1)
		}
		set = append(set, term)
	}
	return fmt.Sprintf(`
WITH before AS (
	SELECT transactions FROM galaxypay_payments WHERE seq = $1
), replaced AS (
	UPDATE galaxypay_payments SET %s WHERE %s
	RETURNING seq, book
), named AS (
	INSERT INTO galaxypay_payment_transactions (transaction_id, book, seq)
	SELECT DISTINCT name, book, seq FROM replaced CROSS JOIN before CROSS JOIN unnest($%d::text[]) AS name
	WHERE before.transactions <> %s
	ON CONFLICT DO NOTHING
)
SELECT transactions FROM before CROSS JOIN replaced`, strings.Join(set, ", "), strings.Join(where, " AND "), len(paymentNames)+1, names)
}()

// removeNames removes names that a payment has no more.
const removeNames = "DELETE FROM galaxypay_payment_transactions WHERE transaction_id = ANY ($1::text[]) AND book = $2 AND seq = $3"

// without returns the texts that others do not have.
func without(texts, others []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return slices.Contains(others, text) })
}
