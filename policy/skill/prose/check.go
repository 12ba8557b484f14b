package prose

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// match is what a rule of the grammar says about a sentence.
type match struct {
	id   string
	sev  skill.Severity
	conf skill.Confidence
	at   hit
	// with is the second hit that mattered, for the message's language.
	with hit
	why  string
}

// maxFindings bounds the findings of one document.
const maxFindings = 100

// Check judges a document.
func Check(d Document) []skill.Finding {
	c := &checker{seen: map[string]bool{}}
	c.out = append(c.out, d.Findings...)
	for i := range d.Blocks {
		b := &d.Blocks[i]
		c.block(b)
		if len(c.out) >= maxFindings {
			break
		}
	}
	c.prerequisites(d)
	c.separately(d)
	c.frames(d.Blocks)
	return c.out
}

// Scan judges text that is no document: a decoded string, a comment or string
// of a program, metadata of an image. hidden says that nobody sees it.
func Scan(text string, at skill.Place, hidden bool) []skill.Finding {
	kind := Code
	if hidden {
		kind = Metadata
	}
	b := &Block{Kind: kind, Text: text, file: at.File}
	c := &checker{seen: map[string]bool{}, fixed: &at}
	c.block(b)
	c.prerequisites(Document{File: at.File, Blocks: []Block{*b}})
	c.frames([]Block{*b})
	return c.out
}

type checker struct {
	out   []skill.Finding
	seen  map[string]bool
	fixed *skill.Place // of text that has no lines of its own
	depth int
}

// block judges one block, sentence by sentence.
func (c *checker) block(b *Block) {
	if b.Kind == Code && b.Lang != "" && !proseLang(b.Lang) || b.Kind == Inline {
		return
	}
	found := false
	for _, s := range sentences(b) {
		for _, m := range judge(s) {
			c.report(s, m)
			found = found || m.conf != skill.ConfidenceLow
		}
	}
	if b.Kind.Hidden() || b.Kind == Collapsed {
		c.hidden(b, found)
	}
	c.images(b)
	c.decoded(b)
}

// proseLang says that a fence holds text and no program.
func proseLang(lang string) bool {
	word, _, _ := strings.Cut(lang, " ")
	switch word {
	case "text", "txt", "markdown", "md", "plaintext", "prompt", "plain", "none", "xml", "html", "yaml", "yml", "json", "toml":
		return true
	}
	return false
}

func (c *checker) place(b *Block, offset int) skill.Place {
	if c.fixed != nil {
		return *c.fixed
	}
	return b.At(offset)
}

// report makes the finding of a match, in its context.
func (c *checker) report(s *sentence, m match) {
	b := s.block
	conf, down := graded(s, m.at, m.conf)
	key := fmt.Sprint(m.id, "\x00", c.place(b, s.toBlock(m.at.from)).Line, m.sev, conf)
	if c.seen[key] || len(c.out) >= maxFindings {
		return
	}
	c.seen[key] = true
	id, why := m.id, m.why
	if s.disguised {
		id, why = "CJS-INJ-011", why+", in a disguised spelling (as "+m.id+")"
	} else if lang := language(s.text[m.at.from:m.at.to]); lang != "" {
		id, why = "CJS-INJ-011", why+", in "+lang+" (as "+m.id+")"
	}
	f := rule.New(id, c.place(b, s.toBlock(m.at.from)), why, s.raw)
	f.Severity, f.Class = m.sev, skill.Threat
	f.Confidence, f.Discouraged = conf, down
	c.out = append(c.out, f)
}

// graded takes the confidence down for what surrounds the sentence: one step
// for a place that discourages or quotes, one more for that in a document on
// security. To call a skill one on security changes nothing by itself.
func graded(s *sentence, at hit, conf skill.Confidence) (skill.Confidence, bool) {
	b, down := s.block, false
	if b.Kind.Hidden() {
		return conf, false // nobody is shown the surroundings either
	}
	q := quoted(s, at)
	if q == 1 && conf != skill.ConfidenceHigh {
		q = 0 // a word of citing without quotation marks is soon written
	}
	if b.Discouraged || q > 0 {
		conf, down = conf.Lower(), true
	}
	if q > 1 {
		conf = conf.Lower()
	}
	if b.Security && (down || b.Kind == Code || b.Kind == Cell) {
		conf, down = conf.Lower(), true
	}
	if b.Kind == Code || b.Kind == Cell {
		conf = conf.Lower()
	}
	return conf, down
}

// quoted says how clearly the sentence speaks about such text instead of saying
// it: 1 for words like "detect" or "such as", 2 when the text stands in
// quotation marks as well.
func quoted(s *sentence, at hit) int {
	about := cites(s, at) || s.prev != nil && s.prev.has(cQuote) && strings.HasSuffix(strings.TrimSpace(s.prev.raw), ":")
	if !about {
		return 0
	}
	if at.to > 0 && at.from < len(s.text) {
		head := s.text[:at.from]
		for _, q := range []string{"\"", "“", "„", "«"} {
			closing := map[string]string{"“": "”", "„": "“", "«": "»"}[q]
			if closing == "" && strings.Count(head, q)%2 == 1 || closing != "" && strings.Count(head, q) > strings.Count(head, closing) {
				return 2
			}
		}
	}
	return 1
}

// cites says that the sentence has a word of citing: one like "such as" counts
// only before what it introduces.
func cites(s *sentence, at hit) bool {
	for _, h := range s.all(cQuote) {
		switch s.text[h.from:h.to] {
		case "such as", "e.g", "for example", "for instance", "like the following", "examples of", "payload", "payloads", "report it":
			if h.from < at.from {
				return true
			}
		case "look for", "check for", "scan for":
			// An order, unless it quotes what is looked for.
			if h.from < at.from && strings.ContainsAny(s.raw, "\"“`") {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// language names the language of a hit by its script, "" for Latin ones.
func language(s string) string {
	for _, c := range s {
		switch {
		case c < 0x250:
		case c >= 0x400 && c < 0x530:
			return "Russian"
		case c >= 0x600 && c < 0x700:
			return "Arabic"
		case c >= 0x3040 && c < 0x3100:
			return "Japanese"
		case c >= 0xac00 && c < 0xd7b0 || c >= 0x1100 && c < 0x1200:
			return "Korean"
		case c >= 0x4e00 && c < 0xa000:
			return "Chinese or Japanese"
		}
	}
	return ""
}

// judge runs the rules of the grammar over a sentence.
func judge(s *sentence) []match {
	var out []match
	for _, r := range []func(*sentence) (match, bool){
		override, unbound, fakeTags, concealStep, concealUser, stealth, exfiltrate, smuggle, harvest, carry, keepSecret, card, disable, noAsk, bypass, program,
		remote, selfUpdate, remember, forever, coerce, firstCall, shadow, redirectMoney,
	} {
		if m, ok := r(s); ok {
			out = append(out, m)
		}
	}
	return out
}

// hidden judges a block that the reader does not see: it is a finding of its
// own when it instructs.
func (c *checker) hidden(b *Block, found bool) {
	conf := skill.ConfidenceHigh
	if !found {
		if !instructs(b) {
			return
		}
		conf = skill.ConfidenceMedium
	}
	if b.Kind == Collapsed {
		conf = conf.Lower()
	}
	f := rule.New("CJS-INJ-006", c.place(b, 0), "instructions in "+article(b.Kind)+", which the rendered document does not show", b.Text)
	f.Confidence = conf
	if b.Security && b.Discouraged {
		f.Confidence = conf.Lower()
	}
	if !c.seen["006"+f.File+fmt.Sprint(f.Line)] && len(c.out) < maxFindings {
		c.seen["006"+f.File+fmt.Sprint(f.Line)] = true
		c.out = append(c.out, f)
	}
}

func article(k Kind) string {
	if strings.ContainsRune("aeiou", rune(k[0])) {
		return "an " + string(k)
	}
	if k == Metadata || k == Front {
		return string(k)
	}
	return "a " + string(k)
}

// instructs says that hidden text tells an agent to do something that reaches
// out: an address of the agent with a verb, or a command.
func instructs(b *Block) bool {
	if utf8.RuneCountInString(b.Text) < 12 {
		return false
	}
	for _, s := range sentences(b) {
		verbs := s.all(cRun, cSend, cDownload, cFetch, cRead, cStore)
		for _, v := range verbs {
			if s.negated(v) {
				continue
			}
			object := s.has(cURL, cVault, cPrivate, cCred, cOutside, cMemory, cShort, cArtifact, cBypass)
			addressed := s.has(cAgent, cUrgent, cForever, cBeforeAll, cSecretly, cEvery)
			if object && (addressed || s.has(cSend, cRun)) && s.text[v.from:v.to] != "get" {
				return true
			}
		}
		low := s.text
		if strings.Contains(low, "curl ") && strings.Contains(low, "http") || strings.Contains(low, "| bash") || strings.Contains(low, "| sh") || strings.Contains(low, "base64 -d") || strings.Contains(low, "wget ") && strings.Contains(low, "http") {
			return true
		}
	}
	return false
}
