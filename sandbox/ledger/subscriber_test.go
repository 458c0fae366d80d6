package ledger

import (
	"fmt"
	"slices"
	"testing"
)

func TestClosedSubscriptionMakesRoom(t *testing.T) {
	l := New()
	var subscriptions []*Subscription
	for range MaxSubscriptions {
		s, err := l.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		subscriptions = append(subscriptions, s)
	}
	if _, err := l.Subscribe(); err == nil {
		t.Fatal("one too many has subscribed")
	}
	subscriptions[0].Close()
	if _, err := l.Subscribe(); err != nil {
		t.Error(err)
	}
}

// A slow subscriber misses nothing, keeps nothing waiting and takes bounded room.
func TestSlowSubscriber(t *testing.T) {
	l := New()
	s, err := l.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.subscribers.notify("1")
		l.subscribers.notify("2")
	}
	<-s.Changed()
	read := s.Read()
	slices.Sort(read)
	if want := []string{Everything, "1", "2"}; !slices.Equal(read, want) {
		t.Errorf("read %q, want %q", read, want)
	}
	for i := range 2*MaxTransactions + 10 {
		l.subscribers.notify(fmt.Sprint(i))
	}
	if len(s.unread) > MaxTransactions || !s.unread[Everything] || !s.unread[fmt.Sprint(2*MaxTransactions+9)] {
		t.Errorf("%d are noted, everything: %t", len(s.unread), s.unread[Everything])
	}
	select {
	case <-s.Changed():
	default:
		t.Error("there is no notice")
	}
}
