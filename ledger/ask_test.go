package ledger

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const lease = time.Minute

var (
	minutes = Schedule{10 * time.Minute, 30 * time.Minute, 2 * time.Hour}
	books   = []string{shop}
)

// claimed is what ClaimDue says, which must be without an error.
func (s *memory) claimed(t tester, limit int) (due []Payment, next time.Time) {
	t.Helper()
	due, next, err := ClaimDue(t.Context(), s, books, limit, lease)
	if err != nil {
		t.Fatal(err)
	}
	return due, next
}

// claims claims the one question that is due.
func (s *memory) claims(t tester) Payment {
	t.Helper()
	due, _ := s.claimed(t, 10)
	if len(due) != 1 {
		t.Fatalf("%d questions are due, want 1", len(due))
	}
	return due[0]
}

func (s *memory) asked(t tester, p Payment, answered bool) Payment {
	t.Helper()
	if _, err := Asked(t.Context(), s, p, answered, minutes, 0); err != nil {
		t.Fatal(err)
	}
	return s.record(t, p.RequestID)
}

// asking is a store with a payment that is asked about by the schedule.
func asking(t tester, changes ...func(*Call)) *memory {
	t.Helper()
	s := newMemory()
	r := accepted("t1")
	r.AskAt = minutes.First(monday)
	s.did(t, call(changes...), r)
	return s
}

func TestScheduleFirst(t *testing.T) {
	if at := minutes.First(monday); !at.Equal(monday.Add(10 * time.Minute)) {
		t.Errorf("first at %v", at)
	}
	if at := (Schedule)(nil).First(monday); !at.IsZero() {
		t.Errorf("without a schedule: at %v", at)
	}
}

func TestClaimDue(t *testing.T) {
	s := asking(t)
	if due, next := s.claimed(t, 10); len(due) > 0 || !next.Equal(monday.Add(10*time.Minute)) {
		t.Errorf("before the time: %d due, next at %v", len(due), next)
	}
	s.pass(10 * time.Minute)
	p := s.claims(t)
	if p.RequestID != "r1" || !p.AskAt.Equal(monday.Add(11*time.Minute)) {
		t.Errorf("claimed %+v", p)
	}
	if due, next := s.claimed(t, 10); len(due) > 0 || !next.Equal(p.AskAt) {
		t.Errorf("while it is asked: %d due, next at %v", len(due), next)
	}
	s.pass(lease)
	s.claims(t) // the first asker is gone
}

func TestClaimDueBoundsAndOrder(t *testing.T) {
	s := newMemory()
	for _, at := range []struct {
		requestID string
		after     time.Duration
	}{{"c", 3}, {"a", 1}, {"d", 4}, {"b", 2}} {
		r := accepted("t" + at.requestID)
		r.AskAt = monday.Add(at.after)
		s.did(t, call(under(at.requestID)), r)
	}
	r := accepted("t9")
	r.AskAt = monday
	s.did(t, call(func(c *Call) { c.Book = otherShop }), r)
	s.pass(3)
	var order []string
	for range 2 {
		due, _ := s.claimed(t, 2)
		for _, p := range due {
			order = append(order, p.RequestID)
			s.asked(t, p, true)
		}
	}
	if !slices.Equal(order, []string{"a", "b", "c"}) {
		t.Errorf("claimed %v", order)
	}
}

// All that share a store ask at most so many questions at once, of whatever books.
func TestClaimDueBoundsTheStore(t *testing.T) {
	s := newMemory()
	for _, requestID := range []string{"a", "b", "c", "d", "e"} {
		r := accepted("t" + requestID)
		r.AskAt = monday
		book := map[bool]string{true: shop, false: otherShop}[requestID < "d"]
		s.did(t, call(under(requestID), func(c *Call) { c.Book = book }), r)
	}
	claim := func(atOnce, want int, books ...string) []Payment {
		t.Helper()
		due, next, err := ClaimDue(t.Context(), s, books, atOnce, lease)
		if err != nil || len(due) != want {
			t.Fatalf("%d questions are claimed, want %d, error %v", len(due), want, err)
		}
		if want == 0 && !next.Equal(s.now.Add(crowded)) {
			t.Errorf("it is looked again at %v", next)
		}
		return due
	}
	first := claim(2, 2, shop)
	claim(2, 0, shop)           // by another
	claim(2, 0, otherShop)      // of another merchant
	claim(3, 1, otherShop)      // by one that may ask more
	claim(1, 0, shop)           // by one that tries whether the gateway answers
	s.asked(t, first[0], true)  // has answered
	claim(3, 1, otherShop)      // in its place
	claim(3, 0, shop)           // and no more
	s.pass(lease)               // all who asked are gone
	claim(4, 2, shop)           // the third is asked again in minutes
	claim(4, 2, otherShop)      // in the places that are left
	s.pass(lease - time.Second) // they are asking
	claim(4, 0, shop)
}

// What happens while a question is being asked takes its place from none.
func TestClaimDueWhileThePaymentChanges(t *testing.T) {
	for name, happens := range map[string]func(*memory){
		"a word":                 func(s *memory) { s.noted(t, message(), true) },
		"a word, and a reversal": func(s *memory) { s.noted(t, message(), true); s.did(t, void("v1"), accepted("")) },
		"a capture":              func(s *memory) { s.did(t, capture("c1", "100000"), accepted("")) },
		"it is sent again": func(s *memory) {
			s.alter(t, "r1", func(p *Payment) { p.Outcome, p.Status = NotSent, StatusUnknown })
			s.sends(t, call(deferred))
		},
		"it becomes another": func(s *memory) {
			s.alter(t, "r1", func(p *Payment) { p.Outcome, p.Status = NotSent, StatusUnknown })
			s.sends(t, call(func(c *Call) { c.Fingerprint = "another" }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := asking(t, deferred)
			s.pass(10 * time.Minute)
			p := s.claims(t)
			happens(s)
			if due, _, err := ClaimDue(t.Context(), s, books, 1, lease); len(due) > 0 || err != nil {
				t.Fatalf("asked twice at once: %+v, %v", due, err)
			}
			if due, _ := s.claimed(t, 10); len(due) > 0 {
				t.Fatalf("asked twice at once: %+v", due)
			}
			at := s.record(t, "r1").AskAt
			if after := s.asked(t, p, true); !after.AskedUntil.IsZero() || !at.Equal(p.AskAt) && !after.AskAt.Equal(at) {
				t.Errorf("%+v", after)
			}
		})
	}
}

// A claim that comes to nothing is due again at once.
func TestRelease(t *testing.T) {
	s := asking(t)
	s.pass(10 * time.Minute)
	p := s.claims(t)
	if err := Release(t.Context(), s, p); err != nil {
		t.Fatal(err)
	}
	again := s.claims(t)
	if again.Asked != 0 || again.Answered != 0 {
		t.Errorf("%+v", again)
	}
	s.pass(time.Second)
	if err := Release(t.Context(), s, again); err != nil {
		t.Fatal(err)
	}
	s.claims(t)
	if err := Release(t.Context(), s, again); err != nil { // another asks by now
		t.Fatal(err)
	}
	if due, _ := s.claimed(t, 10); len(due) > 0 {
		t.Error("a late release has ended another's question")
	}
}

// A question of a process that ended is due again, unless there is nothing more to ask.
func TestAbandonQuestion(t *testing.T) {
	for _, told := range []bool{false, true} {
		s := asking(t)
		s.pass(10 * time.Minute)
		s.claims(t)
		if told {
			s.noted(t, message(), true)
		}
		p := s.record(t, "r1")
		p.AbandonQuestion(s.now)
		if !p.AskedUntil.IsZero() || p.AskAt.IsZero() != told || !told && !p.AskAt.Equal(s.now) {
			t.Errorf("told %t: %+v", told, p)
		}
	}
}

// A lease is a time that every store keeps as it is.
func TestClaimDueLeaseHasNoNanoseconds(t *testing.T) {
	s := asking(t)
	s.pass(10*time.Minute + 12345678*time.Nanosecond)
	if p := s.claims(t); p.AskAt.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("the lease ends at %v", p.AskAt)
	}
}

func TestAsked(t *testing.T) {
	s := asking(t)
	for i, delay := range minutes {
		s.pass(monday.Add(delay).Sub(s.now))
		p := s.asked(t, s.claims(t), i == 1)
		if i+1 < len(minutes) && (p.Asked != i+1 || !p.AskAt.Equal(monday.Add(minutes[i+1])) || p.Status != Open) {
			t.Errorf("after question %d: %+v", i+1, p)
		}
	}
	p := s.record(t, "r1")
	if p.Status != Abandoned || !p.AskAt.IsZero() || p.Asked != 3 || p.Answered != 1 {
		t.Errorf("at the end: %+v", p)
	}
	if due, next := s.claimed(t, 10); len(due) > 0 || !next.IsZero() {
		t.Errorf("after the end: %d due, next at %v", len(due), next)
	}
}

func TestAskedIsLaterByJitter(t *testing.T) {
	s := asking(t)
	s.pass(10 * time.Minute)
	ended, err := Asked(t.Context(), s, s.claims(t), true, minutes, time.Second)
	if p := s.record(t, "r1"); err != nil || ended != "" || !p.AskAt.Equal(monday.Add(30*time.Minute+time.Second)) {
		t.Errorf("ask at %v, ended %q, error %v", p.AskAt, ended, err)
	}
}

// Questions that a stop has left behind are asked once.
func TestAskedAfterAStop(t *testing.T) {
	for _, test := range []struct {
		name     string
		stop     time.Duration
		answered bool
		asked    int
		status   Status
		next     time.Duration // 0: none
	}{
		{"over one place", 29 * time.Minute, true, 1, Open, 30 * time.Minute},
		{"over two", 31 * time.Minute, true, 2, Open, 2 * time.Hour},
		{"over all", 9 * time.Hour, true, 3, Abandoned, 0},
		{"over all, and no answer", 9 * time.Hour, false, 3, Silent, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := asking(t)
			s.pass(test.stop)
			p := s.asked(t, s.claims(t), test.answered)
			var next time.Time
			if test.next > 0 {
				next = monday.Add(test.next)
			}
			if p.Asked != test.asked || p.Status != test.status || !p.AskAt.Equal(next) {
				t.Errorf("%+v", p)
			}
		})
	}
}

// What a word has ended is not asked about; after a failure, a customer may try again.
func TestAskedAndTold(t *testing.T) {
	for _, test := range []struct {
		status Status
		kept   bool
		ends   bool
	}{
		{Paid, true, true},
		{Paid, false, false},
		{Failed, true, false},
		{Cancelled, true, false},
		{Expired, true, false},
		{Pending, true, false},
	} {
		t.Run(string(test.status), func(t *testing.T) {
			s := asking(t)
			s.pass(10 * time.Minute)
			p := s.claims(t)
			s.noted(t, message(answers, says(test.status)), test.kept)
			if p := s.asked(t, p, true); p.AskAt.IsZero() != test.ends {
				t.Errorf("ask at %v", p.AskAt)
			}
			s.pass(9 * time.Hour)
			if !test.ends {
				p := s.asked(t, s.claims(t), true)
				if want := test.status; want != Pending && p.Status != want || !p.AskAt.IsZero() {
					t.Errorf("at the end: %+v", p)
				}
			}
			if due, _ := s.claimed(t, 10); len(due) > 0 {
				t.Error("it is asked about after the end")
			}
		})
	}
}

// A reversed payment that the app was not told about is asked about until it was.
func TestAskedReversed(t *testing.T) {
	s := asking(t)
	s.noted(t, message(), false)
	s.did(t, void("v1"), accepted(""))
	s.pass(10 * time.Minute)
	p := s.claims(t)
	if b := s.bound(t, message(answers)); b.Status != Reversed {
		t.Errorf("status %s", b.Status)
	}
	s.noted(t, message(answers), true)
	if p := s.asked(t, p, true); !p.AskAt.IsZero() || p.Status != Reversed || !p.Word {
		t.Errorf("%+v", p)
	}
}

// The word that a payment has failed is none on its reversal.
func TestAskedReversedAfterAFailureThatWasTold(t *testing.T) {
	s := asking(t)
	s.noted(t, message(says(Failed)), true)
	s.did(t, void("v1"), accepted(""))
	if p := s.record(t, "r1"); p.Word || p.AskAt.IsZero() {
		t.Errorf("%+v", p)
	}
	s.noted(t, message(), true)
	if p := s.record(t, "r1"); !p.Word || !p.AskAt.IsZero() {
		t.Errorf("told: %+v", p)
	}
}

// A question that took longer than its lease changes nothing: another has asked, or will.
func TestAskedAfterItsLease(t *testing.T) {
	s := asking(t)
	s.pass(10 * time.Minute)
	first := s.claims(t)
	s.pass(lease)
	second := s.claims(t)
	if p := s.asked(t, first, true); p.Asked != 0 || !p.AskAt.Equal(second.AskAt) {
		t.Errorf("the first: %+v", p)
	}
	if p := s.asked(t, second, true); p.Asked != 1 || p.Answered != 1 {
		t.Errorf("the second: %+v", p)
	}
	if p := s.asked(t, second, true); p.Answered != 1 {
		t.Errorf("the second, again: %+v", p)
	}
}

// The last question ends a payment once, though a sidecar that was stopped for longer than its lease comes back with the same one.
func TestAskedEndsAPaymentOnce(t *testing.T) {
	for answered, want := range map[bool]Status{true: Abandoned, false: Silent} {
		t.Run(string(want), func(t *testing.T) {
			s := asking(t)
			s.pass(9 * time.Hour)
			first := s.claims(t)
			s.pass(lease)
			second := s.claims(t)
			for i, want := range []Status{"", want, "", ""} {
				p := []Payment{first, second, first, second}[i]
				if ended, err := Asked(t.Context(), s, p, answered, minutes, 0); ended != want || err != nil {
					t.Errorf("question %d ends the payment as %q, want %q, error %v", i, ended, want, err)
				}
			}
		})
	}
}

// An accepted capture begins the questions, also of a payment that was asked about to the end, and a question from before takes no
// place of them.
func TestAskedReopenedByACapture(t *testing.T) {
	for _, early := range []bool{true, false} {
		s := asking(t, deferred)
		s.pass(9 * time.Hour)
		before := s.claims(t)
		if !early {
			s.asked(t, before, true)
		}
		s.did(t, capture("c1", "100000"), accepted(""))
		if early {
			s.asked(t, before, true)
		}
		at := s.now
		p := s.asked(t, s.claims(t), true)
		for _, delay := range minutes {
			if !p.AskAt.Equal(at.Add(delay)) {
				t.Fatalf("ask at %v, want %v", p.AskAt, at.Add(delay))
			}
			s.pass(delay - s.now.Sub(at))
			p = s.asked(t, s.claims(t), true)
		}
		if !p.AskAt.IsZero() {
			t.Errorf("after the last delay: %+v", p)
		}
	}
}

// A word that says authorized is none on a capture, whichever comes first: the gateway is asked until it says more.
func TestAuthorizedIsNoWordOnACapture(t *testing.T) {
	for name, before := range map[string]bool{"a word before the capture": true, "a word after it": false} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, deferred)
			authorized := s.bound(t, message())
			if authorized.Status != Authorized {
				t.Fatalf("bound as %s", authorized.Status)
			}
			note := func() {
				if _, err := Note(t.Context(), s, authorized, "t1", true); err != nil {
					t.Fatal(err)
				}
			}
			if before {
				note()
			}
			s.did(t, capture("c1", "100000"), accepted(""))
			if !before {
				note()
			}
			if p := s.record(t, "r1"); p.Status != Authorized && !before || !p.AskAt.Equal(s.now) {
				t.Errorf("it is not asked about: %+v", p)
			}
			s.noted(t, message(), true)
			if p := s.record(t, "r1"); p.Status != Paid || !p.AskAt.IsZero() {
				t.Errorf("after the word paid: %+v", p)
			}
		})
	}
}

// A transaction that a message brings makes it possible to ask.
func TestNoteMakesItPossibleToAsk(t *testing.T) {
	at := monday.Add(time.Hour)
	for _, test := range []struct {
		name   string
		before func(tester, *memory)
		m      Message
		kept   bool
		want   bool
	}{
		{"the answer is lost", unknown(plain), message(says(Failed)), true, true},
		{"the answer is lost, and a result says paid", unknown(plain), message(), false, true},
		{"the answer is lost, and the app was told of paid", unknown(plain), message(), true, false},
		{"no amount to compare", unknown(plain), message(costs("")), true, true},
		{"another order", unknown(plain), message(func(m *Message) { m.OrderID = "o2" }), true, false},
		{"no transaction", unknown(plain), message(names("")), false, false},
		{"at work", func(t tester, s *memory) { s.sends(t, call()) }, message(says(Failed)), true, false},
		{"a refund", unknown(as("refund", "refund")), message(), false, false},
		{"asked to the end", func(t tester, s *memory) {
			unknown(plain)(t, s)
			s.alter(t, "r1", func(p *Payment) { p.Asked = 3 })
		}, message(says(Failed)), true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMemory()
			test.before(t, s)
			b := s.bound(t, test.m)
			b.AskAt = at
			if _, err := Note(t.Context(), s, b, test.m.Transaction, test.kept); err != nil {
				t.Fatal(err)
			}
			if p := s.record(t, "r1"); p.AskAt.Equal(at) != test.want {
				t.Errorf("ask at %v", p.AskAt)
			}
		})
	}
}

func TestAskWithABrokenStore(t *testing.T) {
	s := asking(t)
	s.pass(time.Hour)
	p := s.claims(t)
	s.broken = errors.New("the disk is full")
	if _, _, err := ClaimDue(t.Context(), s, books, 10, lease); !errors.Is(err, s.broken) {
		t.Errorf("error %v", err)
	}
	if _, err := Asked(t.Context(), s, p, true, minutes, 0); !errors.Is(err, s.broken) {
		t.Errorf("error %v", err)
	}
	if err := Release(t.Context(), s, p); !errors.Is(err, s.broken) {
		t.Errorf("error %v", err)
	}
	s.broken = nil
	p.RequestID = "gone"
	if _, err := Asked(t.Context(), s, p, true, minutes, 0); err != nil {
		t.Errorf("error %v", err)
	}
}
