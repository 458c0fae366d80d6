package inbox

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestIsRepetition(t *testing.T) {
	const first = `{"requestID":"r","responseDateTime":"20260615190000","responseCode":"200","responseData":{"transactionID":"T1",` +
		`"transactionDateTime":"20260615190000","orderID":"DH-1","orderAmount":"109000","orderCurrency":"VND","extraData":{"a":[1]},"cardNumber":"9704xxx"}}`
	for name, test := range map[string]struct {
		second string
		want   bool
	}{
		"the same":                   {first, true},
		"other times":                {`{"responseDateTime":"20260616000000","responseData":{"transactionID":"T1","transactionDateTime":"20260616000000","orderID":"DH-1","orderAmount":"109000"}}`, true},
		"numbers for texts":          {`{"responseData":{"transactionID":"T1","orderAmount":109000}}`, true},
		"amount written otherwise":   {`{"responseData":{"transactionID":"T1","orderAmount":"109000.00"}}`, true},
		"data in a text":             {`{"responseData":"{\"transactionID\":\"T1\",\"orderID\":\"DH-1\"}"}`, true},
		"object inside":              {`{"responseData":{"transactionID":"T1","extraData":{"a":[1]}}}`, true},
		"another amount":             {`{"responseData":{"transactionID":"T1","orderAmount":"109001"}}`, false},
		"amount that is no number":   {`{"responseData":{"transactionID":"T1","orderAmount":"much"}}`, false},
		"another order":              {`{"responseData":{"transactionID":"T1","orderID":"DH-2"}}`, false},
		"a member more":              {`{"responseData":{"transactionID":"T1","token":"x"}}`, false},
		"another object inside":      {`{"responseData":{"transactionID":"T1","extraData":{"a":[2]}}}`, false},
		"another transaction's case": {`{"responseData":{"transactionID":"t1"}}`, false},
		"payment link":               {`{"responseData":{"orderNo":"PL1"}}`, false},
		"no data":                    {`{"responseCode":"200"}`, false},
		"no JSON":                    {`x`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isRepetition([]byte(first), []byte(test.second)); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}

// news is an event with a real message.
func news(id, status, stamp string) Event {
	e := event(id, "T1", status)
	e.Message = []byte(`{"responseDateTime":"` + stamp + `","responseData":{"transactionID":"T1","orderAmount":"109000"}}`)
	return e
}

func TestTheSameNewsIsDeliveredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.arrive(t, news("a", Paid, "1"), thanks)
		b.arrive(t, news("b", Paid, "2"), thanks) // the answer of the first
		b.wasCalled(t, "a 1")
		if r := b.hasState(t, "b", Repeated); r.Answer != thanks || r.Attempts != 0 || r.SettledAt.IsZero() {
			t.Errorf("kept %+v", r)
		}
		b.arrive(t, news("b", Paid, "2"), thanks)
		b.counted(t, "shop delivered", "shop repeated", "shop duplicate")

		// Where the first one's message is gone, transaction and status decide.
		b.store.find("shop", "a").Message = nil
		b.arrive(t, news("c", Paid, "3"), thanks)
		b.hasState(t, "c", Repeated)
	})
}

// The second waits for the first: only what the app has taken is not delivered again.
func TestTheSameNewsIsDeliveredIfTheFirstWasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		b.arrive(t, news("a", Paid, "1"), kept)
		time.Sleep(3 * time.Hour)
		b.hasState(t, "a", Dead)
		b.app.calls()
		b.app.answers(takes)
		b.arrive(t, news("b", Paid, "2"), thanks)
		b.wasCalled(t, "b 1")
		b.hasState(t, "b", Delivered)
	})
}

func TestAnAppThatDoesNotKnowTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		unknown := Answer{Status: NotFound, Description: "no such order"}
		b.app.answers(func(context.Context, Record, int) Result {
			return Result{Answer: unknown, Reason: "the app does not know the order"}
		})
		b.arrive(t, event("a", "1", Paid), unknown) // it is relayed, but not final
		if r := b.hasState(t, "a", Pending); r.Answer != unknown || r.Attempts != 1 {
			t.Errorf("kept %+v", r)
		}
		b.app.answers(takes)
		b.arrive(t, event("a", "1", Paid), thanks) // the app's word of now
		b.hasState(t, "a", Delivered)

		b.app.answers(func(context.Context, Record, int) Result { return Result{Answer: unknown, Reason: "unknown"} })
		b.arrive(t, event("b", "2", Paid), unknown)
		time.Sleep(3 * time.Hour)
		if r := b.hasState(t, "b", Dead); r.Answer != unknown {
			t.Errorf("kept %+v", r)
		}
	})
}

func TestPaidOvertakesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestEngine(t)
		b.app.answers(isDown)
		b.arrive(t, event("a", "1", "expired"), kept)
		b.app.answers(takes)
		b.arrive(t, event("b", "1", Paid), thanks)
		b.hasState(t, "a", Overtaken)
		b.hasState(t, "b", Delivered)
	})
}
