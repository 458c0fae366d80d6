package sandbox

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/ledger"
)

// maxForm is ample for the fields of any form of the payment page.
const maxForm = 4 << 10

// paymentPage is the page on which the customer pays.
type paymentPage struct {
	ledger    *ledger.Ledger
	ipns      *ipnSender
	redirects redirector
}

// show shows the page of a transaction: what it waits for while it is open, and afterwards
// what became of it.
func (p paymentPage) show(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("transactionID")
	p.ipns.expire(r.Context(), id)
	t, found := p.ledger.Visit(id, visitOf(r.URL.Query()))
	if !found {
		showUnknown(w, r)
		return
	}
	if t.Outcome != "" {
		p.showSettled(w, r, t)
		return
	}
	p.showStep(w, r, t, "")
}

// visitOf is what the address of the page asks for: another language, another method.
func visitOf(query url.Values) (v ledger.Visit) {
	if wanted := query.Get("language"); language.Is(wanted) {
		v.Language = wanted
	}
	if query.Has("method") {
		method := query.Get("method")
		v.Method = &method
	}
	return v
}

// takeForm takes what a customer sends: the form of a step, or the outcome itself.
func (p paymentPage) takeForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil {
		writeProblem(w, http.StatusBadRequest, "form_invalid", "the form cannot be read, or is larger than 4 KiB")
		return
	}
	if sent := stepOf(r.PostForm); sent != "" && !r.PostForm.Has("outcome") {
		p.takeStep(w, r, sent)
		return
	}
	p.takeOutcome(w, r)
}

func (p paymentPage) takeStep(w http.ResponseWriter, r *http.Request, sent pageStep) {
	id := r.PathValue("transactionID")
	p.ipns.expire(r.Context(), id)
	var wrong complaint
	t, first, found := p.ledger.Advance(id, func(t *ledger.Transaction) (chosen ledger.Outcome) {
		chosen, wrong = take(t, sent, r.PostForm)
		return chosen
	})
	switch {
	case !found:
		showUnknown(w, r)
	case t.Outcome != "":
		p.announceAndReturn(w, r, t, first)
	case wrong != "":
		p.showStep(w, r, t, wrong)
	default:
		http.Redirect(w, r, "/pay/"+t.ID, http.StatusSeeOther)
	}
}

// takeOutcome ends a payment with the outcome that was chosen in the sandbox's panel.
func (p paymentPage) takeOutcome(w http.ResponseWriter, r *http.Request) {
	chosen := ledger.Outcome(r.PostForm.Get("outcome"))
	if !chosen.CanBeChosen() {
		writeProblem(w, http.StatusBadRequest, "outcome_unknown", "outcome must be success, refused, failure, cancel or expired")
		return
	}
	by, ok := readPayer(r.PostForm)
	if !ok {
		writeProblem(w, http.StatusBadRequest, "payer_too_long", "no detail of the payer may have more than 50 characters")
		return
	}
	id := r.PathValue("transactionID")
	p.ipns.expire(r.Context(), id)
	t, first, found := p.ledger.Settle(id, chosen, by)
	if !found {
		showUnknown(w, r)
		return
	}
	p.announceAndReturn(w, r, t, first)
}

// announceAndReturn sends the IPN of a settled payment, then sends the browser back. A
// second press changes nothing and sends no IPN; it waits until the IPN of the first press
// is answered, so that the app knows of the payment before its customer returns.
func (p paymentPage) announceAndReturn(w http.ResponseWriter, r *http.Request, t ledger.Transaction, first bool) {
	if first {
		p.ipns.announce(r.Context(), t)
	}
	select {
	case <-t.Announced:
		p.sendBack(w, r, t)
	case <-r.Context().Done():
	}
}

// sendBack takes the browser to the app, or says what happened if the merchant named no
// address for it. A customer who was too late sees that in any case.
func (p paymentPage) sendBack(w http.ResponseWriter, r *http.Request, t ledger.Transaction) {
	back := p.redirects.of(t)
	if back == nil || t.Outcome == ledger.Expired {
		p.showSettled(w, r, t)
		return
	}
	p.redirects.keep(t, back)
	if back.Method == http.MethodPost {
		view := newPage(language.Wanted(r, t.ShownIn, t.Language))
		view.Back, view.Title = back, view.Text["Returning"]
		writePage(w, http.StatusOK, "return.html", view)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, string(back.Address), http.StatusSeeOther)
}

// showStep shows what an open payment waits for, and what was wrong with the last try.
func (p paymentPage) showStep(w http.ResponseWriter, r *http.Request, t ledger.Transaction, wrong complaint) {
	in := language.Wanted(r, t.ShownIn, t.Language)
	view := newPage(in)
	view.Payment, view.Framed = viewPayment(t, in), t.Modal
	view.Step, view.Complaint = viewStep(t, in, p.ledger.Now()), complaintTexts[wrong].In(in)
	view.Title = view.Step.Heading
	view.Step.QR = qrImage(pageOf(r, t))
	view.Step.Card, _ = card.FindTestCard(r.URL.Query().Get("card"))
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
		view.Title = fmt.Sprintf(wrongForm.In(in), view.Title)
		view.Step.Wrong = wrong.inputs(r.PostForm)
	}
	writePage(w, status, string(currentStep(t))+".html", view)
}

func (p paymentPage) showSettled(w http.ResponseWriter, r *http.Request, t ledger.Transaction) {
	if latest, found := p.ledger.Find(t.ID); found {
		t = latest // what the app said to the IPN came after t was copied
	}
	in := language.Wanted(r, t.ShownIn, t.Language)
	view := newPage(in)
	view.Payment, view.Framed, view.Back = viewPayment(t, in), t.Modal, p.redirects.of(t)
	view.Title = view.Payment.Happened
	writePage(w, http.StatusOK, "settled.html", view)
}

func showUnknown(w http.ResponseWriter, r *http.Request) {
	view := newPage(language.Wanted(r))
	view.Title = view.Text["NoTitle"]
	writePage(w, http.StatusNotFound, "unknown.html", view)
}
