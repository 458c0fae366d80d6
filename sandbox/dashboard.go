package sandbox

import (
	_ "embed"
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

//go:embed pages/dashboard.js
var dashboardScript []byte

// dashboard shows the transactions and, by its script, what went over the wire.
type dashboard struct{ ledger *ledger.Ledger }

// show lists the newest transactions. Without JavaScript its links lead to the JSON of each.
func (d dashboard) show(w http.ResponseWriter, r *http.Request) {
	tag := language.Wanted(r)
	p := newPage(tag)
	p.Dashboard, p.Live = language.Texts(tag, dashboardTexts), true
	p.MaxListed = maxListed
	for _, t := range d.ledger.Newest(maxListed) {
		t.Lapse(d.ledger.Now()) // in this copy only: a look at the list sends no IPN
		p.Payments = append(p.Payments, viewPayment(t, tag))
	}
	writePage(w, http.StatusOK, "dashboard.html", p)
}

func serveDashboardScript(w http.ResponseWriter, _ *http.Request) { writeScript(w, dashboardScript) }
