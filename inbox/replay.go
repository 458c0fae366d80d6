package inbox

import "context"

// Replay lets the picked events be delivered again, as Store.Replay has it, and at once.
func (e *Engine) Replay(ctx context.Context, f Filter) (int, error) {
	n, err := e.store.Replay(ctx, f, e.clock.Now())
	e.wake()
	return n, err
}
