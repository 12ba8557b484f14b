package unicode

import (
	"regexp"
	"unicode"
	"unicode/utf8"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// wordForm are identifiers, hosts and paths with a letter beyond ASCII.
var wordForm = regexp.MustCompile(`[\pL\pN_.-]*[^\x00-\x7f][\pL\pN_.-]*`)

// Mixed finds words that mix Latin with letters that look like Latin ones, in
// code and names (CJS-UNI-005). Prose in two scripts is no finding: there the
// scripts stand in different words.
func Mixed(file, text string) []skill.Finding {
	var out []skill.Finding
	line, last := 1, 0
	for _, m := range wordForm.FindAllStringIndex(text, 5000) {
		word := text[m[0]:m[1]]
		if !Confusable(word) {
			continue
		}
		for ; last < m[0]; last++ {
			if text[last] == '\n' {
				line++
			}
		}
		out = append(out, rule.New("CJS-UNI-005", skill.Place{File: file, Line: line}, "letters of two scripts that look alike in one word", word+" ("+Skeleton(word)+")"))
		if len(out) >= 20 {
			break
		}
	}
	return out
}

// Confusable says that a word has Latin letters and, among them, Cyrillic or
// Greek ones that look like Latin.
func Confusable(word string) bool {
	latinCount, alike, others := 0, 0, 0
	for _, c := range word {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			latinCount++
		case c < utf8.RuneSelf:
		case twin(c) != 0:
			alike++
		case unicode.IsLetter(c):
			others++
		}
	}
	return latinCount >= 2 && alike > 0 && others == 0
}

// Skeleton is the word with look-alikes replaced.
func Skeleton(word string) string {
	r := []rune(word)
	for i, c := range r {
		if t := twin(c); t != 0 {
			r[i] = t
		}
	}
	return string(r)
}

// twin is the Latin letter that c looks like, 0 for none. Greek letters that
// formulas use (alpha, beta, mu) are left out.
func twin(c rune) rune {
	switch c {
	case 'а', 'А':
		return 'a'
	case 'е', 'Е', 'ё':
		return 'e'
	case 'о', 'О', 'ο', 'Ο':
		return 'o'
	case 'р', 'Р', 'ρ', 'Ρ':
		return 'p'
	case 'с', 'С', 'ϲ':
		return 'c'
	case 'у', 'У':
		return 'y'
	case 'х', 'Х', 'Χ':
		return 'x'
	case 'і', 'І', 'ι', 'Ι':
		return 'i'
	case 'ј', 'Ј':
		return 'j'
	case 'ѕ', 'Ѕ':
		return 's'
	case 'к', 'К', 'Κ':
		return 'k'
	case 'М', 'Μ':
		return 'm'
	case 'Т', 'Τ':
		return 't'
	case 'Н', 'Η', 'һ':
		return 'h'
	case 'В', 'Β':
		return 'b'
	case 'ԁ':
		return 'd'
	case 'ո':
		return 'n'
	case 'ӏ', 'ⅼ':
		return 'l'
	case 'ν':
		return 'v'
	case 'ԝ':
		return 'w'
	case 'ɡ':
		return 'g'
	}
	return 0
}
