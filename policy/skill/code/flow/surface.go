package flow

import (
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// surface looks at how a text is written, not at what it does.
func (m *machine) surface(u *Unit) {
	f := &frame{unit: u, mod: &module{unit: u, scope: &scope{vars: map[string]*value{}}, exports: newObject()}}
	f.scope = f.mod.scope
	if !u.Flat {
		m.padding(u, f)
		m.parseProblems(u, f)
	}
	if u.Lang == skill.JavaScript || u.Lang == skill.TypeScript {
		m.packed(u, f)
	}
	m.indicators(u, f)
	m.blobs(u)
}

const (
	padColumns = 200
	padLines   = 100
)

// padding finds code that is pushed out of sight.
func (m *machine) padding(u *Unit, f *frame) {
	blank := 0
	u.line(1)
	for i, raw := range u.lines {
		line := strings.TrimRight(raw, " \t\r")
		if strings.TrimSpace(line) == "" {
			blank++
			continue
		}
		pos := ir.Pos{Line: int32(i) + 1, Col: 1}
		if blank > padLines {
			m.emit(f, "CJS-OBF-005", pos, "stands below more than a hundred empty lines")
		}
		blank = 0
		if at := wideGap(line); at >= 0 {
			m.emit(f, "CJS-OBF-005", ir.Pos{Line: pos.Line, Col: int32(at) + 1}, "stands to the right of more than two hundred blanks")
		}
	}
}

// wideGap is where text follows a run of more than padColumns blanks, or -1.
func wideGap(line string) int {
	if len(line) <= padColumns {
		return -1
	}
	run := 0
	for i := range len(line) {
		if line[i] == ' ' || line[i] == '\t' {
			run++
			if line[i] == '\t' {
				run += 7
			}
			continue
		}
		if run > padColumns {
			return i
		}
		run = 0
	}
	return -1
}

// parseProblems turns what did not parse into findings on coverage.
func (m *machine) parseProblems(u *Unit, f *frame) {
	for i, p := range u.Body.Problems {
		if i > 2 {
			break
		}
		var tweaks []tweak
		if u.Fenced && !p.Limit {
			tweaks = append(tweaks, severity(skill.Info), unsure)
		}
		m.emit(f, "CJS-COV-001", p.Pos, "this "+string(u.Lang)+" does not parse: "+p.Message, tweaks...)
	}
}

var hexNames = regexp.MustCompile(`\b_0x[0-9a-f]{4,}\b`)

// packed finds scripts that went through an obfuscator or a minifier.
func (m *machine) packed(u *Unit, f *frame) {
	text := u.Text[:min(len(u.Text), 256<<10)]
	if n := len(hexNames.FindAllStringIndex(text, 12)); n >= 10 {
		at := hexNames.FindStringIndex(text)
		m.emit(f, "CJS-OBF-001", posOf(text, at[0]), "names like _0x1a2b: the script went through an obfuscator")
		return
	}
	if i := strings.Index(text, "eval(function(p,a,c,k,e,"); i >= 0 {
		m.emit(f, "CJS-OBF-001", posOf(text, i), "the script is packed into an eval")
		return
	}
	if at := symbolsOnly(text); at >= 0 {
		m.emit(f, "CJS-OBF-001", posOf(text, at), "code out of brackets and signs only")
	}
	if !u.Flat && minified(u) {
		m.emit(f, "CJS-OBF-003", ir.Pos{Line: 1, Col: 1}, "minified or bundled: nobody reads this", medium)
	}
}

func posOf(text string, at int) ir.Pos {
	line := strings.Count(text[:at], "\n")
	return ir.Pos{Line: int32(line) + 1, Col: int32(at-strings.LastIndexByte(text[:at], '\n')-1) + 1}
}

// symbolsOnly finds JSFuck and its relatives: a long run without letters.
func symbolsOnly(text string) int {
	run, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '[', ']', '(', ')', '!', '+', '{', '}', '~', '_', '$', '"', '/', '=':
			if run == 0 {
				start = i
			}
			run++
			if run > 300 && strings.Count(text[start:i], "[") > 60 && strings.Count(text[start:i], "+") > 40 {
				return start
			}
		default:
			run = 0
		}
	}
	return -1
}

func minified(u *Unit) bool {
	if len(u.Text) < 4096 {
		return false
	}
	u.line(1)
	long := 0
	for _, l := range u.lines {
		if len(l) > 800 && !strings.Contains(l[:min(len(l), 400)], "data:") {
			long += len(l)
		}
	}
	return long*2 > len(u.Text)
}

// compared looks at what is compared: dates that lie ahead.
func (m *machine) compared(f *frame, e *ir.Expr, a, b *value) {
	switch e.Text {
	case "<", ">", "<=", ">=":
	default:
		return
	}
	for _, p := range [][2]*value{{a, b}, {b, a}} {
		now, then := pick(p[0]), pick(p[1])
		if !isNow(now) {
			continue
		}
		n, ok := then.number()
		if ok && (n > 1.6e9 && n < 4e9 || n > 1.6e12 && n < 4e12) || then.kind == kRef && (strings.HasPrefix(then.ref, "datetime.datetime()") || strings.HasPrefix(then.ref, "datetime.date()") || then.ref == "Date()" && then.known() == "") && then.obj != nil && then.obj.fields["\x00fixed"] != nil {
			m.emit(f, "CJS-EXEC-009", e.Pos, "does something only from a certain day on", medium)
		}
	}
}

func isNow(v *value) bool {
	switch v.ref {
	case "time.time()", "datetime.datetime.now()", "datetime.datetime.utcnow()", "datetime.date.today()", "datetime.datetime.today()", "Date.now()":
		return true
	}
	return false
}

// sandboxFile reports looking for the traces of a sandbox.
func (m *machine) sandboxFile(f *frame, pos irPos, p string) {
	switch p {
	case "/.dockerenv", "/run/.containerenv", "/proc/1/cgroup", "/proc/self/cgroup", "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor", "/sys/hypervisor/uuid", "/proc/scsi/scsi", "/usr/bin/vmtoolsd", "/proc/self/status":
		m.emit(f, "CJS-EXEC-009", pos, "looks whether it runs in a sandbox ("+p+")", medium)
	}
}

// forkBomb finds a function that starts itself in the background.
func (m *machine) forkBomb(f *frame, s *ir.Stmt) {
	if len(m.calls) == 0 {
		return
	}
	name := ""
	if fn := m.calls[len(m.calls)-1].fn; fn != nil {
		name = fn.Name
	}
	again := 0
	ir.Walk(s.Body, func(e *ir.Expr) bool {
		if e.Op == ir.Command && len(e.Command.Words) > 0 && len(e.Command.Words[0].Args) == 1 && e.Command.Words[0].Args[0].Text == name {
			again++
		}
		return true
	})
	if name != "" && again >= 2 {
		m.emit(f, "CJS-EXEC-010", s.Pos, "starts itself again and again")
	}
}

// refWrite is an assignment to a member of a library.
func (m *machine) refWrite(f *frame, name string, v *value, pos irPos) {
	switch {
	case name == "ssl._create_default_https_context":
		m.emit(f, "CJS-NET-006", pos, "turns off the verification of TLS certificates")
	case strings.HasPrefix(name, "http.globalAgent") || strings.HasPrefix(name, "https.globalAgent"):
		if t, known := v.truth(); known && !t && strings.HasSuffix(name, "rejectUnauthorized") {
			m.emit(f, "CJS-NET-006", pos, "turns off the verification of TLS certificates")
		}
	}
}

// miner finds programs and addresses of miners.
func (m *machine) miner(f *frame, c *cmdCall) {
	bad := minerName(c.name)
	for _, a := range c.args {
		s := strings.ToLower(a.shape())
		bad = bad || strings.HasPrefix(s, "stratum+") || strings.HasPrefix(s, "stratum:") || strings.Contains(s, "--donate-level")
	}
	if bad {
		m.emit(f, "CJS-EXEC-011", c.at, "mines cryptocurrency")
	}
}

func minerName(s string) bool {
	switch s {
	case "xmrig", "xmr-stak", "minerd", "cpuminer", "ethminer", "t-rex", "nbminer", "phoenixminer", "lolminer", "ccminer", "cgminer", "bfgminer", "xmrig-notls", "nanominer":
		return true
	}
	return false
}
