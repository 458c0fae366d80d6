package galaxypay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/unanswered"
)

// Inbox makes a handler of IPNs keep each proven one until the app has taken it, and answer
// the gateway as soon as it is kept. The handlers behind it are not called; those in deliver
// are. The handlers of one merchant may differ in deliver only.
type Inbox struct {
	// The handlers that take the events: any of Caddy's. The app sees the Host, the scheme,
	// the path and the client address of the gateway's request, and the header
	// Galaxypay-Attempt. Either this or deliver_to is required.
	Deliver *caddyhttp.Subroute `json:"deliver,omitempty"`

	// Short for a deliver that rewrites the request to the path of this address, if it has
	// one, and hands it to a reverse_proxy to its host. Placeholders such as {env.NAME} are
	// resolved when the config is loaded.
	DeliverTo string `json:"deliver_to,omitempty"`

	// How long the gateway's request waits for the app's own answer, 30s at most. After
	// that the sidecar answers that the IPN was received. Default: 5s.
	AnswerWithin caddy.Duration `json:"answer_within,omitempty"`

	// The delays between attempts; each is made up to a fifth longer at random. When the
	// attempt after the last delay fails, the IPN becomes a dead letter. Default: 1s, 5s,
	// 30s, 2m, 10m, 1h, 6h, 12h, 24h, 24h, which outlasts a weekend.
	Retry []caddy.Duration `json:"retry,omitempty"`

	// Whether the gateway is asked before a paid event is delivered: "on" delivers it only after the
	// proven answer to a query says paid and the same amount, with Galaxypay-Confirmed: true. Default:
	// "off".
	Confirm string `json:"confirm,omitempty"`

	name string // of its block
}

const defaultAnswerWithin = caddy.Duration(5 * time.Second)

var defaultRetry = []caddy.Duration{
	caddy.Duration(time.Second),
	caddy.Duration(5 * time.Second),
	caddy.Duration(30 * time.Second),
	caddy.Duration(2 * time.Minute),
	caddy.Duration(10 * time.Minute),
	caddy.Duration(time.Hour),
	caddy.Duration(6 * time.Hour),
	caddy.Duration(12 * time.Hour),
	caddy.Duration(24 * time.Hour),
	caddy.Duration(24 * time.Hour),
}

// longestRetry bounds one delay. A delay of centuries, meant as never, would give a time that
// no store can keep and that would be read as one in the past.
const longestRetry = caddy.Duration(30 * 24 * time.Hour)

// provision checks the options, fills in the defaults and loads the handlers.
func (i *Inbox) provision(ctx caddy.Context) (*block, error) {
	if err := i.check(); err != nil {
		return nil, err
	}
	var err error
	if i.name, err = i.blockName(); err != nil {
		return nil, err
	}
	var address url.URL
	if i.DeliverTo != "" {
		if address, err = i.address(); err != nil {
			return nil, err
		}
		i.Deliver = proxyTo(&address)
	}
	if err := i.Deliver.Provision(ctx); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	if i.DeliverTo != "" {
		keepQuiet(i.Deliver)
	}
	if i.DeliverTo == "" && unanswered.In(i.Deliver.Routes) {
		ctx.Logger().Warn("an event can go through deliver without an answer, and is tried again then, up to a dead letter; end deliver with a handler that answers everything, such as reverse_proxy app:8000")
	}
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return &block{name: i.name, handler: i.Deliver, address: address, server: server}, nil
}

func (i *Inbox) check() error {
	if (i.DeliverTo == "") == (i.Deliver == nil) {
		return errors.New("expected one of deliver and deliver_to")
	}
	if i.Deliver != nil && len(i.Deliver.Routes) == 0 {
		return errors.New("deliver: expected handlers, such as reverse_proxy app:8000")
	}
	if i.AnswerWithin == 0 {
		i.AnswerWithin = defaultAnswerWithin
	}
	if i.AnswerWithin < 0 || time.Duration(i.AnswerWithin) > attemptTimeout {
		return fmt.Errorf("answer_within: expected a duration above zero, and %s at most", attemptTimeout)
	}
	if !slices.Contains([]string{"", "on", "off"}, i.Confirm) {
		return fmt.Errorf("confirm: unknown value %q; expected on or off", i.Confirm)
	}
	if len(i.Retry) == 0 {
		i.Retry = defaultRetry
	}
	if slices.ContainsFunc(i.Retry, func(d caddy.Duration) bool { return d <= 0 || d > longestRetry }) {
		return errors.New("retry: expected durations above zero, and 30d at most")
	}
	return nil
}

// address is where deliver_to sends events.
func (i *Inbox) address() (url.URL, error) {
	text, err := secret.Plain("deliver_to", i.DeliverTo)
	if err != nil {
		return url.URL{}, err
	}
	// The address may hold a password or a token, so no error quotes it.
	u, err := url.Parse(text)
	if err != nil || !isWebAddress(u) || u.Fragment != "" {
		return url.URL{}, errors.New("deliver_to: expected an address such as http://app:8000/payments/ipn")
	}
	return *u, nil
}

// proxyTo is the handlers of deliver_to. The path and the query of the address are left to the block: Caddy's rewrite logs them.
func proxyTo(u *url.URL) *caddyhttp.Subroute {
	port := u.Port()
	transport := map[string]any{"protocol": "http"}
	if u.Scheme == "https" {
		transport["tls"] = map[string]any{}
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	proxy := map[string]any{"upstreams": []any{map[string]any{"dial": host + ":" + port}}, "transport": transport}
	if u.User != nil {
		password, _ := u.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		proxy["headers"] = map[string]any{"request": map[string]any{"set": map[string]any{"Authorization": []string{"Basic " + credentials}}}}
	}
	handler := caddyconfig.JSONModuleObject(proxy, "handler", "reverse_proxy", nil)
	return &caddyhttp.Subroute{Routes: caddyhttp.RouteList{{HandlersRaw: []json.RawMessage{handler}}}}
}

// blockName is a hash of the handlers' configuration as it is written, so without the values
// of secrets, and without the names of route groups, which Caddy counts through the whole
// Caddyfile: a change in another site is no other block.
func (i *Inbox) blockName() (string, error) {
	text, err := json.Marshal([]any{i.DeliverTo, i.Deliver})
	if err != nil {
		return "", err
	}
	var parsed any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		return "", err
	}
	withoutGroups(parsed)
	if text, err = json.Marshal(parsed); err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

func withoutGroups(value any) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "group")
		for _, member := range value {
			withoutGroups(member)
		}
	case []any:
		for _, element := range value {
			withoutGroups(element)
		}
	}
}

// equals reports whether two handlers of a merchant have the same options, deliver aside.
func (i *Inbox) equals(other *Inbox) bool {
	return i.AnswerWithin == other.AnswerWithin && i.Confirm == other.Confirm && slices.Equal(i.Retry, other.Retry)
}

// schedule is how long an event can be pending.
func (i *Inbox) schedule() time.Duration {
	total := attemptTimeout
	for _, delay := range i.Retry {
		total += time.Duration(delay) + time.Duration(delay)/5 + attemptTimeout
	}
	return total
}

// queue is how the engine is to deliver for a merchant and its gateway.
func (i *Inbox) queue(book string, keep caddy.Duration, blocks blocks) inbox.Queue {
	q := inbox.Queue{
		Name:         book,
		Deliver:      blocks.deliver,
		Timeout:      attemptTimeout,
		AnswerWithin: time.Duration(i.AnswerWithin),
		Keep:         time.Duration(keep),
	}
	for _, delay := range i.Retry {
		q.Retry = append(q.Retry, time.Duration(delay))
	}
	return q
}
