package sandbox

import (
	"errors"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/fault"
)

// call is the envelope of a request.
type call struct {
	requestID string
	data      fields           // requestData
	members   []rawjson.Member // the same, in the order in which it was written
	faults    fault.Faults     // that the request names
}

// parseCall reads an envelope. What could be read of it is returned with the error too,
// because a refusal repeats the requestID where there is one.
func parseCall(body []byte) (call, error) {
	envelope, malformed := rawjson.Members(body)
	if malformed != nil {
		return call{}, inOneReading(malformed)
	}
	read := reader{fields: newFields(envelope)}
	c := call{requestID: read.upTo("requestID", 50)}
	read.required("requestID")
	if at := read.required("requestDateTime"); !operation.IsTime([]byte(at)) {
		read.fail("requestDateTime", notTime)
	}
	if c.members, malformed = rawjson.Members(read.fields["requestData"]); malformed != nil {
		read.fail("requestData", "is missing or not an object")
	}
	c.data = newFields(c.members)
	inside := reader{fields: c.data}
	c.faults = inside.faults()
	read.refuse(inside.err)
	return c, read.err
}

// inOneReading says why a body cannot be read, or not in one way only: of a name that is
// given twice one program takes the first value and another the last.
func inOneReading(malformed *rawjson.Error) error {
	if malformed.Fault == rawjson.Duplicate {
		return errors.New("the body has a field twice")
	}
	return errors.New("the body is not one JSON object in UTF-8")
}
