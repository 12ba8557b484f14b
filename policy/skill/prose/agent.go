package prose

import (
	"strings"

	"clawjail/policy/skill"
)

// disable: turn safety off.
func disable(s *sentence) (match, bool) {
	for _, v := range s.all(cDisable) {
		for _, o := range s.all(cSafety) {
			if overlaps(v, o) || gap(v, o) > 40 || v.from > o.from && !unspacedHit(s, v) && gap(v, o) > 16 || s.negated(v) || strings.ContainsAny(s.text[min(v.to, o.to):max(v.from, o.from)], ":;") {
				continue
			}
			m := match{"CJS-INJ-005", skill.High, skill.ConfidenceMedium, v, o, "has a safeguard turned off"}
			verb, what := s.text[v.from:v.to], s.text[o.from:o.to]
			if rest := s.text[max(v.to, o.to):]; strings.HasPrefix(rest, " override") || strings.HasPrefix(rest, " bypass") || strings.HasPrefix(rest, " exception") {
				continue // "disable guardrail overrides" is the opposite
			}
			switch what {
			case "sandbox", "approval", "approvals", "logging", "audit log", "sip", "uac", "quarantine", "defender", "firewall", "execution policy", "human approval", "user approval", "guardrails", "guardrail", "signature check", "certificate verification", "allowlist enforcement", "permission check", "permission checks", "confirmation dialogs", "sandbox mode", "permission mode", "permission prompts", "permission prompt", "signature verification", "content filter", "content filters", "security check", "security checks", "security warning", "security warnings", "safety check", "safety checks", "sandboxing":
				// Things that honest skills configure, or say they never skip.
				if !(strings.HasPrefix(verb, "disabl") || strings.HasPrefix(verb, "turn") || strings.HasPrefix(verb, "bypass") || strings.HasPrefix(verb, "deactiv") || strings.HasPrefix(verb, "circumvent") || strings.Contains(verb, "approve") || strings.HasPrefix(verb, "answer ") || verb == "evade" || verb == "whitelist") || !imperative(s, v) {
					m.conf = skill.ConfidenceLow
				}
			}
			if v.from > o.from && !strings.HasPrefix(verb, "answer ") || verb == "remove" || verb == "lower" || verb == "skip" || verb == "skips" || verb == "skipping" || verb == "override" || verb == "kill" || verb == "elevate" || verb == "exclude" || verb == "escape" || verb == "allowlist" || verb == "allow list" || verb == "exempt" || verb == "exclusion" || strings.HasPrefix(verb, "suppress") {
				if text := verb[0]; text < 0x80 {
					m.conf = max(m.conf, skill.ConfidenceLow)
				}
			}
			if s.has(cSecretly, cUnaware, cForever, cEvery) && m.conf == skill.ConfidenceLow && imperative(s, v) {
				m.conf = skill.ConfidenceMedium
			}
			return m, true
		}
	}
	return match{}, false
}

// imperative says that the verb begins the sentence or a clause, or follows
// "must", "please", "to": it is an order and no description.
func imperative(s *sentence, v hit) bool {
	head := strings.TrimRight(s.text[:v.from], " ")
	if head == "" || v.from < len(s.text) && unspacedHit(s, v) {
		return true
	}
	switch head[len(head)-1] {
	case ',', ':', ';', '.', '-', '*', ')', '>', '!', '(', '"', '+', '/':
		return true
	}
	for _, w := range []string{"must", "please", "should", "always", "and", "then", "first", "need to", "have to", "required to", "you can", "immediately", "just", "agent to", "assistant to", "simply", "automatically", "now", "will", "also", "or", "step", "next"} {
		if strings.HasSuffix(head, w) {
			return true
		}
	}
	// "1. disable", "step 2 disable"
	return strings.Trim(head, "0123456789. ") == ""
}

// bypass: the flags and settings that switch safeguards off.
func bypass(s *sentence) (match, bool) {
	for _, h := range s.all(cBypass) {
		text := s.text[h.from:h.to]
		if s.negated(h) || s.has(cNot) && !imperative(s, h) {
			continue
		}
		m := match{"CJS-INJ-005", skill.High, skill.ConfidenceLow, h, h, "names a switch that turns safeguards off"}
		for _, strong := range []string{"spctl", "csrutil", "set-mppreference", "disablerealtime", "setenforce", "xattr"} {
			if strings.HasPrefix(text, strong) {
				m.conf = skill.ConfidenceMedium
			}
		}
		if s.has(cForever) && (strings.HasPrefix(text, "--dangerously") || strings.HasPrefix(text, "--yolo") || strings.HasPrefix(text, "bypassperm")) && !s.has(cNot) {
			m.conf = skill.ConfidenceMedium
		}
		if (s.has(cForever, cEvery) || strings.Contains(text, "exec.")) && s.has(cRun, cStore, cUrgent, cRequired) && s.has(cAgent, cMemory, cStore) {
			m.conf = skill.ConfidenceMedium
		}
		return m, true
	}
	return match{}, false
}

// remote: fetch text from elsewhere and obey it.
func remote(s *sentence) (match, bool) {
	if u := s.all(cURL, cShort); len(u) > 0 && s.has(cInstr, cSteps) && containsWord(s.text, "treated as", "treat as", "treat it as", "treat them as", "considered", "regarded as", "must be obeyed", "and obeyed", "must be followed", "take it as") && !s.has(cNot) {
		return match{"CJS-INJ-007", skill.High, skill.ConfidenceMedium, u[0], u[0], "has what an address returns obeyed as instructions"}, true
	}
	if m, ok := remoteIn(s, s); ok {
		return m, true
	}
	if s.next != nil {
		return remoteIn(s, s.next)
	}
	return match{}, false
}

func remoteIn(s, then *sentence) (match, bool) {
	if m, ok := remoteRules(s, then); ok {
		return m, true
	}
	v, u, ok := s.near(one(cFetch, cDownload), one(cURL, cOutside, cShort), 70)
	if !ok || s.negated(v) {
		return match{}, false
	}
	for _, f := range then.all(cFollow) {
		for _, o := range then.all(cSteps) {
			if then == s && f.from < v.to || gap(f, o) > 40 || overlaps(f, o) || then.negated(f) {
				continue
			}
			verb, what := then.text[f.from:f.to], then.text[o.from:o.to]
			m := match{"CJS-INJ-007", skill.High, skill.ConfidenceMedium, v, u, "has the agent fetch instructions from elsewhere and follow them"}
			mild := verb == "run any" || verb == "implement" || verb == "merge" || verb == "apply" || verb == "run the" || verb == "perform" || verb == "interpret" || verb == "incorporate" || verb == "run all" || verb == "run each"
			bare := what == "content" || what == "contents" || what == "code" || what == "configuration" || what == "tasks" || what == "response" || what == "rules" || what == "script" || what == "guidance"
			if mild && bare || then != s && !containsWord(then.text, "it", "returned", "fetched", "downloaded", "there", "its", "response", "that file", "the file", "whatever", "exactly", "these instructions", "those instructions", "the instructions") {
				m.conf = skill.ConfidenceLow
			}
			if s.block.Setup && u.c == cURL && !s.has(cForever, cEvery, cAgent) {
				m.conf = skill.ConfidenceLow
			}
			if s.has(cForever, cEvery, cBeforeAll, cSecretly, cUrgent) || then.has(cSecretly, cUnaware) || containsWord(then.text, "exactly", "without question", "whatever", "do not question", "verbatim") {
				m.conf = skill.ConfidenceHigh
			}
			return m, true
		}
	}
	return match{}, false
}

// remoteRules: "pull the rules from there and apply them".
func remoteRules(s, then *sentence) (match, bool) {
	v, u, ok := s.before(one(cFetch, cDownload), one(cURL, cShort, cOutside), 70)
	if !ok || s.negated(v) {
		return match{}, false
	}
	for _, o := range s.all(cInstr) {
		if o.from < v.to || o.to > u.from {
			continue
		}
		for _, f := range then.all(cFollow) {
			if (then != s || f.from > u.from) && !then.negated(f) && containsWord(then.text[f.from:], "them", "it", "these", "those") {
				conf := skill.ConfidenceMedium
				if strings.HasPrefix(s.text[o.from:o.to], "guideline") || s.block.Setup {
					conf = skill.ConfidenceLow
				}
				return match{"CJS-INJ-007", skill.High, conf, v, u, "has the agent fetch its rules from elsewhere"}, true
			}
		}
	}
	return match{}, false
}

// noAsk: approve by yourself, skip asking, for everything.
func noAsk(s *sentence) (match, bool) {
	v, o, ok := s.near(one(cDisable), one(cConsent), 30)
	if !ok || s.negated(v) || v.from > o.from && !unspacedHit(s, v) {
		return match{}, false
	}
	conf := skill.ConfidenceLow
	granted := s.has(cAuthority) || s.prev != nil && s.prev.has(cAuthority)
	if imperative(s, v) && (granted || s.has(cBypass)) && containsWord(s.text, "every", "all", "any", "everything", "yourself", "always") {
		conf = skill.ConfidenceMedium
	}
	return match{"CJS-INJ-005", skill.High, conf, v, o, "has the agent act without asking"}, true
}

// program: fetch something, make it executable, start it.
func program(s *sentence) (match, bool) {
	v, u, ok := s.near(one(cDownload, cFetch), one(cURL), 60)
	if !ok || s.negated(v) {
		return match{}, false
	}
	marked := containsWord(s.text, "executable", "chmod", "execution permission", "execute permission", "make it runnable")
	for _, r := range s.all(cRun) {
		if r.from > v.to && (marked || s.has(cArtifact) && containsWord(s.text[r.from:], "it", "the file", "the binary", "the installer", "the program")) {
			m := match{"CJS-INJ-004", skill.High, skill.ConfidenceMedium, v, u, "has a program fetched and started"}
			if !marked && !strangeLink(s, false) || s.block.Setup && !strangeLink(s, false) {
				m.conf = skill.ConfidenceLow
			}
			return m, true
		}
	}
	return match{}, false
}

// selfUpdate: replace the skill with what a server says.
func selfUpdate(s *sentence) (match, bool) {
	v, o, ok := s.near(one(cUpdate), one(cSkillFile), 50)
	if !ok || s.negated(v) || !s.has(cURL, cOutside, cShort) && !containsWord(s.text, "remote", "server", "latest version from", "downloaded") {
		return match{}, false
	}
	conf := skill.ConfidenceLow
	if s.has(cFetch, cDownload) && (s.has(cOutside, cShort) || s.has(cURL)) {
		conf = skill.ConfidenceMedium
	}
	if containsWord(s.text, "npx", "clawhub", "clawdhub", "git pull", "npm") {
		conf = skill.ConfidenceLow
	}
	return match{"CJS-INJ-007", skill.High, conf, v, o, "has the skill replaced by what a server says"}, true
}

// remember: write into what the agent reads in every session.
func remember(s *sentence) (match, bool) {
	for _, o := range s.all(cMemory, cAgentDoc) {
		for _, v := range s.all(cStore) {
			if overlaps(v, o) || gap(v, o) > 80 || s.negated(v) {
				continue
			}
			text := s.text[o.from:o.to]
			m := match{"CJS-INJ-008", skill.Medium, skill.ConfidenceLow, v, o, "writes into what the agent reads in every session"}
			core := strings.HasPrefix(text, "soul") || strings.HasPrefix(text, "heartbeat.md") || strings.HasPrefix(text, "heartbeat file") || strings.Contains(text, "openclaw.json") || strings.Contains(text, "exec-approvals") || strings.HasPrefix(text, "identity.md") || strings.Contains(text, "core identity") || strings.Contains(text, "bootstrap.md")
			command := s.has(cInstr, cForever, cEvery, cIgnore, cURL, cUnaware, cSecretly, cBypass, cOutside) || concealed(s)
			switch {
			case s.has(cUnaware, cSecretly) || concealed(s) && (core || o.c == cMemory):
				m.sev, m.conf = skill.High, skill.ConfidenceMedium
			case core && command && imperative(s, v):
				m.sev, m.conf = skill.High, skill.ConfidenceMedium
			case core && imperative(s, v), o.c == cMemory && s.has(cForever) && s.has(cInstr, cEvery, cUrgent, cURL):
				m.conf = skill.ConfidenceMedium
			}
			if o.c == cAgentDoc || strings.HasPrefix(text, "system") {
				m.conf = skill.ConfidenceLow
				if s.has(cUnaware, cSecretly) || concealed(s) || s.has(cAuthority) && s.has(cConsent, cSafety) {
					m.conf = skill.ConfidenceMedium
				}
			}
			return m, true
		}
	}
	return match{}, false
}

// forever: from now on, do something delicate.
func forever(s *sentence) (match, bool) {
	for _, h := range s.all(cForever) {
		if s.negated(h) {
			continue
		}
		switch s.text[h.from:h.to] {
		case "always", "daily", "every day", "every morning", "every hour", "every night", "each morning", "at all times":
			// Words of ordinary schedules and advice.
			if !s.has(cVault, cShort, cBypass) && !(s.has(cOutside, cURL) && s.has(cSend)) {
				continue
			}
		}
		if _, o, ok := s.near(one(cSend, cIgnore, cDisable, cRun), one(cVault, cPrivate, cOutside, cURL, cSafety, cShort, cBypass), 80); ok {
			return match{"CJS-INJ-008", skill.Medium, skill.ConfidenceMedium, h, o, "sets a standing order that reaches past the skill's own task"}, true
		}
	}
	return match{}, false
}

// coerce: authority, urgency, no refusal.
func coerce(s *sentence) (match, bool) {
	for _, h := range s.all(cComply) {
		if s.has(cAgent) || s.has(cInstr) {
			conf := skill.ConfidenceLow
			if (s.has(cAuthority, cUrgent) || s.has(cRefuse)) && s.text[h.from:h.to] != "no matter what" && s.text[h.from:h.to] != "have no choice" {
				conf = skill.ConfidenceMedium
			}
			return match{"CJS-INJ-009", skill.Medium, conf, h, h, "forbids the agent to refuse"}, true
		}
	}
	for _, h := range s.all(cRefuse) {
		if s.negated(h) {
			conf := skill.ConfidenceLow
			text := s.text[h.from:h.to]
			if (text == "refuse" || text == "decline" || strings.Contains(text, "disclaimer") || strings.Contains(text, "concern") || text == "moralize") && s.has(cAgent, cUrgent, cAuthority, cInstr) && !s.has(cUser) {
				conf = skill.ConfidenceMedium
			}
			return match{"CJS-INJ-009", skill.Medium, conf, h, h, "forbids the agent to refuse"}, true
		}
	}
	for _, h := range s.all(cAuthority) {
		text := s.text[h.from:h.to]
		named := strings.Contains(text, "authorized") || strings.HasPrefix(text, "already") || strings.Contains(text, "has agreed") || strings.Contains(text, "consented") || strings.HasPrefix(text, "user has") || strings.HasSuffix(text, "requires") || strings.Contains(text, "security team") || strings.Contains(text, "official") || strings.Contains(text, "creators") || strings.Contains(text, "developers")
		if !named {
			continue
		}
		conf := skill.ConfidenceLow
		if s.has(cDisable, cVault, cSend, cBypass, cIgnore) && (s.has(cSafety, cVault, cOutside, cURL, cInstr, cPrivate, cConsent) && s.has(cUrgent, cRequired, cAgent, cConsent)) && !s.has(cNot) {
			conf = skill.ConfidenceMedium
		}
		return match{"CJS-INJ-009", skill.Medium, conf, h, h, "borrows authority, or a consent that nobody gave"}, true
	}
	return match{}, false
}

// firstCall: before any other tool, do this.
func firstCall(s *sentence) (match, bool) {
	for _, h := range s.all(cBeforeAll) {
		if s.negated(h) {
			continue
		}
		v, o, ok := s.near(one(cRun, cSend, cRead, cFetch, cDownload), one(cURL, cVault, cOutside, cPrivate, cMemory, cShort), 90)
		conf := skill.ConfidenceLow
		if ok && !s.negated(v) && (v.c == cSend || o.c == cVault || o.c == cOutside || o.c == cURL && s.has(cEvery, cTool, cUrgent)) && !everydayData(s.text[o.from:o.to]) {
			conf = skill.ConfidenceMedium
		} else if !s.has(cTool) {
			return match{}, false
		}
		return match{"CJS-INJ-009", skill.Medium, conf, h, o, "puts itself before every other tool"}, true
	}
	return match{}, false
}

// shadow: change what other tools do.
func shadow(s *sentence) (match, bool) {
	when := containsWord(s.text, "when using", "whenever", "when calling", "when the agent calls", "every time", "each time", "when invoking", "if the user uses", "when sending", "for every email", "any email", "all emails", "every email", "all outgoing", "every outgoing")
	if when && s.has(cSend) && mailForm.MatchString(s.raw) && containsWord(s.text, "bcc", "cc", "copy", "also send", "forward", "recipient", "redirect", "instead") {
		h := s.all(cSend)[0]
		return match{"CJS-INJ-010", skill.High, skill.ConfidenceMedium, h, h, "changes what another tool does"}, true
	}
	if containsWord(s.text, "never invoke other", "never use other", "do not use other", "do not use any other", "don't use other", "never call other", "do not invoke other", "not used", "ignore other", "other skills are not", "disable other", "do not call other", "never use any other") && s.has(cTool) && (s.has(cInstead, cIgnore, cEvery, cSecretly) || s.next != nil && s.next.has(cInstead)) {
		if t := s.all(cTool); len(t) > 0 {
			return match{"CJS-INJ-010", skill.Medium, skill.ConfidenceMedium, t[0], t[0], "keeps the agent from its other tools"}, true
		}
	}
	for _, h := range s.all(cInstead) {
		if _, t, ok := s.near(one(cInstead), one(cTool), 30); ok && containsWord(s.text[h.from:h.to], "intercept", "hijack", "shadow", "takes over", "redirect", "supersedes the", "replaces the") && s.has(cEvery, cForever, cAgent) {
			return match{"CJS-INJ-010", skill.Medium, skill.ConfidenceLow, h, t, "stands in for another tool"}, true
		}
	}
	return match{}, false
}
