package galaxypay

import (
	"encoding/hex"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// wrap builds the message. The same Idempotency-Key always gives the same
// requestID, so that the gateway recognises a repeated request as a duplicate.
func (p *Proxy) wrap(x *exchange, idempotencyKey string) {
	if !x.request.enveloped {
		x.request.requestID = requestIDFor(idempotencyKey)
	}
	size := len(x.request.object) + 128
	for _, f := range x.added {
		size += len(f.name) + len(f.value) + 4
	}
	x.message = appendEnvelope(make([]byte, 0, size), &x.request, time.Now(), x.added)
}

// additions are the fields that the app left out: the operation's fixed ones
// first, then the operator's defaults.
func (p *Proxy) additions(x *exchange) []field {
	if x.request.enveloped {
		return nil
	}
	var added []field
	for _, f := range x.operation.Fixed() {
		if !x.request.has(f.Name) {
			added = append(added, field{name: f.Name, value: []byte(`"` + f.Fixed + `"`)})
		}
	}
	for _, d := range p.defaults {
		if !x.request.has(d.name) && x.operation.Takes(d.name) &&
			!slices.ContainsFunc(added, func(f field) bool { return f.name == d.name }) {
			added = append(added, d)
		}
	}
	return added
}

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
