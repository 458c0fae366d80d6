package sandbox

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// knownFault is a fault for people.
type knownFault struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// showFaults explains the faults in the language of the request.
func (c control) showFaults(w http.ResponseWriter, r *http.Request) {
	all, in := fault.All(), language.Wanted(r)
	known := make([]knownFault, len(all))
	for i, f := range all {
		known[i] = knownFault{f.Name, f.About.In(in)}
	}
	chosen, _ := fault.Named(c.ledger.Faults()...)
	writeView(w, struct {
		Faults []string     `json:"faults"`
		Known  []knownFault `json:"known"`
	}{chosen.Names(), known})
}

// setFaults takes the place of what was set before; an empty list clears it.
func (c control) setFaults(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Faults []string }
	if !readJSON(w, r, &wanted) {
		return
	}
	chosen, known := fault.Named(wanted.Faults...)
	if wanted.Faults == nil || !known {
		refuseControl(w, "faults must be an array of names among "+fault.All().String())
		return
	}
	c.ledger.SetFaults(chosen.Names())
	c.showFaults(w, r)
}

func (c control) showClock(w http.ResponseWriter, _ *http.Request) {
	writeView(w, struct {
		Now time.Time `json:"now"`
	}{c.ledger.Now()})
}

// advanceClock moves the sandbox's time on. A payment whose time is over then expires like
// any other: with the next query or visit.
func (c control) advanceClock(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Advance string }
	if !readJSON(w, r, &wanted) {
		return
	}
	by, err := caddy.ParseDuration(wanted.Advance)
	if err != nil || by <= 0 {
		refuseControl(w, "advance must be a duration longer than 0, such as 16m")
		return
	}
	if err := c.ledger.AdvanceClock(by); err != nil {
		refuseControl(w, err.Error())
		return
	}
	c.showClock(w, r)
}

func (c control) reset(w http.ResponseWriter, r *http.Request) {
	if !readNothing(w, r) {
		return
	}
	c.ledger.Reset()
	w.WriteHeader(http.StatusNoContent)
}
