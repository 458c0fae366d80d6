package bolt

import (
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// layoutRecord is a record with every field.
func layoutRecord() inbox.Record {
	return inbox.Record{
		Event: inbox.Event{
			ID: "0a1b", Queue: "shop", Transaction: "GP1", RequestID: "R1", PaymentStatus: inbox.Paid,
			ReceivedAt: now, Message: []byte(`{"a":1}`),
		},
		Seq: 7, State: inbox.Dead, Attempts: 3, Due: now, Answer: inbox.Answer{Status: "200", Description: "taken"},
		LastError: "it is down", SettledAt: now,
	}
}

// A file must be readable by the versions to come: who changes how a record is written must
// be able to read this one all the same.
func TestRecordOfVersion1(t *testing.T) {
	const written = "\x01\x01\x15\xfe\xc2\xc6\x00\x00\x01\x2f" +
		`{"id":"0a1b","queue":"shop","transaction":"GP1","requestID":"R1","paymentStatus":"paid",` +
		`"receivedAt":"2026-01-02T03:04:05Z","seq":7,"state":"dead","attempts":3,"due":"2026-01-02T03:04:05Z",` +
		`"answer":{"ipnStatus":"200","ipnDescription":"taken"},"lastError":"it is down",` +
		`"settledAt":"2026-01-02T03:04:05Z"}` + `{"a":1}`
	if r, err := decodeRecord(7, []byte(written)); err != nil || !reflect.DeepEqual(r, layoutRecord()) {
		t.Errorf("read as %+v, %v", r, err)
	}
	if value, err := encodeRecord(layoutRecord()); err != nil || string(value) != written {
		t.Errorf("written as %q, %v", value, err)
	}
}

// So must the names of the buckets.
func TestBucketsOfVersion1(t *testing.T) {
	want := []string{
		"meta", "event/records", "event/ids", "event/paid", "event/pending", "event/waiting", "event/lanes", "event/due",
		"event/final", "event/quarantine",
	}
	var got []string
	for _, name := range buckets() {
		got = append(got, string(name))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the buckets are %q, want %q", got, want)
	}
}

func TestDamagedRecord(t *testing.T) {
	for name, damage := range map[string]func(value []byte) []byte{
		"empty":              func([]byte) []byte { return nil },
		"cut in its head":    func(value []byte) []byte { return value[:recordHeader-1] },
		"cut":                func(value []byte) []byte { return value[:len(value)-1] },
		"another version":    func(value []byte) []byte { value[0]++; return summed(value) },
		"another kind":       func(value []byte) []byte { value[1]++; return summed(value) },
		"an altered version": func(value []byte) []byte { value[0]++; return value },
		"an altered kind":    func(value []byte) []byte { value[1]++; return value },
		"an altered message": func(value []byte) []byte { value[len(value)-2]++; return value },
		"endless JSON": func(value []byte) []byte {
			binary.BigEndian.PutUint32(value[6:], 1<<31)
			return summed(value)
		},
		"no JSON": func(value []byte) []byte { value[recordHeader] = '!'; return summed(value) },
		"that of another": func([]byte) []byte {
			r := layoutRecord()
			r.Seq++
			value, _ := encodeRecord(r)
			return summed(value)
		},
	} {
		value, err := encodeRecord(layoutRecord())
		if err != nil {
			t.Fatal(err)
		}
		if r, err := decodeRecord(7, damage(value)); !errors.Is(err, errDamaged) {
			t.Errorf("%s: read as %+v, %v", name, r, err)
		}
	}
}

// summed gives a value the checksum that it should have as record 7.
func summed(value []byte) []byte {
	binary.BigEndian.PutUint32(value[2:], recordSum(7, value))
	return value
}
