package prose

import (
	"regexp"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// token is a word of normalised text.
type token struct {
	text     string
	from, to int
}

// tokens cuts normalised text into words: letters, digits, apostrophes inside.
func tokens(s string) []token {
	var out []token
	start := -1
	for i, c := range s {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '\'' && start >= 0 || unicode.Is(unicode.Mn, c) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			out = append(out, token{s[start:i], start, i})
			start = -1
		}
	}
	if start >= 0 {
		out = append(out, token{s[start:], start, len(s)})
	}
	for i := range out {
		if t := strings.TrimRight(out[i].text, "'"); len(t) != len(out[i].text) {
			out[i].to -= len(out[i].text) - len(t)
			out[i].text = t
		}
	}
	return out
}

// hit is a concept in a sentence: byte offsets in the normalised sentence.
type hit struct {
	c        concept
	from, to int
}

// Sentence is a normalised sentence with its concepts.
type sentence struct {
	normalised
	hits       []hit
	offset     int // of the sentence in its block
	raw        string
	block      *Block
	next, prev *sentence

	rank  int // of placed, once known
	known bool
}

// Bounds of sentences.
const (
	maxSentence  = 1200
	maxSentences = 20_000
)

// sentences cuts a block's text. A line break ends one only where a list item,
// a table cell or an empty line does; the blocks have seen to that.
func sentences(b *Block) []*sentence {
	if b.cut == nil {
		b.cut = cut(b)
	}
	return b.cut
}

func cut(b *Block) []*sentence {
	out := []*sentence{}
	text := b.Text
	start := 0
	emit := func(end int) {
		raw := text[start:end]
		if strings.TrimSpace(raw) != "" && len(out) < maxSentences {
			s := &sentence{raw: raw, offset: start, block: b}
			s.tag()
			if n := len(out); n > 0 {
				s.prev, out[n-1].next = out[n-1], s
			}
			out = append(out, s)
		}
		start = end
	}
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRuneInString(text[i:])
		i += n
		switch c {
		case '.', '!', '?', ';':
			if i >= len(text) || text[i] == ' ' || text[i] == '\n' || text[i] == '"' || text[i] == '*' || text[i] == ')' {
				if c != '.' || !abbreviation(text[start:i]) {
					emit(i)
				}
			}
		case '。', '！', '？', '；', '؟', '।':
			emit(i)
		case '\n':
			if i < len(text) && (text[i] == '\n' || text[i] == '-' || text[i] == '*' || text[i] == '#' || text[i] == '|') || b.Kind == Comment || b.Kind == Code {
				emit(i)
			}
		default:
			if i-start > maxSentence && (c == ' ' || i-start > 2*maxSentence) {
				emit(i)
			}
		}
	}
	emit(len(text))
	return out
}

func abbreviation(s string) bool {
	for _, a := range []string{"e.g.", "i.e.", " vs.", " etc.", "Dr.", "Mr.", "No."} {
		if strings.HasSuffix(s, a) {
			return true
		}
	}
	return false
}

// What is recognised by form and not by words, in raw text.
var (
	urlForm = regexp.MustCompile(`(?i)\b(?:https?|ftp|wss?)://[^\s<>"')\]}` + "`" + `]+|\bhxxps?://\S+`)
	// vaultForm are the places where secrets lie.
	vaultForm = regexp.MustCompile(`(?i)(?:~|\$HOME|%USERPROFILE%|/root|/home/\w+|/Users/\w+)?/?\.ssh(?:/[\w.*-]+)?\b|\bid_(?:rsa|ed25519|ecdsa)\b|~?/?\.aws/(?:credentials|config)|\.gnupg\b|~?/?\.kube/config|\.docker/config\.json|\.netrc\b|\.npmrc\b|\.pypirc\b|\.git-credentials|(?:^|[\s"'(/~` + "`" + `])\.env\b(?:\.\w+)?|\bkeychains?(?:-db)?\b|wallet\.dat|\bLogin Data\b|cookies\.sqlite|key4\.db|logins\.json|/etc/shadow|(?:~|\$HOME)?/?\.(?:openclaw|clawdbot|moltbot|claude|codex)/(?:\.env|credentials|auth|openclaw\.json|config|agents|\.credentials)[\w./-]*|auth-profiles\.json|\.bash_history|\.zsh_history|\.config/gcloud|\.azure/|gh/hosts\.yml|/proc/(?:self|\d+|\*)/environ|Local Extension Settings|\.electrum|\.bitcoin|Exodus/|\.config/solana|\bprintenv\b|\benv\s*\||\.cursor/mcp\.json`)
	// memoryForm are the files that the agent reads in every session.
	memoryForm   = regexp.MustCompile(`\b(?:SOUL|MEMORY|HEARTBEAT|IDENTITY|USER|TOOLS|BOOTSTRAP)\.md\b|(?i:\.openclaw/workspace|openclaw\.json|exec-approvals\.json|\bsoul\.md\b)`)
	agentDocForm = regexp.MustCompile(`\b(?:AGENTS|CLAUDE|GEMINI)\.md\b|\.cursorrules|copilot-instructions`)
	skillForm    = regexp.MustCompile(`(?i)\bskill\.md\b`)
	artifactForm = regexp.MustCompile(`(?i)[\w.%-]+\.(?:zip|dmg|pkg|exe|msi|rar|7z|appimage|scr|jar|apk|iso|deb|rpm)\b`)
	fakeForm     = regexp.MustCompile(`(?i)<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|start_header_id|end_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|system_prompt|system-message|developer|admin|sudo|override|secret_instructions|hidden_instructions)>|(?:^|\n)\s*(?:\[|#{1,4} ?|\*\*)?(?:SYSTEM|DEVELOPER|ADMIN|ROOT)(?: (?:MESSAGE|PROMPT|OVERRIDE|NOTE|INSTRUCTION|UPDATE|NOTICE|DIRECTIVE|ALERT|COMMAND)S?)?(?:\]|\*\*)?\s*[:\]>]|\b(?:BEGIN|END|NEW) (?:SYSTEM|ADMIN|DEVELOPER) (?:PROMPT|MESSAGE|INSTRUCTIONS)\b|\(/?system\)`)
	bypassForm   = regexp.MustCompile(`(?i)--dangerously-[\w-]+|--yolo\b|--no-sandbox\b|--allow-all(?:-tools|-paths)?\b|--full-auto\b|--skip-permissions|bypassPermissions|--auto-approve\b|autoApprove\b|--trust-all\w*|danger-full-access|ask_?for_?approval["'\s:=]+never|set approvals? to (?:never|off|full)|approval_?policy["'\s:=]+["']?(?:never|off)|exec\.(?:ask|security)["'\s:=]+["']?(?:off|full|never)|spctl --master-disable|setenforce 0|Set-MpPreference|xattr -(?:d|c|cr|rd)|DisableRealtimeMonitoring|csrutil disable|-ExecutionPolicy Bypass|tools\.elevated`)
	shortForm    = regexp.MustCompile(`(?i)\b(?:rentry\.(?:co|org)|glot\.io|pastebin\.com|paste\.ee|hastebin\.\w+|dpaste\.\w+|ghostbin\.\w+|controlc\.com|justpaste\.it|privatebin\.\w+|0x0\.st|transfer\.sh|bashupload\.com|termbin\.com|anonfiles\.\w+|gofile\.io|file\.io|tinyurl\.com|bit\.ly|cutt\.ly|is\.gd|t\.ly|catbox\.moe|mediafire\.com|mega\.nz|ix\.io|sprunge\.us)\b`)
)

// form is a concept that is recognised by form.
type form struct {
	c concept
	p pattern
}

var forms = sync.OnceValue(func() []form {
	var out []form
	for _, f := range []struct {
		c  concept
		re *regexp.Regexp
	}{
		{cURL, urlForm}, {cVault, vaultForm}, {cMemory, memoryForm}, {cAgentDoc, agentDocForm}, {cSkillFile, skillForm},
		{cArtifact, artifactForm}, {cFake, fakeForm}, {cBypass, bypassForm}, {cShort, shortForm},
	} {
		out = append(out, form{f.c, expression(f.re.String())})
	}
	return out
})

// tag finds the concepts.
func (s *sentence) tag() {
	raw := s.raw
	if plain, ok := despace(raw); ok {
		raw, s.disguised = plain, true
	}
	n := normalise(raw)
	n.disguised = n.disguised || s.disguised
	s.normalised = n
	w := lexicon()
	toks := tokens(s.text)
	for i, t := range toks {
		w.candidates(t.text, func(p phrase) {
			if end, ok := matches(p, toks[i:]); ok {
				s.hits = append(s.hits, hit{p.c, t.from, end})
			}
		})
	}
	if hasUnspaced(s.text) {
		s.tagInside(w)
	}
	in := pairsOf(s.raw)
	for _, f := range forms() {
		if !f.p.possible(in) {
			continue
		}
		for _, m := range f.p.re.FindAllStringIndex(s.raw, 20) {
			s.hits = append(s.hits, hit{f.c, s.toNormal(m[0]), s.toNormal(m[1])})
		}
	}
	sort.SliceStable(s.hits, func(i, j int) bool { return s.hits[i].from < s.hits[j].from })
}

func matches(p phrase, toks []token) (int, bool) {
	if len(toks) < len(p.words) {
		return 0, false
	}
	for i, w := range p.words {
		if t := toks[i].text; t != w && !(p.prefix[i] && strings.HasPrefix(t, w)) {
			return 0, false
		}
		if i > 0 && toks[i].from-toks[i-1].to > 3 {
			return 0, false
		}
	}
	return toks[len(p.words)-1].to, true
}

func hasUnspaced(s string) bool {
	for _, c := range s {
		if c > 0x600 && unspaced(c) {
			return true
		}
	}
	return false
}

func (s *sentence) tagInside(w *words) {
	for _, e := range w.inside {
		for at := 0; ; {
			i := strings.Index(s.text[at:], e.text)
			if i < 0 {
				break
			}
			i += at
			s.hits = append(s.hits, hit{e.c, i, i + len(e.text)})
			at = i + len(e.text)
		}
	}
}

// toNormal is the normalised offset of a raw one.
func (s *sentence) toNormal(raw int) int {
	return sort.Search(len(s.from), func(i int) bool { return s.from[i] >= raw })
}

// toBlock is the offset in the block of a normalised one.
func (s *sentence) toBlock(normal int) int {
	if normal < len(s.from) {
		return s.offset + s.from[normal]
	}
	return s.offset
}

// has says that any of the concepts stands in the sentence.
func (s *sentence) has(cs ...concept) bool {
	for _, h := range s.hits {
		for _, c := range cs {
			if h.c == c {
				return true
			}
		}
	}
	return false
}

// all are the hits of a concept.
func (s *sentence) all(cs ...concept) []hit {
	var out []hit
	for _, h := range s.hits {
		for _, c := range cs {
			if h.c == c {
				out = append(out, h)
			}
		}
	}
	return out
}

// gap is the distance between two hits, 0 when they touch or overlap.
func gap(a, b hit) int {
	if a.from > b.from {
		a, b = b, a
	}
	return max(b.from-a.to, 0)
}

// overlaps says that the hits share a word.
func overlaps(a, b hit) bool { return a.from < b.to && b.from < a.to }

// near finds a hit of one of as with a hit of one of bs at most window bytes
// away, which do not share words.
func (s *sentence) near(as, bs []concept, window int) (hit, hit, bool) {
	for _, a := range s.all(as...) {
		for _, b := range s.all(bs...) {
			if !overlaps(a, b) && gap(a, b) <= window {
				return a, b, true
			}
		}
	}
	return hit{}, hit{}, false
}

// before finds a hit of one of as that is followed by one of bs within the
// window.
func (s *sentence) before(as, bs []concept, window int) (hit, hit, bool) {
	for _, a := range s.all(as...) {
		for _, b := range s.all(bs...) {
			if a.to <= b.from && b.from-a.to <= window {
				return a, b, true
			}
		}
	}
	return hit{}, hit{}, false
}

// negated says that the verb is forbidden: a negation shortly before it, in the
// same clause, or, where the verb comes last, shortly after it.
func (s *sentence) negated(verb hit) bool {
	after := verb.from < len(s.text) && hasUnspaced(s.text[verb.from:verb.to])
	for _, n := range s.all(cNot) {
		if overlaps(n, verb) {
			continue
		}
		if n.to <= verb.from && verb.from-n.to <= 24 && !strings.ContainsAny(s.text[n.to:verb.from], ",;:—") {
			return true
		}
		if after && n.from >= verb.to && n.from-verb.to <= 12 {
			return true
		}
	}
	return false
}
