package main

import (
	"strings"
	"testing"
)

// Each promise that is broken is named, and nothing else.
func TestOverloadVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(*overloaded)
		want   string // "" for nothing
	}{
		"all kept":             {func(*overloaded) {}, ""},
		"another answer":       {func(o *overloaded) { o.during.other = 1 }, "answered otherwise"},
		"no refusals":          {func(o *overloaded) { o.during.refused = 0 }, "nothing was refused"},
		"a lost call":          {func(o *overloaded) { o.reached-- }, "the gateway got other calls"},
		"a call too many":      {func(o *overloaded) { o.gateway.most.Store(overloadLimit + 1) }, "more calls at once"},
		"memory":               {func(o *overloaded) { o.peak.resident = overloadMemory + 1 }, "too much memory"},
		"no full recovery":     {func(o *overloaded) { o.recovered.refused = 1 }, "no full recovery"},
		"nothing afterwards":   {func(o *overloaded) { o.recovered = counts{} }, "no full recovery"},
		"goroutines that stay": {func(o *overloaded) { o.after.goroutines++ }, "goroutines are left"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &overloaded{
				gateway: new(stub), during: counts{ok: 10, refused: 30}, recovered: counts{ok: 5}, reached: 10,
				before: state{goroutines: 9}, peak: state{resident: overloadMemory}, after: state{goroutines: 9},
			}
			o.gateway.most.Store(overloadLimit)
			test.breaks(o)
			err := o.verdict()
			if test.want == "" {
				if err != nil {
					t.Errorf("verdict is %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "FAIL: ") != 1 {
				t.Errorf("verdict is %v, expected one about %q", err, test.want)
			}
		})
	}
}

// Likewise beside half requests.
func TestHalfRequestsVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(*halves)
		want   string // "" for nothing
	}{
		"all kept":        {func(*halves) {}, ""},
		"a refusal":       {func(h *halves) { h.during.refused = 1 }, "did not succeed"},
		"another answer":  {func(h *halves) { h.during.other = 1 }, "did not succeed"},
		"no payments":     {func(h *halves) { h.during = counts{} }, "did not succeed"},
		"too much memory": {func(h *halves) { h.peak.resident++ }, "too much memory"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &halves{overloaded: overloaded{
				during: counts{ok: 80}, before: state{resident: 1 << 20}, peak: state{resident: 1<<20 + halfMemory},
			}}
			test.breaks(h)
			err := h.verdict()
			if test.want == "" {
				if err != nil {
					t.Errorf("verdict is %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "FAIL: ") != 1 {
				t.Errorf("verdict is %v, expected one about %q", err, test.want)
			}
		})
	}
}

func TestMetric(t *testing.T) {
	const text = "# TYPE go_goroutines gauge\ngo_goroutines_other 1\ngo_goroutines 142\ngo_memstats_heap_inuse_bytes 1.4e+07\n"
	for name, want := range map[string]float64{"go_goroutines": 142, "go_memstats_heap_inuse_bytes": 1.4e7} {
		if got, err := metric(text, name); err != nil || got != want {
			t.Errorf("%s is %v, %v, expected %v", name, got, err, want)
		}
	}
	if got, err := metric(text, "go_threads"); err == nil {
		t.Errorf("a metric that is not there is %v", got)
	}
}
