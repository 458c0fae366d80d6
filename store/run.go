package store

import "errors"

// errExited is the error of a function that has not returned.
var errExited = errors.New("the function of a change ended its goroutine instead of returning; nothing of it is kept")

// Runner runs functions of changes, one after another. They run in a goroutine of its own: one that ends its goroutine, as
// FailNow of a test does, must not end the one that all changes wait for. That goroutine stays for the next, as its stack has grown
// to what an engine needs. The zero value is ready; End ends it.
type Runner struct {
	changes chan func() error // nil: no goroutine waits
	ended   chan ended
}

// ended is how a function has ended.
type ended struct {
	panicked any
	err      error
	isExit   bool // its goroutine has ended too
}

// Run runs the function of a change, and returns its error or what it has panicked with.
func (r *Runner) Run(change func() error) (panicked any, err error) {
	if r.changes == nil {
		r.changes, r.ended = make(chan func() error), make(chan ended)
		go runAll(r.changes, r.ended)
	}
	r.changes <- change
	e := <-r.ended
	if e.isExit {
		r.changes = nil
	}
	return e.panicked, e.err
}

// End ends the goroutine. A Run after it starts another.
func (r *Runner) End() {
	if r.changes != nil {
		close(r.changes)
		r.changes = nil
	}
}

func runAll(changes <-chan func() error, to chan<- ended) {
	for change := range changes {
		runOne(change, to)
	}
}

func runOne(change func() error, to chan<- ended) {
	e := ended{err: errExited, isExit: true}
	defer func() {
		if panicked := recover(); panicked != nil {
			e = ended{panicked: panicked}
		}
		to <- e
	}()
	e = ended{err: change()}
}

// Run runs one function as a Runner does.
func Run(change func() error) (panicked any, err error) {
	var r Runner
	defer r.End()
	return r.Run(change)
}
