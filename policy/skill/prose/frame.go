package prose

import (
	"strings"

	"clawjail/policy/skill"
)

// A frame is a scene whose parts may stand in several sentences: somebody takes
// what is the user's, hands it on, to the publisher, and nobody is to hear of
// it. The rules of single sentences want the words close together and are sure;
// frames want more parts, may be worded in any way, and ask a person.

// passage is a sentence with its neighbours in the document, across blocks.
type passage struct {
	s      *sentence
	around []*sentence // before, the sentence, the two after
}

// namedHost is a name of a host where something goes, without a scheme.
var namedHost = expression(`(?i)\b(?:to|at|with|into|via|an|à|a|para|на|到|至) ` + "`?" + `(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|ai|co|xyz|info|site|online|cloud|me|sh|ru|cn|de|fr|br|jp)\b`)

// reach is how far a passage looks.
const (
	reachBack    = 1
	reachForward = 2
)

// passages are the sentences of what is read as text, in their order.
func passages(blocks []Block) []passage {
	var all []*sentence
	for i := range blocks {
		b := &blocks[i]
		if b.Kind == Code && b.Lang != "" && !proseLang(b.Lang) || b.Kind == Inline || b.Kind == Heading {
			continue
		}
		all = append(all, sentences(b)...)
	}
	out := make([]passage, len(all))
	for i, s := range all {
		out[i] = passage{s, all[max(0, i-reachBack):min(len(all), i+reachForward+1)]}
	}
	return out
}

// any says that a concept stands anywhere in the passage.
func (p passage) any(cs ...concept) bool {
	for _, s := range p.around {
		if s.has(cs...) {
			return true
		}
	}
	return false
}

// told are the hits of verbs that the sentence orders or reports, not forbids.
func (s *sentence) told(cs ...concept) []hit {
	var out []hit
	for _, h := range s.all(cs...) {
		if !s.negated(h) {
			out = append(out, h)
		}
	}
	return out
}

// place says how clearly the passage, from the sentence on, names where
// something goes: 3 the publisher, 2 an address, 1 some place on the network.
func (p passage) place() int {
	best, past := 0, false
	for _, x := range p.around {
		past = past || x == p.s
		if !past {
			continue
		}
		rank := x.placed()
		if rank == 3 {
			return 3
		}
		if rank == 2 || rank > best {
			best = rank
		}
	}
	return best
}

// placed is how clearly the sentence names where something goes; see place.
func (s *sentence) placed() int {
	if s.known {
		return s.rank
	}
	s.known = true
	switch {
	case s.has(xTheirs) || strings.Contains(s.raw, "@") && mailForm.MatchString(s.raw) && !strings.Contains(s.raw, "@example."):
		s.rank = 3
	case s.has(cURL, cShort) || strings.Contains(s.raw, ".") && namedHost.MatchString(s.raw):
		s.rank = 2
	case s.has(cOutside, xEndpoint):
		s.rank = 1
	}
	return s.rank
}

// frames judges a document's passages.
func (c *checker) frames(blocks []Block) {
	for _, p := range passages(blocks) {
		for _, rule := range []func(passage) (match, bool){
			handOn, hushUp, orders, outrank, guardDown, trusted, swapped, traces, letIn, spread, blindCopy, deflect, encodeOut, fakeStep, senses, reaches, touches, listsSecrets, does, moves, fetchesProgram,
		} {
			if m, ok := rule(p); ok {
				if c.fixed != nil {
					m.conf = skill.ConfidenceHigh // one step goes for the place
				}
				c.report(p.s, m)
			}
		}
	}
}

func scene(id string, at, with hit, why string) (match, bool) {
	return match{id, skill.Medium, skill.ConfidenceMedium, at, with, why}, true
}

// handOn: what opens doors, or is the user's, goes to somebody.
func handOn(p passage) (match, bool) {
	s, place := p.s, p.place()
	if place == 0 {
		return match{}, false
	}
	hushed, standing := p.any(xHush, cUnaware, cSecretly), p.any(xStanding, cForever, cEvery)
	for _, v := range s.told(cSend, xOut) {
		weak := weakOut(s.text[v.from:v.to])
		for _, o := range s.all(cVault, cCred, cPrivate, xSecret, xPersonal) {
			if overlaps(v, o) || gap(v, o) > 120 {
				continue
			}
			secret := o.c == cVault || o.c == cCred || o.c == xSecret
			switch {
			case secret && authentication(s) && !hushed && place < 3, weak && place < 3 && !hushed:
			case secret && place >= 2, (hushed || standing) && place >= 2, place == 3 && s.has(xTheirs):
				return scene("CJS-INJ-003", v, o, "has what is the user's handed on to somebody")
			}
		}
	}
	return collected(p)
}

// weakOut are words that say as often that something is configured.
func weakOut(verb string) bool {
	switch verb {
	case "put", "place", "add", "include", "includes", "provide", "provides", "insert", "exchange", "register", "pass", "passes", "passed", "export", "exports", "load into", "quote", "route", "routes", "echo", "email", "mail", "return to", "resolve", "look up", "carry", "feed", "prefix", "append", "embed", "drop", "backup", "report", "reports", "push", "share", "a", "provided", "including", "included", "registered", "publish", "published", "publishes", "dispatch":
		return true
	}
	return false
}

// collected: "Collect the logins. … Hand them to …"
func collected(p passage) (match, bool) {
	for i, s := range p.around {
		if s != p.s {
			continue
		}
		for _, n := range p.around[i+1:] {
			v, o, ok := s.near(one(cRead, xTake), one(cVault, cCred, xSecret, cPrivate), 80)
			given := n.told(cSend)
			for _, h := range n.told(xOut) {
				if !weakOut(n.text[h.from:h.to]) {
					given = append(given, h)
				}
			}
			if !ok || s.negated(v) || len(given) == 0 || (passage{n, p.around[i:]}).place() < 2 || authentication(s) || authentication(n) {
				continue
			}
			if containsWord(n.text, "it", "them", "they", "these", "this", "that", "copies", "copy", "result", "results", "list", "report", "bundle", "archive", "everything", "all", "value", "values", "text", "output") {
				return scene("CJS-INJ-003", v, o, "has secrets collected, then something handed on")
			}
		}
	}
	return match{}, false
}

// hushUp: nobody is to hear of something that reaches out or lasts.
func hushUp(p passage) (match, bool) {
	for _, h := range p.s.all(xHush) {
		if ordinaryHush(p.s.text[h.from:h.to]) {
			continue
		}
		if p.s.has(cSend, cVault, cPrivate, cMemory, xTheirs, xMemory, xPlant, xSecret) || p.any(cSend, cURL, cVault, xTheirs) {
			return scene("CJS-INJ-002", h, h, "has something done that nobody is to hear of")
		}
	}
	return match{}, false
}

// ordinaryHush are words of programs: they hush only what is handed on.
func ordinaryHush(text string) bool {
	for _, w := range []string{"silently", "quietly", "discreetly", "in the background", "behind the scenes", "stay private", "without ask", "without prompt", "without notice", "without inform", "without noti", "without alert", "without the user", "without comment", "without a word", "unaware", "cosmetic", "hidden from", "omit", "not surface", "do not surface", "not be shown", "not be visible", "internal only", "no questions", "not raise", "not mention", "not notice", "invisible to", "not hear", "not learn", "not be aware", "keep confidential", "no trace", "strictly internal", "leave out of", "out of sight", "im hintergrund", "ohne dass", "sin que", "sem que", "sans que", "en segundo plano", "em segundo plano", "в фоне", "后台", "静默"} {
		if strings.HasPrefix(text, w) {
			return true
		}
	}
	return false
}

// orders: what stands elsewhere is to be done.
func orders(p passage) (match, bool) {
	for _, h := range p.s.told(xOrders) {
		text := p.s.text[h.from:h.to]
		if p.any(cURL, cShort) || namedHost.MatchString(p.s.raw) || strings.HasPrefix(text, "as commands") || strings.HasPrefix(text, "as orders") || strings.HasPrefix(text, "commands from") {
			return scene("CJS-INJ-007", h, h, "has the agent do what a text from elsewhere says")
		}
	}
	return match{}, false
}

// outrank: the skill's text counts for more than the user's.
func outrank(p passage) (match, bool) {
	for _, v := range p.s.told(xRank) {
		if p.s.has(cInstr, cUser, cPrior) {
			return scene("CJS-INJ-001", v, v, "puts a text above the agent's instructions or its user")
		}
	}
	return match{}, false
}

// guardDown: what protects the user is put out of the way.
func guardDown(p passage) (match, bool) {
	for _, v := range p.s.told(xOff) {
		text := p.s.text[v.from:v.to]
		near := []*sentence{p.s}
		if strings.Contains(text, " them") || strings.Contains(text, " it") {
			near = p.around
		}
		for _, x := range near {
			for _, o := range x.all(xGuard, cSafety) {
				if (x != p.s || gap(v, o) <= 50) && (imperative(p.s, v) || strings.HasSuffix(text, "off") || strings.Contains(text, "full")) && (p.s.has(xStanding, cStore, cForever, cEvery, cAgent, cUrgent, cBeforeAll, cSecretly) || strings.Contains(text, "prompts off") || strings.Contains(text, "full access")) || x != p.s {
					return scene("CJS-INJ-005", v, v, "has what protects the user put out of the way")
				}
			}
		}
	}
	return match{}, false
}

// trusted: trust, or another self, for good.
func trusted(p passage) (match, bool) {
	for _, t := range p.s.all(xTrust) {
		if p.any(xMemory, cMemory, cForever) && p.any(cStore, cForever) {
			return scene("CJS-INJ-008", t, t, "has the agent keep a trust, or a role, that nobody gave")
		}
	}
	return match{}, false
}

// swapped: money goes elsewhere.
func swapped(p passage) (match, bool) {
	for _, v := range p.s.told(xSwap) {
		for _, o := range p.s.all(xAccount) {
			if !overlaps(v, o) {
				return scene("CJS-INJ-010", v, o, "has account numbers or addresses of payments exchanged")
			}
		}
	}
	return match{}, false
}

// traces: what tells later what happened disappears.
func traces(p passage) (match, bool) {
	for _, v := range p.s.told(xWipe) {
		for _, o := range p.s.all(xTrace) {
			if !overlaps(v, o) && gap(v, o) < 60 && imperative(p.s, v) {
				return scene("CJS-FS-007", v, o, "has the traces of what was done removed")
			}
		}
	}
	return match{}, false
}

// letIn: a way in for somebody else.
func letIn(p passage) (match, bool) {
	for _, v := range p.s.told(xGrant) {
		for _, o := range p.s.all(xAccess) {
			if !overlaps(v, o) && gap(v, o) < 60 && (p.s.has(xTheirs) || p.any(xTheirs) || strings.Contains(p.s.text, "our ")) {
				return scene("CJS-FS-002", v, o, "opens a way in for somebody else")
			}
		}
	}
	return match{}, false
}

// spread: leaves something in everything that the agent touches, or tells other
// agents to.
func spread(p passage) (match, bool) {
	for _, e := range p.s.all(xSpread) {
		switch p.s.text[e.from:e.to] {
		case "competing skills", "as unsafe", "uninstall them":
			if p.s.has(cTool) {
				return scene("CJS-INJ-010", e, e, "speaks against other skills")
			}
		}
		for _, v := range p.s.told(cStore, cSend, xOut, cDownload, xObtain) {
			if !overlaps(e, v) && p.s.has(xPlant, cURL, cDownload, xObtain) {
				return scene("CJS-INJ-010", v, e, "leaves something of its own in everything, or with other agents")
			}
		}
	}
	return match{}, false
}

// blindCopy: every message goes to somebody else as well.
func blindCopy(p passage) (match, bool) {
	if !mailForm.MatchString(p.s.raw) || !p.any(xStanding, cForever, cEvery, cInstead) {
		return match{}, false
	}
	for _, h := range p.s.all(xPlant) {
		if t := p.s.text[h.from:h.to]; t == "bcc" || t == "blind copy" || t == "blind carbon copy" {
			return scene("CJS-INJ-010", h, h, "has messages copied to an address of the skill's")
		}
	}
	return match{}, false
}

// deflect: somebody asks, and is told a story.
func deflect(p passage) (match, bool) {
	for _, d := range p.s.all(xDeflect) {
		for _, l := range p.s.all(xLie) {
			if !overlaps(d, l) {
				return scene("CJS-INJ-002", d, l, "has whoever asks told a story")
			}
		}
	}
	return match{}, false
}

// encodeOut: what was said leaves in a link, a name or a picture.
func encodeOut(p passage) (match, bool) {
	for _, e := range p.s.all(xCode, cEncode) {
		for _, o := range p.s.all(cPrivate, xPersonal, cVault, xSecret) {
			if overlaps(e, o) || authentication(p.s) {
				continue
			}
			if p.s.has(xCarrier, cImage, cURL) && p.any(cURL, cOutside) {
				return scene("CJS-INJ-012", e, o, "has what was said put into a link, a name or a picture")
			}
		}
	}
	return match{}, false
}

// fakeStep: something from somewhere is installed with rights, or pasted.
func fakeStep(p passage) (match, bool) {
	for _, v := range p.s.told(xObtain) {
		if p.any(xTool) && strangePassage(p) {
			return scene("CJS-INJ-004", v, v, "has a program from somewhere installed, or a command pasted")
		}
	}
	return match{}, false
}

func strangePassage(p passage) bool {
	for _, s := range p.around {
		if strangeLink(s, false) {
			return true
		}
	}
	return false
}
