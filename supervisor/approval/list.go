package approval

import (
	"cmp"
	"slices"
	"strings"
)

// List gives the open requests in fair order: the oldest of every jail first,
// then the second of every jail, so that one jail cannot hide another's.
func (q *Queue) List() []View {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := make([]*entry, 0, len(q.byID))
	for _, e := range q.byID {
		if e.state != journaled {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
	rank, seen := map[*entry]int{}, map[string]int{}
	for _, e := range entries {
		rank[e] = seen[e.request.Jail]
		seen[e.request.Jail]++
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return cmp.Compare(rank[a], rank[b]) })
	views := make([]View, len(entries))
	for i, e := range entries {
		views[i] = q.view(e)
	}
	return views
}

// Pending counts the open requests by gate.
func (q *Queue) Pending() map[string]uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := map[string]uint64{}
	for _, e := range q.byID {
		n[e.request.Gate]++
	}
	return n
}

// Find gives the open request whose id is or begins with key. The error is a
// *Refusal.
func (q *Queue) Find(key string) (View, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.find(key)
	if err != nil {
		return View{}, err
	}
	return q.view(e), nil
}

func (q *Queue) find(key string) (*entry, error) {
	key = strings.ToLower(strings.TrimSpace(key))
	const list = "`clawjail pending` lists what waits"
	if key == "" {
		return nil, refuse(ErrUnknown, key, list, "no request named")
	}
	if e := q.byID[key]; e != nil && e.state != journaled {
		return e, nil
	}
	if c, ok := q.done.get(key); ok {
		return nil, refuseClosed(c.decision)
	}
	var found []*entry
	for id, e := range q.byID {
		if strings.HasPrefix(id, key) && e.state != journaled {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, refuse(ErrUnknown, key, list, "no request %q waits", key)
	}
	return nil, refuse(ErrAmbiguous, key, list, "%d requests begin with %q", len(found), key)
}

func (q *Queue) view(e *entry) View {
	now := q.clock.Boot()
	return View{Request: e.request, Waited: now - e.request.Asked, Left: max(0, e.request.Deadline-now), Trail: e.trail.clone()}
}
