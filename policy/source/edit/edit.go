package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ErrByHand means that the file is written in a way that this package does not
// edit.
var ErrByHand = errors.New("the file has to be edited by hand")

// parse gives the mapping that a policy file is.
func parse(text string) (*yaml.Node, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	var doc, second yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("the file is no YAML: %w", err)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it holds more than one document", ErrByHand)
	}
	// The parser ends lines at these too, and so counts others than an editor does.
	if strings.ContainsAny(strings.ReplaceAll(text, "\r\n", "\n"), "\r\u0085\u2028\u2029") {
		return nil, fmt.Errorf("%w: it has line breaks that few editors show", ErrByHand)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: it is no mapping", ErrByHand)
	}
	return doc.Content[0], nil
}

// value finds a key of a mapping.
func value(m *yaml.Node, key string) (k, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// Insert puts item, one line of YAML, first into the list that keys lead to, and
// makes what is missing on the way.
func Insert(text string, keys []string, item string) (string, error) {
	at, err := parse(text)
	if err != nil {
		return "", err
	}
	top := true
	var above *yaml.Node
	for i, key := range keys {
		k, v := value(at, key)
		if v == nil {
			return insertKey(text, at, keys[i:], item, top)
		}
		last := i == len(keys)-1
		if last && v.Kind != yaml.SequenceNode || !last && v.Kind != yaml.MappingNode || v.Anchor != "" {
			return "", fmt.Errorf("%w: %s is empty or written in an unusual way", ErrByHand, strings.Join(keys[:i+1], "."))
		}
		above, at, top = k, v, false
	}
	pos, err := offset(text, at.Line, at.Column)
	if err != nil {
		return "", err
	}
	if at.Style&yaml.FlowStyle != 0 {
		if text[pos] != '[' {
			return "", fmt.Errorf("%w: line %d holds no list", ErrByHand, at.Line)
		}
		if len(at.Content) > 0 {
			item += ", "
		}
		return text[:pos+1] + item + text[pos+1:], nil
	}
	if text[pos] != '-' || above.Line >= at.Line {
		return "", fmt.Errorf("%w: line %d holds no list", ErrByHand, at.Line)
	}
	// Right below the key: a comment between belongs to the item below it.
	if pos, err = offset(text, above.Line+1, 1); err != nil {
		return "", err
	}
	return insertLine(text, pos, strings.Repeat(" ", at.Column-1)+"- "+item)
}

// insertKey adds keys that lead to a list with one item to a mapping.
func insertKey(text string, m *yaml.Node, keys []string, item string, top bool) (string, error) {
	pos, err := offset(text, m.Line, m.Column)
	if err != nil {
		return "", err
	}
	if m.Style&yaml.FlowStyle != 0 {
		flow := keys[len(keys)-1] + ": [" + item + "]"
		for i := len(keys) - 2; i >= 0; i-- {
			flow = keys[i] + ": {" + flow + "}"
		}
		if text[pos] != '{' {
			return "", fmt.Errorf("%w: line %d holds no mapping", ErrByHand, m.Line)
		}
		if len(m.Content) > 0 {
			flow += ", "
		}
		return text[:pos+1] + flow + text[pos+1:], nil
	}
	indent := m.Column - 1
	var lines []string
	for i, key := range keys {
		lines = append(lines, strings.Repeat(" ", indent+2*i)+key+":")
	}
	lines = append(lines, strings.Repeat(" ", indent+2*len(keys))+"- "+item)
	block := strings.Join(lines, "\n")
	if !top {
		return insertLine(text, pos, block)
	}
	if strings.Contains("\n"+text, "\n...") {
		return "", fmt.Errorf("%w: it has an end of document", ErrByHand)
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + block + "\n", nil
}

// insertLine puts a line before the one that pos is in, where nothing but
// blanks stands before pos.
func insertLine(text string, pos int, line string) (string, error) {
	start := strings.LastIndexByte(text[:pos], '\n') + 1
	if strings.Trim(text[start:pos], " ") != "" {
		return "", fmt.Errorf("%w: a list or mapping begins in the middle of a line", ErrByHand)
	}
	return text[:start] + line + "\n" + text[start:], nil
}

// Remove takes an item out of the list that keys lead to, if it is there. The
// item is a text, as the parser reads it.
func Remove(text string, keys []string, item string) (string, error) {
	at, err := parse(text)
	if err != nil {
		return "", err
	}
	var key, parent *yaml.Node
	for _, k := range keys {
		if at.Kind != yaml.MappingNode {
			return text, nil
		}
		parent = at
		if key, at = value(at, k); at == nil {
			return text, nil
		}
	}
	for i, n := range at.Content {
		if n.Kind != yaml.ScalarNode || n.Value != item {
			continue
		}
		if at.Style&yaml.FlowStyle != 0 || parent.Style&yaml.FlowStyle != 0 {
			return removeFlow(text, at, i)
		}
		first, last := n.Line, n.Line
		if len(at.Content) == 1 {
			if key.Line >= n.Line {
				return "", fmt.Errorf("%w: %s is written in an unusual way", ErrByHand, strings.Join(keys, "."))
			}
			first = key.Line // an empty list is no list
		}
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(append(lines[:first-1:first-1], lines[last:]...), ""), nil
	}
	return text, nil
}

// removeFlow takes the item i out of a list in brackets.
func removeFlow(text string, list *yaml.Node, i int) (string, error) {
	from, err := offset(text, list.Content[i].Line, list.Content[i].Column)
	if err != nil {
		return "", err
	}
	if i+1 < len(list.Content) {
		to, err := offset(text, list.Content[i+1].Line, list.Content[i+1].Column)
		return text[:from] + text[max(to, from):], err
	}
	end := strings.IndexByte(text[from:], ']')
	if end < 0 {
		return "", fmt.Errorf("%w: a list without an end", ErrByHand)
	}
	before := strings.TrimRight(text[:from], " \n")
	return strings.TrimRight(strings.TrimSuffix(before, ","), " ") + text[from+end:], nil
}

// offset turns a line and a column of the parser, which counts characters, into
// an offset.
func offset(text string, line, column int) (int, error) {
	pos := 0
	for range line - 1 {
		i := strings.IndexByte(text[pos:], '\n')
		if i < 0 {
			return 0, fmt.Errorf("%w: it has no line %d", ErrByHand, line)
		}
		pos += i + 1
	}
	for range column - 1 {
		_, n := utf8.DecodeRuneInString(text[pos:])
		pos += n
	}
	if pos >= len(text) {
		return 0, fmt.Errorf("%w: it has no line %d", ErrByHand, line)
	}
	return pos, nil
}

// context is how many lines a diff shows around a change.
const context = 3

// Diff gives a unified diff with one hunk.
func Diff(name, old, now string) string {
	a, b := strings.SplitAfter(old, "\n"), strings.SplitAfter(now, "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	from := max(0, head-context)
	endA, endB := min(len(a), len(a)-tail+context), min(len(b), len(b)-tail+context)
	if a[len(a)-1] == "" { // after the last new line there is no line
		endA = min(endA, len(a)-1)
	}
	if b[len(b)-1] == "" {
		endB = min(endB, len(b)-1)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "--- %s\n+++ %s\n@@ -%d,%d +%d,%d @@\n", name, name, from+1, endA-from, from+1, endB-from)
	print := func(mark string, lines []string) {
		for _, l := range lines {
			out.WriteString(mark + l)
			if !strings.HasSuffix(l, "\n") {
				out.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	print(" ", a[from:head])
	print("-", a[head:max(head, min(endA, len(a)-tail))])
	print("+", b[head:max(head, min(endB, len(b)-tail))])
	print(" ", a[min(endA, len(a)-tail):endA])
	return out.String()
}
