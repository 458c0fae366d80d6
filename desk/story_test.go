package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// storied are a payment with a refund, tried again under another key; another order, and one of another gateway.
func storied() calls {
	all := calls{
		made(1, "pay-1", "page", "7", paidAs("A")),
		made(2, "pay-2", "page", "7", func(p *ledger.Payment) { p.OrderID, p.Transactions = "DH-A", []string{"B"} }),
		made(3, "back-1", "refund", "7", func(p *ledger.Payment) { p.OrderID, p.About, p.Transactions = "BACK", "B", []string{"RB"} }),
		made(4, "other", "page", "7", paidAs("O")),
		made(5, "pay-1", "page", "7", paidAs("A")),
	}
	all[4].Book = "shop https://uat"
	for i := range all {
		all[i].Seq = uint64(i + 1)
	}
	return all
}

func storyOf(t *testing.T, s *ledgerStore, parameters url.Values) (requestIDs []string, isCut bool, text string, status int) {
	t.Helper()
	text, status = ask(t, s, showStory, parameters)
	if status != http.StatusOK {
		return nil, false, text, status
	}
	var shown story
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	for _, p := range shown.Payments {
		requestIDs = append(requestIDs, p.RequestID)
	}
	return requestIDs, shown.More, text, status
}

// A story has what belongs together, of one book, whichever name is given.
func TestStoryByEachName(t *testing.T) {
	const production = "shop https://g"
	for name, test := range map[string]struct {
		id, merchant string
		status       int
		want         string
	}{
		"a requestID":          {"pay-2", "", 200, "pay-1 pay-2 back-1"},
		"of two gateways":      {"pay-1", "", 409, "add merchant to choose one: shop https://g, shop https://uat"},
		"still of two":         {"pay-1", "shop", 409, "add merchant"},
		"of one of them":       {"pay-1", production, 200, "pay-1 pay-2 back-1"},
		"of the other":         {"A", "shop https://uat", 200, "pay-1"},
		"an orderID":           {"DH-A", production, 200, "pay-1 pay-2 back-1"},
		"that of a refund":     {"BACK", "", 200, "pay-1 pay-2 back-1"},
		"a transactionID":      {"B", "", 200, "pay-1 pay-2 back-1"},
		"that of a refund too": {"RB", "", 200, "pay-1 pay-2 back-1"},
		"a beginning":          {"oth", "", 200, "other"},
		"of several":           {"pay", "", 409, "give more of it: pay-1, pay-2"},
		"nothing":              {"none", "", 404, "the ledger has no call"},
		"another merchant":     {"pay-2", "airline", 404, "the ledger has no call"},
	} {
		t.Run(name, func(t *testing.T) {
			parameters := url.Values{"id": {test.id}}
			if test.merchant != "" {
				parameters.Set("merchant", test.merchant)
			}
			ids, isCut, text, status := storyOf(t, &ledgerStore{calls: storied()}, parameters)
			if status == http.StatusOK {
				text = strings.Join(ids, " ")
			}
			if status != test.status || isCut || status == http.StatusOK && text != test.want || !strings.Contains(text, test.want) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	for name, parameters := range map[string]url.Values{"no id": {}, "another filter": {"id": {"x"}, "order": {"x"}}, "two ids": {"id": {"x", "y"}}} {
		if _, _, text, status := storyOf(t, &ledgerStore{}, parameters); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// A story is bounded, whatever is recorded under one name, and says that it is not whole.
func TestStoryIsBounded(t *testing.T) {
	long := func(n int, more func(i int, p *ledger.Payment)) (all calls) {
		for i := range n {
			all = append(all, made(i, fmt.Sprint("R", i), "page", "7", func(p *ledger.Payment) { more(i, p) }))
			all[i].Seq = uint64(i + 1)
		}
		return all
	}
	oneOrder := func(_ int, p *ledger.Payment) { p.OrderID = "DH" }
	chain := func(i int, p *ledger.Payment) { p.Transactions = []string{fmt.Sprint("T", i), fmt.Sprint("T", i+1)} }
	many := func(i int, p *ledger.Payment) {
		p.OrderID = "DH"
		for j := range 50 {
			p.Transactions = append(p.Transactions, fmt.Sprint("T", i, "-", j))
		}
	}
	for name, test := range map[string]struct {
		calls calls
		want  int
		isCut bool
	}{
		"as many as may be":     {long(mostCalls, oneOrder), mostCalls, false},
		"one more":              {long(mostCalls+1, oneOrder), mostCalls, true},
		"one leads to the next": {long(mostCalls+50, chain), mostCalls, true},
		"many transactions":     {long(20, many), 20, true},
	} {
		ids, isCut, text, status := storyOf(t, &ledgerStore{calls: test.calls}, url.Values{"id": {"R0"}})
		if status != http.StatusOK || len(ids) != test.want || isCut != test.isCut || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			t.Errorf("%s: %d calls, cut %t; %d %.100s", name, len(ids), isCut, status, text)
		}
	}
}
