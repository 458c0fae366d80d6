package galaxypay

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// resolveDefaults refuses a default that would be wrong in every call: each app would be
// blamed for it, or no IPN would come.
func resolveDefaults(defaults map[string]string) ([]field, error) {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		text, err := secret.Plain("defaults: "+name, defaults[name])
		if err != nil {
			return nil, err
		}
		if err := operation.CheckDefault(name, text); err != nil {
			return nil, fmt.Errorf("defaults: %w", err)
		}
		value, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{name: name, value: value})
	}
	return fields, nil
}

// checkEnvelope refuses an envelope of the app's own without what it must bring: it is sent
// as it is, so nothing can be added to it.
func (r *request) checkEnvelope() *problem.Problem {
	switch {
	case !r.enveloped:
		return nil
	case !isHeaderText(r.requestID):
		return problem.EnvelopeRequestID()
	case r.dateTime == "":
		return problem.EnvelopeDateTime()
	}
	return nil
}

// complete adds the fields that the app left out: the operation's fixed ones first, then
// the operator's defaults. What the app sent as null or "" is written over in its place.
func (p *Proxy) complete(c *call) {
	if c.request.enveloped {
		return
	}
	var missing []field
	for _, f := range c.operation.Fixed() {
		if !c.request.has(f.Name) {
			missing = append(missing, field{name: f.Name, value: []byte(`"` + f.Fixed + `"`)})
		}
	}
	for _, d := range p.defaults {
		if !c.request.has(d.name) && c.operation.Takes(d.name) &&
			!slices.ContainsFunc(missing, func(f field) bool { return f.name == d.name }) {
			missing = append(missing, d)
		}
	}
	c.added = c.request.fill(missing)
}

// validate refuses what the gateway's documents rule out, every fault at once, so
// that a mistake costs the app one answer and the gateway none.
func (p *Proxy) validate(ctx context.Context, c *call) *problem.Problem {
	if p.Validate == "off" {
		return nil
	}
	data := c.request.data
	for _, f := range c.added {
		data = append(data, rawjson.Member{Name: []byte(f.name), Value: f.value})
	}
	data = append(data, p.recordedCurrency(ctx, c)...)
	fields := c.request.envelopeFaults()
	for _, fault := range c.operation.Validate(data) {
		fields = append(fields, problem.FieldFault(c.request.pathTo(fault.Path()), fault))
	}
	return problem.FieldsInvalid(fields)
}

// longestRequestID is the limit of requestID in characters.
const longestRequestID = 50

// envelopeFaults checks the two fields that an envelope of the app's own brings.
func (r *request) envelopeFaults() []problem.Field {
	if !r.enveloped {
		return nil
	}
	var fields []problem.Field
	if len(r.requestID) > longestRequestID {
		fields = append(fields, problem.LongField("requestID", longestRequestID))
	}
	if !operation.IsTime([]byte(r.dateTime)) {
		fields = append(fields, problem.TimeField("requestDateTime"))
	}
	return fields
}

// takeKey takes the app's Idempotency-Key. An empty one counts as none: FastCGI and some HTTP
// clients send a header for a variable that is not set.
func (c *call) takeKey(header http.Header) *problem.Problem {
	for _, value := range header.Values("Idempotency-Key") {
		key := unquoted(strings.TrimSpace(value))
		switch {
		case key == "":
		case c.request.key != "", isFolded(value):
			return problem.IdempotencyKeys()
		case c.request.enveloped:
			return problem.IdempotencyKeyBesideEnvelope()
		default:
			c.request.key = key
		}
	}
	return nil
}

// isFolded reports whether a header line is made of several, at least one of them a quoted key: what stands on the way may fold
// two lines into one, an empty one too. A comma inside a quoted key, or in one without quotation marks, is part of the key.
func isFolded(value string) bool { return foldedKeys.MatchString(value) }

var foldedKeys = regexp.MustCompile(`^\s*"(?:[^"\\]|\\.)*"\s*,|,\s*"(?:[^"\\]|\\.)*"\s*$`)

// unquoted is a key without the quotation marks that the draft of the header's standard puts
// around it. Most clients leave them out, and both must mean the same payment.
func unquoted(key string) string {
	if inner, ok := strings.CutPrefix(key, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			return inner
		}
	}
	return key
}

// wrap builds the envelope. The same Idempotency-Key always gives the same requestID, so
// that the gateway recognises a repeated request as a duplicate.
func (p *Proxy) wrap(c *call) {
	if !c.request.enveloped {
		c.request.requestID = requestIDFor(c.request.key)
	}
	size := len(c.request.object) + 128
	for _, f := range c.added {
		size += len(f.name) + len(f.value) + 4
	}
	c.envelope = appendEnvelope(make([]byte, 0, size), &c.request, time.Now(), c.added)
}

// sign signs the envelope. From here on no byte of it changes.
func (p *Proxy) sign(c *call) { c.signature = p.merchant.signer.sign(c.envelope) }

var (
	// plainRequestID is what an Idempotency-Key must look like to be a requestID.
	plainRequestID = regexp.MustCompile(`^[A-Za-z0-9-]{1,50}$`)

	// idempotencyKeys is the UUIDv5 name space of the keys that do not fit. It must
	// never change: a retry across an upgrade would get another requestID and pay twice.
	idempotencyKeys = uuid.MustParse("6f0cbb5e-6b1c-5d0e-9a57-6b3f0d7f2f4a")
)

func requestIDFor(idempotencyKey string) string {
	if idempotencyKey == "" {
		id := uuid.New()
		return hex.EncodeToString(id[:])
	}
	if plainRequestID.MatchString(idempotencyKey) {
		return idempotencyKey
	}
	id := uuid.NewSHA1(idempotencyKeys, []byte(idempotencyKey))
	return hex.EncodeToString(id[:])
}
