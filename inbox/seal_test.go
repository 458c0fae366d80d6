package inbox

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// testKey is a key that anybody can make up, and must protect nothing.
func testKey(id string) Key {
	return Key{ID: id, Secret: bytes.Repeat([]byte(id[:1]), KeySize)}
}

func newTestSealer(tb testing.TB, strict bool, ids ...string) *Sealer {
	tb.Helper()
	var older []Key
	for _, id := range ids[1:] {
		older = append(older, testKey(id))
	}
	s, err := NewSealer(strict, testKey(ids[0]), older...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

const canary = "Nguyễn Thị Ánh Tuyết"

func testEvent() Event {
	return Event{ID: "0a1b", Queue: "default", PaymentStatus: Paid, Message: []byte(`{"customer":"` + canary + `"}`)}
}

func mustSeal(tb testing.TB, s *Sealer, e Event) Event {
	tb.Helper()
	message, err := s.Seal(e)
	if err != nil {
		tb.Fatal(err)
	}
	e.Message = message
	return e
}

func TestSealAndOpen(t *testing.T) {
	s := newTestSealer(t, true, "2026-11")
	for _, message := range []string{`{}`, `{"a":1}`, "\t{}", "\n{}", " {}", strings.Repeat("x", 1<<20)} {
		e := testEvent()
		e.Message = []byte(message)
		sealed := mustSeal(t, s, e)
		if bytes.Contains(sealed.Message, e.Message) {
			t.Errorf("%.20q can be read in what is stored", message)
		}
		if opened, err := s.Open(sealed); err != nil || string(opened) != message {
			t.Errorf("%.20q is opened as %.20q, %v", message, opened, err)
		}
	}
}

func TestSealNeverRepeatsANonce(t *testing.T) {
	s := newTestSealer(t, true, "k")
	if bytes.Equal(mustSeal(t, s, testEvent()).Message, mustSeal(t, s, testEvent()).Message) {
		t.Error("the same message is sealed the same twice")
	}
}

// A key is replaced by putting the new one in front.
func TestSealKeyRotation(t *testing.T) {
	sealed := mustSeal(t, newTestSealer(t, true, "old"), testEvent())
	rotated := newTestSealer(t, true, "new", "old")
	if opened, err := rotated.Open(sealed); err != nil || !bytes.Equal(opened, testEvent().Message) {
		t.Errorf("opened %q, %v", opened, err)
	}
	if sealed := mustSeal(t, rotated, testEvent()); !bytes.HasPrefix(sealed.Message, []byte("\x01\x03new")) {
		t.Errorf("sealed as %q, want by the first key", sealed.Message[:8])
	}
}

func TestOpenRefuses(t *testing.T) {
	const right = "key right "
	s := newTestSealer(t, false, "right")
	imposter, err := NewSealer(false, Key{ID: "right", Secret: bytes.Repeat([]byte{'x'}, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	altered := func(change func(e *Event)) Event {
		e := mustSeal(t, s, testEvent())
		change(&e)
		return e
	}
	for name, test := range map[string]struct {
		sealer *Sealer
		event  Event
		want   string
	}{
		"another key under the id": {imposter, altered(func(*Event) {}), right + "does not fit"},
		"a key that is gone":       {newTestSealer(t, false, "other"), altered(func(*Event) {}), right + "is not configured"},
		"no keys at all":           {nil, altered(func(*Event) {}), right + "is not configured"},
		"another event":            {s, altered(func(e *Event) { e.ID = "ffff" }), right + "does not fit"},
		"another merchant":         {s, altered(func(e *Event) { e.Queue = "airline" }), right + "does not fit"},
		"another payment status":   {s, altered(func(e *Event) { e.PaymentStatus = "failed" }), right + "does not fit"},
		"fields that run together": {s, altered(func(e *Event) { e.ID, e.Queue = "0a1bd", "efault" }), right + "does not fit"},
		"a flipped bit":            {s, altered(func(e *Event) { e.Message[len(e.Message)-1] ^= 1 }), right + "does not fit"},
		"a cut end":                {s, altered(func(e *Event) { e.Message = e.Message[:len(e.Message)-1] }), right + "does not fit"},
		"no ciphertext":            {s, altered(func(e *Event) { e.Message = e.Message[:7] }), right + "does not fit"},
		"a cut id":                 {s, altered(func(e *Event) { e.Message = e.Message[:4] }), "damaged"},
		"the form alone":           {s, altered(func(e *Event) { e.Message = []byte{sealedForm} }), "damaged"},
		"an empty id":              {s, altered(func(e *Event) { e.Message[1] = 0 }), "damaged"},
		"an id with a line end":    {s, altered(func(e *Event) { e.Message[3] = '\n' }), "damaged"},
		"a form to come":           {s, altered(func(e *Event) { e.Message[0] = 2 }), "newer version"},
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := test.sealer.Open(test.event)
			if opened != nil || !errors.Is(err, ErrCannotOpen) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("opened %q, %v; want an error about %q", opened, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error quotes the message: %v", err)
			}
		})
	}
}

// Messages from before encryption was switched on are still there.
func TestOpenUnsealed(t *testing.T) {
	for name, s := range map[string]*Sealer{"no keys": nil, "keys": newTestSealer(t, false, "k")} {
		if opened, err := s.Open(testEvent()); err != nil || !bytes.Equal(opened, testEvent().Message) {
			t.Errorf("%s: opened %q, %v", name, opened, err)
		}
	}
	if opened, err := newTestSealer(t, true, "k").Open(testEvent()); opened != nil || !errors.Is(err, ErrNotSealed) {
		t.Errorf("strict: opened %q, %v", opened, err)
	}
}

// What looks like a sealed message must not get in as a message.
func TestSealRefusesSealed(t *testing.T) {
	for name, s := range map[string]*Sealer{"no keys": nil, "keys": newTestSealer(t, false, "k")} {
		e := testEvent()
		e.Message = append([]byte{sealedForm}, e.Message...)
		if sealed, err := s.Seal(e); err == nil {
			t.Errorf("%s: sealed as %q", name, sealed)
		}
	}
}

func TestNewSealerRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		keys []Key
		want string
	}{
		"a short secret": {[]Key{{ID: "a", Secret: make([]byte, 16)}}, "key a: expected 32 bytes, got 16"},
		"an old one's":   {[]Key{testKey("a"), {ID: "b"}}, "key b: expected 32 bytes, got 0"},
		"one id twice":   {[]Key{testKey("a"), testKey("a")}, "two keys have the id a"},
		"no id":          {[]Key{{Secret: make([]byte, KeySize)}}, "expected a key id"},
		"a blank":        {[]Key{{ID: "a b", Secret: make([]byte, KeySize)}}, "expected a key id"},
		"beyond ASCII":   {[]Key{{ID: "é", Secret: make([]byte, KeySize)}}, "expected a key id"},
		"a control":      {[]Key{{ID: "a\x7f", Secret: make([]byte, KeySize)}}, "expected a key id"},
		"a long id":      {[]Key{{ID: strings.Repeat("a", 65), Secret: make([]byte, KeySize)}}, "expected a key id"},
	} {
		if s, err := NewSealer(false, test.keys[0], test.keys[1:]...); s != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v; want an error about %q", name, s, err, test.want)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	for _, id := range []string{"a", "!~", strings.Repeat("a", 64)} {
		s, err := NewSealer(false, Key{ID: id, Secret: make([]byte, KeySize)})
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if opened, err := s.Open(mustSeal(t, s, testEvent())); err != nil || !bytes.Equal(opened, testEvent().Message) {
			t.Errorf("%s: %q, %v", id, opened, err)
		}
	}
}

func TestParseSecret(t *testing.T) {
	secret := []byte("0123456789abcdefghijklmnopqrstu~")
	for _, text := range []string{
		hex.EncodeToString(secret),
		strings.ToUpper(hex.EncodeToString(secret)),
		base64.StdEncoding.EncodeToString(secret),
		base64.RawStdEncoding.EncodeToString(secret),
	} {
		if got, err := ParseSecret(text); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty":        "",
		"raw bytes":    string(secret),
		"loose bits":   strings.Repeat("A", 42) + "B", // two texts would be one key
		"too short":    hex.EncodeToString(secret[:16]),
		"too long":     base64.StdEncoding.EncodeToString(append(secret, 'x')),
		"no hex":       strings.Repeat("0", 63) + "g",
		"a blank":      hex.EncodeToString(secret) + " ",
		"a passphrase": "correct horse battery staple and then some",
	} {
		got, err := ParseSecret(text)
		if got != nil || err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A Sealer that is printed into a log must not show its keys.
func TestSealerPrintsNoKey(t *testing.T) {
	s := newTestSealer(t, true, "k")
	for _, text := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", *s), fmt.Sprintf("%#v", s)} {
		if strings.Contains(text, "107 107 107") || strings.Contains(text, "0x6b, 0x6b") || strings.Contains(text, "kkkk") {
			t.Errorf("printed %s", text)
		}
	}
}

// Nothing but what was sealed comes out of Open, and no bytes bring it down.
func FuzzOpen(f *testing.F) {
	s := newTestSealer(f, false, "k", "old")
	f.Add(mustSeal(f, s, testEvent()).Message)
	f.Add(mustSeal(f, newTestSealer(f, false, "old"), testEvent()).Message)
	f.Add(testEvent().Message)
	f.Add([]byte{sealedForm, 1, 'k'})
	f.Add([]byte{sealedForm, 255})
	f.Add([]byte{})
	strict := newTestSealer(f, true, "k", "old")
	f.Fuzz(func(t *testing.T, message []byte) {
		e := testEvent()
		e.Message = message
		opened, err := s.Open(e)
		switch {
		case err != nil && (opened != nil || !errors.Is(err, ErrCannotOpen)):
			t.Errorf("opened %q, %v", opened, err)
		case err == nil && isSealed(message) && !bytes.Equal(opened, testEvent().Message):
			t.Errorf("a forged message is opened as %q", opened)
		case err == nil && !isSealed(message) && !bytes.Equal(opened, message):
			t.Errorf("an unsealed message is opened as %q", opened)
		}
		if opened, err := strict.Open(e); err == nil && !bytes.Equal(opened, testEvent().Message) {
			t.Errorf("strict: opened %q", opened)
		}
	})
}
