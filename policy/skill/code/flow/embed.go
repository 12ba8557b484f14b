package flow

import (
	"strconv"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/decode"
	"clawjail/policy/skill/code/ir"
)

// Placeholders stand for what is not known in a text that is parsed. They are
// private-use characters, which name nothing in any language.
const (
	holeStart = "\ue000"
	holeEnd   = "\ue001"
)

// holed is the text of v, with placeholders for its holes.
func holed(v *value) (string, []*value) {
	v = pick(v)
	if s, ok := v.text(); ok {
		return s, nil
	}
	if v.kind != kString {
		return holeStart + "0" + holeEnd, []*value{v}
	}
	var b strings.Builder
	var holes []*value
	for _, p := range v.parts {
		if p.hole == nil {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(holeStart + strconv.Itoa(len(holes)) + holeEnd)
		holes = append(holes, p.hole)
	}
	return b.String(), holes
}

// fillHoles puts holes back where their placeholders stand.
func fillHoles(text string, holes []*value) *value {
	var parts []*value
	for {
		before, rest, ok := strings.Cut(text, holeStart)
		if before != "" {
			parts = append(parts, str(before))
		}
		if !ok {
			break
		}
		n, after, _ := strings.Cut(rest, holeEnd)
		if i, err := strconv.Atoi(n); err == nil && i >= 0 && i < len(holes) {
			parts = append(parts, holes[i])
		} else {
			parts = append(parts, unknown())
		}
		text = after
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return concat(parts...)
}

// runText analyses a text inside of the program, in its language, as if it ran
// here. It answers what the text printed.
func (m *machine) runText(f *frame, pos ir.Pos, v *value, lang skill.Lang, inScope bool) *value {
	text, holes := holed(v)
	if strings.Trim(text, " \n\t") == "" || m.opt.Parse == nil || m.nested >= maxNested || m.texts >= maxTexts || len(text) > maxText {
		return unknown(allMarks(v)...)
	}
	key := f.unit.File + "\x00" + string(lang) + "\x00" + text
	if m.seenText[key] && len(holes) == 0 && !inScope {
		if f.loop > 0 || m.nested > 2 {
			return unknown()
		}
	}
	m.seenText[key] = true
	m.texts++
	at := f.place(pos)
	u := &Unit{Unit: skill.Unit{File: f.unit.File, Lang: lang, Text: text, Line: at.Line, Column: at.Column, Fenced: f.unit.Fenced, Told: f.unit.Told, Discouraged: f.unit.Discouraged, Setup: f.unit.Setup, Decoded: f.unit.Decoded}, Flat: true}
	if k := find(v.marks, decoded); k != nil {
		u.Decoded = append(u.Decoded[:len(u.Decoded):len(u.Decoded)], k.chain...)
	}
	u.Body = m.opt.Parse(text, lang)
	g := &frame{unit: u, mod: &module{unit: u, scope: &scope{vars: map[string]*value{}, fn: true}, exports: newObject()}, holes: holes, catch: f.catch, in: f.in, args: nil, loop: f.loop}
	g.scope = g.mod.scope
	if inScope && f.unit.Lang == lang {
		g.scope = f.scope
		g.this = f.this
	} else if lang == skill.Shell && f.unit.Lang == skill.Shell {
		g.scope = f.scope
		g.args = f.args
	}
	m.nested++
	m.surface(u)
	m.block(g, u.Body.Body)
	m.nested--
	if g.ret != nil && lang != skill.Shell {
		return join(g.out, g.ret)
	}
	return orUnknown(g.out)
}

// decodedText is text that a decoder made of v. It remembers how.
func (m *machine) decodedText(v *value, text string, raw bool, how string, at skill.Place) *value {
	chain := []string{how}
	if k := find(v.marks, decoded); k != nil {
		chain = append(k.chain[:len(k.chain):len(k.chain)], how)
	}
	if len(chain) > decode.MaxLayers {
		return unknown(v.marks...)
	}
	out := &value{kind: kString, parts: []part{{text: text}}, raw: raw, built: true}
	for _, k := range v.marks {
		if k.source != decoded {
			out.marks = append(out.marks, k)
		}
	}
	out.marks = joinMarks(out.marks, []*mark{{source: decoded, name: strings.Join(chain, ", "), at: at, chain: chain}})
	return out
}

// decodeWith decodes v with one decoder, or keeps its marks.
func (m *machine) decodeWith(f *frame, pos ir.Pos, v *value, how string, raw bool, dec func(string) (string, bool)) *value {
	if v == nil {
		return unknown()
	}
	at := f.place(pos)
	var out *value
	v.each(func(a *value) {
		if s, ok := a.text(); ok {
			if t, ok := dec(s); ok {
				out = join(out, m.decodedText(a, t, raw, how, at))
				return
			}
		}
		marks := step(allMarks(a), at, "decoded from "+how)
		out = join(out, unknown(joinMarks(marks, []*mark{{source: decoded, name: how, at: at, chain: []string{how}}})...))
	})
	return out
}

// blobs looks into the literals of a unit for what is wrapped in them.
func (m *machine) blobs(u *Unit) {
	if len(u.Decoded) >= decode.MaxLayers || m.nested >= maxNested {
		return
	}
	count := 0
	ir.Walk(u.Body.Body, func(e *ir.Expr) bool {
		if (e.Op == ir.Str || e.Op == ir.Bytes) && len(e.Text) >= 24 && count < 400 {
			count++
			m.blob(u, e)
		}
		return true
	})
}

func (m *machine) blob(u *Unit, e *ir.Expr) {
	if strings.Contains(e.Text, "data:image/") || strings.HasPrefix(e.Text, "data:font/") {
		return
	}
	layers := decode.Peel(e.Text)
	if len(layers) == 0 {
		return
	}
	last := layers[len(layers)-1]
	f := &frame{unit: u, mod: &module{unit: u, scope: &scope{vars: map[string]*value{}}, exports: newObject()}}
	f.scope = f.mod.scope
	if kind := decode.Binary(last.Data); kind != "" {
		m.emit(f, "CJS-OBF-002", e.Pos, "a literal holds a program ("+kind+"), wrapped in "+strings.Join(last.Chain, ", "), severity(skill.High))
		return
	}
	before := m.threats()
	lang := decode.Guess(last.Data)
	if lang == skill.Text {
		m.prose(u, f, e, last)
	} else {
		v := str(last.Data)
		v.marks = []*mark{{source: decoded, at: f.place(e.Pos), chain: last.Chain}}
		m.runText(f, e.Pos, v, lang, false)
	}
	switch {
	case m.threats() > before:
		m.emit(f, "CJS-OBF-002", e.Pos, "a literal hides harmful "+string(lang)+", wrapped in "+strings.Join(last.Chain, ", "), severity(skill.High))
	case lang != skill.Text && len(layers) > 1:
		m.emit(f, "CJS-OBF-002", e.Pos, "a literal hides "+string(lang)+", wrapped in "+strings.Join(last.Chain, ", "))
	}
}

// prose gives decoded text to who looks for instructions in it.
func (m *machine) prose(u *Unit, f *frame, e *ir.Expr, l decode.Layer) {
	if m.opt.Prose == nil || !strings.Contains(l.Data, " ") {
		return
	}
	for _, x := range m.opt.Prose(l.Data, f.place(e.Pos)) {
		m.add(x, f)
	}
}

// threats counts what was found so far that weighs.
func (m *machine) threats() int {
	n := 0
	for _, x := range m.findings {
		if x.Class == skill.Threat && x.Severity <= skill.Medium && !strings.HasPrefix(x.Rule, "CJS-OBF") {
			n++
		}
	}
	return n
}
