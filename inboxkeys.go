package galaxypay

import (
	"errors"
	"fmt"

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

// options are those that the block of the inbox takes for it. encrypt may be given
// several times.
func (c *InboxEncryption) options() options {
	return options{
		"encrypt":            c.parseKey,
		"refuse_unencrypted": c.parseRefuse,
	}
}

// parseKey does not quote its arguments: one of them may be the key.
func (c *InboxEncryption) parseKey(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("encrypt: expected <key id> <key>")
	}
	c.Keys = append(c.Keys, InboxKey{ID: args[0], Key: args[1]})
	return nil
}

func (c *InboxEncryption) parseRefuse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	c.RefuseUnencrypted = true
	return nil
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

func (k *InboxKey) resolve() (inbox.Key, error) {
	text, err := resolveSecret(k.Key)
	if err != nil {
		return inbox.Key{}, err
	}
	secret, err := inbox.ParseSecret(text)
	if err != nil {
		return inbox.Key{}, err
	}
	return inbox.Key{ID: k.ID, Secret: secret}, nil
}
