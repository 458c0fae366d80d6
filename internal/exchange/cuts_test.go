package exchange

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// cut is what the gateway does with one message.
type cut struct {
	read    int    // so many bytes of the message
	answer  string // then this is written
	stays   bool   // then the connection stays open
	isReset bool   // else it ends with RST
}

// someCut makes up a cut of a message of so many bytes.
func someCut(random *rand.Rand, size int) cut {
	const answer = ok + "Content-Length: 2\r\n\r\n{}"
	c := cut{read: size, isReset: random.IntN(2) == 0}
	switch random.IntN(6) {
	case 0: // in the message
		c.read = random.IntN(size)
	case 1: // in the answer
		c.answer = answer[:random.IntN(len(answer))]
	case 2: // after it
		c.answer = answer
	case 3: // more than was asked for
		c.answer, c.stays = answer+"\n", true
	default:
		c.answer, c.stays = answer, true
	}
	return c
}

// watched counts what the operating system takes, independently of the code under test.
type watched struct {
	*net.TCPConn
	written *atomic.Int64
}

func (w watched) Write(b []byte) (int, error) {
	n, err := w.TCPConn.Write(b)
	w.written.Add(int64(n))
	return n, err
}

// However connections end, a message of which a byte was written is never called unwritten, one that was not is never called
// written, and none arrives twice. EXCHANGE_CUTS says how many messages to send. Default: 500.
func TestRandomCuts(t *testing.T) {
	cuts := 500
	if text := os.Getenv("EXCHANGE_CUTS"); text != "" {
		var err error
		if cuts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: which cut comes is no secret
	var next atomic.Pointer[cut]
	var received, whole, written atomic.Int64
	p := newPeer(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			if _, err := in.Peek(1); err != nil {
				return
			}
			c := next.Load()
			n, err := io.CopyN(io.Discard, in, int64(c.read))
			received.Add(n)
			if err != nil {
				return
			}
			whole.Add(1)
			_, _ = io.WriteString(conn, c.answer)
			if !c.stays {
				if c.isReset {
					_ = conn.(*net.TCPConn).SetLinger(0)
				}
				return
			}
		}
	})
	e := newExchanger(t, p.base(), "")
	dial := e.transport.DialContext
	e.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if random.IntN(20) == 0 {
			return nil, fmt.Errorf("no connection, as the test wants it")
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return watched{conn.(*net.TCPConn), &written}, nil
	}
	unsent, failed := 0, 0
	for i := range cuts {
		r := someRequest(strings.Repeat("x", random.IntN(1000)))
		m, err := e.newMessage(r)
		if err != nil {
			t.Fatal(err)
		}
		c := someCut(random, len(m.start))
		next.Store(&c)
		writtenBefore, receivedBefore, wholeBefore := written.Load(), received.Load(), whole.Load()
		_, isWritten, err := e.Exchange(within(t, 20*time.Second), r)
		wasWritten := written.Load() > writtenBefore
		if isWritten != wasWritten || !isWritten && received.Load() > receivedBefore {
			t.Fatalf("seed %d, message %d, %+v: written: %t, but %d bytes were, and %d arrived; %v", seed, i, c, isWritten,
				written.Load()-writtenBefore, received.Load()-receivedBefore, err)
		}
		if n := written.Load() - writtenBefore; n > int64(len(m.start)) || whole.Load() > wholeBefore+1 {
			t.Fatalf("seed %d, message %d, %+v: %d bytes of a message of %d", seed, i, c, n, len(m.start))
		}
		if err == nil && !strings.Contains(c.answer, "{}") {
			t.Fatalf("seed %d, message %d, %+v: answered", seed, i, c)
		}
		if !isWritten {
			unsent++
		} else if err != nil {
			failed++
		}
	}
	t.Logf("%d messages: %d not sent, %d cut", cuts, unsent, failed)
	if cuts >= 500 && (unsent == 0 || failed == 0) {
		t.Error("not all cases came up")
	}
}
