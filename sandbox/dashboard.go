package sandbox

import (
	_ "embed"
	"net/http"
)

// listed is how many of the things it remembers the sandbox lists for people.
const listed = 100

//go:embed pages/dashboard.js
var dashboardScript []byte

// showDashboard shows the transactions and, by its script, what went over the wire. Without
// JavaScript it is a list whose links lead to the JSON of each.
func (h *Handler) showDashboard(w http.ResponseWriter, r *http.Request) {
	in := textFor(r.URL.Query().Get("language"), r)
	p := page{Text: in, Live: true}
	for _, t := range h.ledger.newest(listed) {
		t.lapse(h.ledger.now()) // in this copy only: nobody is told of it by a look at the list
		p.Payments = append(p.Payments, in.describe(t))
	}
	writePage(w, http.StatusOK, "dashboard.html", p)
}

func serveDashboardScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(dashboardScript)
}
