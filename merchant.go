package galaxypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
)

// The gateway's addresses by environment, from its page "General integration steps".
// The sandbox is this project's own stand-in on this machine.
var environments = map[string]string{
	"uat":        "https://uat-secure.galaxypay.vn",
	"production": "https://secure.galaxypay.vn",
	sandboxName:  "http://localhost:9190",
}

// The sandbox's key pair. It is published, so it protects nothing; the salt is the
// one of the examples in the gateway's documents.
const (
	sandboxName   = "sandbox"
	sandboxAPIKey = "sandbox"
	sandboxSalt   = "GO@2021"
)

// shortestSalt is the length below which a salt can be guessed offline from a
// single signed redirect, whose text and hash the customer's browser sees.
const shortestSalt = 16

// Merchant is one api key and salt at one environment of the gateway.
type Merchant struct {
	// Which gateway to talk to: "sandbox" (http://localhost:9190), "uat" or
	// "production". Either this or base_url is required; with "sandbox" the two
	// may be combined, to reach a sandbox at another port of this machine.
	Environment string `json:"environment,omitempty"`

	// The gateway's address, instead of environment. Plain http is accepted for
	// loopback addresses only, since the api key travels with every request.
	BaseURL string `json:"base_url,omitempty"`

	// The api key that the gateway issued. Use {env.NAME} or {file./path}: the
	// value is resolved when the config is loaded and kept out of config dumps.
	// Required, except in the sandbox.
	APIKey string `json:"api_key,omitempty"`

	// The secret that the gateway issued with the api key; signs requests, and
	// verifies answers and callbacks. Use {env.NAME} or {file./path}; files are
	// read again on every config reload. Required, except in the sandbox.
	Salt string `json:"salt,omitempty"`

	// Salts that were replaced, which still verify but never sign: messages that
	// were signed before a rotation stay valid. Default: none.
	PreviousSalts []PreviousSalt `json:"previous_salts,omitempty"`

	// Addresses of operations, by short name, as in the handler galaxypay. This and the options
	// below are for everything that calls the gateway in the merchant's name: handlers, which may
	// override them, and the questions that the sidecar asks by itself. Default: those of the catalogue.
	Paths map[string]string `json:"paths,omitempty"`

	// What handlers do with an answer that is not proven: "strict" or "report". The sidecar itself
	// believes proven answers only. Default: "strict".
	Verify string `json:"verify,omitempty"`

	// How long the gateway may take to reply to one call. Default: 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The connection to the gateway: the transport "http" of reverse_proxy with all its options.
	TransportRaw json.RawMessage `json:"transport,omitempty"`
}

// PreviousSalt is a salt that was replaced.
type PreviousSalt struct {
	// The salt, as {env.NAME} or {file./path}.
	Salt string `json:"salt"`

	// When it stops verifying, as RFC 3339 with a time zone, such as
	// 2026-12-31T00:00:00+07:00. Default: never, which leaves the old salt as
	// good as the new one for verification.
	Until string `json:"until,omitempty"`
}

// merchant is a Merchant with its secrets resolved. It is passed by pointer only,
// and prints as its name.
type merchant struct {
	name        string
	environment string // "" with a base_url alone
	config      *Merchant
	baseURL     *url.URL
	book        string // of the ledger
	contact     *contact
	*secrets
}

// secrets lie behind a pointer of their own. Printing a struct that holds a merchant
// in an unexported field, fmt cannot call String and may show what the field points
// to, but it never follows a second pointer.
type secrets struct {
	apiKey string
	signer signer
}

// String keeps the secrets out of logs and panics that print a merchant.
func (m *merchant) String() string { return "merchant " + m.name }

// Format does the same for fmt, whatever the verb.
func (m *merchant) Format(s fmt.State, _ rune) { fmt.Fprint(s, m.String()) }

// resolve reads the secrets and checks everything that can be checked at load.
// Errors name the option and never a value.
func (c *Merchant) resolve(name string, log *zap.Logger) (*merchant, error) {
	if !slices.Contains([]string{"", "strict", "report"}, c.Verify) {
		return nil, fmt.Errorf("verify: unknown value %q; expected strict or report", c.Verify)
	}
	if c.Timeout < 0 {
		return nil, errors.New("timeout: expected a duration above zero")
	}
	m := &merchant{name: name, config: c, contact: newContact(), secrets: new(secrets)}
	var err error
	if m.environment, m.baseURL, err = c.resolveAddress(); err != nil {
		return nil, err
	}
	m.book = ledger.BookOf(name, bookAddress(m.baseURL))
	if err := c.resolvePair(m); err != nil {
		return nil, err
	}
	for i, p := range c.PreviousSalts {
		previous, err := p.resolve()
		if err != nil {
			return nil, fmt.Errorf("previous_salt %d: %w", i+1, err)
		}
		m.signer.previous = append(m.signer.previous, previous)
	}
	c.warn(m, log)
	return m, nil
}

func (c *Merchant) resolveAddress() (environment string, base *url.URL, err error) {
	environment, err = secret.Plain("environment", c.Environment)
	if err != nil {
		return "", nil, err
	}
	address, err := secret.Plain("base_url", c.BaseURL)
	if err != nil {
		return "", nil, err
	}
	known, ok := environments[environment]
	switch {
	case environment == "" && address == "":
		return "", nil, errors.New("environment is required: sandbox, uat or production (or base_url instead)")
	case environment != "" && !ok:
		// As it was written: a variable that was put here by mistake may hold a secret.
		return "", nil, fmt.Errorf("environment: unknown value %q; expected sandbox, uat or production", c.Environment)
	case environment != "" && environment != sandboxName && address != "":
		return "", nil, fmt.Errorf("base_url: environment %s has an address of its own; use one of the two", environment)
	case address == "":
		address = known
	}
	base, err = parseBaseURL(address)
	if err == nil && environment == sandboxName && !isLoopback(base.Hostname()) {
		// What the sandbox may do without, such as TLS verification, must not be
		// had for another machine by calling it a sandbox.
		return "", nil, errors.New("base_url: with environment sandbox, expected an address of this machine")
	}
	return environment, base, err
}

func parseBaseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || !isWebAddress(u) {
		return nil, errors.New("base_url: expected an address such as https://host")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("base_url: expected scheme, host and path only")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, errors.New("base_url: plain http is accepted for loopback addresses only, since it carries the api key; use https")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// bookAddress is the address of a gateway in the names of books. However the host and its usual port are written, it is the same
// gateway: in another book, a call that was sent before would count as new.
func bookAddress(base *url.URL) string {
	u := *base
	u.Host = strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	if port := base.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		u.Host += ":" + port
	}
	return u.String()
}

// isWebAddress reports whether there is a host to send to, at a port that can be.
func isWebAddress(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// resolvePair fills in the api key and the salt. Only the sandbox has a pair of its
// own, and that pair is refused everywhere else: it is public.
func (c *Merchant) resolvePair(m *merchant) error {
	if m.environment == sandboxName && c.APIKey == "" && c.Salt == "" {
		m.apiKey, m.signer.salt = sandboxAPIKey, []byte(sandboxSalt)
		return nil
	}
	apiKey, err := secret.Resolve(c.APIKey)
	if err != nil {
		return fmt.Errorf("api_key: %w", err)
	}
	if strings.ContainsFunc(apiKey, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("api_key: expected printable ASCII, since it is sent as an HTTP header")
	}
	salt, err := secret.Resolve(c.Salt)
	if err != nil {
		return fmt.Errorf("salt: %w", err)
	}
	if apiKey == sandboxAPIKey && salt == sandboxSalt && !isLoopback(m.baseURL.Hostname()) {
		return errors.New("api_key, salt: this is the sandbox's published pair; use the pair that the gateway issued")
	}
	m.apiKey, m.signer.salt = apiKey, []byte(salt)
	return nil
}

func (p *PreviousSalt) resolve() (previousSalt, error) {
	salt, err := secret.Resolve(p.Salt)
	if err != nil {
		return previousSalt{}, err
	}
	resolved := previousSalt{salt: []byte(salt)}
	if p.Until == "" {
		return resolved, nil
	}
	resolved.until, err = time.Parse(time.RFC3339, p.Until)
	if err != nil {
		return previousSalt{}, errors.New("until: expected a time such as 2026-12-31T00:00:00+07:00")
	}
	return resolved, nil
}

// warn logs settings that work, but that their operator should know about.
func (c *Merchant) warn(m *merchant, log *zap.Logger) {
	log = log.With(zap.String("merchant", m.name))
	if m.environment == sandboxName {
		log.Warn("this merchant is at the sandbox: no payment is real, and everyone knows its salt")
	}
	if c.hasLiteral() {
		log.Warn("a secret is written in the configuration, so config dumps show it; use {env.NAME} or {file./path}")
	}
	if m.environment != sandboxName && m.verifiesWith(sandboxSalt) {
		log.Warn("a salt is the one that the gateway's documents publish, so everyone knows it; use the one that the gateway issued")
	}
	if m.environment != sandboxName && len(m.signer.salt) < shortestSalt {
		log.Warn("the salt is short enough to be guessed offline from one signed redirect; ask the gateway for a longer one",
			zap.Int("shortest_advisable", shortestSalt))
	}
	if secret.IsBase64OfText(string(m.signer.salt)) {
		log.Warn("the salt looks like the Base64 of another text, as kubectl shows secrets; if the gateway did not issue it like this, decode it")
	}
	for _, p := range m.signer.previous {
		switch {
		case !p.until.IsZero() && !time.Now().Before(p.until):
			log.Warn("a previous salt has expired and no longer verifies; remove it", zap.Time("until", p.until))
		case m.environment != sandboxName && len(p.salt) < shortestSalt:
			log.Warn("a previous salt is short enough to be guessed offline from one signed redirect; remove it soon",
				zap.Int("shortest_advisable", shortestSalt))
		}
	}
}

// hasLiteral reports whether a secret is written in the configuration itself.
func (c *Merchant) hasLiteral() bool {
	literal := func(value string) bool { return value != "" && !secret.IsPlaceholder(value) }
	return literal(c.APIKey) || literal(c.Salt) || slices.ContainsFunc(c.PreviousSalts, func(p PreviousSalt) bool { return literal(p.Salt) })
}

// verifiesWith reports whether text is the merchant's salt, or one of its previous ones.
func (m *merchant) verifiesWith(text string) bool {
	return string(m.signer.salt) == text ||
		slices.ContainsFunc(m.signer.previous, func(p previousSalt) bool { return string(p.salt) == text })
}
