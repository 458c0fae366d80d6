package sandbox

import (
	"net/url"
	"slices"
	"unicode/utf8"
)

// payerFields are what a payment link can ask its payer for.
var payerFields = []string{"fullname", "email", "phone", "shippingAddress"}

// payer is what the payer of a link typed on its page. The link is created with fullname
// and tells fullName.
type payer struct {
	FullName        string `json:"fullName,omitempty"`
	Phone           string `json:"phone,omitempty"`
	Email           string `json:"email,omitempty"`
	ShippingAddress string `json:"shippingAddress,omitempty"`
}

// readPayer takes the details from a form of the payment page; ok is false if one of them
// is longer than the table allows.
func readPayer(form url.Values) (p payer, ok bool) {
	for _, name := range payerFields {
		value := form.Get(name)
		if utf8.RuneCountInString(value) > 50 {
			return payer{}, false
		}
		*p.field(name) = value
	}
	return p, true
}

// takePayer keeps what the payer of a link typed. Whether the gateway demands every detail
// is not documented; here each can be left empty.
func (t *transaction) takePayer(form url.Values) (outcome, complaint) {
	by, ok := readPayer(form)
	if !ok {
		return "", payerTooLong
	}
	t.identify(by)
	return "", ""
}

// identify keeps what the payer of a link typed, as far as it was asked for. Nothing typed
// takes nothing back.
func (t *transaction) identify(by payer) {
	if t.link == nil {
		return
	}
	t.identified = true
	if by != (payer{}) {
		t.payer = by.asked(t.link.asks)
	}
}

// asked keeps what the link asked for.
func (p payer) asked(names []string) payer {
	for _, name := range payerFields {
		if !slices.Contains(names, name) {
			*p.field(name) = ""
		}
	}
	return p
}

func (p *payer) field(name string) *string {
	return map[string]*string{
		"fullname": &p.FullName, "email": &p.Email, "phone": &p.Phone, "shippingAddress": &p.ShippingAddress,
	}[name]
}
