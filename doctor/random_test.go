package doctor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// Nothing is claimed of texts, signatures and salts that have nothing to do with each other. DOCTOR_CASES says how many to examine;
// 10,000 take minutes. Default: 500.
func TestNoFalseClaim(t *testing.T) {
	cases := numberFrom(t, "DOCTOR_CASES", 500)
	t.Logf("%d cases", cases)
	shards := runtime.GOMAXPROCS(0)
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, uint64(shard))) //nolint:gosec // G404, G115: a failure must come again
			for i := shard; i < cases; i += shards {
				c := randomCase(random)
				r := Examine(c)
				if r.Proven || len(r.Causes) > 0 || r.Secret != "" || len(r.OrElse) > 0 || r.Tried.Pairs != (len(claimsOf(c.Signature)) > 0) {
					t.Fatalf("text %q, signature %q, salt %q: %+v", c.Text, c.Signature, c.Salt.Value, r)
				}
			}
		})
	}
}

// numberFrom is a number from the environment.
func numberFrom(t *testing.T, variable string, byDefault int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return byDefault
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func randomCase(random *rand.Rand) Case {
	bytesOf := func(most int) []byte {
		b := make([]byte, 1+random.IntN(most))
		for i := range b {
			b[i] = byte(random.Uint32()) //nolint:gosec // G115: any byte will do
		}
		return b
	}
	var sum [sha256.Size]byte
	for i := range sum {
		sum[i] = byte(random.Uint32()) //nolint:gosec // G115: likewise
	}
	signature := hex.EncodeToString(sum[:])
	switch random.IntN(8) {
	case 0:
		signature = base64.StdEncoding.EncodeToString(sum[:])
	case 1:
		signature = signature[:shortestCut+random.IntN(40)]
	case 2:
		signature = string(bytesOf(80))
	}
	var text []byte
	switch random.IntN(10) {
	case 0:
		text = fmt.Appendf(nil, `{"orderID":"%x","n":%d,"d":{"x":"%s"}}`, bytesOf(4), random.IntN(1_000_000), "à/<"[:2+random.IntN(3)])
	case 1, 2, 3:
		text = base64.StdEncoding.AppendEncode(nil, bytesOf(40))
	case 4, 5, 6:
		text = fmt.Appendf(nil, "%x", bytesOf(40))
	default:
		text = bytesOf(60)
	}
	salt := bytesOf(24)
	if random.IntN(2) == 0 {
		salt = base64.StdEncoding.AppendEncode(nil, salt)
	}
	return Case{Text: text, Signature: signature, Salt: Secret{Name: "--salt", Value: salt}, Others: []Secret{{"--api-key", APIKey, bytesOf(20)}}}
}
