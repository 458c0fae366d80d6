//go:build !linux

package bolt

import "os"

// refuseNetwork knows file systems on Linux only.
func refuseNetwork(string) error { return nil }

// letGo closes a file that bbolt does not close any more.
func letGo(file *os.File) error { return file.Close() }
