package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/option"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// Options are the options that every engine has. The Caddy module of an engine embeds them.
type Options struct {
	// The keys that encrypt the messages of events, with AES-256-GCM. The first one encrypts,
	// all of them decrypt, so a key is replaced by putting a new one in front of it.
	// Default: none, messages are kept as they are.
	Encrypt []Key `json:"encrypt,omitempty"`

	// Refuse to deliver a message that is kept unencrypted. Default: false, so that those
	// from before encryption was switched on are delivered.
	RefuseUnencrypted bool `json:"refuse_unencrypted,omitempty"`

	// How long the message of an event is kept after it was delivered or given up. The rest
	// of the event stays, since a signed message is valid for ever. It must be longer than
	// the retry schedule of every inbox. Default: 400d.
	Keep caddy.Duration `json:"keep,omitempty"`

	sealer *inbox.Sealer
}

// Key is one key of Options.
type Key struct {
	// The name by which encrypted messages refer to the key. Once it has been used it
	// must keep its meaning: a new key needs a new name.
	ID string `json:"id,omitempty"`

	// 32 bytes, as 64 hex digits or as Base64, given as {env.NAME} or {file./path}.
	Key string `json:"key,omitempty"`
}

const defaultKeep = caddy.Duration(400 * 24 * time.Hour)

// Settings implements a part of Opener.
func (o *Options) Settings() *Options { return o }

// Sealer encrypts and decrypts messages. It is nil where there is no key, and that one keeps
// messages as they are.
func (o *Options) Sealer() *inbox.Sealer { return o.sealer }

// Provision fills in the defaults and resolves the keys. Errors name the option and the key's
// id, and never a value.
func (o *Options) Provision(log *zap.Logger) error {
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.Keep < 0 {
		return errors.New("keep: expected a duration above zero")
	}
	if slices.ContainsFunc(o.Encrypt, func(k Key) bool { return !secret.IsPlaceholder(k.Key) }) {
		log.Warn("a key of the store is written in the configuration, so config dumps show it; use {env.NAME} or {file./path}")
	}
	var err error
	o.sealer, err = o.newSealer()
	return err
}

func (o *Options) newSealer() (*inbox.Sealer, error) {
	if len(o.Encrypt) == 0 && o.RefuseUnencrypted {
		return nil, errors.New("refuse_unencrypted needs at least one key; add encrypt")
	}
	if len(o.Encrypt) == 0 {
		return nil, nil
	}
	keys := make([]inbox.Key, len(o.Encrypt))
	for i, key := range o.Encrypt {
		var err error
		if keys[i], err = key.resolve(); err != nil {
			return nil, fmt.Errorf("encrypt %d: %w", i+1, err)
		}
	}
	s, err := inbox.NewSealer(o.RefuseUnencrypted, keys[0], keys[1:]...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return s, nil
}

func (k *Key) resolve() (inbox.Key, error) {
	id, err := secret.Plain("key id", k.ID)
	if err != nil {
		return inbox.Key{}, err
	}
	text, err := secret.Resolve(k.Key)
	if err != nil {
		return inbox.Key{}, err
	}
	parsed, err := inbox.ParseSecret(text)
	if err != nil {
		return inbox.Key{}, err
	}
	return inbox.Key{ID: id, Secret: parsed}, nil
}

// Repeatable are the options that may be given several times.
var Repeatable = []string{"encrypt"}

// Block are the parsers of the options in a Caddyfile:
//
//	encrypt <key id> <key>
//	refuse_unencrypted
//	keep <duration>
func (o *Options) Block() option.Block {
	return option.Block{
		"encrypt":            o.parseKey,
		"refuse_unencrypted": o.parseRefuse,
		"keep":               option.Duration(&o.Keep),
	}
}

// parseKey does not quote its arguments: one of them may be the key.
func (o *Options) parseKey(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 || slices.Contains(args, "") {
		return d.Err("encrypt: expected <key id> <key>; " + option.Unset)
	}
	o.Encrypt = append(o.Encrypt, Key{ID: args[0], Key: args[1]})
	return nil
}

func (o *Options) parseRefuse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("refuse_unencrypted: expected no value")
	}
	o.RefuseUnencrypted = true
	return nil
}
