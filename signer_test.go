package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// vector is a text with its signature, from testdata/vectors.json.
type vector struct {
	ID        string `json:"id"`
	Origin    string `json:"origin"`
	Kind      string `json:"kind"` // request, callback, or text for anything else
	Salt      string `json:"salt"`
	Text      string `json:"text"` // what is signed: for a callback the Base64
	Signature string `json:"signature"`
	Message   string `json:"message"` // of a callback: the JSON inside
}

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var all []vector
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func vectorNamed(t *testing.T, id string) vector {
	t.Helper()
	for _, v := range vectors(t) {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("testdata/vectors.json has no %s", id)
	return vector{}
}

// plainSignature is the gateway's formula, written down without the signer.
func plainSignature(text, salt string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text+salt)))
}

// today is the clock of the tests.
var today = time.Date(2026, time.June, 15, 12, 0, 0, 0, time.UTC)

func TestVectors(t *testing.T) {
	all := vectors(t)
	if len(all) != 13 {
		t.Errorf("%d vectors, expected 13", len(all))
	}
	for _, v := range all {
		t.Run(v.ID, func(t *testing.T) {
			s := signer{salt: []byte(v.Salt)}
			if got := s.sign([]byte(v.Text)); got != v.Signature {
				t.Errorf("signed %s, expected %s", got, v.Signature)
			}
			if got := s.verify([]byte(v.Text), v.Signature, today); got != signatureProven {
				t.Errorf("verdict %d on the vector's own signature", got)
			}
			if got := s.verify([]byte(v.Text+" "), v.Signature, today); got != signatureInvalid {
				t.Errorf("verdict %d on a changed text", got)
			}
			saltFirst := plainSignature(v.Salt, v.Text)
			if got := s.verify([]byte(v.Text), saltFirst, today); got != signatureInvalid {
				t.Errorf("verdict %d on a signature with the salt in front", got)
			}
			if v.Kind == "callback" {
				overMessage := plainSignature(v.Message, v.Salt)
				if got := s.verify([]byte(v.Text), overMessage, today); got != signatureInvalid {
					t.Errorf("verdict %d on a signature over the decoded message", got)
				}
			}
		})
	}
}

// Every length of text and salt around the 64 byte blocks of SHA-256, with bytes
// that are not text at all.
func TestSignAgreesWithPlainSHA256(t *testing.T) {
	var noise []byte
	for len(noise) < 400 {
		sum := sha256.Sum256(noise)
		noise = append(noise, sum[:]...)
	}
	for textLength := range 200 {
		for _, saltLength := range []int{0, 1, 7, 16, 31, 32, 55, 56, 63, 64, 65, 119, 128} {
			text, salt := noise[:textLength], noise[200:200+saltLength]
			s := signer{salt: salt}
			want := plainSignature(string(text), string(salt))
			if got := s.sign(text); got != want {
				t.Fatalf("%d bytes of text, %d of salt: signed %s, expected %s", textLength, saltLength, got, want)
			}
			if s.verify(text, want, today) != signatureProven {
				t.Fatalf("%d bytes of text, %d of salt: the right signature is refused", textLength, saltLength)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	const text, salt = `{"responseCode":"200"}`, "a salt of the tests"
	proven := plainSignature(text, salt)
	swapped := proven[1:] + proven[:1]
	var mixed strings.Builder
	for i, digit := range proven {
		if i%2 == 0 {
			digit = []rune(strings.ToUpper(string(digit)))[0]
		}
		mixed.WriteRune(digit)
	}

	for name, test := range map[string]struct {
		text, signature string
		want            verdict
	}{
		"lower case":            {text, proven, signatureProven},
		"upper case":            {text, strings.ToUpper(proven), signatureProven},
		"mixed case":            {text, mixed.String(), signatureProven},
		"missing":               {text, "", signatureMissing},
		"63 digits":             {text, proven[:63], signatureInvalid},
		"65 digits":             {text, proven + "0", signatureInvalid},
		"62 digits":             {text, proven[:62], signatureInvalid},
		"66 digits":             {text, proven + "00", signatureInvalid},
		"one digit":             {text, proven[:1], signatureInvalid},
		"twice":                 {text, proven + proven, signatureInvalid},
		"huge":                  {text, strings.Repeat(proven, 1000), signatureInvalid},
		"not hex at the start":  {text, "g" + proven[1:], signatureInvalid},
		"not hex at the end":    {text, proven[:63] + "g", signatureInvalid},
		"not hex in the middle": {text, proven[:31] + "  " + proven[33:], signatureInvalid},
		"64 blanks":             {text, strings.Repeat(" ", 64), signatureInvalid},
		"64 zeros":              {text, strings.Repeat("0", 64), signatureInvalid},
		"64 bytes, not ASCII":   {text, strings.Repeat("é", 32), signatureInvalid},
		"blank in front":        {text, " " + proven[:63], signatureInvalid},
		"with 0x":               {text, "0x" + proven[:62], signatureInvalid},
		"digits in other order": {text, swapped, signatureInvalid},
		"another text":          {`{"responseCode":"499"}`, proven, signatureInvalid},
		"no text":               {"", proven, signatureInvalid},
		"line end added":        {text + "\n", proven, signatureInvalid},
		"without a salt":        {text, plainSignature(text, ""), signatureInvalid},
		"another salt":          {text, plainSignature(text, "A salt of the tests"), signatureInvalid},
		"salt and line end":     {text, plainSignature(text, salt+"\n"), signatureInvalid},
		"salt in front":         {text, plainSignature(salt, text), signatureInvalid},
		"part of salt in text":  {text + salt[:4], plainSignature(text+salt[:4], salt[4:]), signatureInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := signer{salt: []byte(salt)}
			if got := s.verify([]byte(test.text), test.signature, today); got != test.want {
				t.Errorf("verdict %d, expected %d", got, test.want)
			}
		})
	}
}

// A digest that ends in zeros must not be met by a signature that breaks off before
// them, or turns into something else than hex there.
func TestVerifyWantsTheLastDigits(t *testing.T) {
	const salt = "a salt of the tests"
	text := ""
	for n := 0; !strings.HasSuffix(plainSignature(text, salt), "00"); n++ {
		text = fmt.Sprintf("text %d", n)
	}
	proven := plainSignature(text, salt)
	s := signer{salt: []byte(salt)}
	for _, signature := range []string{proven[:62], proven[:63], proven[:62] + "zz", proven[:62] + "0z", proven[:62] + "  "} {
		if got := s.verify([]byte(text), signature, today); got != signatureInvalid {
			t.Errorf("verdict %d on %q", got, signature)
		}
	}
	if s.verify([]byte(text), proven, today) != signatureProven {
		t.Error("the whole signature is refused")
	}
}

// A signature with any single digit changed proves nothing: a comparison of a part
// of the digits would pass here and there.
func TestVerifyLooksAtEveryDigit(t *testing.T) {
	text := []byte("text")
	s := signer{salt: []byte("a salt of the tests")}
	proven := s.sign(text)
	for i := range proven {
		for _, digit := range []byte("0123456789abcdef") {
			changed := []byte(proven)
			changed[i] = digit
			want := signatureInvalid
			if digit == proven[i] {
				want = signatureProven
			}
			if got := s.verify(text, string(changed), today); got != want {
				t.Errorf("digit %d as %c: verdict %d, expected %d", i, digit, got, want)
			}
		}
	}
}

func TestVerifyWithPreviousSalts(t *testing.T) {
	const text = "text"
	previous := []previousSalt{
		{salt: []byte("expired yesterday"), until: today.Add(-24 * time.Hour)},
		{salt: []byte("expires right now"), until: today},
		{salt: []byte("expires in an instant"), until: today.Add(time.Nanosecond)},
		{salt: []byte("expires in Hanoi"), until: today.Add(time.Hour).In(gatewayZone)},
		{salt: []byte("never expires")},
	}
	for salt, want := range map[string]verdict{
		"the current one":       signatureProven,
		"expired yesterday":     signatureInvalid,
		"expires right now":     signatureInvalid,
		"expires in an instant": signaturePrevious,
		"expires in Hanoi":      signaturePrevious,
		"never expires":         signaturePrevious,
		"never configured":      signatureInvalid,
		"":                      signatureInvalid,
	} {
		t.Run(salt, func(t *testing.T) {
			s := signer{salt: []byte("the current one"), previous: previous}
			if got := s.verify([]byte(text), plainSignature(text, salt), today); got != want {
				t.Errorf("verdict %d, expected %d", got, want)
			}
			if got := s.verify([]byte(text), "", today); got != signatureMissing {
				t.Errorf("verdict %d without a signature", got)
			}
			if got := s.sign([]byte(text)); got != plainSignature(text, "the current one") {
				t.Error("something else than the current salt signs")
			}
		})
	}
}

func TestTheZeroVerdictRefuses(t *testing.T) {
	var nothing verdict
	if nothing != signatureInvalid {
		t.Error("a verdict that was never set must refuse")
	}
	for v, want := range map[verdict]bool{
		signatureInvalid: false, signatureMissing: false, signatureProven: true, signaturePrevious: true, signaturePrevious + 1: false, -1: false,
	} {
		if v.isProven() != want {
			t.Errorf("verdict %s is proven: %t, expected %t", v, v.isProven(), want)
		}
	}
}

// Signers share their hash states; what one works on must not show in another's
// result. Some only sign and some only verify, so that with -race each is seen to
// have finished before it passes its state on.
func TestSignersWorkSideBySide(t *testing.T) {
	var all sync.WaitGroup
	for n := range 32 {
		text := strings.Repeat(fmt.Sprintf("text %d ", n), n*10)
		s := signer{salt: fmt.Appendf(nil, "salt %d", n), previous: []previousSalt{{salt: []byte("shared")}}}
		want, former := plainSignature(text, fmt.Sprintf("salt %d", n)), plainSignature(text, "shared")
		neighbour := plainSignature(text, fmt.Sprintf("salt %d", n+1))
		all.Go(func() {
			for range 100 {
				if got := s.sign([]byte(text)); got != want {
					t.Errorf("signer %d signed %s, expected %s", n, got, want)
				}
			}
		})
		all.Go(func() {
			for range 50 {
				if s.verify([]byte(text), want, today) != signatureProven || s.verify([]byte(text), former, today) != signaturePrevious {
					t.Errorf("signer %d refuses its own signature", n)
				}
				if s.verify([]byte(text), neighbour, today) != signatureInvalid {
					t.Errorf("signer %d takes its neighbour's signature", n)
				}
			}
		})
	}
	all.Wait()
}

// The signature sits in a header of every request, so its form matters too.
func TestSignReturnsLowerCaseHex(t *testing.T) {
	s := signer{salt: []byte("salt")}
	for n := range 64 {
		signature := s.sign(fmt.Appendf(nil, "%d", n))
		raw, err := hex.DecodeString(signature)
		if err != nil || len(raw) != sha256.Size || strings.ToLower(signature) != signature {
			t.Errorf("%q is not 64 lower case hex digits", signature)
		}
	}
}

// The verdict is that of the formula: the current salt, or a previous one before its
// time is over.
func FuzzVerify(f *testing.F) {
	salt, former := []byte("salt"), []byte("former")
	for _, signature := range []string{
		"", "signature", strings.Repeat("0", 64), plainSignature("text", "salt"), strings.ToUpper(plainSignature("text", "salt")), plainSignature("text", "former"),
		plainSignature("text", ""), plainSignature("text", "salt") + "0", " " + plainSignature("text", "salt")[1:], plainSignature("tex", "tsalt"),
	} {
		f.Add([]byte("text"), salt, former, int64(1), signature)
		f.Add([]byte("text"), salt, former, int64(0), signature)
	}
	f.Fuzz(func(t *testing.T, text, salt, former []byte, remaining int64, signature string) {
		s := signer{salt: salt, previous: []previousSalt{{salt: former, until: today.Add(time.Duration(remaining))}}}
		// A random signature is never right, so the right ones are tried as well.
		right, old := plainSignature(string(text), string(salt)), plainSignature(string(text), string(former))
		for _, signature := range []string{signature, right, strings.ToUpper(right), old} {
			want := signatureInvalid
			switch {
			case signature == "":
				want = signatureMissing
			case len(signature) != 64: // EqualFold knows letters beyond ASCII
			case strings.EqualFold(signature, right):
				want = signatureProven
			case strings.EqualFold(signature, old) && remaining > 0:
				want = signaturePrevious
			}
			if got := s.verify(text, signature, today); got != want {
				t.Errorf("verdict %d on %q, expected %d", got, signature, want)
			}
		}
		if got := s.sign(text); got != right {
			t.Errorf("signed %s, expected %s", got, right)
		}
	})
}
