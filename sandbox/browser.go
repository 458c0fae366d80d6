package sandbox

import (
	"net/http"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/wirelog"
)

// maxForm is ample for the fields of any form of the payment page.
const maxForm = 4 << 10

// showPayment shows the page of a transaction: what it waits for while it is open, and
// afterwards what became of it.
func (h *Handler) showPayment(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	t, found := h.ledger.show(id, r.URL.Query())
	if !found {
		showUnknown(w, r)
		return
	}
	if t.outcome != "" {
		h.showSettled(w, r, t)
		return
	}
	h.showStep(w, r, t, "")
}

// takeForm takes what a customer sends: the form of a step, or the outcome itself.
func (h *Handler) takeForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil {
		writeProblem(w, http.StatusBadRequest, "form_invalid", "the form cannot be read, or is larger than 4 KiB")
		return
	}
	if sent := stepOf(r.PostForm); sent != "" && !r.PostForm.Has("outcome") {
		h.takeStep(w, r, sent)
		return
	}
	h.settlePayment(w, r)
}

func (h *Handler) takeStep(w http.ResponseWriter, r *http.Request, sent pageStep) {
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	var wrong complaint
	t, first, found := h.ledger.advance(id, h.ledger.now(), func(t *transaction) (chosen outcome) {
		chosen, wrong = t.take(sent, r.PostForm)
		return chosen
	})
	switch {
	case !found:
		showUnknown(w, r)
	case t.outcome != "":
		h.tellAndReturn(w, r, t, first)
	case wrong != "":
		h.showStep(w, r, t, wrong)
	default:
		http.Redirect(w, r, "/pay/"+t.id, http.StatusSeeOther)
	}
}

// settlePayment ends a payment with the outcome that was chosen in the sandbox's panel.
func (h *Handler) settlePayment(w http.ResponseWriter, r *http.Request) {
	chosen := outcome(r.PostForm.Get("outcome"))
	if !chosen.selectable() {
		writeProblem(w, http.StatusBadRequest, "outcome_unknown", "outcome must be success, refused, failure, cancel or expired")
		return
	}
	by, ok := readPayer(r.PostForm)
	if !ok {
		writeProblem(w, http.StatusBadRequest, "payer_too_long", "no detail of the payer may have more than 50 characters")
		return
	}
	id := r.PathValue("transactionID")
	h.expire(r.Context(), id)
	t, first, found := h.ledger.settle(id, chosen, by, h.ledger.now())
	if !found {
		showUnknown(w, r)
		return
	}
	h.tellAndReturn(w, r, t, first)
}

// tellAndReturn tells the app of a settled payment, then sends the browser back. Pressing a
// second time changes nothing and tells nobody; it waits for the first press to be done
// with the app, so that the app hears of the payment before its customer returns.
func (h *Handler) tellAndReturn(w http.ResponseWriter, r *http.Request, t transaction, first bool) {
	if first {
		h.notify(r.Context(), t)
	}
	select {
	case <-t.announced:
		h.sendBack(w, r, t)
	case <-r.Context().Done():
	}
}

// sendBack takes the browser to the app, or says what happened if the merchant named no
// address for it. A customer who was too late is told so in any case.
func (h *Handler) sendBack(w http.ResponseWriter, r *http.Request, t transaction) {
	back := h.wayBack(t)
	if back == nil || t.outcome == expired {
		h.showSettled(w, r, t)
		return
	}
	h.ledger.keep(t.id, "", wirelog.NewRedirect(h.ledger.now(), back.Method, string(back.Address), back.Letter, h.salt))
	if back.Method == http.MethodPost {
		writePage(w, http.StatusOK, "return.html", page{Text: textOf(t, r), Back: back})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, string(back.Address), http.StatusSeeOther)
}

// showStep shows what an open payment waits for, and what was wrong with the last try.
func (h *Handler) showStep(w http.ResponseWriter, r *http.Request, t transaction, wrong complaint) {
	in := textOf(t, r)
	p := page{
		Text: in, Payment: in.describe(t), Framed: t.modal,
		Step: in.describeStep(t, h.ledger.now()), Complaint: in.complaints[wrong],
	}
	p.Step.QR = qrImage(pageOf(r, t))
	p.Step.Card, _ = card.FindTestCard(r.URL.Query().Get("card"))
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	writePage(w, status, string(t.step())+".html", p)
}

func (h *Handler) showSettled(w http.ResponseWriter, r *http.Request, t transaction) {
	if latest, found := h.ledger.find(t.id); found {
		t = latest // what the app said to the IPN came after t was copied
	}
	in := textOf(t, r)
	writePage(w, http.StatusOK, "settled.html", page{Text: in, Payment: in.describe(t), Framed: t.modal, Back: h.wayBack(t)})
}

func showUnknown(w http.ResponseWriter, r *http.Request) {
	writePage(w, http.StatusNotFound, "unknown.html", page{Text: textFor("", r)})
}
