package approval

import (
	"maps"
	"time"
)

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
	of := g.jails[r.Jail]
	if of == nil {
		of = map[grantKey]grant{}
		g.jails[r.Jail] = of
	}
	key := grantKey{r.Gate, r.Key}
	if _, known := of[key]; !known {
		g.total++
	}
	n := grant{decision: d}
	if d.Scope.Kind == ScopeFor {
		n.until = now + d.Scope.For
	}
	of[key] = n
}

func (g *grants) drop(jail string) {
	g.total -= len(g.jails[jail])
	delete(g.jails, jail)
}

func (g *grants) expire(now time.Duration) {
	for jail, of := range g.jails {
		before := len(of)
		maps.DeleteFunc(of, func(_ grantKey, n grant) bool { return n.until != 0 && now >= n.until })
		g.total -= before - len(of)
		if len(of) == 0 {
			delete(g.jails, jail)
		}
	}
}
