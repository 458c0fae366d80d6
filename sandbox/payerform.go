package sandbox

import (
	"net/url"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxPayerField is how long a detail of a payer can be, in characters.
const maxPayerField = 50

// readPayer takes the payer's details from a form of the payment page; ok is false if one of
// them is longer than the table allows.
func readPayer(form url.Values) (p ledger.Payer, ok bool) {
	for _, name := range ledger.PayerFields() {
		value := form.Get(name)
		if utf8.RuneCountInString(value) > maxPayerField {
			return ledger.Payer{}, false
		}
		p.Set(name, value)
	}
	return p, true
}

// tooLong names the details in a form that readPayer refuses.
func tooLong(form url.Values) map[string]bool {
	names := make(map[string]bool)
	for _, name := range ledger.PayerFields() {
		names[name] = utf8.RuneCountInString(form.Get(name)) > maxPayerField
	}
	return names
}

// takePayer keeps what the payer of a link typed. Whether the gateway demands every detail
// is not documented; here each can be left empty.
func takePayer(t *ledger.Transaction, form url.Values) (ledger.Outcome, complaint) {
	by, ok := readPayer(form)
	if !ok {
		return "", payerTooLong
	}
	t.Identify(by)
	return "", ""
}
