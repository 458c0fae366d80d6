package desk

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// newTable writes CSV by RFC 4180, whose lines end with CR and LF.
func newTable(w io.Writer) *csv.Writer {
	table := csv.NewWriter(w)
	table.UseCRLF = true
	return table
}

// formulaStarts are the characters with which a cell is a formula for spreadsheets, their wide forms too.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// cell is a text as a cell has it: one that a spreadsheet could take for a formula begins with a quote. Control characters are
// replaced, since they could steer the operator's terminal.
func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune(formulaStarts, first) {
		return "'" + text
	}
	return text
}

// amountCell is an amount as a cell has it: a number as it was written, without an exponent; else a text.
func amountCell(amount string) string {
	decimal, ok := ledger.Decimal(amount)
	switch {
	case !ok:
		return cell(amount)
	case strings.ContainsAny(amount, "eE"):
		return decimal
	}
	return amount
}
