package fault

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// Time is that of the bubble here, and passes at once.
func TestFaultsTakeTheirTime(t *testing.T) {
	for name, test := range map[string]struct {
		fault  func(*Answer)
		leaves bool
		from   time.Duration
		to     time.Duration
	}{
		"hang":                    {hang, false, hangTime, hangTime},
		"hang, the caller leaves": {hang, true, 0, 0},
		"slow":                    {sendSlowly, false, slowPause, slowPieces * slowPause},
		"slow, the caller leaves": {sendSlowly, true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				if test.leaves {
					leave()
				}
				a := &Answer{
					ResponseWriter: httptest.NewRecorder(),
					request:        httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil),
					body:           bytes.Repeat([]byte("x"), 300),
				}
				test.fault(a)
				began := time.Now()
				func() {
					defer func() { _ = recover() }()
					a.send(a)
				}()
				if took := time.Since(began); took < test.from || took > test.to {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}
