package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/card"
)

// maxTokens is how many stored cards are kept, living and ended.
const maxTokens = 1_000

var errNoToken = errors.New("token is unknown or ended")

// token is a stored card.
type token struct {
	card.Account
	id    string // tokenID
	value string // what a payment names the card by
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
func (l *ledger) issue(a card.Account) token {
	l.issued++
	t := token{Account: a, id: strconv.Itoa(l.issued), value: newTokenValue()}
	kept := t
	l.tokens.add(t.value, &kept)
	return t
}

func (l *ledger) createToken(requestID string, a card.Account) (t token, err error) {
	err = l.once(requestID, func() error {
		t = l.issue(a)
		return nil
	})
	return t, err
}

// living finds a token that can be paid with.
func (l *ledger) living(value string) (t token, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, found := l.tokens.get(value)
	if !found || kept.ended {
		return token{}, false
	}
	return *kept, true
}

// livingTokens returns up to n tokens, the newest first.
func (l *ledger) livingTokens(n int) []token {
	l.mu.Lock()
	defer l.mu.Unlock()
	var living []token
	for _, t := range l.tokens.newest(maxTokens) {
		if !t.ended && len(living) < n {
			living = append(living, *t)
		}
	}
	return living
}

// endToken ends the living token that is meant.
func (l *ledger) endToken(requestID string, meant func(token) bool) error {
	return l.once(requestID, func() error {
		for _, t := range l.tokens.newest(maxTokens) {
			if !t.ended && meant(*t) {
				t.ended = true
				return nil
			}
		}
		return errNoToken
	})
}
