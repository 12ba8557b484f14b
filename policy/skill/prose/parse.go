package prose

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	xast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// Bounds on what the Markdown parser gets to see: it recurses into containers
// and is quadratic in some runs of punctuation.
const (
	maxNesting     = 24     // containers that one line opens
	maxChunk       = 64_000 // bytes between two blank lines
	maxPunctuation = 8_000  // of * _ ` [ ] < ! between two blank lines
	maxBlocks      = 50_000
)

// Parse reads a Markdown document. line is the line of its first character in
// the file.
func Parse(file, source string, line int, security bool) Document {
	d := Document{File: file, Security: security}
	index := newLineIndex(source, line)
	if hostile(source) {
		d.Findings = append(d.Findings, rule.New("CJS-COV-001", skill.Place{File: file, Line: line}, "Markdown nested too deeply, or made of punctuation: read line by line", ""))
		d.Blocks = byLines(file, source, index, security)
		return d
	}
	w := &walker{file: file, source: source, bytes: []byte(source), index: index, security: security}
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))
	w.children(md.Parser().Parse(text.NewReader(w.bytes)))
	w.linkDefinitions()
	d.Blocks = w.blocks
	return d
}

// hostile says that the parser must not see the text.
func hostile(source string) bool {
	chunk, punct := 0, 0
	for l := range strings.SplitSeq(source, "\n") {
		if strings.TrimSpace(l) == "" {
			chunk, punct = 0, 0
			continue
		}
		chunk += len(l)
		nesting, spaces := 0, 0
	marks:
		for i := 0; i < len(l); i++ {
			switch c := l[i]; {
			case c == ' ' || c == '\t':
				if spaces++; spaces > 200 {
					return true
				}
			case c == '>':
				nesting++
			case (c == '-' || c == '*' || c == '+') && i+1 < len(l) && (l[i+1] == ' ' || l[i+1] == '\t'):
				nesting++
			case c >= '0' && c <= '9' && i+2 < len(l) && (l[i+1] == '.' || l[i+1] == ')') && l[i+2] == ' ':
				nesting++
				i++
			default:
				break marks
			}
		}
		for i := 0; i < len(l); i++ {
			switch l[i] {
			case '*', '_', '`', '[', ']', '<', '!', '(', '&', '\\', '~':
				punct++
			}
		}
		if nesting > maxNesting || punct > maxPunctuation || chunk > maxChunk && punct > maxPunctuation/8 {
			return true
		}
	}
	return false
}

// walker collects blocks from the parsed tree.
type walker struct {
	file     string
	source   string
	bytes    []byte // the same, for the parser
	index    *lineIndex
	security bool
	blocks   []Block
	headings []headed
	lead     string
	// hidden are the open elements that hide their content.
	hidden []hider
	ranges [][2]int // of code blocks, where link definitions are none
}

type headed struct {
	level int
	text  string
}

func (w *walker) add(b Block) {
	if len(w.blocks) >= maxBlocks || strings.TrimSpace(b.Text) == "" {
		return
	}
	b.file, b.lines = w.file, w.index
	for _, h := range w.headings {
		b.Headings = append(b.Headings, h.text)
	}
	if b.Kind == Code || b.Kind == Paragraph {
		b.Lead = w.lead
	}
	if len(w.hidden) > 0 && (b.Kind == Paragraph || b.Kind == Cell || b.Kind == Heading || b.Kind == Code) {
		b.Kind = w.hidden[len(w.hidden)-1].kind
	}
	b.context(w.security)
	w.blocks = append(w.blocks, b)
}

func (w *walker) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.block(c)
	}
}

func (w *walker) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		b := w.inline(n, Heading)
		for len(w.headings) > 0 && w.headings[len(w.headings)-1].level >= n.Level {
			w.headings = w.headings[:len(w.headings)-1]
		}
		w.headings = append(w.headings, headed{n.Level, b.Text})
		w.lead = ""
		w.add(b)
	case *ast.Paragraph, *ast.TextBlock:
		b := w.inline(n, Paragraph)
		w.add(b)
		// The items of a list share the paragraph that leads to the list.
		_, leads := n.NextSibling().(*ast.List)
		if strings.TrimSpace(b.Text) != "" && (leads || n.Parent().Kind() != ast.KindListItem) {
			w.lead = b.Text
		}
	case *ast.ListItem:
		lead := w.lead
		w.children(n)
		w.lead = lead // what leads to a list within leads nowhere else
	case *xast.TableCell:
		w.add(w.inline(n, Cell))
	case *ast.FencedCodeBlock:
		lang := ""
		if n.Info != nil {
			lang = w.source[n.Info.Segment.Start:n.Info.Segment.Stop]
		}
		w.code(n, lang)
	case *ast.CodeBlock:
		w.code(n, "")
	case *ast.HTMLBlock:
		w.html(w.raw(n))
	default:
		w.children(n)
	}
}

// raw is the text of a block as it stands, with marks.
func (w *walker) raw(n ast.Node) Block {
	var b Block
	var t strings.Builder
	l := n.Lines()
	for i := 0; i < l.Len(); i++ {
		s := l.At(i)
		b.marks = append(b.marks, mark{t.Len(), s.Start})
		t.WriteString(w.source[s.Start:s.Stop])
	}
	if h, ok := n.(*ast.HTMLBlock); ok && h.HasClosure() {
		b.marks = append(b.marks, mark{t.Len(), h.ClosureLine.Start})
		t.WriteString(w.source[h.ClosureLine.Start:h.ClosureLine.Stop])
	}
	b.Text = t.String()
	if len(b.marks) > 0 {
		w.ranges = append(w.ranges, [2]int{b.marks[0].source, b.marks[len(b.marks)-1].source + 1})
	}
	return b
}

func (w *walker) code(n ast.Node, lang string) {
	b := w.raw(n)
	b.Kind, b.Lang = Code, strings.ToLower(lang)
	w.add(b)
}

// inline gathers the visible text below a block, and adds blocks for what is
// not visible in it.
func (w *walker) inline(n ast.Node, kind Kind) Block {
	g := &gather{w: w, block: Block{Kind: kind}}
	g.walk(n, 0)
	g.reveal()
	g.block.Text = g.text.String()
	for _, extra := range g.extra {
		if extra.Kind == Inline {
			extra.Lead = g.block.Text
		}
		w.add(extra)
	}
	return g.block
}

// gather is the state of inline.
type gather struct {
	w     *walker
	block Block
	text  strings.Builder
	extra []Block
	last  int // the latest offset of the document that was seen
	// unseen is text inside of elements that hide it, up to their end.
	unseen strings.Builder
}

// reveal ends a piece of hidden text.
func (g *gather) reveal() {
	g.aside(Invisible, g.unseen.String())
	g.unseen.Reset()
}

func (g *gather) put(s string, source int) {
	if n := len(g.w.hidden); n > 0 && g.w.hidden[n-1].kind == Invisible {
		if g.unseen.Len() == 0 {
			g.last = max(g.last, source)
		}
		g.unseen.WriteString(s)
		return
	}
	if source >= 0 {
		g.block.marks = append(g.block.marks, mark{g.text.Len(), source})
		g.last = source + len(s)
	}
	g.text.WriteString(s)
}

func (g *gather) aside(kind Kind, s string) {
	if strings.TrimSpace(s) != "" {
		g.extra = append(g.extra, Block{Kind: kind, Text: s, marks: []mark{{0, g.last}}})
	}
}

func (g *gather) walk(n ast.Node, depth int) {
	if depth > 200 {
		return
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			g.put(g.w.source[c.Segment.Start:c.Segment.Stop], c.Segment.Start)
			if c.SoftLineBreak() || c.HardLineBreak() {
				g.put("\n", -1)
			}
		case *ast.String:
			g.put(string(c.Value), -1)
		case *ast.CodeSpan:
			var t strings.Builder
			for k := c.FirstChild(); k != nil; k = k.NextSibling() {
				if s, ok := k.(*ast.Text); ok {
					if t.Len() == 0 {
						g.last = s.Segment.Start
					}
					t.WriteString(g.w.source[s.Segment.Start:s.Segment.Stop])
				}
			}
			g.aside(Inline, t.String())
			g.put("`"+t.String()+"`", g.last-1)
		case *ast.Link:
			g.walk(c, depth+1)
			g.put(" ("+string(c.Destination)+") ", -1)
			g.aside(Title, string(c.Title))
		case *ast.Image:
			g.put(" ![] ("+string(c.Destination)+") ", -1)
			g.aside(Title, string(c.Title))
			inner := &gather{w: g.w, last: g.last}
			inner.walk(c, depth+1)
			g.aside(Alt, inner.text.String())
		case *ast.AutoLink:
			g.put(string(c.URL(g.w.bytes)), -1)
		case *ast.RawHTML:
			var t strings.Builder
			for i := 0; i < c.Segments.Len(); i++ {
				s := c.Segments.At(i)
				if i == 0 {
					g.last = s.Start
				}
				t.WriteString(g.w.source[s.Start:s.Stop])
			}
			g.tag(t.String())
		default:
			g.walk(c, depth+1)
		}
	}
}
