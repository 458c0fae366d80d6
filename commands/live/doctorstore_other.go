//go:build !linux && !darwin

package live

import "errors"

func writable(string) error { return errors.ErrUnsupported }

func roomAt(string) (uint64, error) { return 0, errors.ErrUnsupported }
