package ledger

import (
	"fmt"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

func TestTokensAreBounded(t *testing.T) {
	l := New()
	for i := range MaxTokens + 1 {
		if _, err := l.CreateToken(fmt.Sprint(i), card.Account{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.tokens.values); n != MaxTokens {
		t.Errorf("%d tokens are kept", n)
	}
}
