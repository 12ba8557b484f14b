package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalised is text as the lexicon wants it, with the way back: from[i] is the
// offset in the original of byte i.
type normalised struct {
	text string
	from []int
	// disguised says that letters were folded, leet or spaced spelling undone:
	// nobody writes like that by accident.
	disguised bool
}

// normalise folds compatibility forms, case, Latin diacritics and look-alike
// letters, and leaves invisible characters out.
func normalise(s string) normalised {
	var n normalised
	n.text = n.letters(s)
	n.foldWords()
	return n
}

// letters folds letter by letter and notes where each came from.
func (n *normalised) letters(s string) string {
	var b strings.Builder
	put := func(s string, at int) {
		for range len(s) {
			n.from = append(n.from, at)
		}
		b.WriteString(s)
	}
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		at := i
		i += size
		if c < utf8.RuneSelf {
			put(string(unicode.ToLower(c)), at)
			continue
		}
		if invisible(c) {
			continue
		}
		switch c {
		case '’', '‘', 'ʼ', '＇', '`':
			put("'", at)
			continue
		}
		for _, d := range norm.NFKD.String(string(c)) {
			if d >= 0x300 && d <= 0x36f || d >= 0x64b && d <= 0x652 || d == 0x670 {
				continue
			}
			put(string(unicode.ToLower(d)), at)
		}
	}
	return recompose(b.String(), &n.from)
}

// recompose puts kana and hangul together again that NFKD took apart.
func recompose(s string, from *[]int) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	var b strings.Builder
	var at []int
	var iter norm.Iter
	iter.InitString(norm.NFC, s)
	for !iter.Done() {
		pos := min(iter.Pos(), len(*from)-1)
		piece := iter.Next()
		b.Write(piece)
		for range len(piece) {
			at = append(at, (*from)[pos])
		}
	}
	*from = at
	return b.String()
}

// invisible characters carry nothing that a reader sees.
func invisible(c rune) bool {
	switch {
	case c >= 0x200b && c <= 0x200f, c >= 0x202a && c <= 0x202e, c >= 0x2060 && c <= 0x206f,
		c == 0xfeff, c == 0xad, c == 0x180e, c >= 0xfe00 && c <= 0xfe0f, c >= 0xe0000 && c <= 0xe0fff, c == 0x34f, c == 0x115f, c == 0x1160, c == 0x3164:
		return true
	}
	return false
}

// lookalike maps Cyrillic and Greek letters to the Latin ones they resemble.
func lookalike(c rune) rune {
	const from = "аАвВсСԁеЕһНіІјЈкКӏмМоОрРѕЅтТԛуУхХԝαβεικνορτυχη"
	i := 0
	for _, f := range from {
		if f == c {
			return latin[i]
		}
		i++
	}
	return c
}

// latin stands at the same indices as the letters in lookalike.
var latin = []rune("aabbccdeehhiijjkklmmooppssttqyyxxwabeiknoptuxn")

// foldWords undoes look-alikes inside words that are Latin otherwise, and leet
// spellings. Both keep the length in runes; bytes may change, so the text is
// made anew.
func (n *normalised) foldWords() {
	var b strings.Builder
	from := make([]int, 0, len(n.from))
	flush := func(word string, at int) {
		folded := foldWord(word)
		if folded != word {
			n.disguised = true
		}
		if len(folded) == len(word) {
			from = append(from, n.from[at:at+len(word)]...)
		} else {
			for range len(folded) {
				from = append(from, n.from[at])
			}
		}
		b.WriteString(folded)
	}
	start := -1
	for i, c := range n.text {
		if unicode.IsLetter(c) || c >= '0' && c <= '9' || c == '@' || c == '$' || c == '!' && start >= 0 && i+1 < len(n.text) && letter(n.text[i+1]) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			flush(n.text[start:i], start)
			start = -1
		}
		size := utf8.RuneLen(c)
		if size < 0 {
			size = 1
		}
		from = append(from, n.from[i:min(i+size, len(n.from))]...)
		b.WriteString(n.text[i:min(i+size, len(n.text))])
	}
	if start >= 0 {
		flush(n.text[start:], start)
	}
	n.text, n.from = b.String(), from
}

func foldWord(w string) string {
	ascii, other, symbols := 0, 0, 0
	for _, c := range w {
		switch {
		case c >= 'a' && c <= 'z':
			ascii++
		case c < utf8.RuneSelf:
			symbols++
		case unicode.Is(unicode.Cyrillic, c) || unicode.Is(unicode.Greek, c):
			other++
		}
	}
	if ascii > 0 && other > 0 && len(w) > 2 {
		w = strings.Map(lookalike, w)
	}
	if symbols > 0 && ascii >= 2 && symbols <= ascii && len(w) >= 4 && len(w) <= 20 {
		if plain := unleet(w); lexicon().knows(plain) && !lexicon().knows(w) {
			return plain
		}
	}
	return w
}

func unleet(w string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '0':
			return 'o'
		case '1', '!':
			return 'i'
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7':
			return 't'
		}
		return c
	}, w)
}

// despace undoes "i g n o r e  a l l": runs of single letters, words of which
// are two or more spaces apart, or not at all. ok says that there was one.
func despace(s string) (string, bool) {
	words := strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == '.' || c == '-' || c == '_' || c == '*' })
	single, longest := 0, 0
	for _, w := range words {
		if utf8.RuneCountInString(w) == 1 && letter(w[0]) {
			single++
			longest = max(longest, single)
		} else {
			single = 0
		}
	}
	if longest < 6 {
		return s, false
	}
	var b strings.Builder
	for word := range strings.SplitSeq(strings.NewReplacer("   ", "\x00", "  ", "\x00", " - ", "\x00").Replace(s), "\x00") {
		parts := strings.FieldsFunc(word, func(c rune) bool { return c == ' ' || c == '.' || c == '-' || c == '_' || c == '*' })
		for i, p := range parts {
			if i > 0 && (len(p) > 1 || len(parts[i-1]) > 1) {
				b.WriteByte(' ')
			}
			b.WriteString(p)
		}
		b.WriteByte(' ')
	}
	return b.String(), true
}
