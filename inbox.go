package galaxypay

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// Inbox makes a handler of IPNs keep each proven one until the app has taken it, and
// answer the gateway as soon as it is kept. The handlers behind it are not called.
type Inbox struct {
	// Where the app takes IPNs: an absolute http or https address. They are posted there
	// as they would be handed to the next handler, with the header Galaxypay-Attempt.
	// Placeholders such as {env.NAME} are resolved when the config is loaded. Required.
	DeliverTo string `json:"deliver_to,omitempty"`

	// How long the gateway's request waits for the app's own answer, 30s at most. After
	// that the sidecar answers that the IPN was received. Default: 5s.
	AnswerWithin caddy.Duration `json:"answer_within,omitempty"`

	// The delays between attempts; each is made up to a fifth longer at random. When the
	// attempt after the last delay fails, the IPN becomes a dead letter. Default: 1s, 5s,
	// 30s, 2m, 10m, 1h, 6h.
	Retry []caddy.Duration `json:"retry,omitempty"`

	// How long an IPN is kept after it arrived, unless it is still to be delivered. For as
	// long, it is recognised when it arrives again. Default: 400d.
	Keep caddy.Duration `json:"keep,omitempty"`
}

// The defaults of an Inbox.
const (
	defaultAnswerWithin = caddy.Duration(5 * time.Second)
	defaultKeep         = caddy.Duration(400 * 24 * time.Hour)
)

var defaultRetry = []caddy.Duration{
	caddy.Duration(time.Second),
	caddy.Duration(5 * time.Second),
	caddy.Duration(30 * time.Second),
	caddy.Duration(2 * time.Minute),
	caddy.Duration(10 * time.Minute),
	caddy.Duration(time.Hour),
	caddy.Duration(6 * time.Hour),
}

// longestRetry bounds one delay. A delay of centuries, meant as never, would give a time that
// no store can keep and that would be read as one in the past.
const longestRetry = caddy.Duration(30 * 24 * time.Hour)

// attemptTimeout bounds one attempt to deliver.
const attemptTimeout = 30 * time.Second

// resolved returns the settings with their defaults and placeholders filled in.
func (i Inbox) resolved() (*Inbox, error) {
	var err error
	if i.DeliverTo, err = secret.Plain("deliver_to", i.DeliverTo); err != nil {
		return nil, err
	}
	// The address may hold a password or a token, so no error quotes it.
	u, err := url.Parse(i.DeliverTo)
	if err != nil || !isWebAddress(u) || u.Fragment != "" {
		return nil, errors.New("deliver_to: expected an address such as http://app:8000/payments/ipn")
	}
	if i.AnswerWithin == 0 {
		i.AnswerWithin = defaultAnswerWithin
	}
	if i.AnswerWithin < 0 || time.Duration(i.AnswerWithin) > attemptTimeout {
		return nil, fmt.Errorf("answer_within: expected a duration above zero, and %s at most", attemptTimeout)
	}
	if len(i.Retry) == 0 {
		i.Retry = defaultRetry
	}
	if slices.ContainsFunc(i.Retry, func(d caddy.Duration) bool { return d <= 0 || d > longestRetry }) {
		return nil, errors.New("retry: expected durations above zero, and 30d at most")
	}
	if i.Keep == 0 {
		i.Keep = defaultKeep
	}
	if i.Keep < 0 {
		return nil, errors.New("keep: expected a duration above zero")
	}
	return &i, nil
}

// queue is how the engine is to deliver for a merchant.
func (i *Inbox) queue(merchant string) inbox.Queue {
	q := inbox.Queue{
		Name:         merchant,
		Deliver:      i.deliver,
		Timeout:      attemptTimeout,
		AnswerWithin: time.Duration(i.AnswerWithin),
		Keep:         time.Duration(i.Keep),
	}
	for _, delay := range i.Retry {
		q.Retry = append(q.Retry, time.Duration(delay))
	}
	return q
}

// InboxEncryption is how the inbox encrypts the messages that it keeps: with AES-256-GCM.
type InboxEncryption struct {
	// The keys. The first one encrypts, all of them decrypt, so a key is replaced by putting
	// a new one in front of it. Default: none, messages are kept as they are.
	Keys []InboxKey `json:"keys,omitempty"`

	// Refuse to deliver a message that is kept unencrypted. Default: false, so that those
	// from before encryption was switched on are delivered.
	RefuseUnencrypted bool `json:"refuse_unencrypted,omitempty"`
}

// InboxKey is one key of an InboxEncryption.
type InboxKey struct {
	// The name by which encrypted messages refer to the key. Once it has been used it
	// must keep its meaning: a new key needs a new name.
	ID string `json:"id,omitempty"`

	// 32 bytes, as 64 hex digits or as Base64, given as {env.NAME} or {file./path}.
	Key string `json:"key,omitempty"`
}

// sealer resolves the keys. It is nil where there are none. Errors name the option and
// the key's id, and never a value.
func (c *InboxEncryption) sealer() (*inbox.Sealer, error) {
	if len(c.Keys) == 0 && c.RefuseUnencrypted {
		return nil, errors.New("refuse_unencrypted needs at least one key; add encrypt")
	}
	if len(c.Keys) == 0 {
		return nil, nil
	}
	keys := make([]inbox.Key, len(c.Keys))
	for i, key := range c.Keys {
		var err error
		if keys[i], err = key.resolve(); err != nil {
			return nil, fmt.Errorf("encrypt %d: %w", i+1, err)
		}
	}
	s, err := inbox.NewSealer(c.RefuseUnencrypted, keys[0], keys[1:]...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return s, nil
}

// hasLiteral reports whether a key is written down in the configuration itself.
func (c *InboxEncryption) hasLiteral() bool {
	return slices.ContainsFunc(c.Keys, func(k InboxKey) bool { return !secret.IsPlaceholder(k.Key) })
}

func (k *InboxKey) resolve() (inbox.Key, error) {
	id, err := secret.Plain("key id", k.ID)
	if err != nil {
		return inbox.Key{}, err
	}
	text, err := secret.Resolve(k.Key)
	if err != nil {
		return inbox.Key{}, err
	}
	secret, err := inbox.ParseSecret(text)
	if err != nil {
		return inbox.Key{}, err
	}
	return inbox.Key{ID: id, Secret: secret}, nil
}
