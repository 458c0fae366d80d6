package desk

import (
	"context"
	"encoding/csv"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// ledgerStore is a store with some events and calls.
type ledgerStore struct {
	plainStore
	calls   calls
	damaged string // a transaction whose payment cannot be read
	broken  error
}

func (s *ledgerStore) Payments() ledger.Store { return ledgerOf{s: s} }

type calls []ledger.Payment

type ledgerOf struct {
	ledger.Store
	s *ledgerStore
}

func (l ledgerOf) Payments(_ context.Context, f ledger.Filter) iter.Seq2[ledger.Payment, error] {
	return func(yield func(ledger.Payment, error) bool) {
		for _, p := range l.s.calls {
			isPicked := (f.Outcome == "" || f.Outcome == p.Outcome) && (f.Status == "" || f.Status == p.Status) && (f.Until.IsZero() || p.RecordedAt.Before(f.Until)) &&
				(f.Merchant == "" || strings.HasPrefix(p.Book, f.Merchant+" ")) && (f.Book == "" || f.Book == p.Book) &&
				(f.RequestID == "" || f.RequestID == p.RequestID) && strings.HasPrefix(p.RequestID, f.RequestStart) && (f.OrderID == "" || f.OrderID == p.OrderID) &&
				(f.Transaction == "" || f.Transaction == p.About || slices.Contains(p.Transactions, f.Transaction))
			if isPicked && !yield(p, nil) {
				return
			}
		}
		if l.s.broken != nil {
			yield(ledger.Payment{}, l.s.broken)
		}
	}
}

func (l ledgerOf) Named(_ context.Context, book, transaction string) (found []ledger.Payment, err error) {
	if transaction == l.s.damaged {
		return nil, ledger.ErrDamaged
	}
	for _, p := range l.s.calls {
		if p.Book == book && slices.Contains(p.Transactions, transaction) {
			found = append(found, p)
		}
	}
	return found, nil
}

// made is a call of a book, some seconds behind noon.
func made(seconds int, requestID string, effect operation.Effect, amount string, more func(*ledger.Payment), lines ...string) ledger.Payment {
	p := ledger.Payment{
		Book: "shop https://g", RequestID: requestID, Operation: string(effect), Effect: effect, Amount: amount, Currency: "VND",
		RecordedAt: noon.Add(time.Duration(seconds) * time.Second), Outcome: ledger.Accepted,
	}
	p.EndedAt = p.RecordedAt
	for _, l := range lines {
		p.History = append(p.History, at(seconds, l))
	}
	if more != nil {
		more(&p)
	}
	return p
}

// paidAs is a payment with a transaction.
func paidAs(transaction string) func(*ledger.Payment) {
	return func(p *ledger.Payment) {
		p.Status, p.Transactions, p.OrderID = ledger.Paid, []string{transaction}, "DH-"+transaction
	}
}

func about(transaction string) func(*ledger.Payment) {
	return func(p *ledger.Payment) { p.About = transaction }
}

const day = 24 * 60 * 60

// reportedCalls are calls of the day and of others.
func reportedCalls() calls {
	captured := func(p *ledger.Payment) { paidAs("C")(p); p.Captured = true }
	held := func(p *ledger.Payment) { paidAs("H")(p); p.Status = ledger.Reversed }
	with := func(change func(*ledger.Payment), then func(*ledger.Payment)) func(*ledger.Payment) {
		return func(p *ledger.Payment) { change(p); then(p) }
	}
	as := func(outcome ledger.Outcome, status ledger.Status) func(*ledger.Payment) {
		return func(p *ledger.Payment) { p.Outcome, p.Status, p.StatusAt = outcome, status, p.RecordedAt }
	}
	return calls{
		made(-day, "late", operation.OpensPage, "100000", func(p *ledger.Payment) { paidAs("L")(p); p.History = []string{at(5, "status paid message")} }),
		made(-day, "yesterday", operation.OpensPage, "1", paidAs("Y"), "status paid message"),
		made(day, "tomorrow", operation.OpensPage, "1", paidAs("T"), "status paid message"),
		made(1, "card", operation.Charges, "0.1", paidAs("K"), "status paid call"),
		made(2, "refunded", operation.OpensPage, "7", with(paidAs("R"), func(p *ledger.Payment) { p.Status = ledger.Reversed }), "status paid message", "status reversed reversal"),
		made(3, "refund", operation.Refunds, "7", about("R"), "ended accepted"),
		made(4, "refused", operation.Refunds, "7", with(about("R"), as(ledger.Rejected, "")), "ended rejected"),
		made(5, "captured", operation.OpensPage, "500", captured, "status authorized message", "status paid message"),
		made(6, "capture", operation.Captures, "", about("C"), "ended accepted"),
		made(7, "part", operation.Captures, "1e2", about("C"), "ended accepted"),
		made(8, "void", operation.Voids, "", about("K"), "ended accepted"),
		made(9, "held", operation.OpensPage, "9", held, "status authorized message", "status reversed reversal"),
		made(10, "voidheld", operation.Voids, "", about("H"), "ended accepted"),
		made(11, "voidcaptured", operation.Voids, "500", about("C"), "settled accepted"),
		made(11, "captured too", operation.OpensPage, "3", func(p *ledger.Payment) { held(p); p.Transactions, p.Captured = []string{"G"}, true }, "status authorized message"),
		made(11, "voidcaptured too", operation.Voids, "", about("G"), "ended accepted"),
		made(12, "voidother", operation.Voids, "3", about("X"), "ended accepted"),
		made(13, "voiddamaged", operation.Voids, "3", about("D"), "ended accepted"),
		made(14, "open", operation.OpensPage, "1", as(ledger.Accepted, ledger.Open)),
		made(15, "cards", operation.KeepsCards, "", nil, "ended accepted"),
		made(16, "odd", operation.Refunds, "=1", about("R"), "ended accepted"),
		made(17, "unclear", operation.Refunds, "2", as(ledger.Unknown, "")),
		made(18, "resolved", operation.OpensPage, "2", as(ledger.Unknown, ledger.Failed)),
		made(19, "left", operation.OpensPage, "2", as(ledger.Accepted, ledger.Abandoned)),
		made(20, "silent", operation.OpensPage, "2", as(ledger.Accepted, ledger.Silent)),
		made(-day, "oldunclear", operation.Refunds, "2", as(ledger.Unknown, "")),
	}
}

func reported(t *testing.T, s *ledgerStore, parameters url.Values) [][]string {
	t.Helper()
	text, status := ask(t, s, reportPayments, parameters)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || status != http.StatusOK || !strings.HasSuffix(text, "\r\n") {
		t.Fatalf("%d %q, %v", status, text, err)
	}
	return rows
}

// A report has each movement of money once, on the day of it, and then what a person must look into.
func TestReport(t *testing.T) {
	disputed := recordWith("d1d1d1d1d1d1d1d1", "shop https://g")
	disputed.RequestID, disputed.ReceivedAt = "wrong", noon
	s := &ledgerStore{plainStore: plainStore{records: []inbox.Record{disputed}}, calls: reportedCalls(), damaged: "D"}
	rows := reported(t, s, url.Values{"day": {"2026-11-28"}, "zone": {"Z"}})
	if !slices.Equal(rows[0], reportColumns) {
		t.Errorf("the header is %q", rows[0])
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, strings.TrimSpace(strings.Join([]string{row[1], row[6], row[7], row[9], row[10]}, " ")))
	}
	want := []string{
		"paid late 100000 100000", "paid card 0.1 0.1", "paid refunded 7 7", "refund refund 7 -7", "capture capture 500 500", "capture part 100 100",
		"void void 0.1 -0.1", "void voidheld 9 0 the payment was never paid", "void voidcaptured 500 -500", "void voidcaptured too 3 -3", "void voidother 3 0 the payment is not in the ledger",
		"void voiddamaged 3  the record of the payment is damaged: look it up", "refund odd '=1  the amount is not known: look it up",
		"check unclear 2  refund unknown", "check left 2  page abandoned", "check silent 2  page silent", "check wrong   disputed event d1d1d1d1d1d1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	midnight := noon.Add(-12 * time.Hour)
	if f := s.filters[0]; f.PaymentStatus != "disputed" || !f.Since.Equal(midnight) || !f.Until.Equal(midnight.Add(24*time.Hour)) {
		t.Errorf("events were looked for by %+v", f)
	}
}

// The totals are exact, one for each book, currency and kind.
func TestReportTotals(t *testing.T) {
	s := &ledgerStore{calls: reportedCalls(), damaged: "D"}
	uat := made(1, "uat", operation.OpensPage, "5", paidAs("U"), "status paid message")
	uat.Book = "shop https://uat"
	usd := made(1, "usd", operation.OpensPage, "0.20", paidAs("V"), "status paid message")
	usd.Currency = "USD"
	s.calls = append(s.calls, uat, usd)
	var got []string
	for _, row := range reported(t, s, url.Values{"day": {"2026-11-28"}, "zone": {"Z"}, "totals": {"true"}}) {
		got = append(got, strings.Join(row, " "))
	}
	want := []string{
		"merchant currency kind lines sum unknown gateway", "shop USD paid 1 0.2 0 https://g", "shop VND capture 2 600 0 https://g", "shop VND check 3  0 https://g",
		"shop VND paid 3 100007.1 0 https://g", "shop VND refund 2 -7 1 https://g", "shop VND void 6 -503.1 1 https://g", "shop VND paid 1 5 0 https://uat",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A day begins where its zone has midnight: in Vietnam, unless another is given.
func TestDayOf(t *testing.T) {
	for _, test := range []struct{ day, zone, want string }{
		{"2026-11-28", "", "2026-11-27T17:00:00Z"}, {"2026-11-28", "+07:00", "2026-11-27T17:00:00Z"}, {"2026-11-28", "Z", "2026-11-28T00:00:00Z"},
		{"2028-02-29", "-03:30", "2028-02-29T03:30:00Z"},
		{"2026-02-29", "", ""}, {"", "", ""}, {"28/11/2026", "", ""}, {"2026-11-28", "Asia/Saigon", ""}, {"2026-11-28", " 07:00", ""}, {"2026-11-28T00:00:00", "", ""}, {"2026-11-28", "+7", ""},
	} {
		from, err := dayOf(test.day, test.zone)
		if (err == nil) != (test.want != "") || err == nil && from.UTC().Format(time.RFC3339) != test.want {
			t.Errorf("%q %q: %s, %v", test.day, test.zone, from, err)
		}
	}
}

func TestReportParameters(t *testing.T) {
	for name, parameters := range map[string]url.Values{
		"no day": {}, "another filter": {"day": {"2026-11-28"}, "order": {"x"}}, "totals": {"day": {"2026-11-28"}, "totals": {"yes"}},
		"two days": {"day": {"2026-11-28", "2026-11-29"}}, "unknown": {"day": {"2026-11-28"}, "days": {"2"}},
	} {
		if text, status := ask(t, &ledgerStore{}, reportPayments, parameters); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if _, status := ask(t, new(plainStore), reportPayments, url.Values{"day": {"2026-11-28"}}); status != http.StatusNotFound {
		t.Errorf("without a ledger: %d", status)
	}
	broken := &ledgerStore{broken: errors.New("the disk is gone")}
	if text, status := ask(t, broken, reportPayments, url.Values{"day": {"2026-11-28"}, "totals": {"true"}}); status != http.StatusInternalServerError || text != "the disk is gone" {
		t.Errorf("totals of a broken store: %d %s", status, text)
	}
}

// A report, or an export, that cannot be read to its end is broken off, so that no reader takes it for all.
func TestLongAnswersBreakOff(t *testing.T) {
	for name, test := range map[string]struct {
		serve      func(http.ResponseWriter, *http.Request, *inbox.Member) error
		parameters url.Values
	}{
		"report": {reportPayments, url.Values{"day": {"2026-11-28"}}}, "export": {exportPayments, nil}, "CSV": {exportPayments, url.Values{"format": {"csv"}}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recovered := recover(); recovered != http.ErrAbortHandler { //nolint:errorlint,err113 // what a handler must panic with
					t.Errorf("recovered %v", recovered)
				}
			}()
			text, status := ask(t, &ledgerStore{calls: reportedCalls(), broken: errors.New("the disk is gone")}, test.serve, test.parameters)
			t.Errorf("%d %s", status, text)
		})
	}
}
