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

// line writes s, broken anywhere, with the indent before every line.
func (p *page) line(indent, s string) { p.lines(indent, s, false) }

// say is line for our own words, broken between them.
func (p *page) say(s string) { p.lines("", s, true) }

func (p *page) lines(indent, s string, soft bool) {
	for _, l := range wrap(s, p.width-len(indent), soft) {
		p.b.WriteString(indent)
		p.b.WriteString(l)
		p.b.WriteByte('\n')
	}
	p.last = ""
}

// field writes a label and its value; nothing for an empty one.
func (p *page) field(label, value string) { p.entry(label, value, false) }

// words is field for our own words.
func (p *page) words(label, value string) { p.entry(label, value, true) }

func (p *page) entry(label, value string, soft bool) {
	if value == "" {
		return
	}
	repeated := label == p.last
	if p.width < narrowWidth {
		if !repeated {
			p.line("", p.paint(dimOn, label))
		}
		p.lines("  ", value, soft)
		p.last = label
		return
	}
	for i, l := range wrap(value, p.width-labelWidth, soft) {
		shown := label
		if i > 0 || repeated {
			shown = ""
		}
		if shown != "" {
			p.b.WriteString(p.paint(dimOn, shown))
		}
		p.b.WriteString(strings.Repeat(" ", labelWidth-len(shown)) + l)
		p.b.WriteByte('\n')
	}
	p.last = label
}
