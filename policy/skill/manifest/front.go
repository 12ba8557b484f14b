package manifest

import (
	"strings"
)

// The bounds of front matter.
const (
	MaxBytes = 64 << 10
	MaxDepth = 32
)

// Split cuts the front matter off a document. body is the rest and line the
// line of its first character, from one. ok is false when there is none.
func Split(text string) (front, body string, line int, ok bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	first, rest, found := strings.Cut(text, "\n")
	if !found || strings.TrimRight(first, " \t\r") != "---" {
		return "", text, 1, false
	}
	line = 2
	for at := 0; at < len(rest); {
		end := strings.IndexByte(rest[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(rest)-at, len(rest)
		}
		line++
		if l := strings.TrimRight(rest[at:at+end], " \t\r"); l == "---" || l == "..." {
			return rest[:at], rest[next:], line, true
		}
		at = next
	}
	return "", text, 1, false
}

// tooDeep bounds nesting before the parser recurses into it: brackets, and
// indentation, which is at least one column a level, and the "- - - -" of
// lists on one line.
func tooDeep(front string) bool {
	brackets := 0
	for _, c := range front {
		switch c {
		case '[', '{':
			if brackets++; brackets > MaxDepth {
				return true
			}
		case ']', '}':
			brackets = max(brackets-1, 0)
		}
	}
	for line := range strings.SplitSeq(front, "\n") {
		lists := 0
		for strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "? ") || strings.HasPrefix(line, " ") {
			if line[0] != ' ' {
				lists++
			}
			line = strings.TrimPrefix(line[1:], " ")
		}
		if lists > MaxDepth {
			return true
		}
	}
	return false
}
