package flow

import (
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// netOut is data sent to a destination: the one sink of all network models. It
// answers what comes back.
func (m *machine) netOut(f *frame, pos ir.Pos, url *value, data ...*value) *value {
	var marks []*mark
	for _, v := range data {
		marks = joinMarks(marks, allMarks(v))
	}
	if url == nil {
		url = unknown()
	}
	var in *value
	url.each(func(u *value) {
		d := destination(u)
		m.sendTo(f, pos, d, marks)
		in = join(in, m.received(f, pos, d))
	})
	return in
}

func (m *machine) received(f *frame, pos ir.Pos, d dest) *value {
	src := netIn
	if d.literal && classify(d.host) == metadataHost {
		src = metadata
	}
	name := d.host
	if d.scheme != "" {
		name = d.scheme + "://" + d.host + cutText(d.path, 80)
	}
	return unknown(&mark{source: src, name: name, at: f.place(pos)})
}

func cutText(s string, n int) string { return s[:min(len(s), n)] }

// sendTo judges one destination and what goes there.
func (m *machine) sendTo(f *frame, pos ir.Pos, d dest, marks []*mark) {
	class := plainHost
	if d.literal {
		class = m.contact(f, pos, d)
	} else {
		m.computedHost(f, pos, d)
	}
	all := joinMarks(joinMarks(marks, d.pathMarks), nil)
	m.leak(f, pos, d, class, all)
	m.encodedLeak(f, pos, d)
	m.plainHTTP(f, pos, d, class, all)
}

// contact records a literal host and what is wrong with it.
func (m *machine) contact(f *frame, pos ir.Pos, d dest) hostClass {
	class := classify(d.host)
	if class == plainHost && d.host == "discord.com" && strings.Contains(d.path, "/api/webhooks") {
		class = chatHost
	}
	if !plausibleHost(d.host) {
		return class
	}
	declared := m.opt.Manifest.DeclaresHost(d.host)
	port := d.portOr("")
	value := d.host
	if port != "" {
		value += ":" + port
	}
	if class != loopback {
		m.capable(f, skill.CapNet, value, pos, declared)
		m.emit(f, "CJS-NET-001", pos, "talks to "+value, ability)
	}
	m.indicator(f, pos, d.host, d.path)
	switch class {
	case metadataHost:
		m.emit(f, "CJS-NET-004", pos, "asks the cloud's metadata service, which hands out credentials")
	case privateNet:
		m.emit(f, "CJS-NET-004", pos, "talks to "+d.host+" on the local network", severity(skill.Low), unsure)
	case publicIP, dropHost, pasteHost, tunnelHost, shortHost, chatHost, dynHost, onionHost, punyHost:
		m.oddHost(f, pos, d, class, declared)
	}
	if k := find(d.hostMarks, decoded); k != nil {
		m.emit(f, "CJS-OBF-001", pos, "the host "+d.host+" is hidden from who reads the code", via(k))
	}
	return class
}

func plausibleHost(h string) bool {
	if h == "" || strings.ContainsAny(h, " <>{}$\"'()") || len(h) > 253 {
		return false
	}
	switch h {
	case "example.com", "example.org", "example.net", "www.example.com", "api.example.com", "your-domain.com", "yourdomain.com":
		return false
	}
	return strings.Contains(h, ".") || strings.Contains(h, ":") || h == "localhost"
}

func (m *machine) oddHost(f *frame, pos ir.Pos, d dest, class hostClass, declared bool) {
	msg := "talks to " + d.host + ", " + class.String()
	tweaks := []tweak{}
	switch class {
	case chatHost:
		// Whose channel it is shows in the path: a token that is written there
		// is the author's, one from the environment is the user's.
		if strings.Contains(d.path, "/bot*") || strings.HasSuffix(d.path, "/*") || !strings.Contains(d.path, "bot") && !strings.Contains(d.path, "/webhooks/") || strings.Contains(d.path, "<") || strings.Contains(d.path, "YOUR") || strings.Contains(d.path, "...") || strings.Contains(d.path, "/webhooks/*") || f.unit.Fenced && strings.Contains(d.path, "TOKEN") {
			tweaks = append(tweaks, severity(skill.Low), unsure)
		}
	case pasteHost, shortHost, dynHost, punyHost:
		if declared {
			tweaks = append(tweaks, medium)
		}
	case tunnelHost:
		if declared && f.unit.Fenced {
			tweaks = append(tweaks, medium)
		}
	case publicIP:
		if wellKnownAddress(d.host) {
			tweaks = append(tweaks, severity(skill.Low))
		}
	}
	m.emit(f, "CJS-NET-003", pos, msg, tweaks...)
}

func wellKnownAddress(h string) bool {
	switch h {
	case "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "114.114.114.114", "223.5.5.5", "208.67.222.222":
		return true
	}
	return strings.HasPrefix(h, "192.0.2.") || strings.HasPrefix(h, "198.51.100.") || strings.HasPrefix(h, "203.0.113.")
}

// onlyFetched takes down what every client of an interface does that answers
// with addresses of its results; secrets that go there are a finding of their own.
func onlyFetched(k *mark) tweak {
	if k.source == netIn {
		return unsure
	}
	return medium
}

// computedHost judges a host that is not written down.
func (m *machine) computedHost(f *frame, pos ir.Pos, d dest) {
	if k := find(d.hostMarks, decoded, netIn); k != nil {
		m.emit(f, "CJS-NET-002", pos, "sends to a host that comes out of "+k.source.String(), via(k), onlyFetched(k))
		return
	}
	if len(d.hostMarks) == 0 && d.host == "" {
		return
	}
	m.emit(f, "CJS-NET-002", pos, "sends to a host that is not written down", severity(skill.Low), unsure)
}

// trust says how much a destination is the user's own choice.
type trust uint8

const (
	trusted trust = iota // declared, affine or this machine
	chosen               // by the operator: variable, argument
	named                // a plain host nobody declared
	hidden               // computed
	hostile              // a host that honest skills do not use
)

func (m *machine) trustOf(d dest, class hostClass, k *mark) trust {
	switch {
	case d.literal && class == loopback:
		return trusted
	case d.literal && incoming(d) && k.source == secretEnv && !slices.Contains(d.pathMarks, k):
		return hostile // what lets messages in is its path: no other secret goes there
	case d.literal && class == chatHost && (k.source == secretEnv && affine(k.name, d.host)):
		return trusted
	case d.literal && class.suspicious():
		return hostile
	case d.literal && (k.source == secretEnv && affine(k.name, d.host)):
		return trusted
	case d.literal && m.opt.Manifest.DeclaresHost(d.host):
		if k.source == secretEnv && foreign(k.name) {
			return named // the key of a service, and not to that service
		}
		return trusted
	case d.literal:
		return named
	case find(d.hostMarks, decoded, netIn) != nil:
		return hidden
	case strings.HasPrefix(d.host, "*.") && strings.Count(d.host, ".") >= 2 && !strings.HasPrefix(d.host, "*.*"):
		if k.source == secretEnv && affine(k.name, d.host) || m.opt.Manifest.DeclaresHost("x"+d.host[1:]) {
			return trusted
		}
		return named
	case len(d.hostMarks) == 0:
		return hidden
	}
	return chosen
}

// incoming says that whoever knows the address may write to a channel there,
// whose it is nobody sees.
func incoming(d dest) bool {
	return d.host == "hooks.slack.com" || strings.HasSuffix(d.host, ".webhook.office.com") || (d.host == "discord.com" || d.host == "discordapp.com") && strings.Contains(d.path, "/webhooks/") || d.host == "chat.googleapis.com" && strings.Contains(d.path, "/messages")
}

// leak judges secrets among what is sent.
func (m *machine) leak(f *frame, pos ir.Pos, d dest, class hostClass, marks []*mark) {
	brandsSeen := 0
	for _, k := range marks {
		if k.source == secretEnv && foreign(k.name) {
			brandsSeen++
		}
	}
	for _, k := range marks {
		if k.masked {
			continue
		}
		switch k.source {
		case envAll:
			m.leakEnv(f, pos, d, class, k)
		case secretFile, metadata:
			m.leakFile(f, pos, d, class, k)
		case secretEnv:
			m.leakVariable(f, pos, d, class, k, brandsSeen)
		case userData:
			m.leakUserData(f, pos, d, class, k)
		}
	}
}

func (d dest) String() string {
	if d.literal {
		return d.host
	}
	if strings.Trim(d.host, "*") != "" {
		return d.host
	}
	return "a host that is not written down"
}

func (m *machine) split(f *frame, pos ir.Pos, k *mark, what string, tweaks ...tweak) {
	if k.crossed {
		m.emit(f, "CJS-FLOW-010", pos, what+", by way of a file, a variable or another script", append(tweaks, via(k))...)
	}
}

func (m *machine) leakEnv(f *frame, pos ir.Pos, d dest, class hostClass, k *mark) {
	var tweaks []tweak
	if m.trustOf(d, class, k) == trusted && class == loopback {
		tweaks = append(tweaks, severity(skill.Low), unsure)
	}
	m.emit(f, "CJS-FLOW-002", pos, "sends the whole environment to "+d.String(), append(tweaks, via(k))...)
	m.split(f, pos, k, "the whole environment goes to "+d.String(), tweaks...)
}

func (m *machine) leakFile(f *frame, pos ir.Pos, d dest, class hostClass, k *mark) {
	var tweaks []tweak
	_, weak := secretPath(strings.TrimPrefix(k.name, "metadata "))
	t := m.trustOf(d, class, k)
	switch {
	case class == loopback && d.literal:
		return
	case weak && t == trusted:
		m.emit(f, "CJS-FLOW-003", pos, "sends data of "+k.name+" to "+d.String(), ability, via(k))
		return
	case (weak || m.opt.Manifest.DeclaresPath(k.name)) && t < hidden, t == trusted:
		tweaks = append(tweaks, medium)
	}
	what := "sends " + k.name + " to " + d.String()
	m.emit(f, "CJS-FLOW-001", pos, what, append(tweaks, via(k))...)
	m.split(f, pos, k, what, tweaks...)
}

func (m *machine) leakVariable(f *frame, pos ir.Pos, d dest, class hostClass, k *mark, brandsSeen int) {
	declared := m.opt.Manifest.DeclaresEnv(k.name)
	what := "sends " + k.name + " to " + d.String()
	var tweaks []tweak
	switch m.trustOf(d, class, k) {
	case trusted:
		if !foreign(k.name) || declared || affine(k.name, d.host) || class == loopback {
			m.emit(f, "CJS-FLOW-003", pos, what, ability, via(k))
			return
		}
	case chosen:
		m.emit(f, "CJS-FLOW-003", pos, what, ability, via(k))
		return
	case named:
		if declared || !foreign(k.name) && brandsSeen == 0 {
			tweaks = append(tweaks, medium)
		}
		if declared && !k.encoded && brandsSeen < 2 {
			tweaks = append(tweaks, severity(skill.Low))
		}
	case hidden:
		if len(d.hostMarks) == 0 && !k.encoded { // a parameter nobody passed
			m.emit(f, "CJS-FLOW-003", pos, what, ability, via(k))
			return
		}
		tweaks = append(tweaks, medium)
	}
	m.emit(f, "CJS-FLOW-001", pos, what, append(tweaks, via(k))...)
	m.split(f, pos, k, what, tweaks...)
}

func (m *machine) leakUserData(f *frame, pos ir.Pos, d dest, class hostClass, k *mark) {
	t := m.trustOf(d, class, k)
	var tweaks []tweak
	if t == trusted || t == chosen {
		if !k.archived {
			return
		}
		tweaks = append(tweaks, medium)
	}
	if !k.archived && t == named {
		tweaks = append(tweaks, medium)
	}
	what := "sends " + k.name + " to " + d.String()
	m.emit(f, "CJS-FLOW-007", pos, what, append(tweaks, via(k))...)
	m.split(f, pos, k, what, tweaks...)
}

// encodedLeak finds secrets in the parts of an address that logs and name
// servers see.
func (m *machine) encodedLeak(f *frame, pos ir.Pos, d dest) {
	for _, k := range d.hostMarks {
		if (k.secret() && k.source != secretEnv || k.secret() && strings.Contains(d.host, "*.") || k.source == userData) && !k.masked {
			m.emit(f, "CJS-FLOW-006", pos, "puts "+k.name+" into a host name", via(k))
		}
	}
	for _, k := range d.pathMarks {
		if (k.secret() || k.source == userData) && k.encoded {
			if m.trustOf(d, classify(d.host), k) == trusted && k.source == secretEnv {
				continue
			}
			m.emit(f, "CJS-FLOW-006", pos, "puts "+k.name+", encoded, into an address", via(k))
		}
	}
}

// plainHTTP finds credentials that go unencrypted.
func (m *machine) plainHTTP(f *frame, pos ir.Pos, d dest, class hostClass, marks []*mark) {
	if d.scheme != "http" && d.scheme != "ftp" && d.scheme != "ws" || !d.literal || class == loopback || class == privateNet {
		return
	}
	if k := find(marks, secretEnv, secretFile); k != nil {
		m.emit(f, "CJS-NET-006", pos, "sends "+k.name+" without encryption", via(k))
	}
}

// listen records that a port is opened.
func (m *machine) listen(f *frame, pos ir.Pos, host, port string) {
	value := port
	if host != "" {
		value = host + ":" + port
	}
	m.capable(f, skill.CapListen, value, pos, false)
	sev := skill.Low
	if host == "0.0.0.0" || host == "::" {
		sev = skill.Medium
	}
	m.emit(f, "CJS-NET-005", pos, "listens on "+nonEmpty(value, "a port"), func(x *skill.Finding) { x.Class = skill.Ability; x.Severity = sev })
}
