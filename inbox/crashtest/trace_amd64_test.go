//go:build linux && amd64

package crashtest

import "golang.org/x/sys/unix"

// oldCalls are the system calls without a folder's descriptor, which newer architectures do not
// have. SQLite uses them.
var oldCalls = []uint32{unix.SYS_OPEN, unix.SYS_CREAT, unix.SYS_UNLINK, unix.SYS_RENAME, unix.SYS_LINK}

// modernise makes an old call the newer one with the same meaning.
func (n *notification) modernise() {
	a := n.args
	switch n.nr {
	case unix.SYS_OPEN:
		n.nr, n.args = unix.SYS_OPENAT, [6]uint64{0, a[0], a[1], a[2]}
	case unix.SYS_CREAT:
		n.nr, n.args = unix.SYS_OPENAT, [6]uint64{0, a[0], unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, a[1]}
	case unix.SYS_UNLINK:
		n.nr, n.args = unix.SYS_UNLINKAT, [6]uint64{0, a[0]}
	case unix.SYS_RENAME:
		n.nr, n.args = unix.SYS_RENAMEAT, [6]uint64{0, a[0], 0, a[1]}
	case unix.SYS_LINK:
		n.nr, n.args = unix.SYS_LINKAT, [6]uint64{0, a[0], 0, a[1]}
	}
}
