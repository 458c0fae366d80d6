//go:build unix

package listening

import "golang.org/x/sys/unix"

// safely are flags that follow no link, and wait for nothing, whatever lies at a path in a
// folder that others can write to.
const safely = unix.O_NOFOLLOW | unix.O_NONBLOCK
