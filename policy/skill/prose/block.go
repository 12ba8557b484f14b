package prose

import (
	"sort"
	"strings"

	"clawjail/policy/skill"
)

// Kind says what a block was in the document.
type Kind string

// The kinds of block. What a reader of the rendered page does not see is
// hidden; see Block.Hidden.
const (
	Paragraph Kind = "paragraph"
	Heading   Kind = "heading"
	Cell      Kind = "table cell"
	Code      Kind = "code block"
	Inline    Kind = "inline code"
	Comment   Kind = "comment"
	Invisible Kind = "invisible element"
	Collapsed Kind = "collapsed details"
	Alt       Kind = "alternative text"
	Title     Kind = "title"
	LinkDef   Kind = "link definition"
	Attribute Kind = "attribute"
	Front     Kind = "front matter"
	Metadata  Kind = "metadata"
)

// Hidden says that the rendered document does not show it.
func (k Kind) Hidden() bool {
	switch k {
	case Comment, Invisible, Alt, Title, LinkDef, Attribute, Metadata:
		return true
	}
	return false
}

// Block is one piece of a document: text with its place, and where it stands.
type Block struct {
	Kind Kind
	Text string
	// Lang is the word behind the fence of a code block.
	Lang string
	// Headings are the headings above, outermost first.
	Headings []string
	// Lead is the paragraph before a code block, "" when there is none.
	Lead string
	// Discouraged, Setup and Security are what the headings and the lead say.
	Discouraged bool
	Setup       bool
	Security    bool

	file  string
	marks []mark // offsets in Text to offsets in the document, ascending
	lines *lineIndex
	cut   []*sentence // made on first use
}

type mark struct{ text, source int }

// At is the place of an offset of Text.
func (b Block) At(offset int) skill.Place {
	i := sort.Search(len(b.marks), func(i int) bool { return b.marks[i].text > offset }) - 1
	source := 0
	if i >= 0 {
		source = b.marks[i].source + offset - b.marks[i].text
	}
	return b.lines.place(b.file, source)
}

// lineIndex turns offsets of a document to lines.
type lineIndex struct {
	starts []int
	first  int // line of the document's first character in its file
}

func newLineIndex(text string, first int) *lineIndex {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return &lineIndex{starts, first}
}

func (l *lineIndex) place(file string, offset int) skill.Place {
	if l == nil {
		return skill.Place{File: file}
	}
	i := sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > offset }) - 1
	i = max(i, 0)
	return skill.Place{File: file, Line: l.first + i, Column: offset - l.starts[i] + 1}
}

// Document is a parsed document.
type Document struct {
	File   string
	Blocks []Block
	// Findings are those of parsing.
	Findings []skill.Finding
	// Security says that the document, or the skill, is about security.
	Security bool
}

// context fills in what the surroundings say about a block.
func (b *Block) context(doc bool) {
	b.Security = doc
	for _, h := range b.Headings {
		w := strings.ToLower(h)
		b.Discouraged = b.Discouraged || discourages(w)
		b.Setup = b.Setup || containsWord(w, "install", "installation", "setup", "set up", "prerequisite", "prerequisites", "requirements", "dependencies", "getting started", "quick start", "quickstart", "安装", "前提", "установка", "instalación", "インストール")
	}
	if b.Kind == Code || b.Kind == Paragraph && strings.HasSuffix(strings.TrimRight(b.Lead, " *_"), ":") {
		b.Discouraged = b.Discouraged || discourages(strings.ToLower(lastSentence(b.Lead)))
	}
}

// lastSentence is the one that leads to what follows: a "do not" before it is
// about something else.
func lastSentence(lead string) string {
	text := strings.TrimRight(lead, " .:*_\n")
	for _, end := range []string{". ", "! ", "? ", ".\n", "!\n"} {
		if i := strings.LastIndex(text, end); i >= 0 && i > 0 && !abbreviation(text[:i+1]) {
			text = text[i+len(end):]
		}
	}
	return text
}

// discourages says that a heading or a lead presents what follows as something
// not to do. The text is lower case.
func discourages(s string) bool {
	if len(s) > 300 {
		s = s[len(s)-300:]
	}
	return containsWord(s, "don't", "do not", "never", "avoid", "bad", "wrong", "incorrect", "anti-pattern", "anti-patterns", "antipattern", "antipatterns", "unsafe", "insecure", "vulnerable", "malicious", "attack", "attacks", "red flag", "red flags",
		"forbidden", "prohibited", "not allowed", "dangerous", "what not to do", "threat", "threats", "suspicious", "exploit", "exploits", "injection", "blocked", "will be rejected", "reject", "vulnerability", "vulnerabilities", "warning signs", "warning sign", "indicators", "detect", "detects", "detection",
		"❌", "🚫", "⛔", "✗", "不要", "禁止", "错误", "危险", "恶意", "攻击", "避免", "してはいけない", "悪い例", "금지", "никогда", "плохо", "schlecht", "niemals", "mauvais", "jamais", "nunca", "malo", "ruim", "evite")
}

// containsWord looks for whole words (phrases) of lower-case text; words of
// other scripts may stand inside others.
func containsWord(s string, words ...string) bool {
	for _, w := range words {
		for at := 0; ; {
			i := strings.Index(s[at:], w)
			if i < 0 {
				break
			}
			i += at
			if w[0] >= 0x80 || (i == 0 || !letter(s[i-1])) && (i+len(w) == len(s) || !letter(s[i+len(w)])) {
				return true
			}
			at = i + 1
		}
	}
	return false
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
