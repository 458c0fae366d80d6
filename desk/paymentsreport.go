package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// The kinds of lines in a report. Those of captures, refunds and voids are named as the effects of these calls are.
const (
	kindPaid    = "paid"
	kindCapture = "capture"
	kindRefund  = "refund"
	kindVoid    = "void"
	kindCheck   = "check"
)

// reportZone is where a day begins and ends unless a zone is given: in Vietnam, as the days of the gateway do.
const reportZone = "+07:00"

// reportPayments writes what an accountant lays beside the gateway's settlement of a day, as CSV.
func reportPayments(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	within, given, err := selectPayments(r, "day", "zone", "totals")
	if err != nil {
		return err
	}
	if within != (ledger.Filter{Book: within.Book, Merchant: within.Merchant}) {
		return apiError(http.StatusBadRequest, errors.New("a report has no filter but merchant; known are day, zone, totals and merchant"))
	}
	from, err := dayOf(given["day"], given["zone"])
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	if totals := given["totals"]; totals != "" && totals != "true" && totals != "false" {
		return apiError(http.StatusBadRequest, errors.New("totals: expected true or false"))
	}
	payments, err := paymentsOf(m)
	if err != nil {
		return err
	}
	report := &dayReport{ctx: r.Context(), payments: payments, inbox: m.Engine().Store(), within: within, from: from, until: from.AddDate(0, 0, 1)}
	if given["totals"] == "true" {
		return report.writeTotals(w)
	}
	report.write(w)
	return nil
}

// newReportStream begins an answer with a table.
func newReportStream(w http.ResponseWriter, columns []string) *stream {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	out := newStream(w, "a report of the ledger")
	out.row(columns)
	return out
}

// write writes each line.
func (d *dayReport) write(w http.ResponseWriter) {
	out := newReportStream(w, reportColumns)
	out.must(d.each(func(e *reportEntry) error {
		out.row(e.cells())
		return nil
	}))
	out.end()
}

// writeTotals writes the sums of the lines.
func (d *dayReport) writeTotals(w http.ResponseWriter) error {
	sums := make(totals)
	if err := d.each(sums.add); err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	out := newReportStream(w, totalColumns)
	sums.write(out)
	out.end()
	return nil
}

// dayOf is when a day begins.
func dayOf(day, zone string) (time.Time, error) {
	if zone == "" {
		zone = reportZone
	}
	if _, err := time.Parse("Z07:00", zone); err != nil {
		return time.Time{}, errors.New("zone: expected an offset such as +07:00, in an address written as %2B07:00")
	}
	from, err := time.Parse("2006-01-02Z07:00", day+zone)
	if err != nil {
		return time.Time{}, errors.New("day: expected a day such as 2026-11-28")
	}
	return from, nil
}

// dayReport is what happened from one time until another.
type dayReport struct {
	ctx         context.Context
	payments    ledger.Store
	inbox       inbox.Store
	within      ledger.Filter // a book, or a merchant
	from, until time.Time
}

// reportEntry is a line of a report. Counts is what it adds to the total: "" where that is not known.
type reportEntry struct {
	at           time.Time
	kind         string
	book         string
	order        string
	transactions string
	about        string
	requestID    string
	amount       string
	currency     string
	counts       string
	note         string
}

var reportColumns = []string{
	"time", "kind", "merchant", "orderID", "transactionIDs", "aboutTransactionID", "requestID", "amount", "currency", "counts", "note", "gateway",
}

func (e *reportEntry) cells() []string {
	merchant, gateway, _ := strings.Cut(e.book, " ")
	return []string{
		timeCell(e.at), e.kind, cell(merchant), cell(e.order), cell(e.transactions), cell(e.about), cell(e.requestID),
		amountCell(e.amount), cell(e.currency), e.counts, e.note, cell(gateway),
	}
}

// each passes on the movements of money, and then what a person must look into.
func (d *dayReport) each(add func(*reportEntry) error) error {
	f := d.within
	f.Until = d.until
	for p, err := range d.payments.Payments(d.ctx, f) {
		if err != nil {
			return err
		}
		e, err := d.movement(&p)
		if err == nil && e != nil {
			err = add(e)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(d.eachUnclear(add), d.eachDisputed(add))
}

func (d *dayReport) has(at time.Time) bool { return !at.Before(d.from) && at.Before(d.until) }

// movement is the money that a call has moved on the day; nil: none. A captured payment is counted by its captures.
func (d *dayReport) movement(p *ledger.Payment) (*reportEntry, error) {
	if p.TakesPayment() {
		if at := p.PaidAt(); !p.Captured && d.has(at) {
			e := entryOf(p, kindPaid, at)
			e.count(p, false)
			return e, nil
		}
		return nil, nil
	}
	kind, at := string(p.Effect), p.AcceptedAt()
	if !slices.Contains([]string{kindCapture, kindRefund, kindVoid}, kind) || !d.has(at) {
		return nil, nil
	}
	about, err := d.about(p)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return nil, err
	}
	e := entryOf(p, kind, at)
	e.countAbout(p, about, err != nil)
	return e, nil
}

// about finds the payment that a call is about; nil: it is not in the ledger.
func (d *dayReport) about(p *ledger.Payment) (*ledger.Payment, error) {
	if p.About == "" {
		return nil, nil
	}
	found, err := d.payments.Named(d.ctx, p.Book, p.About)
	if i := slices.IndexFunc(found, func(p ledger.Payment) bool { return p.TakesPayment() }); i >= 0 {
		return &found[i], err
	}
	return nil, err
}

func entryOf(p *ledger.Payment, kind string, at time.Time) *reportEntry {
	return &reportEntry{
		at: at, kind: kind, book: p.Book, order: p.OrderID, transactions: strings.Join(p.Transactions, " "), about: p.About, requestID: p.RequestID,
		amount: p.Amount, currency: p.Currency,
	}
}

// count sets what an entry adds to the total: the amount of a payment or a call.
func (e *reportEntry) count(p *ledger.Payment, isMinus bool) {
	var sum ledger.Sum
	if !sum.Add(p.Amount, isMinus) {
		e.note = "the amount is not known: look it up"
		return
	}
	e.counts = sum.Text()
}

// countAbout sets it for a refund, a void or a capture. One without an amount of its own is about the whole payment. A void
// of what was never paid gives nothing back.
func (e *reportEntry) countAbout(p, about *ledger.Payment, isDamaged bool) {
	if about != nil && p.Amount == "" {
		e.amount, e.currency = about.Amount, about.Currency
	}
	switch {
	case isDamaged && (p.Amount == "" || e.kind == kindVoid):
		e.note = "the record of the payment is damaged: look it up"
	case e.kind == kindVoid && about == nil:
		e.counts, e.note = "0", "the payment is not in the ledger"
	case e.kind == kindVoid && about.PaidAt().IsZero() && !about.Captured:
		e.counts, e.note = "0", "the payment was never paid"
	default:
		e.count(&ledger.Payment{Amount: e.amount}, e.kind != kindCapture)
	}
}

// eachUnclear passes on the calls that became unclear on the day, and still are.
func (d *dayReport) eachUnclear(add func(*reportEntry) error) error {
	for _, of := range []ledger.Filter{{Outcome: ledger.Unknown}, {Status: ledger.Abandoned}, {Status: ledger.Silent}} {
		of.Book, of.Merchant, of.Until = d.within.Book, d.within.Merchant, d.until
		for p, err := range d.payments.Payments(d.ctx, of) {
			if err != nil {
				return err
			}
			at, isUnclear := p.StatusAt, true
			if of.Outcome != "" {
				at, isUnclear = p.EndedAt, p.Status == "" || p.Status == ledger.StatusUnknown
			}
			if !isUnclear || !d.has(at) {
				continue
			}
			e := entryOf(&p, kindCheck, at)
			e.note = fmt.Sprint(p.Operation, " ", of.Outcome, of.Status)
			if err := add(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachDisputed passes on the disputed events of the day.
func (d *dayReport) eachDisputed(add func(*reportEntry) error) error {
	events := d.inbox.List(d.ctx, inbox.Filter{
		Queue: d.within.Book, Merchant: d.within.Merchant, PaymentStatus: string(ledger.Disputed), Since: d.from, Until: d.until,
	})
	for r, err := range events {
		if err != nil {
			return err
		}
		err = add(&reportEntry{
			at: r.ReceivedAt, kind: kindCheck, book: r.Queue, order: r.OrderID, transactions: r.Transaction, requestID: r.RequestID,
			note: "disputed event " + shortened(r.ID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
