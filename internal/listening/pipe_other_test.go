//go:build !unix

package listening

import "os"

func makePipe(path, _ string) error { return os.Mkdir(path, 0o700) }

func narrowUmask() (restore func()) { return func() {} }
