package message

import (
	"testing"
	"time"
)

func TestStampIsVietnameseTime(t *testing.T) {
	at := time.Date(2026, 12, 31, 20, 0, 1, 0, time.UTC)
	if got := Stamp(at); got != "20270101030001" {
		t.Errorf("stamp %s", got)
	}
}
