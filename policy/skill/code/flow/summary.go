package flow

import (
	"fmt"
	"strings"
)

// summary is what earlier calls of a function gave. Functions call functions:
// without it the work grows with every level.
type summary struct {
	bySign map[string]*value
	all    *value
	runs   int
}

const (
	// maxRuns bounds how often one function is run with different arguments,
	// maxLoopRuns inside of loops over known data.
	maxRuns     = 16
	maxLoopRuns = 6000
)

// remembered is the result of an earlier call that was the same, or, after too
// many different ones, of all of them.
func (m *machine) remembered(f *frame, c *closure, k *call) (*value, bool) {
	s := m.results[c.fn]
	if s == nil {
		return nil, false
	}
	if v, ok := s.bySign[sign(c, k)]; ok && f.loop == 0 {
		return orUnknown(v), true
	}
	limit := maxRuns
	if f.loop > 0 {
		limit = maxLoopRuns
	} else if find(k.marks(), secretFile, secretEnv, envAll, userData, decoded) != nil {
		limit = 4 * maxRuns
	}
	if s.runs < limit {
		return nil, false
	}
	return orUnknown(s.all).withMarks(k.marks()), true
}

func (m *machine) remember(f *frame, c *closure, k *call, out, printed *value) {
	s := m.results[c.fn]
	if s == nil {
		s = &summary{bySign: map[string]*value{}}
		m.results[c.fn] = s
	}
	s.runs++
	if f.loop == 0 && printed == nil {
		s.bySign[sign(c, k)] = out
	}
	if s.runs <= maxRuns {
		s.all = join(s.all, out)
	}
}

// sign tells calls apart by what matters of their arguments.
func sign(c *closure, k *call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%p", c.scope)
	signValue(&b, c.this, 0)
	for _, a := range k.args {
		signValue(&b, a, 0)
	}
	for _, n := range sortedKeys(k.keys) {
		b.WriteString(n)
		signValue(&b, k.keys[n], 0)
	}
	return b.String()
}

func signValue(b *strings.Builder, v *value, depth int) {
	if v == nil || depth > 3 {
		b.WriteByte(';')
		return
	}
	fmt.Fprintf(b, ",%d", v.kind)
	switch v.kind {
	case kString, kNum, kBool:
		b.WriteString(v.shape())
	case kObject:
		fmt.Fprintf(b, "%p", v.obj)
	case kFunc:
		fmt.Fprintf(b, "%p", v.fn)
	case kRef:
		fmt.Fprintf(b, "%s%p", v.ref, v.obj)
	case kList:
		for _, x := range v.items[:min(len(v.items), 8)] {
			signValue(b, x, depth+1)
		}
		fmt.Fprintf(b, "#%d", len(v.items))
	case kAlt:
		for _, x := range v.alts {
			signValue(b, x, depth+1)
		}
	}
	for _, k := range v.marks {
		fmt.Fprintf(b, "!%d%s", k.source, k.name)
	}
}
