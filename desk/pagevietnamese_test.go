package desk

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// foreign are the parts of a page that are not in its language: the name of the other language, rules, and names of elements.
var foreign = regexp.MustCompile(`(?s)<style.*?</style>|<a [^>]*lang="en".*?</a>|<script.*?</script>|<(?:a|input|form|time) [^>]*>|lang="vi"`)

// englishIn are the texts of the English tables that a Vietnamese page shows.
func englishIn(page string) (found []string) {
	page = html.UnescapeString(foreign.ReplaceAllString(page, " "))
	for _, table := range []map[string]language.Text{pageTexts, pageWords} {
		for _, text := range table {
			part, _, _ := strings.Cut(text.En, "%")
			word := regexp.MustCompile(`(?:^|[^\pL_./-])` + regexp.QuoteMeta(part) + `(?:$|[^\pL_/-])`)
			if text.En != text.Vi && word.MatchString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, "|")) {
				found = append(found, text.En)
			}
		}
	}
	for _, text := range reasons {
		if strings.Contains(page, text.En) {
			found = append(found, text.En)
		}
	}
	return found
}

// vietnameseViews are all pages with all that they can show.
func vietnameseViews() map[string]func(*view) {
	events := []told{}
	for _, state := range inbox.States() {
		for _, status := range inbox.PaymentStatuses() {
			events = append(events, told{ID: strings.Repeat("0", lengthOfID), Kind: inbox.KindQuery, OrderID: "A-1", RequestID: "R-1", Transaction: "26",
				PaymentStatus: status, State: state, Due: noon, LastError: "the app answered HTTP 500; expected " + "HTTP 2xx"})
		}
	}
	calls := []payment{}
	for _, status := range ledger.Statuses() {
		for _, outcome := range ledger.Outcomes() {
			calls = append(calls, payment{Payment: ledger.Payment{Operation: "refund", OrderID: "A-1", RequestID: "R-1", Transactions: []string{"26"}, Amount: "1", Currency: "VND",
				About: "25", Code: "x", Status: status, Outcome: outcome, RecordedAt: noon}})
		}
	}
	lines := []line{}
	for _, kind := range lineKinds {
		lines = append(lines, line{At: noon, Kind: kind, Of: "R-1", Text: "Story", vi: "x"})
	}
	event := eventView{told: events[0], Queue: "shop", IsShown: true}
	pages := map[string]func(*view){
		"begin": func(*view) {},
		"story": func(v *view) {
			v.Story = &story{Merchant: "shop", Gateway: "g", Events: events, Payments: calls, Lines: lines, More: true}
		},
		"event":   func(v *view) { v.Event = &event },
		"replay":  func(v *view) { v.Ask = &question{Deed: deedReplay, Event: &event} },
		"query":   func(v *view) { v.Ask = &question{Deed: deedQuery, Call: &calls[0]} },
		"done":    func(v *view) { v.Done = v.Text["replayed"] },
		"problem": func(v *view) { v.Problem, v.Detail = v.explain(refusal{http.StatusForbidden, "wrongToken"}) },
	}
	for _, name := range listNames {
		pages["list "+string(name)] = func(v *view) { v.List = &list{Name: name, Payments: calls, More: true} }
		pages["empty list "+string(name)] = func(v *view) { v.List = &list{Name: name} }
	}
	return pages
}

// A Vietnamese page has no text of the English tables; an English one has.
func TestVietnamesePagesHaveNoEnglish(t *testing.T) {
	for name, fill := range vietnameseViews() {
		for tag, want := range map[string]bool{"vi": false, "en": true} {
			t.Run(name+", "+tag, func(t *testing.T) {
				v := newView(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?language="+tag, nil))
				fill(v)
				w := httptest.NewRecorder()
				if err := v.write(w, http.StatusOK); err != nil {
					t.Fatal(err)
				}
				if found := englishIn(w.Body.String()); (len(found) > 0) != want {
					t.Errorf("English: %q", found)
				}
			})
		}
	}
}
