package approval

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of notices; the table in doc.go lists them.
const (
	MaxNotices     = 1024 // in all
	MaxRuleNotices = 16   // of one jail by one rule, told one by one
	maxRules       = 64   // rules of one jail that are told about; the rest are one
)

// Notice tells that something was done which the policy wants a human to hear
// of afterwards. It is about one thing, done once or more often, or about all
// that a rule let happen beyond the first MaxRuleNotices things.
type Notice struct {
	Jail, JailName string
	Gate           string // of the audit record
	Rule           string
	What           string // in words that are safe to show; empty: many things
	Default        bool   // about what no written rule is about
	Count          uint64
	First, Last    time.Time // wall clock

	seq uint64 // when it came, or changed last
}

// Done is one thing that was done, as it is reported.
type Done struct {
	Jail, JailName, Gate, Rule string
	// Default says that no written rule is about it: such things are told as
	// one, because a default is about everything.
	Default bool
	// Key is equal for what is the same thing to people.
	Key string
	// What gives the words; it is called for the first of its kind only.
	What func() string
}

// noticeKey is what is counted together.
type noticeKey struct{ jail, gate, rule, key string }

// notices are what a human is told of. The log has every single one.
type notices struct {
	by    map[noticeKey]*Notice
	rules map[noticeKey]int // things told one by one, by jail, gate and rule
	jails map[string]int    // rules by jail
	seq   uint64
	total map[string]uint64 // things reported, by gate
}

func newNotices() notices {
	return notices{by: map[noticeKey]*Notice{}, rules: map[noticeKey]int{}, jails: map[string]int{}, total: map[string]uint64{}}
}

// Tell remembers something that was done and tells the watchers if it is the
// first of its kind. It never blocks and costs a look into a map where a rule
// lets the same thing happen all the time.
func (q *Queue) Tell(d Done) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := &q.notices
	n.total[d.Gate]++
	n.seq++
	key := n.keyOf(d)
	now := q.clock.Wall()
	if old := n.by[key]; old != nil {
		old.Count++
		old.Last, old.seq = now, n.seq
		return
	}
	if len(n.by) >= MaxNotices {
		n.evict()
	}
	told := &Notice{Jail: d.Jail, JailName: d.JailName, Gate: d.Gate, Rule: key.rule, Default: d.Default, Count: 1, First: now, Last: now, seq: n.seq}
	if key.key != "" {
		told.What = d.What()
		n.rules[noticeKey{d.Jail, d.Gate, d.Rule, ""}]++
	}
	n.by[key] = told
	if !d.Default {
		q.publish(Event{Kind: Told, Notice: *told})
	}
}

// keyOf says what a thing is counted with: itself, what its rule let happen
// beyond the first things, or what all further rules did.
func (n *notices) keyOf(d Done) noticeKey {
	rule := noticeKey{d.Jail, d.Gate, d.Rule, ""}
	if _, known := n.rules[rule]; !known {
		if n.jails[d.Jail] >= maxRules {
			return noticeKey{d.Jail, d.Gate, "further rules", ""}
		}
		n.jails[d.Jail]++
		n.rules[rule] = 0
	}
	one := noticeKey{d.Jail, d.Gate, d.Rule, d.Key}
	if d.Default || n.by[one] == nil && n.rules[rule] >= MaxRuleNotices {
		return rule
	}
	return one
}

// evict forgets the notice that is the longest unchanged.
func (n *notices) evict() {
	var oldest noticeKey
	var seq uint64
	for k, v := range n.by {
		if seq == 0 || v.seq < seq {
			oldest, seq = k, v.seq
		}
	}
	delete(n.by, oldest)
	// The numbers of a jail's rules stay until its last notice has gone: a jail
	// does not get more room because others are pushed out.
	for k := range n.by {
		if k.jail == oldest.jail {
			return
		}
	}
	delete(n.jails, oldest.jail)
	for k := range n.rules {
		if k.jail == oldest.jail {
			delete(n.rules, k)
		}
	}
}

// Notices gives what was told, of one jail or of all, what changed last at the
// end.
func (q *Queue) Notices(jail string) []Notice {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Notice
	for _, n := range q.notices.by {
		if jail == "" || n.Jail == jail || n.JailName == jail {
			out = append(out, *n)
		}
	}
	slices.SortFunc(out, func(a, b Notice) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// Told gives how many things were reported, by gate.
func (q *Queue) Told() map[string]uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make(map[string]uint64, len(q.notices.total))
	for gate, n := range q.notices.total {
		out[gate] = n
	}
	return out
}
