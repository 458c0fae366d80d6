package ledger

// boundedMap is a map that forgets its oldest entry for a new one once it is full.
type boundedMap[V any] struct {
	limit  int
	values map[string]V
	keys   []string // a ring, once it has limit entries
	oldest int
}

func newBoundedMap[V any](limit int) *boundedMap[V] {
	return &boundedMap[V]{limit: limit, values: make(map[string]V)}
}

func (m *boundedMap[V]) get(key string) (V, bool) {
	value, found := m.values[key]
	return value, found
}

// add adds a key that is not there yet.
func (m *boundedMap[V]) add(key string, value V) {
	if len(m.keys) < m.limit {
		m.keys = append(m.keys, key)
	} else {
		delete(m.values, m.keys[m.oldest])
		m.keys[m.oldest] = key
		m.oldest = (m.oldest + 1) % m.limit
	}
	m.values[key] = value
}

// newest returns up to n values, the newest first.
func (m *boundedMap[V]) newest(n int) []V {
	n = min(n, len(m.keys))
	values := make([]V, n)
	for i := range values {
		values[i] = m.values[m.keys[(m.oldest+len(m.keys)-1-i)%len(m.keys)]]
	}
	return values
}
