// Package fault has everything that goes wrong in the sandbox because a request or the
// control API named it: with the gateway's answer, with IPNs, with the result that the browser
// brings to the app, and with what a query says.
//
// A new fault is a line in list.go, which names what it does and where the code for it is.
package fault

import (
	"net/http"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	Name  string
	About language.Text // one line, for people

	// One of these is what it does.
	before   func()          // in the place of the operation
	code     string          // responseCode of a refusal in the place of the operation
	answer   func(*Answer)   // to the answer to the request
	ipns     func(*IPNs)     // to the IPNs of the payment that the request opens
	early    bool            // the payment is paid, and its IPN sent, before that answer
	redirect func(*Redirect) // to the result that the browser brings back
	query    func(*Query)    // to what queries about the payment say
}

// Faults are some of the faults, in the order in which they strike.
type Faults []Fault

// All returns every fault there is.
func All() Faults { return slices.Clone(all) }

// Named returns the faults of these names, each once; known is false, and there are none,
// if one of the names is not a fault's.
func Named(names ...string) (chosen Faults, known bool) {
	for _, name := range names {
		if !slices.ContainsFunc(all, func(f Fault) bool { return f.Name == name }) {
			return nil, false
		}
	}
	return all.that(func(f Fault) bool { return slices.Contains(names, f.Name) }), true
}

// Names returns the names of the faults.
func (f Faults) Names() []string {
	names := make([]string, len(f))
	for i := range f {
		names[i] = f[i].Name
	}
	return names
}

// String returns the names in one line.
func (f Faults) String() string { return strings.Join(f.Names(), ", ") }

// OfAnswers returns those that strike a request or its answer.
func (f Faults) OfAnswers() Faults {
	return f.that(func(f Fault) bool { return f.before != nil || f.code != "" || f.answer != nil })
}

// OfIPNs returns those that strike IPNs.
func (f Faults) OfIPNs() Faults {
	return f.that(func(f Fault) bool { return f.ipns != nil || f.early })
}

// OfResults returns those that strike the result that the browser brings back.
func (f Faults) OfResults() Faults {
	return f.that(func(f Fault) bool { return f.redirect != nil })
}

// OfQueries returns those that strike queries about the payment.
func (f Faults) OfQueries() Faults {
	return f.that(func(f Fault) bool { return f.query != nil })
}

// Early reports whether the payment is to be paid, and its IPN sent, before the answer to the
// request that opens it.
func (f Faults) Early() bool { return slices.ContainsFunc(f, func(f Fault) bool { return f.early }) }

func (f Faults) that(is func(Fault) bool) Faults {
	return slices.DeleteFunc(slices.Clone(f), func(f Fault) bool { return !is(f) })
}

// StrikeBefore lets those faults strike that leave nothing to carry out.
func (f Faults) StrikeBefore() {
	for _, one := range f {
		if one.before != nil {
			one.before()
		}
	}
}

// Refusal is the responseCode that a fault puts in the place of the operation; empty: none
// does.
func (f Faults) Refusal() (code string) {
	for _, one := range f {
		if one.code != "" {
			return one.code
		}
	}
	return ""
}

// hangUp breaks the connection, or with HTTP/2 the stream. The server stays silent about
// this one panic.
func hangUp() { panic(http.ErrAbortHandler) }
