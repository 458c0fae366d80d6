package operation

import (
	"fmt"
	"slices"
	"strings"
)

// CheckDefault refuses a default that could be right in no call: a field that no operation
// takes or that the operation decides, a text that says nothing, and an address to which no callback could come. Its
// errors name the field and quote nothing of the text.
func CheckDefault(name, text string) error {
	f := anyField(name)
	switch {
	case f == nil:
		return unknownField(name)
	case isDecided(name):
		return fmt.Errorf("%s: the operation decides this field, so a default is wrong for some of them; remove it, and choose the operation by the path of the call, such as /payWithToken", name)
	case text == "" || text == "null":
		return fmt.Errorf("%s: expected a text; null and an empty one count as left out", name)
	case f.Kind == KindObject || f.Kind == KindArray:
		return fmt.Errorf("%s: this field is a JSON %s; a default is a text", name, f.Kind)
	case f.Kind == KindURL && !isURL([]byte(text), true):
		return fmt.Errorf("%s: expected an absolute http or https address, such as https://shop.example/galaxypay/ipn", name)
	case f.Kind == KindLink && !isURL([]byte(text), false):
		return fmt.Errorf("%s: expected an absolute address, such as https://shop.example/galaxypay/result", name)
	}
	return nil
}

// anyField returns the field as one of the operations has it, nil if none has it.
func anyField(name string) *Field {
	for i := range all {
		if at, ok := all[i].index[name]; ok {
			return &all[i].Request[at]
		}
	}
	return nil
}

// isDecided reports whether a field tells operations apart: each that takes it requires it, and it is fixed in one.
func isDecided(name string) bool {
	isFixed := false
	for i := range all {
		at, ok := all[i].index[name]
		if ok && !all[i].Request[at].Required {
			return false
		}
		isFixed = isFixed || ok && all[i].Request[at].Fixed != ""
	}
	return isFixed
}

func unknownField(name string) error {
	if near := nearest(name); near != "" {
		return fmt.Errorf("%q: no operation takes this field; did you mean %s?", name, near)
	}
	return fmt.Errorf("%q: no operation takes this field", name)
}

// nearest returns the field that was probably meant; "" if none is near.
func nearest(name string) string {
	const farthest = 3 // edits; more of them make another word
	best, fewest := "", min(farthest, len(name)/2)+1
	for i := range all {
		for _, f := range all[i].Request {
			if strings.EqualFold(f.Name, name) {
				return f.Name
			}
			if n := distance(f.Name, name); n < fewest {
				best, fewest = f.Name, n
			}
		}
	}
	return best
}

// distance is how many characters must be added, removed or changed to make b of a, letter
// case aside.
func distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(to)+1) // from the letters of a so far to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i, letter := range from {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range to {
			change := before[j]
			if to[j] != letter {
				change++
			}
			row[j+1] = min(change, before[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
