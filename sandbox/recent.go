package sandbox

// recent is a map that forgets its oldest entry for a new one once it is full.
type recent[V any] struct {
	limit  int
	values map[string]V
	keys   []string // a ring, once it has limit entries
	oldest int
}

func newRecent[V any](limit int) *recent[V] {
	return &recent[V]{limit: limit, values: make(map[string]V)}
}

func (r *recent[V]) get(key string) (V, bool) {
	value, found := r.values[key]
	return value, found
}

// add takes in a key that is not there yet.
func (r *recent[V]) add(key string, value V) {
	if len(r.keys) < r.limit {
		r.keys = append(r.keys, key)
	} else {
		delete(r.values, r.keys[r.oldest])
		r.keys[r.oldest] = key
		r.oldest = (r.oldest + 1) % r.limit
	}
	r.values[key] = value
}

// newest returns up to n values, the newest first.
func (r *recent[V]) newest(n int) []V {
	n = min(n, len(r.keys))
	values := make([]V, n)
	for i := range values {
		values[i] = r.values[r.keys[(r.oldest+len(r.keys)-1-i)%len(r.keys)]]
	}
	return values
}
