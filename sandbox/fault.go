package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// fault is something that goes wrong because a request asked for it by name, in
// extraData.sandboxFault or in a tag of its orderDescription. The gateway knows neither,
// and both fields are the merchant's own, so this stands in the way of nothing that is
// documented.
type fault struct {
	name  string
	about string // one line, for people

	// One of these is what it does.
	early    func()          // in the place of the operation
	code     string          // responseCode of a refusal in the place of the operation
	spoil    func(*outgoing) // to the answer to the request
	misroute func(*post)     // to the IPNs of the payment that the request opens
	mislead  func(*wayBack)  // to the result that the browser brings back
}

// faults is every fault there is. Those of one request strike in this order: what is
// said, then its signature, then how it travels.
var faults = []fault{
	{name: "answer_code_401", about: "the request is refused with responseCode 401 and not carried out", code: "401"},
	{name: "answer_code_408", about: "the request is refused with responseCode 408 and not carried out", code: "408"},
	{name: "answer_code_409", about: "the request is refused with responseCode 409 and not carried out", code: "409"},
	{name: "answer_code_499", about: "the request is refused with responseCode 499 and not carried out", code: "499"},
	{name: "answer_code_502", about: "the request is refused with responseCode 502 and not carried out", code: "502"},
	{name: "answer_code_503", about: "the request is refused with responseCode 503 and not carried out", code: "503"},
	{name: "answer_code_504", about: "the request is refused with responseCode 504 and not carried out", code: "504"},
	{name: "answer_code_505", about: "the request is refused with responseCode 505 and not carried out", code: "505"},
	{name: "answer_code_00", about: "the request is carried out, but its responseCode is 00", spoil: confuseCode},
	{name: "answer_other_request", about: "the answer has the requestID of another request", spoil: confuseRequest},
	{name: "answer_clock_skew", about: "responseDateTime of the answer is a day behind", spoil: setBack},
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

	{name: "ipn_paid_after_expired", about: "the IPN of a paid payment follows one that says expired", misroute: expireFirst},
	{name: "ipn_cancel_after_paid", about: "the IPN of a paid payment is followed by one that says cancelled", misroute: takeBack},
	{name: "ipn_clock_skew", about: "responseDateTime of the IPN is a day behind", misroute: setBackIPN},
	{name: "ipn_plus", about: "the Base64 of the IPN has a + and a / for certain", misroute: addPlus},
	{name: "ipn_twice", about: "every IPN is sent twice", misroute: repeat},
	{name: "ipn_tampered_amount", about: "the amount in the IPN was changed after signing", misroute: raiseAmount},
	{name: "ipn_wrong_salt", about: "the IPN is signed with another salt", misroute: sealWrongly},
	{name: "ipn_unsigned", about: "the IPN has no signature", misroute: unseal},
	{name: "ipn_late", about: "the IPN is sent five seconds after the outcome, and the browser does not wait for it", misroute: delay},
	{name: "ipn_lost", about: "the IPN is never sent", misroute: lose},

	{name: "result_plus", about: "the Base64 of the browser's result has a + that is not percent-encoded and arrives as a space", mislead: loosenPlus},
}

// faults takes the faults that a request asks for.
func (r *reader) faults() []fault {
	asked := r.choose("extraData.sandboxFault", r.extraFaults())
	tagged := r.choose("a fault in orderDescription", r.taggedFaults())
	return merge(asked, tagged)
}

// choose takes the faults of these names, and refuses a name that no fault has.
func (r *reader) choose(field string, names []string) []fault {
	chosen, known := faultsNamed(names)
	if !known {
		r.fail(field, "is not one of "+faultNames())
	}
	return chosen
}

// extraFaults takes the names in extraData.sandboxFault: one text, or an array of them.
// Whether extraData is an object at all is for the catalogue to judge.
func (r *reader) extraFaults() []string {
	var extra struct {
		Fault json.RawMessage `json:"sandboxFault"`
	}
	if json.Unmarshal(r.fields["extraData"], &extra) != nil || extra.Fault == nil || string(extra.Fault) == "null" {
		return nil
	}
	var name string
	var names []string
	if json.Unmarshal(extra.Fault, &name) == nil {
		return []string{name}
	}
	if json.Unmarshal(extra.Fault, &names) != nil {
		return []string{""}
	}
	return names
}

var faultTag = regexp.MustCompile(`\[fault:([^\]]*)\]`)

// taggedFaults takes the names in orderDescription, each as [fault:NAME]: a shop whose
// plugin has no extraData can still write a description.
func (r *reader) taggedFaults() []string {
	description, _ := r.fields.text("orderDescription")
	var names []string
	for _, tag := range faultTag.FindAllStringSubmatch(description, -1) {
		names = append(names, tag[1])
	}
	return names
}

// faultsNamed returns the faults of these names; known is false, and there are none, if
// one of the names is not a fault's.
func faultsNamed(names []string) (chosen []fault, known bool) {
	for _, name := range names {
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.name == name }) {
			return nil, false
		}
	}
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !slices.Contains(names, f.name) }), true
}

// merge returns the faults that are in one of the two or in both, in the order in which
// they strike.
func merge(a, b []fault) []fault {
	merged, _ := faultsNamed(append(namesOf(a), namesOf(b)...))
	return merged
}

func namesOf(chosen []fault) []string {
	names := make([]string, len(chosen))
	for i, f := range chosen {
		names[i] = f.name
	}
	return names
}

func faultNames() string { return strings.Join(namesOf(faults), ", ") }

// strikeEarly lets those faults strike that leave nothing to carry out.
func (c call) strikeEarly() {
	for _, f := range c.faults {
		if f.early != nil {
			f.early()
		}
	}
}

// refusal is what a fault answers in the place of the operation.
func (c call) refusal() (said reply, struck bool) {
	for _, f := range c.faults {
		if f.code != "" {
			return refused(f.code, "a fault was asked for"), true
		}
	}
	return reply{}, false
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
