package prose

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// maxOpen bounds the hiding elements that may be open at once.
const maxOpen = 64

// hider is an element that hides its content until it is closed.
type hider struct {
	tag   string
	depth int // elements of the same name that were opened inside
	kind  Kind
}

// hides recognises styles with which text is not seen.
var hides = regexp.MustCompile(`(?i)display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*0(\.0+)?\s*(;|$|!)|font-size\s*:\s*[01](\.\d+)?(px|pt|em|rem|%)?\s*(;|$|!)|(^|[;\s"])color\s*:\s*(white|#fff(fff)?|transparent|rgba\([^)]*,\s*0\s*\))|(left|top|text-indent|margin-left)\s*:\s*-\d{3,}|(max-)?(height|width)\s*:\s*[01](px)?\s*(;|$|!)|clip\s*:\s*rect\(0|clip-path\s*:\s*inset\((50|100)%`)

// tag feeds inline HTML to the state of the document.
func (g *gather) tag(s string) {
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if rest := unclosedComment(s); rest != "" {
				g.aside(Comment, rest)
			}
			return
		case html.CommentToken:
			g.aside(Comment, z.Token().Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			for _, a := range t.Attr {
				g.attribute(a)
			}
			g.w.opened(t)
		case html.EndTagToken:
			g.reveal()
			g.w.closed(z.Token().Data)
		}
	}
}

// unclosedComment is the text of a comment that never ends, for which the
// tokenizer makes no token.
func unclosedComment(s string) string {
	i := strings.LastIndex(s, "<!--")
	if i < 0 || strings.Contains(s[i:], "-->") {
		return ""
	}
	return s[i+4:]
}

func (g *gather) attribute(a html.Attribute) {
	switch {
	case a.Key == "alt" || a.Key == "aria-label":
		g.aside(Alt, a.Val)
	case a.Key == "title":
		g.aside(Title, a.Val)
	case a.Key == "src" || a.Key == "href":
		g.text.WriteString(" (" + a.Val + ") ")
	case strings.HasPrefix(a.Key, "data-") || a.Key == "content" || a.Key == "value" || a.Key == "placeholder" || strings.HasPrefix(a.Key, "on"):
		g.aside(Attribute, a.Val)
	}
}

// opened notes an element that hides what is inside.
func (w *walker) opened(t html.Token) {
	for i := range w.hidden {
		if w.hidden[i].tag == t.Data {
			w.hidden[i].depth++
		}
	}
	kind := Kind("")
	for _, a := range t.Attr {
		switch a.Key {
		case "style":
			if hides.MatchString(a.Val) {
				kind = Invisible
			}
		case "hidden":
			kind = Invisible
		case "color":
			if v := strings.ToLower(a.Val); v == "white" || v == "#fff" || v == "#ffffff" {
				kind = Invisible
			}
		case "type":
			if t.Data == "input" && a.Val == "hidden" {
				return // it has no content; its value is an attribute
			}
		}
	}
	switch t.Data {
	case "template", "noscript", "script", "style", "head":
		kind = Invisible
	case "details":
		if kind == "" {
			kind = Collapsed
		}
	case "img", "br", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr":
		return // no content
	}
	if kind != "" && t.Type == html.StartTagToken && len(w.hidden) < maxOpen {
		w.hidden = append(w.hidden, hider{tag: t.Data, kind: kind})
	}
}

func (w *walker) closed(tag string) {
	for i := len(w.hidden) - 1; i >= 0; i-- {
		if w.hidden[i].tag != tag {
			continue
		}
		if w.hidden[i].depth > 0 {
			w.hidden[i].depth--
			continue
		}
		w.hidden = append(w.hidden[:i], w.hidden[i+1:]...)
		return
	}
}

// html reads an HTML block: comments, attributes and text, hidden or not.
func (w *walker) html(b Block) {
	if len(b.marks) == 0 {
		return
	}
	z := html.NewTokenizer(strings.NewReader(b.Text))
	at := 0
	for {
		kind := z.Next()
		raw := string(z.Raw())
		g := &gather{w: w, last: b.source(at)}
		switch kind {
		case html.ErrorToken:
			if rest := unclosedComment(b.Text); rest != "" {
				g.aside(Comment, rest)
			}
			w.flush(g)
			return
		case html.CommentToken:
			// The mark must be where the text begins: behind "<!--".
			g.last = b.source(at + 4)
			g.aside(Comment, z.Token().Data)
		case html.TextToken:
			// With marks of its own, because it may have many lines.
			t := Block{Kind: Paragraph, Text: raw}
			for off := 0; off < len(raw); {
				t.marks = append(t.marks, mark{off, b.source(at + off)})
				n := strings.IndexByte(raw[off:], '\n')
				if n < 0 {
					break
				}
				off += n + 1
			}
			w.add(t)
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			for _, a := range t.Attr {
				g.attribute(a)
			}
			w.opened(t)
		case html.EndTagToken:
			w.closed(z.Token().Data)
		}
		at += len(raw)
		w.flush(g)
	}
}

func (w *walker) flush(g *gather) {
	for _, e := range g.extra {
		w.add(e)
	}
	if t := g.text.String(); t != "" {
		w.add(Block{Kind: Paragraph, Text: t, marks: []mark{{0, g.last}}})
	}
}

// source is the offset in the document of an offset of Text.
func (b Block) source(offset int) int {
	best := mark{}
	for _, m := range b.marks {
		if m.text > offset {
			break
		}
		best = m
	}
	return best.source + offset - best.text
}

// linkDefinition is "[label]: target "title"" on a line of its own.
var linkDefinition = regexp.MustCompile(`(?m)^ {0,3}\[([^\]\n]{1,1000})\]:[ \t]*\n?[ \t]*(<[^>\n]*>|\S+)(?:[ \t]*\n?[ \t]*("[^"]*"|'[^']*'|\([^)]*\)))?[ \t]*$`)

// linkDefinitions adds blocks for the titles and labels of definitions, which
// no reader sees. "[//]: # (text)" is the usual way to write a comment.
func (w *walker) linkDefinitions() {
	for _, m := range linkDefinition.FindAllStringSubmatchIndex(w.source, 2000) {
		if w.inCode(m[0]) {
			continue
		}
		w.headings, w.lead = nil, ""
		for _, part := range [][2]int{{m[2], m[3]}, {m[6], m[7]}} {
			if part[0] >= 0 && part[1]-part[0] > 2 {
				w.add(Block{Kind: LinkDef, Text: strings.Trim(w.source[part[0]:part[1]], `"'()`), marks: []mark{{0, part[0]}}})
			}
		}
	}
}

func (w *walker) inCode(offset int) bool {
	for _, r := range w.ranges {
		if offset >= r[0] && offset < r[1] {
			return true
		}
	}
	return false
}
