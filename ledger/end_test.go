package ledger

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func samePayment(a, b *Payment) bool { return reflect.DeepEqual(a, b) }

func TestEnd(t *testing.T) {
	later := monday.Add(time.Hour)
	for _, test := range []struct {
		name    string
		call    Call
		before  []Result // of earlier sendings
		r       Result
		outcome Outcome
		code    string
		status  Status
		unknown bool // WasUnknown
	}{
		{"accepted", call(), nil, accepted("t1"), Accepted, "", Open, false},
		{"refused", call(), nil, refused, Rejected, "gateway_bad_request", Failed, false},
		{"lost", call(), nil, lostAnswer, Unknown, "gateway_no_answer", StatusUnknown, true},
		{"not sent", call(), nil, unreachable, NotSent, "gateway_unreachable", Failed, false},
		{"unauthorized", call(), nil, unauthorized, NotSent, "gateway_unauthorized", Failed, false},
		{"a duplicate", call(), nil, duplicate, Rejected, "transaction_duplicate", Failed, false},

		{"paid at once", call(charge), nil, Result{Outcome: Accepted, Status: Paid}, Accepted, "", Paid, false},
		{"held at once", call(charge), nil, Result{Outcome: Accepted, Status: Authorized}, Accepted, "", Authorized, false},
		{"failed at once", call(charge), nil, Result{Outcome: Accepted, Status: Failed}, Accepted, "", Failed, false},
		{"pending", call(charge), nil, Result{Outcome: Accepted, Status: Pending}, Accepted, "", Open, false},
		{"disputed", call(charge), nil, Result{Outcome: Accepted, Status: Disputed}, Accepted, "", Open, false},
		{"refused as expired", call(charge), nil, Result{Outcome: Rejected, Code: "payment_expired", Status: Expired}, Rejected, "payment_expired", Expired, false},
		{"refused as cancelled", call(charge), nil, Result{Outcome: Rejected, Code: "payment_cancelled", Status: Cancelled}, Rejected, "payment_cancelled", Cancelled, false},
		{"refused, whatever else is said", call(charge), nil, Result{Outcome: Rejected, Code: "x", Status: Paid}, Rejected, "x", Failed, false},

		{"lost, then accepted", call(), []Result{lostAnswer}, accepted("t1"), Accepted, "", Open, true},
		{"lost, then lost", call(), []Result{lostAnswer}, lostAnswer, Unknown, "gateway_no_answer", StatusUnknown, true},
		{"lost, then refused", call(), []Result{lostAnswer}, refused, Rejected, "gateway_bad_request", Failed, true},
		{"lost, then not sent", call(), []Result{lostAnswer}, unreachable, Unknown, "gateway_unreachable", StatusUnknown, true},
		{"lost, then unauthorized", call(), []Result{lostAnswer}, unauthorized, Unknown, "gateway_unauthorized", StatusUnknown, true},
		{"lost, then not sent twice", call(), []Result{lostAnswer, unreachable}, unreachable, Unknown, "gateway_unreachable", StatusUnknown, true},
		{"lost, then a duplicate", call(), []Result{lostAnswer}, duplicate, Rejected, CodePageLost, StatusUnknown, true},
		{"lost, not sent, then a duplicate", call(), []Result{lostAnswer, unreachable}, duplicate, Rejected, CodePageLost, StatusUnknown, true},
		{"not sent, then a duplicate", call(), []Result{unreachable}, duplicate, Rejected, "transaction_duplicate", Failed, false},
		{"not sent, then accepted", call(), []Result{unreachable}, accepted("t1"), Accepted, "", Open, false},
		{"stored cards lost, then a duplicate", call(cards), []Result{lostAnswer}, duplicate, Unknown, "transaction_duplicate", "", true},
		{"stored cards accepted, then a duplicate", call(cards), []Result{{Outcome: Accepted}}, duplicate, Unknown, "transaction_duplicate", "", true},
		{"stored cards accepted, then not sent", call(cards), []Result{{Outcome: Accepted}}, unreachable, Unknown, "gateway_unreachable", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			for _, r := range test.before {
				s.did(t, test.call, r)
			}
			sent := s.sends(t, test.call)
			s.pass(time.Hour)
			at := s.now
			p := s.ended(t, sent, test.r)
			if p.Outcome != test.outcome || p.Code != test.code || p.Status != test.status || p.WasUnknown != test.unknown {
				t.Errorf("%s %q, status %q, was unknown %v", p.Outcome, p.Code, p.Status, p.WasUnknown)
			}
			if !p.EndedAt.Equal(at) {
				t.Errorf("ended at %v, want %v", p.EndedAt, later)
			}
			if kept := s.record(t, "r1"); !samePayment(&kept, &p) {
				t.Errorf("kept\n%+v, returned\n%+v", kept, p)
			}
			if test.code == CodePageLost && p.Reply != nil {
				t.Error("the answer to a lost page is kept")
			}
		})
	}
}

// A customer who has been on the page shows that its address arrived: it is not lost.
func TestEndDuplicateOfAPageThatWasSeen(t *testing.T) {
	for _, status := range []Status{Paid, Failed, Cancelled} {
		t.Run(string(status), func(t *testing.T) {
			s := newMemory()
			s.did(t, call(), lostAnswer)
			sent := s.sends(t, call())
			s.noted(t, message(says(status)), true)
			if p := s.ended(t, sent, duplicate); p.Outcome != Unknown || p.Status != status {
				t.Errorf("%s %s, status %s", p.Outcome, p.Code, p.Status)
			}
		})
	}
}

// The gateway's 409 to the only sending that there was is about another call than this.
func TestEndLateDuplicateOfTheOnlySending(t *testing.T) {
	s := newMemory()
	sent := s.sends(t, call())
	s.pass(limit + 1)
	if n, err := InterruptOverdue(t.Context(), s); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if p := s.ended(t, sent, duplicate); p.Code != "transaction_duplicate" {
		t.Errorf("code %s", p.Code)
	}
}

func TestEndLate(t *testing.T) {
	for _, test := range []struct {
		name    string
		call    Call
		then    func(tester, *memory) // after the call was begun
		r       Result
		outcome Outcome
		status  Status
	}{
		{"after the deadline, accepted", call(charge), overdue, accepted("t1"), Accepted, Open},
		{"after the deadline, refused", call(charge), overdue, refused, Rejected, Failed},
		{"after the deadline, not sent", call(charge), overdue, unreachable, Unknown, StatusUnknown},
		{"after another sending has begun, accepted", call(), again, accepted("t1"), Accepted, Open},
		{"after another sending has begun, refused", call(), again, refused, AtWork, StatusUnknown},
		{"after another sending has begun, lost", call(), again, lostAnswer, AtWork, StatusUnknown},
		{"after another sending was lost, refused", call(), againWith(lostAnswer), refused, Unknown, StatusUnknown},
		{"after another sending was refused, accepted", call(), againWith(refused), accepted("t1"), Accepted, Open},
		{"after another sending was accepted, accepted", call(), againWith(accepted("t2")), accepted("t1"), Accepted, Open},
		{"after another sending was accepted, refused", call(), againWith(accepted("t2")), refused, Accepted, Open},
		{"after the page was lost, accepted", call(), againWith(duplicate), accepted("t1"), Accepted, Open},
		{"after settled as not sent, refused", call(charge), settle3(NotSent), refused, NotSent, Failed},
		{"after settled as not sent, accepted", call(charge), settle3(NotSent), accepted("t1"), Accepted, Open},
		{"after settled as rejected, lost", call(charge), settle3(Rejected), lostAnswer, Rejected, Failed},
		{"after settled as rejected, accepted", call(charge), settle3(Rejected), accepted("t1"), Accepted, Open},
		{"after settled as accepted, refused", call(charge), settle3(Accepted), refused, Accepted, Open},
		{"after settled as accepted, paid", call(charge), settle3(Accepted), Result{Outcome: Accepted, Status: Paid}, Accepted, Paid},
		{"after settled as not sent twice, refused", call(charge), func(t tester, s *memory) {
			settle3(NotSent)(t, s)
			s.sends(t, call(charge))
			s.pass(limit + 1)
			s.settled(t, "r1", NotSent)
		}, refused, NotSent, Failed},
		{"after it has become another call, accepted", call(charge), func(t tester, s *memory) {
			settle3(NotSent)(t, s)
			s.sends(t, call(charge, func(c *Call) { c.Fingerprint = "f2" }))
		}, accepted("t1"), AtWork, Open},
		{"after a message said failed, accepted", call(), func(t tester, s *memory) { s.noted(t, message(says(Failed)), true) }, accepted("t1"), Accepted, Failed},
		{"after a message said cancelled, accepted", call(), func(t tester, s *memory) { s.noted(t, message(says(Cancelled)), true) }, accepted("t1"), Accepted, Cancelled},
		{"after a message said paid, accepted", call(), func(t tester, s *memory) { s.noted(t, message(), true) }, accepted("t1"), Accepted, Paid},
		{"after a message said paid, lost", call(), func(t tester, s *memory) { s.noted(t, message(), true) }, lostAnswer, Unknown, Paid},
		{"after a message said failed, paid", call(charge), func(t tester, s *memory) { s.noted(t, message(says(Failed)), true) }, Result{Outcome: Accepted, Status: Paid}, Accepted, Paid},
		{"after a message said paid, failed", call(charge), func(t tester, s *memory) { s.noted(t, message(), true) }, Result{Outcome: Accepted, Status: Failed}, Accepted, Paid},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			sent := s.sends(t, test.call)
			test.then(t, s)
			p := s.ended(t, sent, test.r)
			if p.Outcome != test.outcome || p.Status != test.status {
				t.Errorf("%s, status %q, want %s, %q", p.Outcome, p.Status, test.outcome, test.status)
			}
			if kept := s.record(t, "r1"); !samePayment(&kept, &p) {
				t.Errorf("kept\n%+v, returned\n%+v", kept, p)
			}
		})
	}
}

func overdue(t tester, s *memory) {
	s.pass(limit + 1)
	if _, err := InterruptOverdue(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func again(t tester, s *memory) {
	overdue(t, s)
	s.sends(t, call())
}

func againWith(r Result) func(tester, *memory) {
	return func(t tester, s *memory) {
		overdue(t, s)
		s.did(t, call(), r)
	}
}

// settle3 settles a call whose sender is late.
func settle3(as Outcome) func(tester, *memory) {
	return func(t tester, s *memory) {
		s.pass(limit + 1)
		s.settled(t, "r1", as)
	}
}

// What an accepted call was answered stays, byte for byte.
func TestEndKeepsTheFirstAnswer(t *testing.T) {
	s := newMemory()
	first := s.sends(t, call())
	overdue(t, s)
	second := s.sends(t, call())
	s.ended(t, second, accepted("t2"))
	for _, r := range []Result{accepted("t1"), refused, lostAnswer, unreachable, duplicate} {
		for _, sent := range []Payment{first, second} {
			if p := s.ended(t, sent, r); string(p.Reply) != `{"transactionID":"t2"}` || p.Code != "" {
				t.Errorf("after %s: %s %s", r.Outcome, p.Reply, p.Code)
			}
		}
	}
}

func TestEndAfterSettledAsAcceptedKeepsTheAnswer(t *testing.T) {
	s := newMemory()
	sent := s.did(t, call(charge), lostAnswer)
	s.settled(t, "r1", Accepted)
	p := s.ended(t, sent, Result{Outcome: Accepted, Reply: []byte("{1}"), Transaction: "t1", AskAt: monday.Add(time.Minute)})
	if len(p.Reply) > 0 || p.Settled != Accepted {
		t.Errorf("the answer to the app changes: %+v", p)
	}
	if len(p.Transactions) != 1 || p.AskAt.IsZero() {
		t.Errorf("what the answer says is lost: %+v", p)
	}
}

func TestEndSaysWhenToAsk(t *testing.T) {
	at := monday.Add(10 * time.Minute)
	asking := func(r Result) Result {
		r.AskAt = at
		return r
	}
	for _, test := range []struct {
		name   string
		before func(tester, *memory)
		call   Call
		r      Result
		want   bool
	}{
		{"a page", nil, call(), asking(accepted("t1")), true},
		{"a charge", nil, call(charge), asking(accepted("t1")), true},
		{"no schedule", nil, call(), accepted("t1"), false},
		{"without a transaction", nil, call(), asking(accepted("")), false},
		{"refused", nil, call(), asking(refused), false},
		{"lost", nil, call(), asking(lostAnswer), false},
		{"a refund", nil, call(as("refund", "refund")), asking(accepted("t1")), false},
		{"paid, and told", func(t tester, s *memory) { s.noted(t, message(), true) }, call(), asking(accepted("t1")), false},
		{"paid, and not told", func(t tester, s *memory) { s.noted(t, message(), false) }, call(), asking(accepted("t1")), true},
		{"failed, and told", func(t tester, s *memory) { s.noted(t, message(says(Failed)), true) }, call(), asking(accepted("t1")), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			sent := s.sends(t, test.call)
			if test.before != nil {
				test.before(t, s)
			}
			if p := s.ended(t, sent, test.r); !p.AskAt.IsZero() != test.want {
				t.Errorf("ask at %v", p.AskAt)
			}
		})
	}
}

// A store can lose a record, as a standby can that takes over. The outcome is recorded all the same, else a repeated call would
// be sent again.
func TestEndWithoutARecord(t *testing.T) {
	s, elsewhere := newMemory(), newMemory()
	elsewhere.sends(t, call(under("r0")))
	p := s.ended(t, elsewhere.sends(t, call()), accepted("t1"))
	if p.Seq != 1 || p.Outcome != Accepted {
		t.Errorf("%+v", p)
	}
}

func TestEndWithABrokenStore(t *testing.T) {
	s := newMemory()
	sent := s.sends(t, call())
	s.broken = errors.New("the disk is full")
	if e, err := End(t.Context(), s, sent, accepted("t1")); !errors.Is(err, s.broken) || e.Payment.Seq != 0 {
		t.Errorf("%+v, error %v", e, err)
	}
}

// A call that was carried out is recorded as such, though the record of the payment that it is about is damaged.
func TestEndAboutADamagedPayment(t *testing.T) {
	for name, operation := range map[string]Call{
		"refund": call(under("r2"), as("refund", "refund"), about("t1", "1")), "void": call(under("r2"), as("void", "void"), about("t1", "1")),
		"capture": call(under("r2"), as("capture", "capture"), about("t1", "1")),
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t)
			sent := s.sends(t, operation)
			s.damaged = "t1"
			e, err := End(t.Context(), s, sent, accepted(""))
			if err != nil || !e.Unfelt || e.Payment.Outcome != Accepted {
				t.Errorf("%+v, error %v", e, err)
			}
			if p := s.record(t, "r2"); p.Outcome != Accepted {
				t.Errorf("recorded as %s", p.Outcome)
			}
			unknown := s.did(t, call(under("r3"), as("refund", "refund"), about("t1", "1")), lostAnswer)
			if p, err := Settle(t.Context(), s, shop, unknown.RequestID, Accepted, "a reason"); err != nil || p.Outcome != Accepted {
				t.Errorf("settled as %s, error %v", p.Outcome, err)
			}
			s.damaged = ""
			if e, err := End(t.Context(), s, s.sends(t, call(under("r4"), as("capture", "capture"), about("t1", "1"))), accepted("")); err != nil || e.Unfelt {
				t.Errorf("%+v, error %v", e, err)
			}
		})
	}
}
