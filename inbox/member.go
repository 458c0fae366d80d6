package inbox

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

// defaultTimeout bounds one attempt.
const defaultTimeout = 30 * time.Second

// Deliver hands one record to the app. The message is the plain one, and attempt counts
// from one. It ends with the context.
type Deliver func(ctx context.Context, r Record, attempt int) Result

// Result is how one attempt ended.
type Result struct {
	// Delivered: the app has taken the event. Else there is another attempt.
	Delivered bool

	// Answer is the app's answer. If the event was not taken it is empty, or NotFound: the app
	// does not know the order, which may be written a moment later. NotFound is relayed to the
	// gateway.
	Answer Answer

	// Reason is why the app did not take it, in words for people and with nothing of the
	// message.
	Reason string

	// RetryAfter is how long the app wants no other attempt. It makes the delay of the
	// schedule longer, never shorter. Default: 0.
	RetryAfter time.Duration

	// Uncounted: there was no attempt, since something else must come to an end first. It is made
	// after RetryAfter, and uses up nothing of the schedule.
	Uncounted bool

	// Overtaken: the event is not to be delivered any more, since its payment is paid.
	Overtaken bool
}

// Queue is how the events of one merchant are delivered.
type Queue struct {
	// Name is the Event.Queue of its events.
	Name string

	// Deliver makes an attempt.
	Deliver Deliver

	// Timeout bounds an attempt. Default: 30s.
	Timeout time.Duration

	// AnswerWithin is how long Arrive waits for the app's answer. Zero: not at all.
	AnswerWithin time.Duration

	// Retry are the delays between attempts. There is one attempt more than there are
	// delays; when the last one fails the event is Dead.
	Retry []time.Duration

	// Keep is how long the message of an event is kept after it got its final state. Zero:
	// for ever.
	Keep time.Duration
}

func (q *Queue) timeout() time.Duration {
	if q.Timeout == 0 {
		return defaultTimeout
	}
	return q.Timeout
}

// Settings are what one configuration wants of the engine.
type Settings struct {
	Queues []Queue

	// Seal turns the message of an event into what is stored, and Unseal turns that back.
	// Default: it is stored unchanged.
	Seal, Unseal func(Event) ([]byte, error)

	// Log gets what people should know; it holds nothing of a message. Default: none.
	Log *zap.Logger

	// Count is called once for each arrival that is not simply kept (CountDuplicate,
	// CountOvertaken) and for how each attempt ended (CountDelivered, CountRetried, CountDead,
	// CountRepeated, CountOvertaken). Default: nothing is counted.
	Count func(queue, result string)
}

// The results that Settings.Count gets.
const (
	CountDuplicate = "duplicate"
	CountOvertaken = "overtaken"
	CountDelivered = "delivered"
	CountRetried   = "retried"
	CountDead      = "dead"
	CountRepeated  = "repeated"
)

// Member is one configuration that uses the engine.
type Member struct {
	engine   *Engine
	settings Settings
}

// Join lets a configuration take part. Pending events are delivered by the settings of the
// newest member that has not left.
func (e *Engine) Join(s Settings) *Member {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Count == nil {
		s.Count = func(string, string) {}
	}
	m := &Member{engine: e, settings: s}
	e.mu.Lock()
	e.members = append(e.members, m)
	e.mu.Unlock()
	e.wake()
	return m
}

// Leave ends the membership. Attempts that have begun go on.
func (m *Member) Leave() {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	m.engine.members = slices.DeleteFunc(m.engine.members, func(other *Member) bool { return other == m })
}

// Engine returns the engine.
func (m *Member) Engine() *Engine { return m.engine }

// Message returns the plain message of an event that the store returned.
func (m *Member) Message(e Event) ([]byte, error) {
	if m.settings.Unseal == nil {
		return e.Message, nil
	}
	return m.settings.Unseal(e)
}

func (m *Member) queue(name string) *Queue {
	i := slices.IndexFunc(m.settings.Queues, func(q Queue) bool { return q.Name == name })
	if i < 0 {
		return nil
	}
	return &m.settings.Queues[i]
}

// current is the member whose settings count; nil: there is none.
func (e *Engine) current() *Member {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.members) == 0 {
		return nil
	}
	return e.members[len(e.members)-1]
}
