//go:build !unix

package exchange

import (
	"errors"
	"net"
	"syscall"
)

// canLook says whether an idle connection can be looked at without waiting.
const canLook = false

func rawConn(net.Conn) (syscall.RawConn, error) { return nil, errors.ErrUnsupported }

func isReadable(syscall.RawConn) bool { return true }
