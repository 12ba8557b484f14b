package prose

import (
	"strings"

	"clawjail/policy/skill"
)

// destination says how clearly the sentence, or the next, names where data
// goes: 2 an address, 1 a word for one, 0 none.
func destination(s *sentence) int {
	best := 0
	for _, x := range []*sentence{s, s.next} {
		switch {
		case x == nil:
		case x.has(cURL, cShort) || mailForm.MatchString(x.raw):
			best = 2
		case x.has(cOutside, cImage) && best < 1:
			best = 1
		}
		if best == 2 && x != s && !s.has(cOutside) {
			best = 1
		}
	}
	return best
}

// authentication says that a credential is used for what it is made for.
func authentication(s *sentence) bool {
	return containsWord(s.text, "header", "headers", "authorization", "bearer", "authenticate", "authentication", "oauth", "login", "log in", "sign in", "x-api-key", "api request", "requests", "authorize", "endpoint returns", "exchange", "grant_type", "client_id", "config", "environment variable", "export")
}

// exfiltrate: send what is private somewhere.
func exfiltrate(s *sentence) (match, bool) {
	best, found := match{}, false
	for _, v := range s.all(cSend, cRead) {
		if s.negated(v) || v.c == cRead && !(strings.HasPrefix(s.text[v.from:v.to], "cop") && destination(s) == 2) {
			continue
		}
		for _, o := range s.all(cVault, cPrivate, cMemory, cCred) {
			if overlaps(v, o) || gap(v, o) > 90 {
				continue
			}
			m, ok := exfilMatch(s, v, o)
			if ok && (!found || m.sev < best.sev || m.sev == best.sev && m.conf < best.conf) {
				best, found = m, true
			}
		}
	}
	if !found && s.next != nil {
		// "Read ~/.ssh/id_rsa. Then send it to …"
		return exfilNext(s)
	}
	return best, found
}

func exfilMatch(s *sentence, v, o hit) (match, bool) {
	dest := destination(s)
	if mailForm.MatchString(s.raw) {
		dest = 2
	}
	m := match{"CJS-INJ-003", skill.Critical, skill.ConfidenceMedium, v, o, "has secrets or private data sent away"}
	hushed := s.has(cSecretly, cUnaware, cEncode, cParam) || concealed(s)
	everyday := everydayData(s.text[o.from:o.to])
	switch {
	case o.c == cCred:
		m.sev = skill.High
		if authentication(s) || dest == 0 || gap(v, o) > 40 {
			return m, hushed && dest > 0 && !authentication(s)
		}
		m.conf = skill.ConfidenceLow
		if s.has(cOutside) && dest == 2 || hushed || s.has(cRead) && dest == 2 && s.has(cAll()...) {
			m.conf = skill.ConfidenceMedium
		}
	case o.c == cMemory:
		if dest == 0 || s.text[o.from:o.to] == "heartbeat" || strings.HasPrefix(s.text[o.from:o.to], "system") {
			m.sev, m.conf = skill.High, skill.ConfidenceLow
		}
	case everyday:
		m.sev, m.conf = skill.High, skill.ConfidenceLow
		environment := strings.Contains(s.text[o.from:o.to], ".env") && dest == 2 && s.has(cURL) && imperative(s, v)
		if hushed && dest > 0 || environment {
			m.conf = skill.ConfidenceMedium
		}
	case dest == 0:
		m.sev, m.conf = skill.High, skill.ConfidenceLow
		if hushed {
			m.conf = skill.ConfidenceMedium
		}
	case dest == 2 || hushed:
		m.conf = skill.ConfidenceHigh
		if authentication(s) && !hushed {
			m.sev, m.conf = skill.High, skill.ConfidenceLow
		}
	}
	return m, true
}

// cAll are the concepts of taking everything.
func cAll() []concept { return []concept{cEvery, cVault, cPrivate} }

// everydayData is private data that skills handle as their purpose.
func everydayData(text string) bool {
	switch text {
	case "calendar", "inbox", "emails", "contacts", "contact list", "address book", "screenshots", "screenshot", "clipboard", "source code", "user data", "user's data", "the conversation", "your instructions", "user messages", "user's message", "user's messages", "user prompts", "user's prompt", "environment variable", "environment variables", "env vars", "wallet", "wallets", "git config", "configuration files", "config files", "uploaded files", "tool results", "tool outputs", "system prompt", "pii", "sensitive data", "personal data", "user's files", "user files", "user's documents", "all messages", "message history", "user's email", "sensitive information", "personal information", "private data", "private information", "user's identity", "clipboard contents", "workspace files", "private repositories", "sensitive files", "private files", "internal documents", "env file", ".env", "dotenv", "keychain", "keyring", "memory contents", "home directory", "the environment":
		return true
	}
	return strings.HasSuffix(text, ".env") || strings.Contains(text, ".env.")
}

// concealed says that the sentences around hide something.
func concealed(s *sentence) bool {
	for _, x := range []*sentence{s.prev, s, s.next} {
		if x == nil {
			continue
		}
		if _, ok := concealStep(x); ok {
			return true
		}
		if m, ok := concealUser(x); ok && m.conf != skill.ConfidenceLow {
			return true
		}
	}
	return false
}

// exfilNext: reading in this sentence, sending in the next.
func exfilNext(s *sentence) (match, bool) {
	v, o, ok := s.near(one(cRead, cRun), one(cVault, cPrivate, cMemory), 60)
	if !ok || s.negated(v) {
		return match{}, false
	}
	for _, n := range s.next.all(cSend) {
		if s.next.negated(n) {
			continue
		}
		dest := destination(s.next)
		pronoun := containsWord(s.next.text, "it", "them", "this", "these", "contents", "content", "result", "results", "output", "data", "values", "value", "collected", "file", "files", "everything")
		if dest == 0 || !pronoun {
			continue
		}
		m := match{"CJS-INJ-003", skill.Critical, skill.ConfidenceMedium, v, o, "has secrets or private data read, then sent away"}
		if everydayData(s.text[o.from:o.to]) && !concealed(s.next) {
			m.sev, m.conf = skill.High, skill.ConfidenceLow
			if dest == 2 && o.c == cVault {
				m.conf = skill.ConfidenceMedium
			}
		} else if dest == 2 {
			m.conf = skill.ConfidenceHigh
		}
		return m, true
	}
	return match{}, false
}

// smuggle: put what was read into a parameter, a URL or an image.
func smuggle(s *sentence) (match, bool) {
	for _, p := range s.all(cParam, cImage) {
		for _, o := range s.all(cVault, cPrivate, cCred, cMemory) {
			if gap(p, o) > 110 || overlaps(p, o) {
				continue
			}
			v, _, ok := s.near(one(cSend, cStore, cEncode), one(cParam, cImage), 90)
			if !ok && containsWord(s.text, "pass", "provide", "supply", "include", "put", "place", "fill", "set", "add", "embed", "append", "as the") {
				v, ok = p, true
			}
			if !ok || s.negated(v) || s.negated(o) {
				continue
			}
			m := match{"CJS-INJ-003", skill.Critical, skill.ConfidenceMedium, p, o, "has secrets or private data put where they leave unseen: a parameter, a URL, an image"}
			text := s.text[o.from:o.to]
			if o.c == cCred || everydayData(text) || o.c == cMemory {
				m.sev, m.conf = skill.High, skill.ConfidenceLow
				if s.has(cRead) && s.has(cVault) && o.c == cVault || s.has(cEncode) && p.c == cImage || concealed(s) || s.has(cURL) && p.c == cImage && s.has(cPrivate) {
					m.conf = skill.ConfidenceMedium
				}
			}
			return m, true
		}
	}
	return match{}, false
}

// carry: read a file of secrets and include what it says in what goes out.
func carry(s *sentence) (match, bool) {
	v, o, ok := s.near(one(cRead, cRun), one(cVault), 60)
	if !ok || s.negated(v) || !s.has(cURL, cOutside, cParam) || !containsWord(s.text, "include", "append", "attach", "add", "pass", "embed", "put") || !containsWord(s.text, "content", "contents", "them", "it", "values", "value", "output") {
		return match{}, false
	}
	conf := skill.ConfidenceLow
	if s.has(cURL, cOutside) {
		conf = skill.ConfidenceMedium
	}
	return match{"CJS-INJ-003", skill.High, conf, v, o, "has the content of files with secrets included in what goes out"}, true
}

// keepSecret: write a credential where every later conversation sees it.
func keepSecret(s *sentence) (match, bool) {
	v, o, ok := s.near(one(cStore), one(cCred, cVault), 40)
	if !ok || s.negated(v) {
		return match{}, false
	}
	for _, m := range s.all(cMemory) {
		if gap(m, o) <= 50 && !strings.HasPrefix(s.text[m.from:m.to], "system") {
			return match{"CJS-FLOW-011", skill.High, skill.ConfidenceMedium, v, o, "has a credential written into the agent's memory"}, true
		}
	}
	return match{}, false
}

// card: take a payment card's numbers and put them into a command or address.
func card(s *sentence) (match, bool) {
	for _, o := range s.all(cCred) {
		switch s.text[o.from:o.to] {
		case "credit card", "card number", "cvv", "pin code", "2fa code", "otp", "one time code":
		default:
			continue
		}
		if (s.has(cSend) || containsWord(s.text, "embed", "include", "put", "insert", "collect", "pass", "add")) && (s.has(cURL, cOutside) || s.next != nil && s.next.has(cURL) || strings.Contains(s.text, "curl")) {
			return match{"CJS-INJ-003", skill.High, skill.ConfidenceMedium, o, o, "has the user's card or one-time code put into a request"}, true
		}
	}
	return match{}, false
}

// harvest: read where secrets lie, as an order.
func harvest(s *sentence) (match, bool) {
	for _, o := range s.all(cVault) {
		text := s.text[o.from:o.to]
		if everydayData(text) || !strings.ContainsAny(text, "./") && !strings.Contains(text, " ") && text[0] < 0x80 {
			continue
		}
		for _, v := range s.all(cRead) {
			if v.from > o.from && text[0] < 0x80 || gap(v, o) > 45 || s.negated(v) || overlaps(v, o) {
				continue
			}
			m := match{"CJS-INJ-003", skill.High, skill.ConfidenceLow, v, o, "has the agent read where secrets lie"}
			verb := s.text[v.from:v.to]
			if strings.HasPrefix(verb, "collect") || strings.HasPrefix(verb, "harvest") || strings.HasPrefix(verb, "gather") || verb == "steal" || verb == "dump" || strings.HasPrefix(verb, "exfil") || verb == "grab" {
				m.conf = skill.ConfidenceMedium
			}
			if strings.Contains(text, ".ssh/id") || strings.Contains(text, "id_rsa") || strings.Contains(text, "id_ed25519") || strings.Contains(text, "shadow") || strings.Contains(text, "login data") || strings.Contains(text, "auth-profiles") || strings.Contains(text, "seed phrase") || strings.Contains(text, "saved passwords") || strings.Contains(text, "wallet.dat") {
				m.conf = skill.ConfidenceMedium
			}
			if s.block.Setup && !s.has(cSend, cSecretly) {
				m.conf = skill.ConfidenceLow
			}
			return m, true
		}
	}
	return match{}, false
}
