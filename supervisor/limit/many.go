package limit

import (
	"cmp"
	"fmt"
	"slices"
)

// MaxClaims bounds what is taken at once.
const MaxClaims = 64

// Claim is a number of units of one key.
type Claim struct {
	Key   string
	Limit Limit
	N     int64
}

// TakeAll takes every claim, or none if the limit of one has no room: then over
// has their indexes. used is how many units each window holds, those that were
// taken included. An error denies; it too takes nothing.
func (s *Store) TakeAll(claims []Claim) (over []int, used []int64, err error) {
	return s.all(claims, false)
}

// Add takes every claim whatever the limits say: a human let it happen.
func (s *Store) Add(claims []Claim) error {
	_, _, err := s.all(claims, true)
	return err
}

// Room says what TakeAll would say, and takes nothing.
func (s *Store) Room(claims []Claim) (over []int, used []int64, err error) {
	used = make([]int64, len(claims))
	for i, c := range claims {
		if err := c.check(); err != nil {
			return nil, nil, err
		}
		if used[i], err = s.Used(c.Key, c.Limit); err != nil {
			return nil, nil, err
		}
		if c.N > c.Limit.Max-used[i] {
			over = append(over, i)
		}
	}
	return over, used, nil
}

func (c Claim) check() error {
	if !c.Limit.valid() || c.N <= 0 || c.N > MaxMax || c.Key == "" || len(c.Key) > MaxKey {
		return fmt.Errorf("take %d of %q: %w", c.N, c.Key, ErrInvalid)
	}
	return nil
}

// all locks the keys in their order, so that two callers never wait for each
// other, looks at all, reserves for all, and only then takes.
func (s *Store) all(claims []Claim, anyway bool) (over []int, used []int64, err error) {
	order := make([]int, len(claims))
	for i, c := range claims {
		order[i] = i
		if err := c.check(); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(claims[a].Key, claims[b].Key) })
	for i := 1; i < len(order); i++ {
		if claims[order[i-1]].Key == claims[order[i]].Key {
			return nil, nil, fmt.Errorf("take of %q twice: %w", claims[order[i]].Key, ErrInvalid)
		}
	}
	if len(claims) > MaxClaims {
		return nil, nil, fmt.Errorf("take of %d keys, at most %d: %w", len(claims), MaxClaims, ErrInvalid)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, nil, ErrClosed
	}
	slots := make([]*slot, len(claims))
	for _, i := range order {
		sl, err := s.slot(claims[i].Key)
		if err != nil {
			return nil, nil, err
		}
		defer sl.mu.Unlock()
		slots[i] = sl
	}
	if over, used, err = s.look(claims, slots); err != nil || len(over) > 0 && !anyway {
		return over, used, err
	}
	for i, c := range claims {
		if w := slots[i].w; w.reserved < c.N {
			room := max(0, c.Limit.Max-used[i])
			if err := s.reserve(c.Key, w, max(c.N, min(room, c.Limit.Max/share+1, maxReserve))); err != nil {
				return nil, nil, fmt.Errorf("take %d of %q: %w", c.N, c.Key, err)
			}
		}
	}
	now, err := s.time.now()
	if err != nil {
		return nil, nil, err
	}
	for i, c := range claims {
		slots[i].w.reserved -= c.N
		slots[i].w.take(now, c.N)
		used[i] += c.N
	}
	return nil, used, nil
}

// look finds the claims that there is no room for.
func (s *Store) look(claims []Claim, slots []*slot) (over []int, used []int64, err error) {
	now, err := s.time.now()
	if err != nil {
		return nil, nil, err
	}
	used = make([]int64, len(claims))
	for i, c := range claims {
		w := slots[i].w
		if w == nil {
			return nil, nil, fmt.Errorf("take %d of %q: %w", c.N, c.Key, ErrDamaged)
		}
		w.keep = max(w.keep, int64(c.Limit.Per))
		w.expire(now)
		used[i] = w.used(now, int64(c.Limit.Per))
		if c.N > c.Limit.Max-used[i] {
			over = append(over, i)
		}
	}
	return over, used, nil
}
