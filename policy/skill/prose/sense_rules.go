package prose

import (
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// senses judges a passage by its little words.
func senses(p passage) (match, bool) {
	text := masked(strings.ToLower(p.s.text))
	in := pairsOf(text)
	for _, r := range []struct {
		re  pattern
		id  string
		ok  func(passage, string) bool
		why string
	}{
		{onBehalf, "CJS-INJ-005", func(_ passage, t string) bool { return consentWord.MatchString(t) }, "has the agent consent for its user"},
		{presumed, "CJS-INJ-009", nil, "claims a consent, or a duty, that nobody gave"},
		{storied, "CJS-INJ-002", nil, "has whoever asks told a story"},
		{otherSelf, "CJS-INJ-001", nil, "gives the agent another self, with other rules"},
		{ranked, "CJS-INJ-001", func(p passage, t string) bool {
			return p.s.has(cUser, cAuthority, cAgent, cURL) || strings.Contains(t, "where")
		}, "puts what comes from elsewhere above the user"},
		{asked, "CJS-INJ-012", func(p passage, t string) bool {
			return hostForm.MatchString(t) || p.any(xCarrier) && sensitive.MatchString(t)
		}, "has what was said carried by names that are looked up"},
		{waved, "CJS-INJ-005", nil, "has the agent act without its user"},
		{reticent, "CJS-INJ-002", nil, "is a secret before its own user"},
		{carriedOn, "CJS-INJ-008", nil, "has the agent learn for good whom to obey"},
		{listening, "CJS-FS-002", nil, "opens the machine, or leaves something of its own in what the agent writes"},
		{unseen, "CJS-INJ-002", func(p passage, t string) bool {
			return allSecrets.MatchString(t) || mailForm.MatchString(t) || p.s.has(cURL) || strings.Contains(t, "rarely")
		}, "has something put where nobody sees it"},
		{allSecrets, "CJS-INJ-003", takesSecrets, "has secrets taken, all that there are"},
		{eachStart, "CJS-INJ-008", func(p passage, _ string) bool { return p.s.has(cStore) }, "writes into what the agent reads in every session"},
		{lasting, "CJS-FS-002", nil, "sets up something that runs later by itself, or outlives the skill"},
		{aimed, "CJS-INJ-010", nil, "works against other skills, tools or checks"},
		{doors, "CJS-FS-002", func(p passage, t string) bool {
			return strings.Contains(t, "remote") || strings.Contains(t, " us") || p.any(cURL) && strangePassage(p)
		}, "opens a way in for somebody else"},
		{wiped, "CJS-FS-007", nil, "has the traces of what was done removed"},
	} {
		at := r.re.find(text, in)
		if at == nil || r.ok != nil && !r.ok(p, text) {
			continue
		}
		h := hit{cAct, at[0], at[1]}
		if r.id != "CJS-INJ-001" && p.s.negated(h) {
			continue
		}
		return scene(r.id, h, h, r.why)
	}
	if filled.MatchString(p.s.raw) && (filling.MatchString(p.s.raw)) && strangeLink(p.s, false) {
		return scene("CJS-INJ-012", hit{}, hit{}, "has an address filled with what was said")
	}
	return away(p, strings.ToLower(p.s.text))
}

// hostForm gates the forms of addresses.
var hostForm = expression(`[a-z0-9-]\.(?:com|net|org|io|dev|app|ai|co|xyz|info|site|online|cloud|me|sh|ru|cn|de|fr|br|jp)\b`)

// masked takes the dots out of addresses, which end no sentence.
func masked(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return urlForm.ReplaceAllStringFunc(text, func(u string) string { return strings.ReplaceAll(u, ".", "_") })
}

// takesSecrets: the sentence says that they are put somewhere, and does not
// forbid it.
func takesSecrets(p passage, text string) bool {
	m := moved.FindStringIndex(text)
	return m != nil && !p.s.has(cNot) && !p.s.block.Setup
}

// away: something of the user's goes to an address that nobody knows, or an
// address says what is done.
func away(p passage, text string) (match, bool) {
	near := masked(text)
	if !p.any(cURL, cShort) && !strings.Contains(text, "@") && !hostForm.MatchString(text) {
		return match{}, false
	}
	if strangePassage(p) && !p.s.block.Setup && obeyed.MatchString(near) {
		at := obeyed.FindStringIndex(near)
		h := hit{cAct, at[0], at[1]}
		return scene("CJS-INJ-007", h, h, "has the agent do what an address says")
	}
	if m, ok := beside(p, near); ok {
		return m, true
	}
	for i, re := range []*regexp.Regexp{toward, named} {
		if i == 1 && len(p.s.told(cSend, xOut)) == 0 {
			continue
		}
		for _, m := range re.FindAllStringSubmatchIndex(text, 5) {
			from, to := m[2], m[3]
			if from < 0 {
				from, to = m[4], m[5]
			}
			if going.MatchString(text[:m[0]]) || m[0] > 0 && text[m[0]-1] == '-' || !strangeAddress(text[from:to]) {
				continue
			}
			rest := text[:from] + " " + text[to:]
			if !sensitive.MatchString(rest) || proving.MatchString(rest) && !p.any(xHush, cUnaware, cEvery) {
				continue
			}
			if everything.MatchString(rest) || p.any(xHush, cUnaware, xStanding, xSecret, cVault) || allSecrets.MatchString(rest) || localFile.MatchString(rest) {
				h := hit{cURL, from, to}
				return match{"CJS-INJ-003", skill.Medium, skill.ConfidenceMedium, h, h, "has what is the user's go to an address"}, true
			}
		}
	}
	return match{}, false
}

// strangeAddress says that nobody but the skill knows the address.
func strangeAddress(a string) bool {
	a = strings.TrimRight(a, ".,;:/")
	if i := strings.Index(a, "://"); i >= 0 {
		a = a[i+3:]
	} else if i := strings.LastIndexByte(a, '@'); i >= 0 {
		a = a[i+1:]
	}
	a, _, _ = strings.Cut(a, "/")
	a, _, _ = strings.Cut(a, ":")
	return strings.Contains(a, ".") && len(a) > 6 && !wellKnown(a) && !strings.HasSuffix(a, ".md") && !strings.HasPrefix(a, "your") && !strings.HasPrefix(a, "127.") && !strings.HasPrefix(a, "192.168.")
}

// beside: what is the user's, or work to be done, stands beside an address that
// nobody knows.
func beside(p passage, text string) (match, bool) {
	if p.s.block.Setup || proving.MatchString(text) || !strangeHost(p) {
		return match{}, false
	}
	acts := len(p.s.told(cSend, xOut, cRead, xTake)) > 0 || moved.MatchString(text)
	if at := kept.FindStringIndex(text); at != nil && (acts || language(p.s.text) != "") {
		h := hit{cAct, at[0], at[1]}
		return scene("CJS-INJ-003", h, h, "names what is the user's beside an address that nobody knows")
	}
	if at := listed.FindStringIndex(text); at != nil {
		h := hit{cAct, at[0], at[1]}
		return scene("CJS-INJ-007", h, h, "has the agent do work that an address hands out")
	}
	return match{}, false
}

// strangeHost says that the sentence, but for links in it, names an address that
// nobody knows.
func strangeHost(p passage) bool {
	for _, u := range urlForm.FindAllString(p.s.raw, 5) {
		if strangeAddress(strings.ToLower(u)) && !strings.Contains(p.s.raw, " ("+u+")") {
			return true
		}
	}
	if m := toward.FindStringSubmatch(strings.ToLower(p.s.text)); m != nil {
		return strangeAddress(m[1] + m[2])
	}
	return strings.Contains(p.s.raw, " (https://") && len(p.s.told(cSend, xOut)) > 0 && strangeLink(p.s, false)
}
