package sandbox

import (
	"reflect"
	"slices"
	"testing"
)

// Whatever one language says the other says too, in words of its own.
func TestTextsAreComplete(t *testing.T) {
	same := []string{"3-D Secure", "Email", "E-mail"}
	if len(languages) != 2 {
		t.Fatalf("%d languages", len(languages))
	}
	en, vi := reflect.ValueOf(*english), reflect.ValueOf(*vietnamese)
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		a, b := en.Field(i), vi.Field(i)
		if a.Kind() == reflect.Map {
			compareTexts(t, name, a, b)
			continue
		}
		if a.String() == "" || b.String() == "" || a.String() == b.String() && !slices.Contains(same, a.String()) {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
	for name, in := range languages {
		if in.Language != name {
			t.Errorf("language %s says it is %s", name, in.Language)
		}
	}
}

func compareTexts(t *testing.T, name string, a, b reflect.Value) {
	t.Helper()
	if a.Len() != b.Len() || a.Len() == 0 {
		t.Errorf("%s has %d and %d texts", name, a.Len(), b.Len())
	}
	for _, key := range a.MapKeys() {
		other := b.MapIndex(key)
		if !other.IsValid() || other.String() == "" || a.MapIndex(key).String() == "" || a.MapIndex(key).String() == other.String() {
			t.Errorf("%s %s: %v and %v", name, key, a.MapIndex(key), other)
		}
	}
}

// A page never shows an empty heading for what can happen, or be wrong.
func TestTextsForEverything(t *testing.T) {
	for o := range results {
		if o != "" && english.happened[o] == "" {
			t.Errorf("no text for the outcome %s", o)
		}
	}
	for _, wrong := range []complaint{payerTooLong, cardUnknown, nameMissing, detailsDiffer, otpWrong} {
		if english.complaints[wrong] == "" {
			t.Errorf("no text for %s", wrong)
		}
	}
	for _, name := range payerFields {
		if english.questions[name] == "" {
			t.Errorf("no text for %s", name)
		}
	}
	for _, method := range pageMethods {
		if english.methods[method] == "" || usualSource[method] == "" {
			t.Errorf("no text or source for %s", method)
		}
	}
}

func TestReadableAmounts(t *testing.T) {
	for amount, want := range map[string][2]string{
		"0":       {"0", "0"},
		"999":     {"999", "999"},
		"1000":    {"1,000", "1.000"},
		"1250000": {"1,250,000", "1.250.000"},
		"12.50":   {"12.50", "12,50"},
		"1234.5":  {"1,234.5", "1.234,5"},
		"125e4":   {"125e4", "125e4"},
	} {
		if en, vi := english.readable(amount), vietnamese.readable(amount); en != want[0] || vi != want[1] {
			t.Errorf("%s is %s and %s", amount, en, vi)
		}
	}
}
