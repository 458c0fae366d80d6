package operation

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
)

// anyName draws the name of a member: mostly one of the catalogue, some of
// them spelled with escapes.
func anyName() *rapid.Generator[string] {
	known := []string{"requestData", "x", "", `\u006frderID`, `orderID\u0000`, `\ud83d`, "orderId"}
	everyField(func(_ string, f *Field) {
		known = append(known, f.Name, f.BaseName())
	})
	slices.Sort(known)
	return rapid.SampledFrom(slices.Compact(known))
}

// anyValue draws the text of a JSON value, of every kind, nested and spaced at will.
func anyValue(depth int) *rapid.Generator[string] {
	scalars := []string{
		`null`, `true`, `false`, `""`, `0`, `-0`, `-1`, `12.50`, `1e3`, `1E-400`, `9007199254740993`, `100000000000000000000000000001`, `20260230000000`, `20260228000000`,
		`"PAY"`, `"FAST_PAY"`, `"CARD"`, `"TOKEN"`, `"WALLET"`, `"DOMESTIC"`, `"vi"`, `"true"`, `"https://shop.example"`, `"shopapp://x"`, `"://"`, `"NaN"`, `"\u0000"`,
		`"\ud800"`, `"\\"`, `"\""`, `"}]{[,:"`, `"ệ"`, `"e\u0323\u0302"`, `"` + strings.Repeat("ệ", 251) + `"`, `"` + strings.Repeat("9", 51) + `"`,
	}
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth == 0 || kind < 6 {
			return rapid.SampledFrom(scalars).Draw(t, "scalar")
		}
		if kind == 6 {
			return `"` + rapid.StringMatching(`[ -!#-\[\]-~À-ỹ]{0,60}`).Draw(t, "text") + `"`
		}
		if kind == 7 {
			inside := rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "elements")
			return "[" + strings.Join(inside, ", ") + "]"
		}
		return anyObject(depth-1).Draw(t, "object")
	})
}

func anyObject(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfNDistinct(anyName(), 0, 12, rapid.ID[string]).Draw(t, "names")
		var b strings.Builder
		b.WriteString("{")
		for i, name := range names {
			if i > 0 {
				b.WriteString(",")
			}
			space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
			fmt.Fprintf(&b, "%s\"%s\"%s:%s%s%s", space, name, space, space, anyValue(depth).Draw(t, "value"), space)
		}
		b.WriteString("}")
		return b.String()
	})
}

func anyOperation() *rapid.Generator[Operation] {
	return rapid.SampledFrom(append(All(), Operation{Name: Other}))
}

var allCodes = []Code{CodeRequired, CodeKind, CodeTooLong, CodeTime, CodeAmount, CodeInteger, CodeValue, CodeURL, CodeCurrency}

// Whatever an app sends, as long as it is JSON, is judged: without a panic, with codes
// that there are, for fields of this operation, each at most once, and twice the same.
func TestPropertyEveryObjectIsJudged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := anyOperation().Draw(t, "operation")
		text := []byte(anyObject(3).Draw(t, "object"))
		if rapid.Bool().Draw(t, "damaged") && len(text) > 0 {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.Byte().Draw(t, "byte")
		}
		before := bytes.Clone(text)
		members, err := rawjson.Members(text)
		if err != nil {
			return // refused before there is anything to validate
		}
		faults := op.Validate(members)
		if again := op.Validate(members); !slices.Equal(inWords(faults), inWords(again)) {
			t.Fatalf("faults are %q, and then %q", inWords(faults), inWords(again))
		}
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		seen := make(map[string]bool)
		for _, f := range faults {
			if !slices.Contains(allCodes, f.Code) {
				t.Fatalf("code %q", f.Code)
			}
			isUnlistedAmount := strings.HasSuffix(f.Field.Name, "Amount") && f.Field.Kind == KindAmount && !op.Takes(f.Field.Name)
			if fieldAt(op.Request, f.Field.Name) != f.Field && !isUnlistedAmount {
				t.Fatalf("%s is not a field of %s", f.Field.Name, op.Name)
			}
			if seen[f.Field.Name] {
				t.Fatalf("%s is reported twice: %q", f.Field.Name, inWords(faults))
			}
			seen[f.Field.Name] = true
		}
	})
}

// completed draws a valid request: what is mandatory, and some of what is not.
func completed(t *rapid.T) (Operation, []rawjson.Member) {
	op := rapid.SampledFrom(All()).Draw(t, "operation")
	members, err := rawjson.Members([]byte(valid[op.Name]))
	if err != nil {
		t.Fatal(err.Fault)
	}
	for _, f := range op.Fixed() {
		if rawjson.Find(members, f.Name) == nil {
			members = append(members, rawjson.Member{Name: []byte(f.Name), Value: []byte(`"` + f.Fixed + `"`)})
		}
	}
	more := map[string]string{
		"language": `"vi"`, "ipnURL": `"https://shop.example/ipn"`, "successURL": `"shopapp://paid"`, "isAutoCapture": `true`, "apiVersion": `2`, "unknown": `{"a":[1]}`,
		"extraData": `{"customer":{"email":"a@shop.example"},"device":null}`, "subMerchant": `{"identifier":"1"}`, "orderNumber": `""`, "expiryUnit": `"DAY"`,
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if rawjson.Find(members, name) == nil && rapid.Bool().Draw(t, name) {
			members = append(members, rawjson.Member{Name: []byte(name), Value: []byte(more[name])})
		}
	}
	members = rapid.Permutation(members).Draw(t, "order")
	if faults := op.Validate(members); faults != nil {
		t.Fatalf("faults are %q", inWords(faults))
	}
	return op, members
}

// Each mandatory field that goes missing adds one fault, its own, and takes none away.
func TestPropertyAMissingFieldIsOneFault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op, members := completed(t)
		var missing []string
		for name := range strings.FieldsSeq(mandatory[op.Name]) {
			decides := slices.ContainsFunc(op.Request, func(f Field) bool { return f.When != nil && f.When.Field == name })
			if decides || !rapid.Bool().Draw(t, "without "+name) {
				continue
			}
			at := slices.IndexFunc(members, func(m rawjson.Member) bool { return string(m.Name) == name })
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				members = slices.Delete(slices.Clone(members), at, at+1)
			case 1:
				members[at].Value = []byte("null")
			default:
				members[at].Value = []byte(`""`)
			}
			missing = append(missing, name+" required")
			got := inWords(op.Validate(members))
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(missing)); !slices.Equal(got, want) {
				t.Fatalf("faults are %q, want %q", got, want)
			}
		}
	})
}

// A fault in one field neither hides nor causes one in another.
func TestPropertyFaultsAreIndependent(t *testing.T) {
	wrong := map[string]string{
		"orderID": `[]`, "orderAmount": `-1`, "orderDateTime": `20260230000000`, "ipnURL": `"x"`, "language": `"fr"`, "orderCurrency": `"DONG"`, "extraData": `1`,
		"orderDescription": `true`, "token": `{}`, "transactionID": `false`, "cardNumber": `"12345678901234567890"`,
	}
	rapid.Check(t, func(t *rapid.T) {
		op, members := completed(t)
		count := 0
		for i, m := range members {
			if value, ok := wrong[string(m.Name)]; ok && fieldAt(op.Request, string(m.Name)) != nil && rapid.Bool().Draw(t, string(m.Name)) {
				members[i].Value = []byte(value)
				count++
			}
		}
		if faults := op.Validate(members); len(faults) != count {
			t.Fatalf("%d fields are wrong, faults are %q", count, inWords(faults))
		}
	})
}

// The short way to recognise an address never says yes where url.Parse says no.
func TestPropertyPlainAddressesAreAddresses(t *testing.T) {
	yes := 0
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]string{"http://", "https://", "https:/", "HTTPS://", "ftp://", ""}).Draw(t, "start")
		text := start + rapid.StringMatching(`[a-z0-9.:@\[\]-]{0,6}(/[!-~é \x00-\x1f]{0,8})?`).Draw(t, "rest")
		if !isPlainURL([]byte(text)) {
			return
		}
		yes++
		if u, err := url.Parse(text); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("%q is none: %v", text, err)
		}
	})
	if yes == 0 {
		t.Error("nothing was recognised")
	}
}
