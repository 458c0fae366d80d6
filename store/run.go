package store

import "errors"

// errExited is the error of a function that has not returned.
var errExited = errors.New("the function of a change ended its goroutine instead of returning; nothing of it is kept")

// Run runs the function of a change, and returns its error or what it has panicked with. It runs in a goroutine of its
// own: one that ends its goroutine, as FailNow of a test does, must not end the one that all changes wait for.
func Run(change func() error) (panicked any, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { panicked = recover() }()
		err = errExited
		err = change()
	}()
	<-ended
	if panicked != nil {
		err = nil
	}
	return panicked, err
}
