package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// MaxTokens is how many stored cards are kept, living and ended.
const MaxTokens = 1_000

// ErrNoToken is the error of a token that cannot be paid with, or ended.
var ErrNoToken = errors.New("token is unknown or no longer valid")

// Token is a stored card.
type Token struct {
	card.Account
	ID    string // tokenID
	Value string // what a payment names the card by
	ended bool
}

// newTokenValue has the form of the gateway's samples: four digits, which are the same in
// all of a merchant's tokens, and 32 hex digits.
func newTokenValue() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return fmt.Sprintf("9190%X", random)
}

// issue stores a card. The caller holds the lock.
func (l *Ledger) issue(a card.Account) Token {
	l.issued++
	t := Token{Account: a, ID: strconv.Itoa(l.issued), Value: newTokenValue()}
	kept := t
	l.tokens.add(t.Value, &kept)
	return t
}

// CreateToken stores a card, once for a requestID.
func (l *Ledger) CreateToken(requestID string, a card.Account) (t Token, err error) {
	err = l.once(requestID, func() error {
		t = l.issue(a)
		return nil
	})
	return t, err
}

// Token finds a token that can be paid with.
func (l *Ledger) Token(value string) (t Token, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.tokens.get(value)
	if !found || kept.ended {
		return Token{}, false
	}
	return *kept, true
}

// Tokens returns up to n tokens that can be paid with, the newest first.
func (l *Ledger) Tokens(n int) []Token {
	l.mu.Lock()
	defer l.mu.Unlock()
	var living []Token
	for _, t := range l.tokens.newest(MaxTokens) {
		if !t.ended && len(living) < n {
			living = append(living, *t)
		}
	}
	return living
}

// EndToken ends the token that is meant, once for a requestID.
func (l *Ledger) EndToken(requestID string, meant func(Token) bool) error {
	return l.once(requestID, func() error {
		for _, t := range l.tokens.newest(MaxTokens) {
			if !t.ended && meant(*t) {
				t.ended = true
				return nil
			}
		}
		return ErrNoToken
	})
}
