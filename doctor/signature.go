package doctor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// claim is one reading of a signature: which digests it can stand for.
type claim struct {
	mistakes []*Mistake // of its spelling
	size     int        // of the digest, in bytes; 0 for any
	fits     func(sum []byte) bool
}

// The mistakes of spelling, which the table describes.
var (
	mistakeUpperCase = mistakeNamed("signature-upper-case")
	mistakePrefix    = mistakeNamed("signature-prefixed")
	mistakeAround    = mistakeNamed("signature-surrounded")
	mistakeSeparated = mistakeNamed("signature-separated")
	mistakeBase64    = mistakeNamed("signature-base64")
	mistakeCut       = mistakeNamed("signature-cut")
	mistakeZeros     = mistakeNamed("signature-zeros-lost")
)

// claimsOf are the readings of a signature, the plain one first. There is none for a text that no digest is written as.
func claimsOf(signature string) []claim {
	text, spelled := normalised(signature)
	digits := strings.ToLower(text)
	if sum, err := hex.DecodeString(digits); err == nil && len(sum) > 0 {
		if digits != text {
			spelled = append(spelled, mistakeUpperCase)
		}
		return append([]claim{exactly(sum, spelled)}, shortened(digits, spelled)...)
	}
	if sum := fromBase64(text); sum != nil {
		return []claim{exactly(sum, append(spelled, mistakeBase64))}
	}
	if isHex(digits) {
		return shortened(digits, spelled)
	}
	return nil
}

func exactly(sum []byte, spelled []*Mistake) claim {
	return claim{mistakes: spelled, size: len(sum), fits: func(s []byte) bool { return bytes.Equal(s, sum) }}
}

var (
	prefix    = regexp.MustCompile(`(?i)^(?:signature\s*[:=]\s*)?(?:(?:sha-?256|sha256hash|v1|hmac)\s*[=:]|0x)?\s*`)
	separator = regexp.MustCompile(`^[0-9A-Fa-f]{2}(?:[-: ][0-9A-Fa-f]{2})+$`)
)

// normalised takes away what stands around a signature and in it.
func normalised(signature string) (text string, spelled []*Mistake) {
	text = strings.Trim(strings.TrimPrefix(signature, utf8BOM), " \t\r\n\"'`;,\u00a0\u200b")
	if text != signature {
		spelled = append(spelled, mistakeAround)
	}
	if rest := text[len(prefix.FindString(text)):]; rest != text {
		text, spelled = strings.Trim(rest, " \"'"), append(spelled, mistakePrefix)
	}
	if separator.MatchString(text) {
		text, spelled = strings.NewReplacer("-", "", ":", "", " ", "").Replace(text), append(spelled, mistakeSeparated)
	}
	return text, spelled
}

func isHex(digits string) bool { return digits != "" && strings.Trim(digits, "0123456789abcdef") == "" }

// digestSizes are how many bytes the known hashes have.
var digestSizes = map[int]bool{16: true, 20: true, 28: true, 32: true, 48: true, 64: true}

// fromBase64 is the digest in a Base64 text, where hex digits may be what was encoded; nil where it holds none.
func fromBase64(text string) []byte {
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+", "%2B", "+", "%2F", "/", "%3D", "", "=", "").Replace(text)
	sum, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	if inner, err := hex.DecodeString(string(sum)); err == nil && digestSizes[len(inner)] {
		return inner
	}
	if !digestSizes[len(sum)] {
		return nil
	}
	return sum
}

// shortestCut is how many digits of a signature must be left: with fewer, chance could make one fit.
const shortestCut = 24

// shortened are the readings of hex digits of which some were lost or are too many.
func shortened(digits string, spelled []*Mistake) []claim {
	const whole = 2 * sha256.Size
	if len(digits) == whole || len(digits) < shortestCut {
		return nil
	}
	with := func(m *Mistake) []*Mistake { return append(slices.Clip(spelled), m) }
	return []claim{
		{with(mistakeZeros), sha256.Size, func(sum []byte) bool { return isWithoutZeros(digits, sum) }},
		{with(mistakeCut), sha256.Size, func(sum []byte) bool {
			full := hex.EncodeToString(sum)
			return strings.HasPrefix(full, digits) || strings.HasSuffix(full, digits) || strings.Contains(digits, full)
		}},
	}
}

// isWithoutZeros reports whether digits are a digest as programs write it that forget the zeros in front: of each byte, or of the
// whole, or that take bytes for negative numbers.
func isWithoutZeros(digits string, sum []byte) bool {
	if !mayBegin(digits[0], sum[0]) { // which is cheap to see
		return false
	}
	var each, signed strings.Builder
	for _, b := range sum {
		each.WriteString(strconv.FormatUint(uint64(b), 16))
		signed.WriteString(strconv.FormatUint(uint64(uint32(int8(b))), 16)) //nolint:gosec // G115: as Java's Integer.toHexString does
	}
	return digits == each.String() || digits == signed.String() || digits == strings.TrimLeft(hex.EncodeToString(sum), "0")
}

// mayBegin reports whether a digest without zeros whose first byte is this one may begin with the digit.
func mayBegin(digit, first byte) bool {
	const digits = "0123456789abcdef"
	return digit == digits[first>>4] || first < 0x10 && digit == digits[first] || first == 0 || first >= 0x80 && digit == 'f'
}
