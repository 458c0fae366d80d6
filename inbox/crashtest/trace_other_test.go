//go:build linux && !amd64

package crashtest

// oldCalls are the system calls without a folder's descriptor. This architecture has none.
var oldCalls []uint32

// modernise makes an old call the newer one with the same meaning.
func (n *notification) modernise() {}
