package flow

import (
	"context"
	"slices"
	"strings"
	"sync"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// Limits of a run.
const (
	// MaxSteps bounds the expressions that are evaluated for one skill.
	MaxSteps = 1_500_000
	// maxUnitSteps bounds those of one unit, so that one file cannot take the
	// others' share.
	maxUnitSteps = 400_000
	// maxCalls bounds the depth of calls, maxSelf how often a function may be
	// on the stack.
	maxCalls = 40
	maxSelf  = 2
	// maxEval bounds the nesting of evaluation over all calls.
	maxEval = 4000
	// maxLoop bounds the rounds of a loop whose condition is known.
	maxLoop = 20_000
	// MaxFindings bounds the findings of one skill.
	MaxFindings = 2000
	// maxNested bounds texts inside of texts that are parsed.
	maxNested = 6
	// maxTexts bounds all texts inside of texts.
	maxTexts = 400
)

// Unit is a piece of code with its parsed form.
type Unit struct {
	skill.Unit
	Body  *ir.File
	lines []string
	// Flat says that all of its text stands at one place of the file: it is a
	// literal of a program.
	Flat bool
}

func (u *Unit) line(n int32) string {
	if u.lines == nil {
		u.lines = strings.Split(u.Text, "\n")
	}
	if n < 1 || int(n) > len(u.lines) {
		return ""
	}
	s := strings.TrimSpace(u.lines[n-1])
	return s[:min(len(s), 400)]
}

// Options say what to look with.
type Options struct {
	Manifest skill.Manifest
	// Prose looks at decoded text that is no code; nil for nobody.
	Prose func(text string, at skill.Place) []skill.Finding
	// Parse parses a text of this language; nil where there is no parser.
	Parse func(text string, lang skill.Lang) *ir.File
	// Stranger says that nobody knows a host; nil when that is not known.
	Stranger func(host string) bool
}

type machine struct {
	ctx  context.Context
	opt  Options
	mods map[string]*module
	libs map[skill.Lang]map[string]model
	cmds map[string]command

	shared *store

	steps, unitSteps int
	evalDepth        int
	calls            []*closure
	logs             []*writeLog
	nested           int
	texts            int
	stopped          bool
	seenText         map[string]bool

	findings []skill.Finding
	seen     map[string]int
	caps     map[string]*skill.Capability
	capOrder []string
	started  map[*closure]bool
	results  map[*ir.Func]*summary
	pending  []*closure
}

// module is a unit while it runs.
type module struct {
	unit    *Unit
	scope   *scope
	exports *value
	state   uint8 // 0 new, 1 running, 2 done
	out     *value
}

type scope struct {
	vars map[string]*value
	up   *scope
	fn   bool
}

// frame is what the code that is running sees.
type frame struct {
	unit   *Unit
	mod    *module
	scope  *scope
	this   *value
	args   []*value // of shell functions and scripts
	ret    *value
	yields []*value
	out    *value // what was printed, where somebody reads it
	catch  bool   // out is read
	in     *value // standard input
	holes  []*value
	loop   int // rounds of loops that are run as they are written
	blind  int // loops around whose rounds are not known
}

type writeLog struct {
	old  map[writeKey]*value
	keys []writeKey
}

type writeKey struct {
	scope *scope
	name  string
}

// The tables are made once and read by all machines.
var (
	commandTable = sync.OnceValue(commands)
	modelTables  = sync.OnceValue(func() map[skill.Lang]map[string]model {
		return map[skill.Lang]map[string]model{skill.Python: pythonModels(), skill.JavaScript: scriptModels()}
	})
)

// Run analyses the units of one skill together. Findings and capabilities are
// in the order they were found.
func Run(ctx context.Context, units []*Unit, opt Options) ([]skill.Finding, []skill.Capability) {
	m := &machine{
		ctx: ctx, opt: opt, shared: newStore(), seen: map[string]int{}, caps: map[string]*skill.Capability{},
		seenText: map[string]bool{}, cmds: commandTable(), libs: modelTables(),
	}
	for round := range 3 {
		before := m.shared.size()
		m.round(units)
		if m.stopped || m.shared.size() == before && round > 0 || m.shared.size() == 0 {
			break
		}
	}
	for _, u := range units {
		m.surface(u)
		m.written(u)
	}
	m.twoStep()
	m.unpackedRun()
	out := make([]skill.Capability, 0, len(m.capOrder))
	for _, k := range m.capOrder {
		out = append(out, *m.caps[k])
	}
	return m.findings, out
}

func (m *machine) round(units []*Unit) {
	m.mods = map[string]*module{}
	m.started = map[*closure]bool{}
	m.results = map[*ir.Func]*summary{}
	m.texts = 0
	clear(m.seenText)
	var mods []*module
	for _, u := range units {
		mod := &module{unit: u, scope: &scope{vars: map[string]*value{}, fn: true}, exports: newObject()}
		if !u.Fenced {
			m.mods[u.File] = mod
		}
		mods = append(mods, mod)
	}
	for _, mod := range mods {
		m.start(mod)
	}
	// What nobody called may be called by the agent or by a framework.
	for len(m.pending) > 0 && !m.stopped {
		list := m.pending
		m.pending = nil
		for _, c := range list {
			if !m.started[c] {
				m.unitSteps = 0
				m.callUnknown(c)
			}
		}
	}
}

// start runs a module once.
func (m *machine) start(mod *module) {
	if mod.state != 0 {
		return
	}
	mod.state = 1
	outer := m.unitSteps
	m.unitSteps = 0
	f := &frame{unit: mod.unit, mod: mod, scope: mod.scope, catch: !mod.unit.Fenced, out: nil}
	f.in = m.shared.stdin[mod.unit.File]
	if mod.unit.Lang == skill.JavaScript || mod.unit.Lang == skill.TypeScript {
		module := newObject()
		module.obj.set("exports", mod.exports)
		mod.scope.vars["module"], mod.scope.vars["exports"] = module, mod.exports
	}
	m.block(f, mod.unit.Body.Body)
	mod.out = f.out
	m.saysSecrets(f, mod.unit)
	m.shared.put(m.shared.stdout, mod.unit.File, f.out)
	mod.state = 2
	m.unitSteps = outer
}

// tick counts work and says whether there is still some left.
func (m *machine) tick(f *frame) bool {
	m.steps++
	m.unitSteps++
	if m.stopped {
		return false
	}
	if m.steps > MaxSteps || m.steps&0xfff == 0 && m.ctx.Err() != nil {
		m.stopped = true
		m.coverage(f, "analysis stopped at its limit of work")
		return false
	}
	if m.unitSteps == maxUnitSteps {
		m.coverage(f, "analysis of this code stopped at its limit of work")
	}
	return m.unitSteps < maxUnitSteps
}

func (m *machine) coverage(f *frame, why string) {
	at := skill.Place{}
	if f != nil && f.unit != nil {
		at = skill.Place{File: f.unit.File, Line: max(f.unit.Line, 1), Column: 1}
	}
	m.add(finding("CJS-COV-001", at, why, ""), f)
}

// place is where pos stands in the file.
func (f *frame) place(pos ir.Pos) skill.Place { return f.unit.place(pos) }

func (u *Unit) place(pos ir.Pos) skill.Place {
	p := skill.Place{File: u.File, Line: max(u.Line, 1), Column: max(u.Column, 1)}
	if len(u.Decoded) > 0 || u.Flat || pos.Line == 0 {
		return p
	}
	if pos.Line == 1 {
		p.Column += int(pos.Col) - 1
		return p
	}
	p.Line += int(pos.Line) - 1
	p.Column = int(pos.Col)
	return p
}

func (s *scope) find(name string) (*scope, *value) {
	for ; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return s, v
		}
	}
	return nil, nil
}

// put stores a variable and remembers what it was, while a branch runs.
func (m *machine) put(s *scope, name string, v *value) {
	if n := len(m.logs); n > 0 {
		log := m.logs[n-1]
		k := writeKey{s, name}
		if _, ok := log.old[k]; !ok {
			log.old[k] = s.vars[name]
			log.keys = append(log.keys, k)
		}
	}
	s.vars[name] = v
}

// branch runs f and takes its writes back; it returns them.
func (m *machine) branch(f func()) map[writeKey]*value {
	log := &writeLog{old: map[writeKey]*value{}}
	m.logs = append(m.logs, log)
	f()
	m.logs = m.logs[:len(m.logs)-1]
	out := map[writeKey]*value{}
	for _, k := range log.keys {
		out[k] = k.scope.vars[k.name]
		if old := log.old[k]; old == nil {
			delete(k.scope.vars, k.name)
		} else {
			k.scope.vars[k.name] = old
		}
	}
	return out
}

// merge applies the writes of two branches of which one ran.
func (m *machine) merge(a, b map[writeKey]*value, aEnds, bEnds bool) {
	keys := make([]writeKey, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y writeKey) int { return strings.Compare(x.name, y.name) })
	for _, k := range keys {
		before := k.scope.vars[k.name]
		x, y := a[k], b[k]
		if x == nil {
			x = before
		}
		if y == nil {
			y = before
		}
		switch {
		case aEnds && !bEnds:
			x = y
		case bEnds && !aEnds:
			y = x
		}
		if v := join(x, y); v != nil {
			m.put(k.scope, k.name, v)
		}
	}
}
