package unicode

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// maxFindings bounds the findings of one file.
const maxFindings = 50

// Hidden is text that invisible characters spelled.
type Hidden struct {
	Text string
	skill.Place
}

// Scan looks at a text file. code says that a program reads it.
func Scan(file, text string, code bool) ([]skill.Finding, []Hidden) {
	s := &scanner{file: file, text: text, code: code, line: 1, column: 1}
	s.run()
	return s.out, s.hidden
}

type scanner struct {
	file, text   string
	code         bool
	line, column int
	out          []skill.Finding
	hidden       []Hidden
	prev         rune // the last visible character
	seen         map[string]bool
	strays       int
}

func (s *scanner) say(id, message, evidence string) *skill.Finding {
	if len(s.out) >= maxFindings {
		return &skill.Finding{}
	}
	s.out = append(s.out, rule.New(id, skill.Place{File: s.file, Line: s.line, Column: s.column}, message, evidence))
	return &s.out[len(s.out)-1]
}

func (s *scanner) once(id, message, evidence string) *skill.Finding {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	if s.seen[id+message] {
		return &skill.Finding{}
	}
	s.seen[id+message] = true
	return s.say(id, message, evidence)
}

func (s *scanner) run() {
	for i := 0; i < len(s.text); {
		c, n := utf8.DecodeRuneInString(s.text[i:])
		if c < utf8.RuneSelf && c >= 0x20 && c != 0x7f {
			s.prev = c
			s.column++
			i++
			continue
		}
		if used := s.special(i, c, n); used > 0 {
			s.column += used
			i += used
			continue
		}
		if c == '\n' {
			s.line, s.column = s.line+1, 1
		} else {
			s.column += n
		}
		if !unicode.Is(unicode.Cf, c) {
			s.prev = c
		}
		i += n
	}
}

// special judges the character at i and says how many bytes it took, 0 when it
// was an ordinary one.
func (s *scanner) special(i int, c rune, n int) int {
	switch {
	case c == utf8.RuneError && n == 1:
		s.once("CJS-UNI-006", "bytes that are not UTF-8", s.text[i:min(i+16, len(s.text))]).Confidence = skill.ConfidenceLow
		return 0
	case c >= 0xe0000 && c <= 0xe007f:
		return s.tags(i)
	case c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
		return s.bidi(i, c, n)
	case c >= 0xfe00 && c <= 0xfe0f || c >= 0xe0100 && c <= 0xe01ef:
		return s.selectors(i)
	case zeroWidth(c):
		return s.zero(i)
	case control(c):
		return s.control(i, c)
	}
	return 0
}

// tags decodes a run of tag characters; flags of regions are an emoji black
// flag with up to seven of them.
func (s *scanner) tags(i int) int {
	var b strings.Builder
	j := i
	for j < len(s.text) {
		c, n := utf8.DecodeRuneInString(s.text[j:])
		if c < 0xe0000 || c > 0xe007f {
			break
		}
		if c >= 0xe0020 && c < 0xe007f {
			b.WriteByte(byte(c - 0xe0000))
		}
		j += n
	}
	if s.prev == 0x1f3f4 && b.Len() <= 7 && (j-i)/4 == b.Len()+1 {
		return j - i
	}
	s.say("CJS-UNI-001", "invisible tag characters that spell text", b.String())
	s.hide(b.String())
	return j - i
}

func (s *scanner) hide(text string) {
	if len(s.hidden) < maxFindings {
		s.hidden = append(s.hidden, Hidden{text, skill.Place{File: s.file, Line: s.line, Column: s.column}})
	}
}

func (s *scanner) bidi(i int, c rune, n int) int {
	line := s.text[i:min(i+60, len(s.text))]
	f := s.once("CJS-UNI-002", "bidirectional control: the text shows in another order than it is read", line)
	if s.code {
		f.Severity = skill.Critical
	} else if rightToLeft(line) || rightToLeft(s.text[max(0, i-60):i]) {
		f.Severity = skill.Low // what the controls are for
	}
	return n
}

func rightToLeft(s string) bool {
	for _, c := range s {
		if unicode.In(c, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana) {
			return true
		}
	}
	return false
}

// selectors judges a run of variation selectors: one behind an emoji or a
// Chinese character is ordinary, a run carries bytes.
func (s *scanner) selectors(i int) int {
	var bytes []byte
	j := i
	for j < len(s.text) {
		c, n := utf8.DecodeRuneInString(s.text[j:])
		switch {
		case c >= 0xfe00 && c <= 0xfe0f:
			bytes = append(bytes, byte(c-0xfe00))
		case c >= 0xe0100 && c <= 0xe01ef:
			bytes = append(bytes, byte(c-0xe0100+16))
		default:
			n = 0
		}
		if n == 0 {
			break
		}
		j += n
	}
	switch {
	case len(bytes) >= 8:
		s.say("CJS-UNI-004", fmt.Sprintf("run of %d variation selectors that carries bytes", len(bytes)), string(bytes)).Severity = skill.Critical
		s.hide(string(bytes))
	case len(bytes) >= 2 || s.prev < 0x2000 && s.prev != '#' && s.prev != '*' && !(s.prev >= '0' && s.prev <= '9') && s.prev != 0xa9 && s.prev != 0xae:
		s.once("CJS-UNI-004", "variation selector where none belongs", "").Confidence = skill.ConfidenceLow
	}
	return j - i
}

func zeroWidth(c rune) bool {
	return c >= 0x200b && c <= 0x200f || c >= 0x2060 && c <= 0x2064 || c == 0xfeff || c == 0xad || c == 0x180e || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0x34f || c >= 0x206a && c <= 0x206f
}

// zero judges a run of zero-width characters.
func (s *scanner) zero(i int) int {
	var run []rune
	j := i
	for j < len(s.text) {
		c, n := utf8.DecodeRuneInString(s.text[j:])
		if !zeroWidth(c) {
			break
		}
		run = append(run, c)
		j += n
	}
	next, _ := utf8.DecodeRuneInString(s.text[j:])
	switch {
	case i == 0 && run[0] == 0xfeff && len(run) == 1:
	case len(run) == 1 && joins(s.prev, run[0], next):
	case len(run) >= 8:
		f := s.say("CJS-UNI-003", fmt.Sprintf("run of %d invisible characters", len(run)), s.text[i:min(j+40, len(s.text))])
		if text := bits(run); text != "" {
			f.Severity, f.Message = skill.High, f.Message+" that spells text"
			s.hide(text)
		}
	case latin(s.prev) && latin(next):
		f := s.once("CJS-UNI-003", "invisible character inside a word: it hides the word from who searches for it", s.text[max(0, i-20):min(j+20, len(s.text))])
		if run[0] == 0xad {
			f.Confidence = skill.ConfidenceLow // soft hyphens come from typesetting
		}
	default:
		s.strays++
		if s.strays == 40 {
			s.once("CJS-UNI-003", "many invisible characters", "")
		}
	}
	return j - i
}

// joins says that a joiner or mark belongs between its neighbours.
func joins(prev, c, next rune) bool {
	switch c {
	case 0x200d:
		return emoji(prev) || emoji(next) || complexScript(prev)
	case 0x200c:
		return complexScript(prev) || complexScript(next)
	case 0x200e, 0x200f:
		return rightToLeft(string(prev)) || rightToLeft(string(next))
	}
	return false
}

func emoji(c rune) bool {
	return c >= 0x2190 && c <= 0x2bff || c >= 0x1f000 && c <= 0x1faff || c >= 0xfe00 && c <= 0xfe0f
}

func complexScript(c rune) bool {
	return unicode.In(c, unicode.Arabic, unicode.Devanagari, unicode.Bengali, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Gujarati, unicode.Gurmukhi, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Mongolian, unicode.Oriya, unicode.Thai, unicode.Lao, unicode.Tibetan)
}

func latin(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// bits reads a run of two kinds of character as bits, eight to a byte, either
// way round.
func bits(run []rune) string {
	first := run[0]
	var second rune
	for _, c := range run {
		if c != first && second == 0 {
			second = c
		}
	}
	if second == 0 {
		return ""
	}
	for _, one := range []rune{first, second} {
		var out []byte
		var b byte
		n := 0
		for _, c := range run {
			if c != first && c != second {
				continue
			}
			b <<= 1
			if c == one {
				b |= 1
			}
			if n++; n == 8 {
				out = append(out, b)
				b, n = 0, 0
			}
		}
		if printable(out) {
			return string(out)
		}
	}
	return ""
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\t' || c > 0x7e {
			return false
		}
	}
	return len(b) > 0
}

func control(c rune) bool {
	return c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' || c == 0x7f || c >= 0x80 && c < 0xa0 && c != 0x85
}

func (s *scanner) control(i int, c rune) int {
	if c == 0x1b && i+1 < len(s.text) && (s.text[i+1] == '[' || s.text[i+1] == ']' || s.text[i+1] == 'P') {
		f := s.once("CJS-UNI-006", "terminal escape sequence: it changes what a terminal shows", s.text[i:min(i+24, len(s.text))])
		// Colours are harmless; hiding, moving and titles are not.
		if rest := s.text[i+1 : min(i+24, len(s.text))]; colour(rest) {
			f.Confidence = skill.ConfidenceLow
		}
		return 1
	}
	if c >= 0x80 {
		return 0
	}
	s.once("CJS-UNI-006", "control character", s.text[max(0, i-10):min(i+10, len(s.text))]).Confidence = skill.ConfidenceLow
	return 1
}

// colour says that an escape sequence only sets colours, and not the hiding
// kind (8).
func colour(rest string) bool {
	end := strings.IndexByte(rest, 'm')
	if end < 0 || rest[0] != '[' {
		return false
	}
	for _, p := range strings.Split(rest[1:end], ";") {
		if p == "8" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}
