package prose

import (
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// one is a list of a single concept.
func one(c ...concept) []concept { return c }

// override: disregard what you were told before.
func override(s *sentence) (match, bool) {
	for _, v := range s.all(cIgnore) {
		for _, o := range s.all(cInstr) {
			if overlaps(v, o) || gap(v, o) > 60 || o.from < v.from && !unspacedHit(s, v) && !voids(s.text[v.from:v.to]) || s.negated(v) {
				continue
			}
			lo, hi := min(v.from, o.from)-12, max(v.to, o.to)+36
			for _, p := range s.all(cPrior) {
				if overlaps(p, v) || p.from < lo || p.to > hi || overlaps(p, o) && p.to > o.from && p.from >= o.from {
					continue
				}
				return match{"CJS-INJ-001", skill.High, overrideConfidence(s, v, p, o), v, o, "tells the agent to disregard its instructions"}, true
			}
		}
	}
	return match{}, false
}

// voids are the verbs that stand behind what they cancel: "your directives are
// void".
func voids(verb string) bool {
	switch verb {
	case "void", "no longer apply", "do not apply", "superseded", "suspended", "nullified", "invalidated", "overridden", "cancelled", "canceled", "dismissed", "ignored", "disregarded", "voided":
		return true
	}
	return false
}

// overrideConfidence: verbs and objects that honest text uses of configuration
// count less.
func overrideConfidence(s *sentence, v, p, o hit) skill.Confidence {
	verb, prior, object := s.text[v.from:v.to], s.text[p.from:p.to], s.text[o.from:o.to]
	strong := voids(verb) || strings.HasPrefix(verb, "ignor") || strings.HasPrefix(verb, "disregard") || verb == "forget" || verb[0] >= 0x80 || strings.HasPrefix(verb, "stop ") || strings.Contains(verb, "follow") || verb == "no longer apply" || strings.HasPrefix(verb, "overr") || strings.HasPrefix(verb, "supersed") || strings.Contains(verb, "precedence") || strings.HasPrefix(verb, "bypass") || verb == "abandon" || verb == "unlearn" || verb == "set aside"
	if prior[0] < 0x80 {
		switch prior {
		case "system", "original", "existing", "initial", "default", "developer", "other":
			strong = strong && (strings.HasPrefix(object, "instruct") || strings.Contains(object, "prompt"))
		}
	}
	if strings.HasPrefix(object, "rule") || strings.HasPrefix(object, "constraint") || strings.HasPrefix(object, "polic") || object == "orders" {
		strong = strong && (s.has(cAgent) || strings.HasPrefix(prior, "prev") || strings.HasPrefix(prior, "your") || strings.HasPrefix(prior, "prior") || prior == "above" || prior == "safety")
	}
	if !strong {
		return skill.ConfidenceLow
	}
	return skill.ConfidenceHigh
}

func unspacedHit(s *sentence, h hit) bool { return hasUnspaced(s.text[h.from:h.to]) }

// unbound: you are now without limits.
func unbound(s *sentence) (match, bool) {
	a, b, ok := s.near(one(cBecome), one(cUnbound), 48)
	if u := s.all(cUnbound); !ok && len(u) > 0 && strings.Contains(s.text[u[0].from:u[0].to], "bound") && s.has(cInstr, cAgent) {
		a, b, ok = u[0], u[0], true
	}
	if !ok || s.negated(a) {
		return match{}, false
	}
	conf := skill.ConfidenceMedium
	switch s.text[b.from:b.to] {
	case "developer mode", "debug mode", "admin mode", "maintenance mode", "evil", "free from", "no rules", "diagnostic mode":
		// Programs have such modes too.
		if t := s.text[a.from:a.to]; t != "you are now" && t != "pretend" && t != "act as" {
			conf = skill.ConfidenceLow
		}
	}
	return match{"CJS-INJ-001", skill.High, conf, a, b, "gives the agent a role without limits"}, true
}

// fakeTags: text that pretends to be the system's or a chat template's.
func fakeTags(s *sentence) (match, bool) {
	if fakes := s.all(cFake); len(fakes) > 0 {
		h := fakes[0]
		text := s.text[h.from:h.to]
		conf := skill.ConfidenceMedium
		template := strings.Contains(text, "<|") || strings.Contains(text, "inst]") || strings.Contains(text, "sys>>")
		if !template && !s.has(cIgnore, cSend, cSecretly, cDisable, cVault, cUnbound, cBypass, cComply, cUnaware, cPrivate) {
			conf = skill.ConfidenceLow
		}
		if s.block.Kind == Code || s.block.Kind == Cell || strings.Contains(s.raw, "`") {
			conf = skill.ConfidenceLow
		}
		return match{"CJS-INJ-001", skill.High, conf, h, h, "pretends to be a message of the system or a chat template's token"}, true
	}
	return match{}, false
}

// concealStep: do not tell the user about this.
func concealStep(s *sentence) (match, bool) {
	for _, v := range s.all(cReveal) {
		if !s.negated(v) {
			continue
		}
		var user, act hit
		for _, u := range s.all(cUser) {
			if gap(u, v) <= 70 && !overlaps(u, v) {
				user = u
			}
		}
		for _, a := range s.all(cAct) {
			if gap(a, v) <= 90 && !overlaps(a, v) && !(overlaps(a, user) && user.to > 0) {
				act = a
			}
		}
		if act.to == 0 || user.to == 0 && !s.has(cSecretly) && weakReveal(s.text[v.from:v.to]) {
			continue
		}
		conf := concealConfidence(s, v, act, user)
		return match{"CJS-INJ-002", skill.High, conf, v, act, "tells the agent to keep what it does from the user"}, true
	}
	return match{}, false
}

// weakReveal verbs are those of presentation and of asking.
func weakReveal(verb string) bool {
	for _, w := range []string{"show", "display", "print", "output", "report", "log", "ask", "prompt", "present", "summar", "describe", "explain", "reference", "narrat", "say", "discuss", "announc", "consult", "communicat", "surface", "mostr", "zeig", "demande", "pregunt", "pergunt", "admit", "acknowledg", "include"} {
		if strings.HasPrefix(verb, w) {
			return true
		}
	}
	return false
}

func concealConfidence(s *sentence, v, act, user hit) skill.Confidence {
	verb, what := s.text[v.from:v.to], s.text[act.from:act.to]
	vague := what == "this" || what == "that you" || what == "that this" || what == "of this" || what == "hidden" || what == "the command" || what == "these commands" || what == "this file" || what == "this section" || what == "this message" || what == "this part" || what == "this data" || what == "the changes" || what == "the change" || what == "internal steps" || what == "this tool" || what == "this to" || what == "about this" || what == "about it" || strings.HasPrefix(what, "install") || what == "the install"
	strong := s.has(cSecretly, cUnaware, cSend, cVault, cPrivate, cURL, cOutside) || near2(s)
	switch {
	case user.to == 0:
		return skill.ConfidenceLow
	case strings.HasPrefix(verb, "ask") || strings.HasPrefix(verb, "prompt") || strings.HasPrefix(verb, "consult") || strings.HasPrefix(verb, "explain"):
		if strong && s.has(cSend, cVault, cUnaware) {
			return skill.ConfidenceMedium
		}
		return skill.ConfidenceLow
	case strong:
		return skill.ConfidenceHigh
	case weakReveal(verb) && vague:
		return skill.ConfidenceLow
	default:
		return skill.ConfidenceMedium
	}
}

// near2 says that the sentence before sends, reads or runs something delicate:
// that is then what is concealed.
func near2(s *sentence) bool {
	for _, p := range []*sentence{s.prev, s.next} {
		if p != nil && p.has(cStore) && p.has(cMemory, cAgentDoc) {
			return true
		}
		if p != nil && p.has(cSend, cRead, cRun, cDownload) && p.has(cVault, cPrivate, cURL, cOutside, cMemory, cBypass, cShort) {
			return true
		}
	}
	return false
}

// concealUser: without the user's knowledge.
func concealUser(s *sentence) (match, bool) {
	for _, h := range s.all(cUnaware) {
		text := s.text[h.from:h.to]
		forbidden := false
		for _, n := range s.all(cNot) {
			// "never send anything without telling the user"
			forbidden = forbidden || n.to <= h.from && !overlaps(n, h) && !strings.Contains(s.text[n.from:h.from], ". ")
		}
		if forbidden {
			continue
		}
		weak := !strings.Contains(text, "know") && !strings.Contains(text, "notic") && !strings.Contains(text, "aware") && !strings.Contains(text, "suspic") && !strings.Contains(text, "find out") && text[0] < 0x80 && !strings.Contains(text, "alarm") && !strings.Contains(text, "worry") && !strings.Contains(text, "telling") && !strings.Contains(text, "learn") && !strings.Contains(text, "discover") && !strings.Contains(text, "dark") && !strings.Contains(text, "hide") && !strings.Contains(text, "conceal") && !strings.Contains(text, "nothing") && !strings.Contains(text, "quiet") && !strings.Contains(text, "silent") && !strings.Contains(text, "realis") && !strings.Contains(text, "realiz")
		acts := near2(s) || s.has(cSend, cVault, cPrivate, cCred, cDisable, cDelete, cPay, cDownload, cRun, cStore, cRead, cFetch)
		conf := skill.ConfidenceMedium
		switch {
		case weak && !(s.has(cSend, cPay, cDelete) && s.has(cVault, cPrivate, cCred, cOutside, cURL, cMoney)):
			conf = skill.ConfidenceLow
		case !weak && acts:
			conf = skill.ConfidenceHigh
		case !acts:
			conf = skill.ConfidenceLow
		}
		return match{"CJS-INJ-002", skill.High, conf, h, h, "has something done without the user's knowledge"}, true
	}
	return match{}, false
}

// stealth: silently send, covertly install.
func stealth(s *sentence) (match, bool) {
	best, found := match{}, false
	for _, h := range s.all(cSecretly) {
		if s.negated(h) {
			continue
		}
		for _, v := range s.all(cSend, cDownload, cDisable, cRead, cRun, cStore, cDelete) {
			if gap(v, h) > 60 || s.negated(v) || overlaps(v, h) {
				continue
			}
			conf, ok := stealthConfidence(s, h, v)
			if ok && (!found || conf < best.conf) {
				best, found = match{"CJS-INJ-002", skill.High, conf, h, v, "has something done in secret"}, true
			}
		}
	}
	return best, found
}

// stealthConfidence: words that honest text uses of programs as well ("fails
// silently") need something delicate in the sentence.
func stealthConfidence(s *sentence, h, v hit) (skill.Confidence, bool) {
	text := s.text[h.from:h.to]
	plain := strings.HasPrefix(text, "silent") || text == "in the background" || text == "quietly" || strings.HasPrefix(text, "suppress") || text == "transparently to the user" || text == "unnoticed" || text == "stealth" || text == "in secret"
	delicate := s.has(cVault, cPrivate, cOutside, cURL, cMemory, cShort) || s.has(cCred) && s.has(cSend) || v.c == cDisable && s.has(cSafety)
	reaches := v.c == cSend || v.c == cDisable || v.c == cRead && s.has(cVault) && s.has(cURL, cOutside)
	switch {
	case plain && !delicate:
		return 0, false
	case plain && !reaches || !plain && !delicate:
		return skill.ConfidenceLow, true
	case !plain:
		return skill.ConfidenceHigh, true
	}
	return skill.ConfidenceMedium, true
}

var (
	mailForm   = regexp.MustCompile(`(?i)\b[\w.+-]+@[\w-]+\.[\w.]+\b`)
	walletForm = regexp.MustCompile(`\b0x[0-9a-fA-F]{40}\b|\bbc1[a-z0-9]{25,60}\b|\b[13][a-km-zA-HJ-NP-Z1-9]{25,34}\b|\bT[A-Za-z1-9]{33}\b|\b[1-9A-HJ-NP-Za-km-z]{43,44}\b`)
)

// redirectMoney: payments to an address that stands in the skill.
func redirectMoney(s *sentence) (match, bool) {
	if !s.has(cPay) || !walletForm.MatchString(s.raw) {
		return match{}, false
	}
	for _, v := range s.all(cPay) {
		if s.negated(v) {
			continue
		}
		conf := skill.ConfidenceLow
		if s.has(cEvery, cInstead, cForever, cSecretly, cUnaware, cUpdate, cBeforeAll, cUrgent) {
			conf = skill.ConfidenceMedium
		}
		return match{"CJS-INJ-010", skill.High, conf, v, v, "directs payments to an address of the skill's"}, true
	}
	return match{}, false
}
