package ledger

import "slices"

// PayerFields are what a payment link can ask its payer for.
func PayerFields() []string { return []string{"fullname", "email", "phone", "shippingAddress"} }

// Payer is what the payer of a link typed on its page. The link is created with fullname
// and answers with fullName.
type Payer struct {
	FullName        string `json:"fullName,omitempty"`
	Phone           string `json:"phone,omitempty"`
	Email           string `json:"email,omitempty"`
	ShippingAddress string `json:"shippingAddress,omitempty"`
}

// Set keeps the value of one of the PayerFields.
func (p *Payer) Set(name, value string) {
	switch name {
	case "fullname":
		p.FullName = value
	case "email":
		p.Email = value
	case "phone":
		p.Phone = value
	case "shippingAddress":
		p.ShippingAddress = value
	}
}

// Identify keeps what the payer of a link typed, as far as the link asks for it. Nothing
// typed takes nothing back.
func (t *Transaction) Identify(by Payer) {
	if t.Link == nil {
		return
	}
	t.Identified = true
	if by != (Payer{}) {
		t.Payer = by.only(t.Link.Asks)
	}
}

// only keeps the named fields.
func (p Payer) only(names []string) Payer {
	for _, name := range PayerFields() {
		if !slices.Contains(names, name) {
			p.Set(name, "")
		}
	}
	return p
}
