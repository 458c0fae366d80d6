package store

import (
	"errors"
	"runtime"
	"testing"
)

func TestRunner(t *testing.T) {
	errNo := errors.New("no")
	fine := func() error { return nil }
	for name, test := range map[string]struct {
		change   func() error
		panicked any
		err      error
	}{
		"returns":                 {fine, nil, nil},
		"fails":                   {func() error { return errNo }, nil, errNo},
		"panics":                  {func() error { panic("no") }, "no", nil},
		"ends its goroutine":      {func() error { runtime.Goexit(); return nil }, nil, errExited},
		"ends it in a deferred":   {func() error { defer runtime.Goexit(); return nil }, nil, errExited},
		"panics and ends it then": {func() error { defer runtime.Goexit(); panic("no") }, nil, errExited},
	} {
		t.Run(name, func(t *testing.T) {
			var r Runner
			defer r.End()
			for range 3 { // each leaves a Runner that goes on
				if panicked, err := r.Run(test.change); panicked != test.panicked || !errors.Is(err, test.err) {
					t.Errorf("panicked with %v, %v, expected %v, %v", panicked, err, test.panicked, test.err)
				}
				if panicked, err := r.Run(fine); panicked != nil || err != nil {
					t.Errorf("the next panicked with %v, %v", panicked, err)
				}
			}
			if panicked, err := Run(test.change); panicked != test.panicked || !errors.Is(err, test.err) {
				t.Errorf("alone: panicked with %v, %v, expected %v, %v", panicked, err, test.panicked, test.err)
			}
		})
	}
	t.Run("after its end", func(t *testing.T) {
		var r Runner
		r.End()
		for range 2 {
			if panicked, err := r.Run(fine); panicked != nil || err != nil {
				t.Errorf("panicked with %v, %v", panicked, err)
			}
			r.End()
		}
	})
}
