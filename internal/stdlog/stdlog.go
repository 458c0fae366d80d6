// Package stdlog keeps bytes of the network out of the log of the standard library.
package stdlog

import (
	"bytes"
	"io"
	"log" //nolint:depguard // its output is what this package is about
)

// unsolicited is how net/http begins to log what a server sends on a connection that waits for the next request. It quotes up
// to 4 KiB of it: that may be the answer to another customer, with a token or card data in it.
const unsolicited = "Unsolicited response received on idle HTTP channel"

// KeepOutBytes makes the standard logger leave out such bytes. Caddy sends what it logs to its own log, and replaces its
// output with each configuration, so this is for each configuration too. It may be called more than once.
func KeepOutBytes() {
	if _, done := log.Writer().(writer); !done {
		log.SetOutput(writer{log.Writer()})
	}
}

type writer struct{ io.Writer }

// Write implements io.Writer.
func (w writer) Write(line []byte) (int, error) {
	before, _, found := bytes.Cut(line, []byte(unsolicited))
	if !found {
		return w.Writer.Write(line)
	}
	short := append(bytes.Clone(before), unsolicited+"; what it was is left out\n"...)
	if _, err := w.Writer.Write(short); err != nil {
		return 0, err
	}
	return len(line), nil
}
