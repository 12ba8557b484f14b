package approval

import "crypto/rand"

// ring remembers the last max values by key.
type ring[T any] struct {
	byKey map[string]T
	keys  []string // oldest at next, once it is full
	next  int
	max   int
}

func newRing[T any](limit int) ring[T] { return ring[T]{byKey: map[string]T{}, max: limit} }

func (r *ring[T]) get(key string) (T, bool) {
	v, ok := r.byKey[key]
	return v, ok
}

func (r *ring[T]) put(key string, v T) {
	if _, known := r.byKey[key]; known {
		r.byKey[key] = v
		return
	}
	if len(r.keys) < r.max {
		r.keys = append(r.keys, key)
	} else {
		delete(r.byKey, r.keys[r.next])
		r.keys[r.next] = key
		r.next = (r.next + 1) % r.max
	}
	r.byKey[key] = v
}

// idLetters are the digits and the letters that nobody mistakes for others.
const idLetters = "0123456789abcdefghjkmnpqrstvwxyz"

// randomID makes 40 random bits readable.
func randomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand since Go 1.24
	for i := range b {
		b[i] = idLetters[b[i]%32]
	}
	return string(b[:])
}
