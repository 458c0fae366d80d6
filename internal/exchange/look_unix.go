//go:build unix

package exchange

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// canLook says whether an idle connection can be looked at without waiting.
const canLook = true

func rawConn(conn net.Conn) (syscall.RawConn, error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("the connection is a %T, which the operating system does not know", conn)
	}
	return c.SyscallConn()
}

// isReadable reports whether bytes have arrived, or the end of the connection. It takes nothing and does not wait.
func isReadable(raw syscall.RawConn) bool {
	nothing := false
	err := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		var err error
		for {
			_, _, err = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		nothing = errors.Is(err, unix.EAGAIN)
		return true
	})
	return err != nil || !nothing
}
