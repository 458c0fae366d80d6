package bolt

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// tables is the inbox within a transaction. The first error stays, and the transaction
// must not be committed then. Everything that arrival and delivery need is found by key, so
// that it costs the same however many records there are.
type tables struct {
	tx      *bbolt.Tx
	err     error
	changed bool
	counted map[string]int // by how much counts have changed
	wake    bool           // something can be claimed that could not be before
}

// errMissing is about an index that names a record that is not there: it was damaged.
var errMissing = errors.New("record is missing")

func (t *tables) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *tables) get(bucket, key []byte) []byte { return t.tx.Bucket(bucket).Get(key) }

func (t *tables) put(bucket, key, value []byte) {
	t.changed = true
	if err := t.tx.Bucket(bucket).Put(key, value); err != nil {
		t.fail(err)
	}
}

func (t *tables) remove(bucket, key []byte) {
	t.changed = true
	if err := t.tx.Bucket(bucket).Delete(key); err != nil {
		t.fail(err)
	}
}

func (t *tables) count(key []byte) uint64 {
	value := t.get(bucketMeta, key)
	if value == nil {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// addCount changes a count in memory, since every request of a batch changes the same ones.
func (t *tables) addCount(key []byte, n int) {
	t.changed = true
	if t.counted == nil {
		t.counted = map[string]int{}
	}
	t.counted[string(key)] += n
}

// flush writes the counts, once before the commit.
func (t *tables) flush() error {
	for key, n := range t.counted {
		t.put(bucketMeta, []byte(key), number(t.count([]byte(key))+uint64(n))) //nolint:gosec // G115: a negative number wraps to less
	}
	t.counted = nil
	return t.err
}

// record returns the record of that number.
func (t *tables) record(seq uint64) (inbox.Record, error) {
	value := t.get(bucketRecords, number(seq))
	if value == nil {
		return inbox.Record{}, errMissing
	}
	return decodeRecord(seq, value)
}

// known returns the record that an event has already.
func (t *tables) known(e inbox.Event) (r inbox.Record, found bool) {
	seq := t.get(bucketIDs, idKey(e))
	if seq == nil {
		return r, false
	}
	return t.indexed(seq)
}

// indexed returns the record that an entry of the bucket ids names. There is none if it was
// put aside.
func (t *tables) indexed(seq []byte) (r inbox.Record, found bool) {
	r, err := t.record(binary.BigEndian.Uint64(seq))
	if errors.Is(err, errMissing) {
		return r, false
	}
	if err != nil {
		t.fail(err)
	}
	return r, err == nil
}

// withID returns the records of an ID that the filter picks, of one queue or several.
func (t *tables) withID(f inbox.Filter) (records []inbox.Record) {
	prefix := appendName(nil, f.ID)
	c := t.tx.Bucket(bucketIDs).Cursor()
	for key, seq := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, seq = c.Next() {
		if r, found := t.indexed(seq); found && picks(f, r) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b inbox.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	if f.Limit > 0 {
		return records[:min(f.Limit, len(records))]
	}
	return records
}

func (t *tables) save(r inbox.Record) {
	value, err := encodeRecord(r)
	if err != nil {
		t.fail(err)
		return
	}
	t.put(bucketRecords, number(r.Seq), value)
}

// admit keeps a record that is new to the file.
func (t *tables) admit(r inbox.Record) {
	t.save(r)
	t.putAll(lastingIndex(r))
	t.enter(r)
}

// enter and leave keep the indexes of states.
func (t *tables) enter(r inbox.Record) {
	t.addCounts(r, 1)
	t.putAll(stateIndex(r))
}

func (t *tables) leave(r inbox.Record) {
	t.addCounts(r, -1)
	t.removeAll(stateIndex(r))
}

func (t *tables) addCounts(r inbox.Record, n int) {
	t.addCount(keyCount(r.State), n)
	if r.State == inbox.Pending {
		t.addCount(keyPending(queueKey(r.Queue)), n)
	}
}

func (t *tables) putAll(entries []entry) {
	for _, e := range entries {
		t.put(e.bucket, e.key, e.value)
	}
}

func (t *tables) removeAll(entries []entry) {
	for _, e := range entries {
		t.remove(e.bucket, e.key)
	}
}

func (t *tables) lane(lane []byte) laneState { return decodeLane(t.get(bucketLanes, lane)) }

// first is the oldest pending record of a lane, and when it is due; 0: none is pending.
func (t *tables) first(lane []byte) (seq, due uint64) {
	key, value := t.tx.Bucket(bucketPending).Cursor().Seek(lane)
	if len(key) != len(lane)+8 || !bytes.HasPrefix(key, lane) {
		return 0, 0
	}
	return lastNumber(key), binary.BigEndian.Uint64(value)
}

// setLane keeps a lane's lease, and lists the lane as due when its first record is and the
// lease is over.
func (t *tables) setLane(lane []byte, l laneState) {
	queue := queueOfLane(lane)
	if l.head != 0 {
		t.remove(bucketDue, join(queue, l.at, l.head))
	}
	l.head, l.at = t.first(lane)
	if l.head == 0 {
		t.remove(bucketLanes, lane)
		return
	}
	if l.leased == 0 {
		t.wake = true
	}
	l.at = max(l.at, l.until)
	t.put(bucketDue, join(queue, l.at, l.head), lane)
	t.put(bucketLanes, lane, encodeLane(l))
}

func (l *laneState) release() { l.leased, l.until, l.token = 0, 0, "" }

// releaseAll gives up all claims.
func (t *tables) releaseAll() {
	var claimed [][]byte
	c := t.tx.Bucket(bucketLanes).Cursor()
	for lane, state := c.First(); lane != nil; lane, state = c.Next() {
		if decodeLane(state).leased != 0 {
			claimed = append(claimed, bytes.Clone(lane))
		}
	}
	for _, lane := range claimed {
		l := t.lane(lane)
		l.release()
		t.setLane(lane, l)
	}
}

// claimRecord gives out a lease, if r is the first of its lane and nobody has one.
func (t *tables) claimRecord(r *inbox.Record, lease inbox.Lease) {
	lane := laneKey(*r)
	l := t.lane(lane)
	if first, _ := t.first(lane); first != r.Seq || !l.free(lease.Now) {
		return
	}
	r.Lease = rand.Text()
	l.leased, l.until, l.token = r.Seq, timeNumber(lease.Until), r.Lease
	t.setLane(lane, l)
}

func (t *tables) arrive(e inbox.Event, lease inbox.Lease) (r inbox.Record, isNew bool) {
	r, found := t.known(e)
	if t.err != nil {
		return r, false
	}
	if found {
		if r.State == inbox.Pending {
			t.claimRecord(&r, lease)
		}
		return r, false
	}
	seq, err := t.tx.Bucket(bucketRecords).NextSequence()
	if err != nil {
		t.fail(err)
		return r, false
	}
	r = inbox.Record{Event: e, Seq: seq, State: inbox.Pending, Due: lease.Now}
	if t.overtaken(r) {
		r.State, r.Due, r.SettledAt = inbox.Overtaken, time.Time{}, lease.Now
		t.admit(r)
		return r, true
	}
	t.admit(r)
	t.claimRecord(&r, lease) // or its lane has an earlier one, and is listed already
	return r, true
}

// overtaken tells whether r says that a payment is not paid that is known to be.
func (t *tables) overtaken(r inbox.Record) bool {
	if r.Transaction == "" || r.PaymentStatus == inbox.Paid {
		return false
	}
	lane := laneKey(r)
	key, _ := t.tx.Bucket(bucketPaid).Cursor().Seek(lane)
	return bytes.HasPrefix(key, lane)
}

// claimable finds up to limit lanes of the queues that are due, the longest waiting first.
func (t *tables) claimable(queues []string, now time.Time, limit int) (lanes [][]byte) {
	type dueLane struct {
		at   uint64
		lane []byte
	}
	var due []dueLane
	c := t.tx.Bucket(bucketDue).Cursor()
	for _, queue := range queues {
		prefix, n := queueKey(queue), 0
		for key, lane := c.Seek(prefix); n < limit && bytes.HasPrefix(key, prefix); key, lane = c.Next() {
			at := binary.BigEndian.Uint64(key[len(prefix):])
			if at > timeNumber(now) {
				break
			}
			due = append(due, dueLane{at, bytes.Clone(lane)})
			n++
		}
	}
	slices.SortStableFunc(due, func(a, b dueLane) int { return bytes.Compare(number(a.at), number(b.at)) })
	for _, d := range due[:min(limit, len(due))] {
		lanes = append(lanes, d.lane)
	}
	return lanes
}

func (t *tables) claim(queues []string, lease inbox.Lease, limit int) (claimed []inbox.Record, damage []error) {
	for _, lane := range t.claimable(queues, lease.Now, limit) {
		l := t.lane(lane)
		r, err := t.record(l.head)
		if err != nil {
			t.quarantine(lane, l)
			damage = append(damage, err)
			continue
		}
		if t.claimRecord(&r, lease); r.Lease != "" {
			claimed = append(claimed, r)
		}
	}
	return claimed, damage
}

// quarantine puts the damaged first record of a lane aside, so that it holds up no other.
// Its ID leads nowhere from now on, and the event can be added anew.
func (t *tables) quarantine(lane []byte, l laneState) {
	t.setAside(l.head, t.get(bucketRecords, number(l.head)))
	t.remove(bucketRecords, number(l.head))
	t.remove(bucketPending, join(lane, l.head))
	t.remove(bucketWaiting, number(l.head))
	t.addCount(keyCount(inbox.Pending), -1)
	t.addCount(keyPending(queueOfLane(lane)), -1)
	t.setLane(lane, l)
}

func (t *tables) setAside(seq uint64, value []byte) {
	t.put(bucketQuarantine, number(seq), bytes.Clone(value))
	t.addCount(keyQuarantined, 1)
}

// settle tells whether the claim held.
func (t *tables) settle(claimed inbox.Record, how inbox.Settlement) bool {
	lane := laneKey(claimed)
	l := t.lane(lane)
	if claimed.Lease == "" || l.leased != claimed.Seq || l.token != claimed.Lease {
		return false
	}
	r, err := t.record(claimed.Seq)
	if err != nil {
		t.fail(err)
		return false
	}
	t.leave(r)
	r.State, r.Due, r.Answer, r.LastError = how.State, how.Due, how.Answer, how.LastError
	if !how.Uncounted {
		r.Attempts++
	}
	if r.State != inbox.Pending {
		r.Due, r.SettledAt = time.Time{}, how.At
	}
	t.enter(r)
	t.save(r)
	l.release()
	t.setLane(lane, l)
	return true
}

func (t *tables) nextDue(queues []string) time.Time {
	next := uint64(0)
	c := t.tx.Bucket(bucketDue).Cursor()
	for _, queue := range queues {
		prefix := queueKey(queue)
		key, _ := c.Seek(prefix)
		if !bytes.HasPrefix(key, prefix) {
			continue
		}
		if at := binary.BigEndian.Uint64(key[len(prefix):]); next == 0 || at < next {
			next = at
		}
	}
	return numberTime(next)
}

// replay makes those of the records pending that the filter still picks, and that nobody
// has claimed.
func (t *tables) replay(seqs []uint64, f inbox.Filter, now time.Time) (n int) {
	for _, seq := range seqs {
		r, err := t.record(seq)
		if err != nil || !picks(f, r) || r.State == inbox.Overtaken && !f.IncludesOvertaken() {
			continue
		}
		lane := laneKey(r)
		l := t.lane(lane)
		if l.leased == seq {
			if !l.free(now) {
				continue
			}
			l.release()
		}
		t.leave(r)
		r.State, r.Due, r.Attempts, r.SettledAt = inbox.Pending, now, 0, time.Time{}
		t.enter(r)
		t.save(r)
		t.setLane(lane, l)
		t.wake = true
		n++
	}
	return n
}

// prune forgets up to chunk records.
func (t *tables) prune(queue string, before time.Time) (n int) {
	prefix := queueKey(queue)
	var keys [][]byte
	c := t.tx.Bucket(bucketFinal).Cursor()
	for key, _ := c.Seek(prefix); len(keys) < chunk && bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		if binary.BigEndian.Uint64(key[len(prefix):]) >= timeNumber(before) {
			break
		}
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		t.forget(key)
	}
	return len(keys)
}

// forget removes a record by its key in the bucket final. One that is damaged is put aside
// instead.
func (t *tables) forget(final []byte) {
	seq := lastNumber(final)
	state := inbox.State(bytes.Clone(t.get(bucketFinal, final)))
	t.remove(bucketFinal, final)
	t.addCount(keyCount(state), -1)
	r, err := t.record(seq)
	if err != nil {
		t.setAside(seq, t.get(bucketRecords, number(seq)))
		t.remove(bucketRecords, number(seq))
		return
	}
	t.remove(bucketRecords, number(seq))
	t.removeAll(lastingIndex(r))
}

func (t *tables) stats() inbox.Stats {
	s := inbox.Stats{States: map[inbox.State]int{}}
	for _, state := range inbox.States() {
		s.States[state] = int(t.count(keyCount(state))) //nolint:gosec // G115: a count of records
	}
	s.Quarantined = int(t.count(keyQuarantined)) //nolint:gosec // G115: a count of records
	if key, arrival := t.tx.Bucket(bucketWaiting).Cursor().First(); key != nil {
		s.Oldest = numberTime(binary.BigEndian.Uint64(arrival))
	}
	return s
}

func (t *tables) pending() map[string]int {
	pending := map[string]int{}
	c := t.tx.Bucket(bucketMeta).Cursor()
	for key, n := c.Seek(prefixPending); bytes.HasPrefix(key, prefixPending); key, n = c.Next() {
		queue := key[len(prefixPending)+2:] // behind its length
		if n := binary.BigEndian.Uint64(n); n != 0 {
			pending[string(queue)] = int(n) //nolint:gosec // G115: a count of records
		}
	}
	return pending
}

// listing is how far a List has come.
type listing struct {
	next, last uint64 // what to look at: from next, up to last
	left       int    // how many more to yield; 0 with no limit
	done       bool
	records    []inbox.Record
	damage     []error
}

// listing begins a List. It ends with the last record of today, so that it does end.
func (t *tables) listing(f inbox.Filter) listing {
	return listing{last: t.tx.Bucket(bucketRecords).Sequence(), left: f.Limit}
}

// list finds the next records, and looks at no more than chunk.
func (t *tables) list(f inbox.Filter, l listing) listing {
	l.records, l.damage = nil, nil
	index := bucketRecords
	if f.State == inbox.Pending {
		index = bucketWaiting
	}
	c := t.tx.Bucket(index).Cursor()
	key, _ := c.Seek(number(l.next))
	for range chunk {
		if key == nil || lastNumber(key) > l.last {
			l.done = true
			return l
		}
		seq := lastNumber(key)
		l.next = seq + 1
		r, err := t.record(seq)
		if err != nil {
			l.damage = append(l.damage, err)
		} else if picks(f, r) {
			l.records = append(l.records, r)
			if l.left--; l.left == 0 {
				l.done = true
				return l
			}
		}
		key, _ = c.Next()
	}
	return l
}

func picks(f inbox.Filter, r inbox.Record) bool {
	return (f.ID == "" || f.ID == r.ID) &&
		(f.Queue == "" || f.Queue == r.Queue) &&
		(f.Transaction == "" || f.Transaction == r.Transaction) &&
		(f.State == "" || f.State == r.State) &&
		(f.PaymentStatus == "" || f.PaymentStatus == r.PaymentStatus) &&
		(f.Since.IsZero() || !r.ReceivedAt.Before(f.Since)) &&
		(f.Until.IsZero() || r.ReceivedAt.Before(f.Until))
}
