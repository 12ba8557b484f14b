package approval

import "time"

// Bounds of what is remembered; the table in doc.go lists them.
const (
	MaxGrants    = 256
	MaxAllGrants = 16384
	MaxDecided   = 1024
	MaxEnded     = 1024
)

// grantKey is what a scope wider than once compares.
type grantKey struct{ gate, key string }

type grant struct {
	decision Decision
	until    time.Duration // CLOCK_BOOTTIME; 0: as long as the jail lives
}

// grants are the remembered scopes, by jail.
type grants struct {
	jails map[string]map[grantKey]grant
	total int
	over  []string // names of those that ran out, for the journal; at most MaxAllGrants until the next sweep
}

func newGrants() grants { return grants{jails: map[string]map[grantKey]grant{}} }

func (g *grants) find(r Request, now time.Duration) (grant, bool) {
	got, ok := g.jails[r.Jail][grantKey{r.Gate, r.Key}]
	if !ok || got.until != 0 && now >= got.until {
		return grant{}, false
	}
	return got, true
}

// room reports whether one more scope fits.
func (g *grants) room(r Request, now time.Duration) bool {
	if _, known := g.jails[r.Jail][grantKey{r.Gate, r.Key}]; known {
		return true // replaced
	}
	g.expire(now)
	return len(g.jails[r.Jail]) < MaxGrants && g.total < MaxAllGrants
}

// add remembers a decision whose scope is wider than once.
func (g *grants) add(r Request, d Decision, now time.Duration) {
	if d.Scope.Kind == ScopeOnce || !g.room(r, now) {
		return
	}
	n := grant{decision: d}
	if d.Scope.Kind == ScopeFor {
		n.until = now + d.Scope.For
	}
	g.put(r, n)
}

// put stores a scope for which there is room.
func (g *grants) put(r Request, n grant) {
	of := g.jails[r.Jail]
	if of == nil {
		of = map[grantKey]grant{}
		g.jails[r.Jail] = of
	}
	key := grantKey{r.Gate, r.Key}
	if _, known := of[key]; !known {
		g.total++
	}
	of[key] = n
}

// drop forgets a jail's scopes and gives their names.
func (g *grants) drop(jail string) []string {
	var names []string
	for k := range g.jails[jail] {
		names = append(names, Remembered{Jail: jail, Gate: k.gate, Key: k.key}.Name())
	}
	g.total -= len(g.jails[jail])
	delete(g.jails, jail)
	return names
}

func (g *grants) expire(now time.Duration) {
	for jail, of := range g.jails {
		for k, n := range of {
			if n.until == 0 || now < n.until {
				continue
			}
			delete(of, k)
			g.total--
			if len(g.over) < MaxAllGrants { // what is left in the journal runs out when it is read
				g.over = append(g.over, Remembered{Jail: jail, Gate: k.gate, Key: k.key}.Name())
			}
		}
		if len(of) == 0 {
			delete(g.jails, jail)
		}
	}
}

// ranOut gives the names of scopes that ran out since the last time, but not of
// those that were given again.
func (g *grants) ranOut() []string {
	over := g.over
	g.over = nil
	if len(over) == 0 {
		return nil
	}
	live := map[string]bool{}
	for jail, of := range g.jails {
		for k := range of {
			live[Remembered{Jail: jail, Gate: k.gate, Key: k.key}.Name()] = true
		}
	}
	var out []string
	for _, name := range over {
		if !live[name] {
			out = append(out, name)
		}
	}
	return out
}
