package bodies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// soon is a deadline that no test reaches.
func soon() time.Time { return time.Now().Add(time.Hour) }

func request(body io.Reader, length int64) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = length
	return r
}

// Bodies of every length around those at which the memory grows come through as they were sent.
func TestReadKeepsEveryByte(t *testing.T) {
	const limit = 3 * firstRoom
	b := New(limit, 1)
	sizes := []int{0, 1, 100}
	for _, edge := range []int{firstRoom, 2 * firstRoom, limit} {
		for size := edge - 2; size <= min(edge+2, limit); size++ {
			sizes = append(sizes, size)
		}
	}
	for _, size := range sizes {
		text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"at once":       func(r io.Reader) io.Reader { return r },
			"byte by byte":  iotest.OneByteReader,
			"half by half":  iotest.HalfReader,
			"with its end":  iotest.DataErrReader,
			"end with byte": func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
		} {
			for _, length := range []int64{int64(size), -1} {
				t.Run(fmt.Sprintf("%d bytes of %d, %s", size, length, name), func(t *testing.T) {
					body, err := b.Read(request(reader(strings.NewReader(text)), length), soon())
					if err != nil || string(body) != text {
						t.Errorf("%d bytes, error %v", len(body), err)
					}
					if most := int64(max(2*size, firstRoom)); length < 0 && int64(cap(body)) > most+1 || length >= 0 && int64(cap(body)) > length+1 {
						t.Errorf("%d bytes of memory", cap(body))
					}
					if n := b.held.Load(); n != 0 {
						t.Errorf("%d bytes are still counted", n)
					}
				})
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	errBroken := errors.New("the connection broke")
	const limit = 10
	for name, test := range map[string]struct {
		body     io.Reader
		length   int64
		deadline time.Time
		want     error
	}{
		"announced as too large":        {body: iotest.ErrReader(errBroken), length: limit + 1, want: ErrTooLarge},
		"announced as endless":          {body: iotest.ErrReader(errBroken), length: math.MaxInt64, want: ErrTooLarge},
		"a byte too many":               {body: strings.NewReader("0123456789x"), length: -1, want: ErrTooLarge},
		"a byte too many, byte by byte": {body: iotest.OneByteReader(strings.NewReader("0123456789x")), length: -1, want: ErrTooLarge},
		"a byte too many, then a break": {body: io.MultiReader(strings.NewReader("0123456789x"), iotest.ErrReader(errBroken)), length: -1, want: ErrTooLarge},
		"larger than announced":         {body: strings.NewReader("0123456789x"), length: 3, want: ErrTooLarge},
		"broken off":                    {body: io.MultiReader(strings.NewReader("012"), iotest.ErrReader(errBroken)), length: 5, want: errBroken},
		"shorter than announced":        {body: io.MultiReader(strings.NewReader("012"), iotest.ErrReader(io.ErrUnexpectedEOF)), length: 5, want: io.ErrUnexpectedEOF},
		"given up":                      {body: iotest.ErrReader(context.Canceled), length: 5, want: context.Canceled},
		"cut by time":                   {body: io.MultiReader(strings.NewReader("012"), iotest.ErrReader(os.ErrDeadlineExceeded)), length: 5, want: ErrTimeout},
		"cut by time, wrapped":          {body: iotest.ErrReader(fmt.Errorf("reading: %w", os.ErrDeadlineExceeded)), length: 5, want: ErrTimeout},
		"broken off at the deadline":    {body: iotest.ErrReader(errBroken), length: 5, deadline: time.Now().Add(-time.Second), want: ErrTimeout},
		"trickles past the deadline":    {body: strings.NewReader("012"), length: 5, deadline: time.Now().Add(-time.Second), want: ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(limit, 2)
			if test.deadline.IsZero() {
				test.deadline = soon()
			}
			body, err := b.Read(request(test.body, test.length), test.deadline)
			if !errors.Is(err, test.want) || body != nil {
				t.Errorf("%q, error %v, want %v", body, err, test.want)
			}
			if n := b.held.Load(); n != 0 {
				t.Errorf("%d bytes are still counted", n)
			}
		})
	}
}

// A body that panics gives back what it holds.
func TestReadPanics(t *testing.T) {
	b := New(10, 1)
	func() {
		defer func() { _ = recover() }()
		_, _ = b.Read(request(&panics{}, 10), soon())
	}()
	if n := b.held.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

type panics struct{ bytes.Buffer }

func (p *panics) Read(b []byte) (int, error) {
	if p.Len() > 0 {
		panic("in the body")
	}
	p.WriteByte('x')
	return copy(b, "{}"), nil
}

// Unfinished bodies hold so much together and not a byte more. What ends one of them makes room for the next; one that
// is complete needs no room.
func TestUnfinishedBodiesTogether(t *testing.T) {
	const limit, unfinished = 100, 3
	b := New(limit, unfinished)
	var open []*io.PipeWriter
	var readers sync.WaitGroup
	begin := func(text string, length int64) <-chan error {
		body, client := io.Pipe()
		open = append(open, client)
		done := make(chan error, 1)
		readers.Go(func() {
			_, err := b.Read(request(body, length), soon())
			done <- err
			body.Close()
		})
		if _, err := io.WriteString(client, text); err != nil {
			t.Fatal(err)
		}
		return done
	}
	half := strings.Repeat("x", limit/2)
	for range 2 * unfinished {
		begin(half, limit)
	}
	for b.held.Load() < limit*unfinished {
		runtime.Gosched()
	}
	for name, length := range map[string]int64{"announced": limit, "in chunks": -1} {
		if err := <-begin("x", length); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more, %s: error %v", name, err)
		}
	}
	for name, body := range map[string]io.Reader{
		"with its end":    iotest.DataErrReader(strings.NewReader(half)),
		"but for its end": io.MultiReader(strings.NewReader(half), iotest.ErrReader(errors.New("read on"))),
	} {
		if got, err := b.Read(request(body, limit/2), soon()); err != nil || string(got) != half {
			t.Errorf("a complete body, %s: %q, error %v", name, got, err)
		}
	}
	_ = open[0].CloseWithError(io.ErrUnexpectedEOF)
	for b.held.Load() > limit*unfinished-limit/2 {
		runtime.Gosched()
	}
	begin(half, limit)
	for b.held.Load() < limit*unfinished {
		runtime.Gosched()
	}
	for _, client := range open {
		_ = client.CloseWithError(io.ErrUnexpectedEOF)
	}
	readers.Wait()
	if n := b.held.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

func TestTotal(t *testing.T) {
	for _, test := range []struct {
		limit      int64
		unfinished int
		want       int64
	}{
		{64 << 10, 256, 16 << 20},
		{1, 1, 1},
		{math.MaxInt64, 1, math.MaxInt64},
		{math.MaxInt64, 256, math.MaxInt64},
		{math.MaxInt64/256 + 1, 256, math.MaxInt64},
		{math.MaxInt64 / 256, 256, math.MaxInt64 / 256 * 256},
	} {
		if got := New(test.limit, test.unfinished).Total; got != test.want {
			t.Errorf("%d bodies of %d bytes: %d, want %d", test.unfinished, test.limit, got, test.want)
		}
	}
	if body, err := New(math.MaxInt64, 1).Read(request(strings.NewReader("{}"), -1), soon()); err != nil || string(body) != "{}" {
		t.Errorf("without a limit: %q, error %v", body, err)
	}
}

// Bodies that are announced and do not come cost the memory of what has come.
func TestAnnouncedBodiesCostNothing(t *testing.T) {
	const many, limit, arrived = 400, 1 << 20, 100
	b := New(limit, many)
	before := heapInUse()
	end := make(chan struct{})
	var readers sync.WaitGroup
	for range many {
		readers.Go(func() {
			_, _ = b.Read(request(&stuck{strings.NewReader(strings.Repeat("x", arrived)), end}, limit), soon())
		})
	}
	for b.held.Load() < many*arrived {
		runtime.Gosched()
	}
	if grown := heapInUse() - before; grown > many*4*firstRoom {
		t.Errorf("%d bodies hold %d bytes", many, grown)
	}
	close(end)
	readers.Wait()
}

// stuck is a body of which the rest does not come.
type stuck struct {
	io.Reader
	end <-chan struct{}
}

func (s *stuck) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	<-s.end
	return n, io.ErrUnexpectedEOF
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far from overflowing
}
