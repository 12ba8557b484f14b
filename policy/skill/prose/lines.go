package prose

import "strings"

// byLines reads a document without a parser: fences, headings, and everything
// else as paragraphs. It is what hostile nesting gets.
func byLines(file, source string, index *lineIndex, security bool) []Block {
	var out []Block
	var text strings.Builder
	start, fence, lang := 0, "", ""
	flush := func(kind Kind) {
		if strings.TrimSpace(text.String()) != "" && len(out) < maxBlocks {
			b := Block{Kind: kind, Text: text.String(), Lang: lang, file: file, lines: index, marks: []mark{{0, start}}}
			b.context(security)
			out = append(out, b)
		}
		text.Reset()
	}
	at := 0
	for l := range strings.SplitAfterSeq(source, "\n") {
		trimmed := strings.TrimLeft(l, " \t>")
		switch {
		case fence == "" && (strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~")):
			flush(Paragraph)
			fence, lang, start = trimmed[:3], strings.ToLower(strings.TrimSpace(strings.Trim(trimmed, "`~ \r\n"))), at+len(l)
		case fence != "" && strings.HasPrefix(trimmed, fence):
			flush(Code)
			fence, lang, start = "", "", at+len(l)
		case fence == "" && (strings.TrimSpace(l) == "" || text.Len() > 4096):
			text.WriteString(l)
			flush(Paragraph)
			start = at + len(l)
		default:
			text.WriteString(l)
		}
		at += len(l)
	}
	if fence != "" {
		flush(Code)
	} else {
		flush(Paragraph)
	}
	return out
}
