package show

import "strings"

// labelWidth is the column of the values; a narrow page puts them below.
const (
	labelWidth  = 11
	narrowWidth = 40
)

// page collects lines of at most width columns.
type page struct {
	b     strings.Builder
	width int
	color bool
	last  string // label of the line above, which is not repeated
}

func newPage(st Style) *page {
	if st.Width == 0 {
		st.Width = 80
	}
	return &page{width: max(st.Width, MinWidth), color: st.Color}
}

func (p *page) paint(style, s string) string {
	if !p.color {
		return s
	}
	return style + s + allOff
}

func (p *page) blank() { p.b.WriteByte('\n') }

// line writes s, broken, with the indent before every line.
func (p *page) line(indent, s string) {
	n := p.width - len(indent)
	for _, l := range wrap(s, n, n) {
		p.b.WriteString(indent)
		p.b.WriteString(l)
		p.b.WriteByte('\n')
	}
	p.last = ""
}

// field writes a label and its value; nothing for an empty one.
func (p *page) field(label, value string) {
	if value == "" {
		return
	}
	repeated := label == p.last
	if p.width < narrowWidth {
		if !repeated {
			p.line("", p.paint(dimOn, label))
		}
		p.line("  ", value)
		p.last = label
		return
	}
	n := p.width - labelWidth
	for i, l := range wrap(value, n, n) {
		shown := label
		if i > 0 || repeated {
			shown = ""
		}
		p.b.WriteString(p.paint(dimOn, shown) + strings.Repeat(" ", labelWidth-len(shown)))
		p.b.WriteString(l)
		p.b.WriteByte('\n')
	}
	p.last = label
}
