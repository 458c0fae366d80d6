package sandbox

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxCardName is how long an accountName can be.
const maxCardName = 50

// takeCard accepts the published test cards and no others: a person could take the page for
// the gateway's and type a real number. Nothing of a refused card is kept, shown again or
// logged.
func takeCard(t *ledger.Transaction, form url.Values) (ledger.Outcome, complaint) {
	number := strings.NewReplacer(" ", "", "-", "").Replace(form.Get("cardNumber"))
	published, found := card.FindTestCard(number)
	if !found || published.Method != t.Method {
		return "", cardUnknown
	}
	name := strings.TrimSpace(form.Get("cardHolderName"))
	if name == "" || utf8.RuneCountInString(name) > maxCardName {
		return "", nameMissing
	}
	if form.Get("cardExpireDate") != published.Date || form.Get("cardVerificationValue") != published.CVV {
		return "", detailsDiffer
	}
	t.Card = card.NewAccount(number, name, t.Method, t.Source)
	if !t.Card.OTP {
		return ledger.Success, ""
	}
	return "", ""
}
