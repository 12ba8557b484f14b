package report

import (
	"fmt"
	"html/template"
	"strings"

	"clawjail/audit"
	"clawjail/audit/escape"
)

// The bounds of the process tree.
const (
	MaxPrograms = 200 // executions that are drawn; what is beyond is counted
	maxDepth    = 12  // deeper ones are drawn at this depth
)

// Program is one execution, as the log has it.
type Program struct {
	Pid     int32  `json:"pid"`    // of the host
	Parent  int    `json:"parent"` // index in Report.Programs; -1: not in it
	Depth   int    `json:"depth"`  // in the tree; 0 for one whose parent is not in it
	Verdict string `json:"verdict,omitempty"`
	Text    string `json:"text"` // escaped for a terminal
}

// family knows which program each process runs. The log has forks and
// executions in their order; where a fork was lost the parent's pid serves.
type family struct{ running map[int32]int }

func (f *family) of(pid, ppid int32) int {
	if i, ok := f.running[pid]; ok {
		return i
	}
	if i, ok := f.running[ppid]; ok {
		return i
	}
	return -1
}

func (f *family) set(pid int32, program int) {
	if f.running == nil {
		f.running = make(map[int32]int)
	}
	f.running[pid] = program
}

// process takes a fork, an exit or an execution into the tree.
func (b *Builder) process(r *audit.Record) {
	s := &r.Subject
	switch s.Op {
	case "fork":
		if i := b.family.of(0, s.PPid); i >= 0 {
			b.family.set(s.Pid, i)
		}
	case "exit":
		delete(b.family.running, s.Pid)
	case "exec":
		if len(b.r.Programs) >= MaxPrograms {
			b.r.MorePrograms++
			return
		}
		text := escape.Argv(s.Argv)
		if len(s.Argv) == 0 {
			text = s.Path
		}
		p := Program{Pid: s.Pid, Parent: b.family.of(s.Pid, s.PPid), Verdict: r.Verdict, Text: shorten(escape.String(text), 120)}
		if p.Parent >= 0 {
			p.Depth = min(b.r.Programs[p.Parent].Depth+1, maxDepth)
		}
		b.r.Programs = append(b.r.Programs, p)
		if s.Errno == 0 && r.Verdict != "deny" {
			b.family.set(s.Pid, len(b.r.Programs)-1)
		}
	}
}

// ordered puts every program below its parent, in the order of the log. A
// parent comes before its children in the log.
func ordered(list []Program) []Program {
	below := make(map[int][]int)
	for i, p := range list {
		below[p.Parent] = append(below[p.Parent], i)
	}
	out := make([]Program, 0, len(list))
	var place func(i, parent int)
	place = func(i, parent int) {
		p := list[i]
		p.Parent = parent
		out = append(out, p)
		at := len(out) - 1
		for _, c := range below[i] {
			place(c, at)
		}
	}
	for _, i := range below[-1] {
		place(i, -1)
	}
	return out
}

// The tree's measures, in pixels.
const (
	rowHeight, indent = 22, 22
)

// tree draws the programs: a line each, below the one that started it.
func (r Report) tree() template.HTML {
	if len(r.Programs) == 0 {
		return ""
	}
	var b strings.Builder
	height := len(r.Programs)*rowHeight + 8
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="Tree of %d programs">`, width, height, len(r.Programs))
	for row, p := range r.Programs {
		x, y := 10+p.Depth*indent, row*rowHeight+rowHeight/2+4
		if p.Parent >= 0 && p.Parent < row {
			up := r.Programs[p.Parent]
			fmt.Fprintf(&b, `<path d="M%d %dV%dH%d"/>`, 10+min(up.Depth, maxDepth-1)*indent, p.Parent*rowHeight+rowHeight/2+9, y, x-5)
		}
		text := shorten(p.Text, (width-x-20)/7)
		fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="4" class="%s"/><text x="%d" y="%d" class="mono">%s<title>%s %s</title></text>`,
			x, y, mark(p.Verdict), x+10, y+4, template.HTMLEscapeString(text), template.HTMLEscapeString(p.Text), template.HTMLEscapeString(p.Verdict))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // everything of the jail's in it is escaped above
}
