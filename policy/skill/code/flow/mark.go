package flow

import (
	"clawjail/policy/skill"
)

// source says where data came from.
type source uint8

const (
	secretEnv source = iota + 1
	envAll
	secretFile
	metadata
	userData
	netIn
	argv
	stdin
	param
	decoded
	workFile
	envVar // an ordinary variable
)

func (s source) String() string {
	return [...]string{"", "secret variable", "whole environment", "secret file", "cloud metadata", "user data", "downloaded data", "argument", "standard input", "parameter", "decoded data", "file", "variable"}[s]
}

// mark is one source that a value depends on, and the way from there.
type mark struct {
	source source
	name   string
	at     skill.Place
	steps  []skill.Step
	// encoded says that it went through an encoder, archived through a packer.
	encoded, archived bool
	// crossed says that it went over a file, the environment or another script.
	crossed bool
	// masked says that only a part of it is left: a length, a prefix, a hash.
	masked bool
	// chain are the decodings, of decoded data.
	chain []string
}

const (
	maxMarks = 16
	maxSteps = 8
)

func (m *mark) same(n *mark) bool {
	return m.source == n.source && m.name == n.name && m.at == n.at && m.encoded == n.encoded && m.archived == n.archived && m.crossed == n.crossed && m.masked == n.masked
}

// secret says whether the mark stands for something that must not leave.
func (m *mark) secret() bool {
	return !m.masked && (m.source == secretEnv || m.source == envAll || m.source == secretFile || m.source == metadata)
}

func joinMarks(a, b []*mark) []*mark {
	if len(b) == 0 {
		return a
	}
	out := a[:len(a):len(a)]
next:
	for _, m := range b {
		for _, n := range out {
			if m == n || m.same(n) {
				continue next
			}
		}
		if len(out) < maxMarks {
			out = append(out, m)
			continue
		}
		// Full: what is secret displaces what is not.
		for i, n := range out {
			if m.secret() && !n.secret() {
				out[i] = m
				break
			}
		}
	}
	return out
}

// allMarks are the marks of v and of what it holds.
func allMarks(v *value) []*mark {
	c := collector{seen: map[any]bool{}}
	c.add(v, 0)
	return c.marks
}

type collector struct {
	marks []*mark
	seen  map[any]bool
	count int
}

const maxCollect = 4096

func (c *collector) add(v *value, depth int) {
	c.count++
	if v == nil || depth > 12 || c.count > maxCollect {
		return
	}
	c.marks = joinMarks(c.marks, v.marks)
	switch v.kind {
	case kString:
		for _, p := range v.parts {
			c.add(p.hole, depth+1)
		}
	case kAlt:
		for _, a := range v.alts {
			c.add(a, depth+1)
		}
	case kList:
		if len(v.items) == 0 || c.seen[v.items[0]] && depth > 4 {
			return
		}
		for _, a := range v.items[:min(len(v.items), 512)] {
			c.add(a, depth+1)
		}
	case kObject:
		if c.seen[v.obj] {
			return
		}
		c.seen[v.obj] = true
		for _, k := range v.obj.order {
			c.add(v.obj.fields[k], depth+1)
		}
		c.add(v.obj.any, depth+1)
	case kRef:
		if v.recv != nil && !c.seen[v.recv] {
			c.seen[v.recv] = true
			c.add(v.recv, depth+1)
		}
	}
}

// step makes marks that went one station further.
func step(marks []*mark, at skill.Place, note string) []*mark {
	out := make([]*mark, 0, len(marks))
	for _, m := range marks {
		n := *m
		if len(n.steps) < maxSteps {
			n.steps = append(n.steps[:len(n.steps):len(n.steps)], skill.Step{Place: at, Note: note})
		}
		out = append(out, &n)
	}
	return out
}

// change copies marks with f applied.
func change(marks []*mark, f func(*mark)) []*mark {
	out := make([]*mark, 0, len(marks))
	for _, m := range marks {
		n := *m
		f(&n)
		out = append(out, &n)
	}
	return out
}

func encode(marks []*mark, at skill.Place, note string) []*mark {
	return change(step(marks, at, note), func(m *mark) { m.encoded = true })
}

func cross(marks []*mark, at skill.Place, note string) []*mark {
	return change(step(marks, at, note), func(m *mark) { m.crossed = true })
}

func mask(marks []*mark) []*mark {
	return change(marks, func(m *mark) { m.masked = true })
}

func find(marks []*mark, sources ...source) *mark {
	for _, m := range marks {
		for _, s := range sources {
			if m.source == s && !m.masked {
				return m
			}
		}
	}
	return nil
}
