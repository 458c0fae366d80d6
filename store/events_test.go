package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// Each column has its field, and each field its column.
func TestFieldsFitColumns(t *testing.T) {
	columns := strings.Split(EventColumns, ",")
	if fields := EventFields(new(inbox.Record)); len(fields) != len(columns) {
		t.Errorf("%d fields of %d columns", len(fields), len(columns))
	}
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	for _, test := range []struct {
		kept     Time
		expected any
	}{
		{Time{}, nil},
		{Time(at), at.UnixMicro()},
		{Time(time.Unix(0, 0)), int64(0)},
	} {
		value, err := test.kept.Value()
		if err != nil || value != test.expected {
			t.Errorf("%v is %v, %v, expected %v", test.kept, value, err, test.expected)
		}
		var read Time
		if err := read.Scan(value); err != nil || !time.Time(read).Equal(time.Time(test.kept).Truncate(time.Microsecond)) {
			t.Errorf("%v is read as %v, %v", test.kept, read, err)
		}
	}
	if err := new(Time).Scan("2026"); err == nil {
		t.Error("a text is a time")
	}
}

func TestWhere(t *testing.T) {
	since := time.UnixMicro(7)
	for _, test := range []struct {
		filter    inbox.Filter
		condition string
		args      Args
	}{
		{inbox.Filter{}, "true", Args{}},
		{inbox.Filter{Limit: 3, OrderID: "DH-1"}, "order_id = @order_id", Args{"order_id": "DH-1"}},
		{inbox.Filter{State: inbox.Delivered, Since: since}, "state = @state AND received_at >= @since", Args{"state": "delivered", "since": int64(7)}},
		{inbox.Filter{ID: "a", Queue: "b", State: inbox.Dead}, "id = @id AND merchant = @merchant AND state = @state AND " + NotDelivered,
			Args{"id": "a", "merchant": "b", "state": "dead"}},
	} {
		if condition, args := Where(test.filter); condition != test.condition || !maps.Equal(args, test.args) {
			t.Errorf("%+v: %s, %v", test.filter, condition, args)
		}
	}
}

func TestList(t *testing.T) {
	const kept = 2*pageSize + 50
	read := func(after uint64, size int) (page []inbox.Record, err error) {
		for seq := after + 1; seq <= kept && len(page) < size; seq++ {
			page = append(page, inbox.Record{Seq: seq})
		}
		return page, nil
	}
	for limit, expected := range map[int]int{0: kept, 1: 1, pageSize: pageSize, pageSize + 1: pageSize + 1, kept + 1: kept} {
		var seqs []uint64
		for r, err := range List(inbox.Filter{Limit: limit}, read) {
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, r.Seq)
		}
		if len(seqs) != expected || !slices.IsSorted(seqs) {
			t.Errorf("limit %d: %d are listed, expected %d", limit, len(seqs), expected)
		}
	}
	broken := errors.New("broken")
	failing := func(after uint64, size int) ([]inbox.Record, error) {
		if after > 0 {
			return nil, broken
		}
		return read(after, size)
	}
	n, failed := 0, error(nil)
	for _, err := range List(inbox.Filter{}, failing) {
		n, failed = n+1, err
	}
	if n != pageSize+1 || !errors.Is(failed, broken) {
		t.Errorf("%d are listed, %v", n, failed)
	}
}

func TestMigrate(t *testing.T) {
	migrations := []string{"one", "two", "three"}
	for version, expected := range []string{"one 1 two 2 three 3", "two 2 three 3", "three 3", ""} {
		var applied []string
		err := Migrate(version, migrations, func(migration string, makes int) error {
			applied = append(applied, fmt.Sprint(migration, " ", makes))
			return nil
		})
		if got := strings.Join(applied, " "); err != nil || got != expected {
			t.Errorf("from version %d: %q, %v", version, got, err)
		}
	}
	if err := Migrate(4, migrations, nil); err == nil || !strings.Contains(err.Error(), "use a newer sidecar") {
		t.Errorf("from a newer version: %v", err)
	}
}
