// Package ledger remembers what was signed, and what became of it. It is how the sidecar sends
// the same call once, tells a message about another order from a true one, and says what an
// order's payment status is.
//
// The rules are here and nowhere else: what a call may do (begin.go, end.go), what a message is
// worth (bind.go), how a status moves (status.go). A store only keeps records, see [Store].
package ledger
