package inbox

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sealing makes an engine seal with real keys.
func (b *testEngine) sealing(t *testing.T, ids ...string) {
	t.Helper()
	s := newTestSealer(t, true, ids...)
	b.settings.Seal, b.settings.Unseal = s.Seal, s.Open
}

func TestAnswersAreSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.sealing(t, "new", "old")
		said := Answer{Status: "200", Description: "Thank you, canary"}
		b.app.answers(func(context.Context, Record, int) Result { return Result{Delivered: true, Answer: said} })
		b.arrive(t, news("a", Paid, "1"), said)
		b.arrive(t, news("a", Paid, "1"), said) // as it was answered the first time
		b.arrive(t, news("b", Paid, "2"), said) // the same news, so the answer to the first
		a, repeated := b.hasState(t, "a", Delivered), b.hasState(t, "b", Repeated)
		for _, r := range []Record{a, repeated} {
			sealed, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Answer.Description, sealedAnswer))
			if strings.Contains(r.Answer.Description+string(sealed), "canary") || r.Answer.Status != "200" {
				t.Errorf("%s is kept with %+v", r.ID, r.Answer)
			}
			if got := b.Answer(r); got != said {
				t.Errorf("%s: opened %+v", r.ID, got)
			}
		}

		// What cannot be opened says nothing: another event's, a message in its place, no key for it, no Base64.
		moved, message, broken := a, a, a
		moved.ID = "b"
		message.Answer.Description = sealedAnswer + base64.StdEncoding.EncodeToString(a.Message)
		broken.Answer.Description = sealedAnswer + "?"
		for name, r := range map[string]Record{"moved": moved, "a message": message, "broken": broken} {
			if got := b.Answer(r); got.Description != "" || got.Status != "200" {
				t.Errorf("%s: opened %+v", name, got)
			}
		}
		b.sealing(t, "another")
		if got := b.Answer(a); got.Description != "" {
			t.Errorf("opened %+v without its key", got)
		}
	})
}

// The last answer of an event that the app does not know is kept over attempts that bring none.
func TestSealedAnswerStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.sealing(t, "key")
		unknown := Answer{Status: NotFound, Description: "no such order"}
		b.app.answers(func(_ context.Context, _ Record, attempt int) Result {
			if attempt == 1 {
				return Result{Answer: unknown, Reason: "the app does not know the order"}
			}
			return Result{Reason: "it is down"}
		})
		b.arrive(t, event("a", "1", Paid), unknown)
		b.wasCalled(t, "a 1")
		time.Sleep(5 * time.Second) // of the test's clock: past the second attempt, before the third
		synctest.Wait()
		r := b.hasState(t, "a", Pending)
		if got := b.Answer(r); got != unknown || r.Attempts != 2 {
			t.Errorf("kept %+v after %d attempts", got, r.Attempts)
		}
	})
}
