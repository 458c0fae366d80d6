package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// The file's buckets. Another kind of record gets buckets of its own beside these. Numbers
// in keys and values are big-endian, 8 bytes, so that keys sort by them; a time is its
// number of nanoseconds since 1970 with the sign bit turned, the zero time is 0.
//
// A lane is what is delivered one at a time: the events of one transaction, or a single
// event that has none. Its key is queue and transaction, each after its length in two
// bytes; without a transaction, seq follows.
var (
	bucketMeta       = []byte("meta")             // format, a count per state, and one of pending records per queue
	bucketRecords    = []byte("event/records")    // seq -> record
	bucketIDs        = []byte("event/ids")        // id queue, each after its length -> seq
	bucketPaid       = []byte("event/paid")       // lane seq -> nothing: the paid events
	bucketPending    = []byte("event/pending")    // lane seq -> due
	bucketWaiting    = []byte("event/waiting")    // seq -> time of arrival, of pending records
	bucketLanes      = []byte("event/lanes")      // lane -> lane's state, of those with pending records
	bucketDue        = []byte("event/due")        // queue time seq -> lane: when the first of a lane can be claimed
	bucketFinal      = []byte("event/final")      // queue time-of-arrival seq -> state, of records with a final one
	bucketQuarantine = []byte("event/quarantine") // seq -> a damaged record, as it was found
)

func buckets() [][]byte {
	return [][]byte{bucketMeta, bucketRecords, bucketIDs, bucketPaid, bucketPending, bucketWaiting, bucketLanes, bucketDue, bucketFinal, bucketQuarantine}
}

// The file's format is told by the key format in the bucket meta.
var (
	keyFormat      = []byte("format")
	formatVersion  = []byte{1}
	keyQuarantined = []byte("count quarantined")
)

func keyCount(s inbox.State) []byte { return []byte("count " + string(s)) }

// What keyPending makes, with this in front of what queueKey makes.
var prefixPending = []byte("pending ")

func keyPending(queue []byte) []byte { return append(bytes.Clone(prefixPending), queue...) }

// A record's value: version, kind, CRC-32C in 4 bytes of all the rest and of the key, the
// length of its JSON in 4 bytes, the record as JSON without the message, the message.
const (
	recordVersion = 1
	kindEvent     = 1
	recordHeader  = 1 + 1 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func recordSum(seq uint64, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, number(seq))
	sum = crc32.Update(sum, castagnoli, value[:2])
	return crc32.Update(sum, castagnoli, value[6:])
}

func encodeRecord(r inbox.Record) ([]byte, error) {
	message := r.Message
	r.Message = nil
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	value := make([]byte, recordHeader, recordHeader+len(text)+len(message))
	value[0], value[1] = recordVersion, kindEvent
	binary.BigEndian.PutUint32(value[6:], uint32(len(text))) //nolint:gosec // G115: checkEvent bounds it
	value = append(append(value, text...), message...)
	binary.BigEndian.PutUint32(value[2:], recordSum(r.Seq, value))
	return value, nil
}

func decodeRecord(seq uint64, value []byte) (inbox.Record, error) {
	damaged := func(why string) (inbox.Record, error) {
		return inbox.Record{}, fmt.Errorf("record %d is %w: %s", seq, errDamaged, why)
	}
	if len(value) < recordHeader {
		return damaged("too short")
	}
	if binary.BigEndian.Uint32(value[2:]) != recordSum(seq, value) {
		return damaged("wrong checksum")
	}
	if value[0] != recordVersion || value[1] != kindEvent {
		return damaged(fmt.Sprintf("version %d of kind %d is unknown", value[0], value[1]))
	}
	size := binary.BigEndian.Uint32(value[6:])
	rest := value[recordHeader:]
	if uint64(size) > uint64(len(rest)) {
		return damaged("its lengths do not fit")
	}
	var r inbox.Record
	if err := json.Unmarshal(rest[:size], &r); err != nil || r.Seq != seq {
		return damaged("not the JSON of this record")
	}
	if len(rest) > int(size) {
		r.Message = append([]byte(nil), rest[size:]...)
	}
	return r, nil
}

// maxMessage bounds a message. bbolt bounds its keys too, and inbox.MaxName stays far below.
const maxMessage = 16 << 20

// checkEvent refuses what cannot be kept before anything is begun.
func checkEvent(e inbox.Event) error {
	switch {
	case e.ID == "":
		return errors.New("an event needs an id")
	case len(e.ID) > inbox.MaxName, len(e.Queue) > inbox.MaxName, len(e.Transaction) > inbox.MaxName, len(e.RequestID) > inbox.MaxName, len(e.PaymentStatus) > inbox.MaxName:
		return fmt.Errorf("a field of the event is longer than %d bytes", inbox.MaxName)
	case len(e.Message) > maxMessage:
		return fmt.Errorf("the message is longer than %d bytes", maxMessage)
	}
	return nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

const signBit = 1 << 63

func timeNumber(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano()) ^ signBit
}

func numberTime(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n^signBit)).UTC() //nolint:gosec // G115: the bits are kept
}

func appendName(key []byte, name string) []byte {
	key = binary.BigEndian.AppendUint16(key, uint16(len(name))) //nolint:gosec // G115: checkEvent bounds it
	return append(key, name...)
}

func idKey(e inbox.Event) []byte { return appendName(appendName(nil, e.ID), e.Queue) }

func queueKey(queue string) []byte { return appendName(nil, queue) }

func laneKey(r inbox.Record) []byte {
	key := appendName(queueKey(r.Queue), r.Transaction)
	if r.Transaction == "" {
		key = binary.BigEndian.AppendUint64(key, r.Seq)
	}
	return key
}

// queueOfLane is the first part of a lane's key: what queueKey made.
func queueOfLane(lane []byte) []byte { return lane[:2+binary.BigEndian.Uint16(lane)] }

// join makes one key of a prefix and numbers.
func join(prefix []byte, numbers ...uint64) []byte {
	key := append(make([]byte, 0, len(prefix)+8*len(numbers)), prefix...)
	for _, n := range numbers {
		key = binary.BigEndian.AppendUint64(key, n)
	}
	return key
}

// lastNumber is the number at the end of a key.
func lastNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

func finalKey(r inbox.Record) []byte {
	return join(queueKey(r.Queue), timeNumber(r.ReceivedAt), r.Seq)
}

// entry is one of those that lead to a record.
type entry struct{ bucket, key, value []byte }

// lastingIndex are the entries that a record has whatever its state.
func lastingIndex(r inbox.Record) []entry {
	index := []entry{{bucketIDs, idKey(r.Event), number(r.Seq)}}
	if r.Transaction != "" && r.PaymentStatus == inbox.Paid {
		index = append(index, entry{bucketPaid, join(laneKey(r), r.Seq), nil})
	}
	return index
}

// stateIndex are the entries that a record has as long as its state stays.
func stateIndex(r inbox.Record) []entry {
	if r.State != inbox.Pending {
		return []entry{{bucketFinal, finalKey(r), []byte(r.State)}}
	}
	return []entry{
		{bucketPending, join(laneKey(r), r.Seq), number(timeNumber(r.Due))},
		{bucketWaiting, number(r.Seq), number(timeNumber(r.ReceivedAt))},
	}
}

// laneState is what is known of a lane besides its records.
type laneState struct {
	at, head uint64 // the numbers in its key of the bucket due
	leased   uint64 // the record that is claimed; 0: none
	until    uint64 // the end of the lease
	token    string
}

// free tells whether none of the lane's records is claimed at a time.
func (l laneState) free(now time.Time) bool { return l.leased == 0 || l.until <= timeNumber(now) }

func encodeLane(l laneState) []byte {
	return append(join(nil, l.at, l.head, l.leased, l.until), l.token...)
}

func decodeLane(value []byte) laneState {
	if value == nil {
		return laneState{}
	}
	return laneState{
		at:     binary.BigEndian.Uint64(value),
		head:   binary.BigEndian.Uint64(value[8:]),
		leased: binary.BigEndian.Uint64(value[16:]),
		until:  binary.BigEndian.Uint64(value[24:]),
		token:  string(value[32:]),
	}
}
