package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

func TestSettle(t *testing.T) {
	for _, test := range []struct {
		as     Outcome
		status Status
	}{
		{Accepted, Open},
		{Rejected, Failed},
		{NotSent, Failed},
	} {
		t.Run(string(test.as), func(t *testing.T) {
			s := newMemory()
			s.did(t, call(charge), lostAnswer)
			s.pass(time.Hour)
			p, err := Settle(t.Context(), s, shop, "r1", test.as, "they looked it up")
			if err != nil || p.Outcome != test.as || p.Settled != test.as || p.Reason != "they looked it up" || !p.SettledAt.Equal(monday.Add(time.Hour)) ||
				p.Status != test.status || p.Code != "" || !p.WasUnknown {
				t.Errorf("%+v, error %v", p, err)
			}
			if kept := s.record(t, "r1"); !samePayment(&kept, &p) {
				t.Errorf("kept\n%+v, returned\n%+v", kept, p)
			}
		})
	}
}

func TestSettleRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(tester, *memory)
		as     Outcome
		reason string
		want   error // nil: any
	}{
		{"no call", func(tester, *memory) {}, Accepted, "x", ErrNoPayment},
		{"at work", func(t tester, s *memory) { s.sends(t, call()) }, Accepted, "x", ErrNotUnknown},
		{"accepted", func(t tester, s *memory) { s.did(t, call(), accepted("t1")) }, Rejected, "x", ErrNotUnknown},
		{"refused", func(t tester, s *memory) { s.did(t, call(), refused) }, Accepted, "x", ErrNotUnknown},
		{"not sent", func(t tester, s *memory) { s.did(t, call(), unreachable) }, NotSent, "x", ErrNotUnknown},
		{"settled", settledAs(charge, Rejected), Accepted, "x", ErrNotUnknown},
		{"paid, as rejected", unknownThen(Paid), Rejected, "x", ErrPaid},
		{"paid, as not sent", unknownThen(Paid), NotSent, "x", ErrPaid},
		{"no reason", unknown(charge), Accepted, "", nil},
		{"as unknown", unknown(charge), Unknown, "x", nil},
		{"as at work", unknown(charge), AtWork, "x", nil},
		{"as something", unknown(charge), "paid", "x", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			test.before(t, s)
			before := s.puts
			_, err := Settle(t.Context(), s, shop, "r1", test.as, test.reason)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || s.puts != before {
				t.Errorf("error %v, %d records written", err, s.puts-before)
			}
		})
	}
}

func TestSettleAfterTheDeadline(t *testing.T) {
	s := newMemory()
	s.sends(t, call(charge))
	s.pass(limit + 1)
	s.settled(t, "r1", Accepted)
}

func TestSettlePaidAsAccepted(t *testing.T) {
	s := newMemory()
	unknownThen(Paid)(t, s)
	s.settled(t, "r1", Accepted)
	if p := s.record(t, "r1"); p.Status != Paid || !p.Word {
		t.Errorf("%+v", p)
	}
}

// Settled refunds, voids and captures count as the gateway's word.
func TestSettledCallsAreCarriedOut(t *testing.T) {
	for _, test := range []struct {
		name     string
		effect   operation.Effect
		as       Outcome
		status   Status
		captured bool
	}{
		{"void", operation.Voids, Accepted, Reversed, false},
		{"refund", operation.Refunds, Accepted, Reversed, false},
		{"capture", operation.Captures, Accepted, Authorized, true},
		{"void", operation.Voids, Rejected, Authorized, false},
		{"refund", operation.Refunds, NotSent, Authorized, false},
		{"capture", operation.Captures, Rejected, Authorized, false},
	} {
		t.Run(test.name+" as "+string(test.as), func(t *testing.T) {
			s := opened(t, deferred)
			s.noted(t, message(), true)
			s.did(t, call(under("r2"), as(test.name, test.effect), about("t1", "100000")), lostAnswer)
			s.settled(t, "r2", test.as)
			if p := s.record(t, "r1"); p.Status != test.status || p.Captured != test.captured {
				t.Errorf("status %s, captured %v", p.Status, p.Captured)
			}
		})
	}
}
