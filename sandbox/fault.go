package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// fault is something that goes wrong because a request asked for it, by name in
// extraData.sandboxFault. The gateway knows no such field and extraData is the merchant's
// own, so it stands in the way of nothing that is documented.
type fault struct {
	name  string
	about string // one line, for people

	// One of these is what it does.
	early    func()          // in the place of the operation
	spoil    func(*outgoing) // to the answer to the request
	misroute func(*post)     // to the IPNs of the payment that the request opens
}

// faults is every fault there is. Those of one request strike in this order: what is
// said, then its signature, then how it travels.
var faults = []fault{
	{name: "answer_extra_fields", about: "the answer has fields that no document knows", spoil: addFields},
	{name: "answer_data_string", about: "responseData is a text that holds JSON", spoil: quoteData},
	{name: "answer_numbers", about: "the codes of the answer are numbers", spoil: numberCodes},
	{name: "answer_1mib", about: "the answer is exactly 1 MiB long", spoil: inflate},
	{name: "answer_empty", about: "the answer has no body", spoil: empty},
	{name: "answer_wrong_salt", about: "the answer is signed with another salt", spoil: signWrongly},
	{name: "answer_unsigned", about: "the answer has no signature", spoil: unsign},
	{name: "answer_tampered", about: "one byte of the answer was changed after signing", spoil: tamper},
	{name: "answer_gzip", about: "the answer is compressed, asked for or not", spoil: compress},
	{name: "answer_slow", about: "the answer arrives in small pieces within about two seconds", spoil: drip},
	{name: "answer_cut", about: "the connection breaks in the middle of the answer", spoil: cut},
	{name: "answer_html_502", about: "HTTP 502 and a web page take the place of the answer", spoil: blameProxy},
	{name: "answer_hang", about: "the answer never comes; after 60 seconds the connection breaks", spoil: hang},
	{name: "reset_after", about: "the request is carried out, then the connection breaks without an answer", spoil: reset},
	{name: "reset_before", about: "the connection breaks before the request is carried out", early: hangUp},

	{name: "ipn_cancel_after_paid", about: "the IPN of a paid payment is followed by one that says cancelled", misroute: takeBack},
	{name: "ipn_twice", about: "every IPN is sent twice", misroute: repeat},
	{name: "ipn_tampered_amount", about: "the amount in the IPN was changed after signing", misroute: raiseAmount},
	{name: "ipn_wrong_salt", about: "the IPN is signed with another salt", misroute: sealWrongly},
	{name: "ipn_unsigned", about: "the IPN has no signature", misroute: unseal},
	{name: "ipn_lost", about: "the IPN is never sent", misroute: lose},
}

// faults takes the names in extraData.sandboxFault: one text, or an array of them. Whether
// extraData is an object at all is for the catalogue to judge.
func (r *reader) faults() []fault {
	var extra struct {
		Fault json.RawMessage `json:"sandboxFault"`
	}
	if json.Unmarshal(r.fields["extraData"], &extra) != nil || extra.Fault == nil || string(extra.Fault) == "null" {
		return nil
	}
	var name string
	var names []string
	if json.Unmarshal(extra.Fault, &name) == nil {
		names = []string{name}
	} else if json.Unmarshal(extra.Fault, &names) != nil {
		names = []string{""}
	}
	chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !slices.Contains(names, f.name) })
	for _, name := range names {
		if !slices.ContainsFunc(chosen, func(f fault) bool { return f.name == name }) {
			r.fail("extraData.sandboxFault", "is not one of "+faultNames())
			return nil
		}
	}
	return chosen
}

func faultNames() string {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// strikeEarly lets those faults strike that leave nothing to carry out.
func (c call) strikeEarly() {
	for _, f := range c.faults {
		if f.early != nil {
			f.early()
		}
	}
}

// strike lets those faults strike that spoil the answer.
func (c call) strike(o *outgoing) {
	for _, f := range c.faults {
		if f.spoil != nil {
			f.spoil(o)
		}
	}
}

// hangUp breaks the connection, or with HTTP/2 the stream. The server stays silent about
// this one panic.
func hangUp() { panic(http.ErrAbortHandler) }
