package source

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

// reader turns YAML into a layer and collects what is wrong on the way.
type reader struct {
	file     string // shown in problems
	at       string // shown in origins
	vars     map[string]string
	features Features
	problems Problems
	full     bool // MaxProblems reached
}

// problem notes one at a node.
func (r *reader) problem(n *yaml.Node, hint, format string, args ...any) {
	r.problemAt(n.Line, n.Column, hint, format, args...)
}

func (r *reader) problemAt(line, col int, hint, format string, args ...any) {
	switch {
	case r.full:
	case len(r.problems) == MaxProblems:
		r.full = true
		r.problems = append(r.problems, Problem{File: r.file, Line: line, Col: col, Msg: "more problems follow", Hint: "these first"})
	default:
		r.problems = append(r.problems, Problem{r.file, line, col, fmt.Sprintf(format, args...), hint})
	}
}

// tree parses one document and checks what YAML may be in it. nil means that
// there is nothing to go on with.
func (r *reader) tree(data []byte) *yaml.Node {
	if !r.text(data) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		r.problemAt(1, 1, `the least policy is "version: 1", a name and what to extend`, "policy is empty")
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
		r.problem(n, "one file is one policy", "second document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		r.problemAt(1, 1, "", "policy is empty")
		return nil
	}
	root := doc.Content[0]
	if !r.plain(root, 0) {
		return nil
	}
	return root
}

// text checks that data is text.
func (r *reader) text(data []byte) bool {
	line, col := 1, 1
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			r.problemAt(line, col, "policies are UTF-8", "byte 0x%02x is not UTF-8", data[i])
			return false
		case c == '\n':
			line, col = line+1, 1
		case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
			r.problemAt(line, col, `write it as an escape in double quotes: "\x1b"`, "control character 0x%02x", c)
			return false
		case c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
			r.problemAt(line, col, "it makes text look like other text", "direction control U+%04X", c)
			return false
		default:
			col++
		}
		i += n
	}
	return true
}

// syntax reports an error of the YAML parser, at the line that its words name.
func (r *reader) syntax(err error, data []byte) {
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
	case strings.Contains(text, "${") && strings.ContainsAny(text, "[{"):
		hint = `quote what has a variable in it: "${HOME}"`
	case strings.Contains(msg, "cannot start any token") || strings.Contains(text, "\t"):
		hint = "indent with spaces, and quote values that start with a special character"
	}
	r.problemAt(line, col, hint, "not YAML: %s", msg)
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

// plain reports everything in the tree that the language leaves out of YAML.
// It is false if the tree nests too deep to be walked.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	if depth > MaxDepth {
		r.problem(n, "", "values nest deeper than %d levels", MaxDepth)
		return false
	}
	if n.Anchor != "" {
		r.problem(n, "write the value out where it is needed", "anchor %q: policies have no anchors", "&"+n.Anchor)
	}
	if n.Kind == yaml.AliasNode {
		r.problem(n, "write the value out", "alias %q: policies have no aliases", "*"+n.Value)
		return true
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.problem(n, "leave it out: the key says what the value is", "tag %q: policies have no tags", n.Tag)
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
func (r *reader) keys(n *yaml.Node) {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !r.full; i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind == yaml.AliasNode: // reported by plain
		case k.Kind != yaml.ScalarNode:
			r.problem(k, "", "a key is a word, not a %s", kindName(k))
		case k.Value == "<<" && k.Style == 0:
			r.problem(k, "write the keys out", "merge key: policies have none")
		case seen[k.Value] != 0:
			r.problem(k, fmt.Sprintf("the first is on line %d", seen[k.Value]), "key %q is given twice", k.Value)
		default:
			seen[k.Value] = k.Line
		}
	}
}

// kindName says what a value is, for messages.
func kindName(n *yaml.Node) string {
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
