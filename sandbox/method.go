package sandbox

import (
	"net/url"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// The methods without a card; those with one are in package card.
const (
	wallet = "WALLET"
	qrpay  = "QRPAY"
)

// pageMethods are those that the page offers where the merchant named none.
var pageMethods = []string{card.Domestic, card.International, wallet, qrpay}

// methodOfProvider is what the providers of a payment link's paymentMethods offer.
var methodOfProvider = map[string]string{
	"NAPAS": card.Domestic, "MPGS": card.International, "QRPAY": qrpay,
	"MOMO": wallet, "ZALOPAY": wallet, "GALAXYPAY": wallet,
}

// offeredBy are the methods of a link, in the page's order. The documents do not say which
// other providers there are; a link with none that is known offers everything.
func offeredBy(providers []string) []string {
	offered := slices.DeleteFunc(slices.Clone(pageMethods), func(method string) bool {
		return !slices.ContainsFunc(providers, func(p string) bool { return methodOfProvider[p] == method })
	})
	if len(offered) == 0 {
		return pageMethods
	}
	return offered
}

// offer leaves the method to the customer, if there is anything to choose.
func (p *payment) offer(methods []string) {
	if len(methods) == 1 {
		p.method = methods[0]
		return
	}
	p.offers = methods
}

// visit is what the address of the page asks for: another language, another method. An
// empty method goes back to the choice. Wrong one-time passwords stay counted.
func (t *transaction) visit(query url.Values) {
	t.seen = true
	if wanted := query.Get("language"); languages[wanted] != nil {
		t.shownIn = wanted
	}
	wanted := query.Get("method")
	if t.outcome != "" || !query.Has("method") || wanted == t.method {
		return
	}
	if len(t.offers) > 0 && (wanted == "" || slices.Contains(t.offers, wanted)) {
		t.method, t.card = wanted, nil
	}
}

// sourceType is the bank, card scheme or provider, which the customer chose where the
// merchant left it open.
func (t transaction) sourceType() string {
	switch {
	case t.source != "":
		return t.source
	case t.method == card.International && t.card != nil:
		return t.card.Brand
	}
	return usualSource[t.method]
}
