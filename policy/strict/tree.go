package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxDepth bounds how deep values nest. A policy needs five levels.
const MaxDepth = 16

// Words are how messages call what is read.
type Words struct {
	One  string // "policy"
	Many string // "policies"
	// Least is the hint for an empty file: the least that makes sense in one.
	Least string
	// Variable is the hint for a line with an unquoted "${"; empty for none.
	Variable string
}

// Reader reads the values of one document and collects what is wrong with
// them. A Reader belongs to one goroutine and to one document.
type Reader struct {
	file     string // shown in problems
	words    Words
	problems Problems
	full     bool // MaxProblems reached
}

// New gives a reader that calls its document by the name of a file.
func New(file string, w Words) *Reader { return &Reader{file: file, words: w} }

// Problems gives what was found so far, in the order of the file.
func (r *Reader) Problems() Problems { return r.problems.sorted() }

// Count is how many problems were found so far: a value whose reading did not
// raise it is good.
func (r *Reader) Count() int { return len(r.problems) }

// Problem notes one at a node, with what to do about it if that is known.
func (r *Reader) Problem(n *yaml.Node, hint, format string, args ...any) {
	r.ProblemAt(n.Line, n.Column, hint, format, args...)
}

// ProblemAt notes a problem at a place, counted from 1.
func (r *Reader) ProblemAt(line, col int, hint, format string, args ...any) {
	switch {
	case r.full:
	case len(r.problems) == MaxProblems:
		r.full = true
		r.problems = append(r.problems, Problem{File: r.file, Line: line, Col: col, Msg: "more problems follow", Hint: "these first"})
	default:
		r.problems = append(r.problems, Problem{r.file, line, col, fmt.Sprintf(format, args...), hint})
	}
}

// Tree parses one document and checks that nothing of YAML is in it that this
// package leaves out. nil means that there is nothing to go on with.
func (r *Reader) Tree(data []byte) *yaml.Node {
	if !r.Text(data) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		r.ProblemAt(1, 1, r.words.Least, "%s is empty", r.words.One)
		return nil
	case err != nil:
		r.syntax(err, data)
		return nil
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(err, data)
	default:
		n := &second
		if len(second.Content) > 0 {
			n = second.Content[0]
		}
		r.Problem(n, "one file is one "+r.words.One, "second document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		r.ProblemAt(1, 1, r.words.Least, "%s is empty", r.words.One)
		return nil
	}
	root := doc.Content[0]
	if !r.plain(root, 0) {
		return nil
	}
	return root
}

// Text checks that data is text that shows as what it is.
func (r *Reader) Text(data []byte) bool {
	line, col := 1, 1
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			r.ProblemAt(line, col, r.words.Many+" are UTF-8", "byte 0x%02x is not UTF-8", data[i])
			return false
		case c == '\n':
			line, col = line+1, 1
		case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
			r.ProblemAt(line, col, `write it as an escape in double quotes: "\x1b"`, "control character 0x%02x", c)
			return false
		case c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
			r.ProblemAt(line, col, "it makes text look like other text", "direction control U+%04X", c)
			return false
		default:
			col++
		}
		i += n
	}
	return true
}

// syntax reports an error of the YAML parser, at the line that its words name.
func (r *Reader) syntax(err error, data []byte) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line, col := 1, 1
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = m[2]
		if fromParser(msg) {
			line++
		}
	}
	lines := strings.Split(string(data), "\n")
	line = min(max(line, 1), len(lines))
	text := lines[line-1]
	col += len(text) - len(strings.TrimLeft(text, " \t"))
	hint := ""
	switch {
	case r.words.Variable != "" && strings.Contains(text, "${") && strings.ContainsAny(text, "[{"):
		hint = r.words.Variable
	case strings.Contains(msg, "cannot start any token") || strings.Contains(text, "\t"):
		hint = "indent with spaces, and quote values that start with a special character"
	}
	r.ProblemAt(line, col, hint, "not YAML: %s", msg)
}

// fromParser tells errors of the library's parser from those of its scanner.
// Of the two, the parser counts lines from 0 (yaml/v3 decode.go:parser.fail),
// and names the line where the unfinished construct begins.
func fromParser(msg string) bool {
	for _, s := range []string{"node content", "'-' indicator", "key", "',' or ']'", "',' or '}'", "<document start>", "<stream-start>"} {
		if msg == "did not find expected "+s {
			return true
		}
	}
	return false
}

// plain reports everything in the tree that this package leaves out of YAML.
// It is false if the tree nests too deep to be walked.
func (r *Reader) plain(n *yaml.Node, depth int) bool {
	if depth > MaxDepth {
		r.Problem(n, "", "values nest deeper than %d levels", MaxDepth)
		return false
	}
	if n.Anchor != "" {
		r.Problem(n, "write the value out where it is needed", "anchor %q: %s have no anchors", "&"+n.Anchor, r.words.Many)
	}
	if n.Kind == yaml.AliasNode {
		r.Problem(n, "write the value out", "alias %q: %s have no aliases", "*"+n.Value, r.words.Many)
		return true
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.Problem(n, "leave it out: the key says what the value is", "tag %q: %s have no tags", n.Tag, r.words.Many)
	}
	if n.Kind == yaml.MappingNode {
		r.keys(n)
	}
	ok := true
	for _, c := range n.Content {
		ok = r.plain(c, depth+1) && ok
		if r.full {
			return false // nobody reads on
		}
	}
	return ok
}

// keys reports keys that are doubled, merged or no words.
func (r *Reader) keys(n *yaml.Node) {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !r.full; i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind == yaml.AliasNode: // reported by plain
		case k.Kind != yaml.ScalarNode:
			r.Problem(k, "", "a key is a word, not a %s", KindName(k))
		case k.Value == "<<" && k.Style == 0:
			r.Problem(k, "write the keys out", "merge key: %s have none", r.words.Many)
		case seen[k.Value] != 0:
			r.Problem(k, fmt.Sprintf("the first is on line %d", seen[k.Value]), "key %q is given twice", k.Value)
		default:
			seen[k.Value] = k.Line
		}
	}
}

// KindName says what a value is, for messages.
func KindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	case yaml.AliasNode:
		return "alias"
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return "text"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "number"
	case "!!bool":
		return "boolean"
	case "!!null":
		return "nothing"
	}
	return "text"
}
