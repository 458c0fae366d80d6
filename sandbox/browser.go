package sandbox

import (
	"html/template"
	"net/http"
)

// maxForm is ample for the fields of the payment form.
const maxForm = 4 << 10

// listed is how many transactions the list shows.
const listed = 100

// showPayment shows the page of a transaction: the choice while it is open, and
// afterwards what became of it.
func (h *Handler) showPayment(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	t, found := h.ledger.show(id)
	if !found {
		showUnknown(w, r)
		return
	}
	if t.outcome != "" {
		h.showSettled(w, r, t)
		return
	}
	in := textFor(t.language, r)
	writePage(w, http.StatusOK, "payment.html", page{Text: in, Payment: in.describe(t)})
}

// settlePayment takes the customer's choice, tells the app, then sends the browser back.
// Pressing a second time changes nothing and tells nobody; it waits for the first press
// to be done with the app, so that the app hears of the payment before its customer
// returns.
func (h *Handler) settlePayment(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	chosen := outcome(r.PostFormValue("outcome"))
	if chosen != success && chosen != failure && chosen != cancel {
		writeProblem(w, http.StatusBadRequest, "outcome_unknown", "outcome must be success, failure or cancel")
		return
	}
	by, ok := readPayer(r)
	if !ok {
		writeProblem(w, http.StatusBadRequest, "payer_too_long", "no detail of the payer may have more than 50 characters")
		return
	}
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	t, first, found := h.ledger.settle(id, chosen, by, h.now())
	if !found {
		showUnknown(w, r)
		return
	}
	if first {
		h.notify(r.Context(), t)
	}
	select {
	case <-t.announced:
		h.sendBack(w, r, t)
	case <-r.Context().Done():
	}
}

// sendBack redirects the browser to the app, or says what happened if the merchant named
// no address for it. A customer who was too late is told so in any case.
func (h *Handler) sendBack(w http.ResponseWriter, r *http.Request, t transaction) {
	back := t.wayBack(h.salt)
	if back == "" || t.outcome == expired {
		h.showSettled(w, r, t)
		return
	}
	h.keepRedirect(t, back)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, back, http.StatusSeeOther) //nolint:gosec // G710: the address comes from a request that the merchant signed
}

func (h *Handler) showSettled(w http.ResponseWriter, r *http.Request, t transaction) {
	if latest, found := h.ledger.find(t.id); found {
		t = latest // what the app said to the IPN came after t was copied
	}
	in := textFor(t.language, r)
	writePage(w, http.StatusOK, "settled.html", page{Text: in, Payment: in.describe(t), Back: template.URL(t.wayBack(h.salt))}) //nolint:gosec // G203: only an address of which reader.link has nothing to fear gets here
}

func showUnknown(w http.ResponseWriter, r *http.Request) {
	writePage(w, http.StatusNotFound, "unknown.html", page{Text: textFor("", r)})
}

func (h *Handler) listPayments(w http.ResponseWriter, r *http.Request) {
	in := textFor("", r)
	p := page{Text: in}
	for _, t := range h.ledger.newest(listed) {
		t.lapse(h.now()) // in this copy only: nobody is told of it by a look at the list
		p.Payments = append(p.Payments, in.describe(t))
	}
	writePage(w, http.StatusOK, "list.html", p)
}
