package galaxypay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

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

// takeFrom reads the options that an inbox has whatever its store, and returns the tokens
// without them: the rest is the store's. encrypt may be given several times.
func (c *InboxEncryption) takeFrom(segment caddyfile.Segment) (rest caddyfile.Segment, err error) {
	d := caddyfile.NewDispenser(segment)
	d.Next() // the store's name
	d.RemainingArgs()
	mine := map[string]func(*caddyfile.Dispenser) (int, error){
		"encrypt":            c.parseKey,
		"refuse_unencrypted": c.parseRefuse,
	}
	for d.NextBlock(0) {
		parse := mine[d.Val()]
		if parse == nil || d.Nesting() > 1 {
			continue
		}
		tokens, err := parse(d)
		if err != nil {
			return nil, err
		}
		segment = d.DeleteN(tokens)
	}
	return segment, nil
}

// parseKey tells how many tokens it has read. It does not quote its arguments: one of
// them may be the key.
func (c *InboxEncryption) parseKey(d *caddyfile.Dispenser) (tokens int, err error) {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return 0, d.Err("encrypt: expected <key id> <key>")
	}
	c.Keys = append(c.Keys, InboxKey{ID: args[0], Key: args[1]})
	return 3, nil
}

func (c *InboxEncryption) parseRefuse(d *caddyfile.Dispenser) (tokens int, err error) {
	if d.NextArg() {
		return 0, d.Err("refuse_unencrypted: expected no value")
	}
	if c.RefuseUnencrypted {
		return 0, d.Err("duplicate option refuse_unencrypted")
	}
	c.RefuseUnencrypted = true
	return 1, nil
}

// sealer resolves the keys. It is nil where there are none. Errors name the option and
// the key's id, and never a value.
func (c *InboxEncryption) sealer() (*inbox.Sealer, error) {
	if len(c.Keys) == 0 && c.RefuseUnencrypted {
		return nil, errors.New("refuse_unencrypted: expected a key too, with encrypt")
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

// hasLiteral tells whether a key is written down in the configuration itself.
func (c *InboxEncryption) hasLiteral() bool {
	return slices.ContainsFunc(c.Keys, func(k InboxKey) bool { return !isPlaceholder(k.Key) })
}

func (k *InboxKey) resolve() (inbox.Key, error) {
	id, err := resolvePlain("key id", k.ID)
	if err != nil {
		return inbox.Key{}, err
	}
	text, err := resolveSecret(k.Key)
	if err != nil {
		return inbox.Key{}, err
	}
	secret, err := inbox.ParseSecret(text)
	if err != nil {
		return inbox.Key{}, err
	}
	return inbox.Key{ID: id, Secret: secret}, nil
}
