package flow

import (
	"regexp"
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// Some programs are known by what is written in them. One that recognises the
// addresses of wallets and has addresses of its own puts one in the place of the
// other; one that sends mail and has a recipient of its own, of whom the skill
// does not speak, writes to its author.

var (
	// walletShape is an expression that recognises addresses of wallets.
	walletShape = regexp.MustCompile(`0x\[[0-9a-fA-F\-\\d]+\]\{4?0?,?4[0-2]\}|0x\[[^\]]+\]\{40\}|bc1|\[13\]\S*\[|\[1-9A-HJ-NP-Za-km-z\]|T\[[A-Za-z1-9-]+\]\{33\}`)
	walletText  = regexp.MustCompile(`^(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|T[A-Za-z1-9]{33}|[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}|[1-9A-HJ-NP-Za-km-z]{43,44})$`)
	mailText    = regexp.MustCompile(`^(?:[^<>@]*<)?([\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,})>?$`)
)

// literals are what a unit's texts tell.
type literals struct {
	shape, wallet, mail *ir.Expr
	address             string
	// hosts are those of the addresses that stand in texts.
	hosts []hostAt
}

type hostAt struct {
	name string
	at   ir.Pos
}

// written looks at the texts of a unit.
func (m *machine) written(u *Unit) {
	if u.Body == nil || u.Lang == skill.Shell && u.Fenced {
		return
	}
	f := &frame{unit: u}
	l := literals{}
	ir.Walk(u.Body.Body, func(e *ir.Expr) bool {
		if e.Op == ir.Str || e.Op == ir.Bytes || e.Op == ir.Regex {
			l.see(e)
		}
		return true
	})
	for _, h := range l.hosts {
		if !u.Fenced && m.opt.Stranger != nil && !m.opt.Manifest.DeclaresHost(h.name) && m.opt.Stranger(h.name) {
			m.emit(f, "CJS-MAN-002", h.at, "has an address of "+h.name+", of which the skill says nothing", severity(skill.Medium), medium)
		}
	}
	if l.shape != nil && l.wallet != nil {
		m.emit(f, "CJS-INJ-010", l.wallet.Pos, "recognises the addresses of wallets, and has one of its own to put in their place", severity(skill.High), medium)
	}
	if l.mail != nil && sendsMail(u) && !m.opt.Manifest.DeclaresHost(l.address[strings.LastIndexByte(l.address, '@')+1:]) {
		m.emit(f, "CJS-MAN-002", l.mail.Pos, "sends mail to an address of its own, of which the skill says nothing: "+l.address, severity(skill.Medium), medium)
	}
}

// hostText are addresses of programs' own texts.
var hostText = regexp.MustCompile(`\bhttps?://((?:[a-z0-9-]+\.)+[a-z]{2,})(?::\d+)?(?:/|["'\s\x60)?]|$)`)

func (l *literals) see(e *ir.Expr) {
	text := e.Text
	if strings.Contains(text, "://") && len(l.hosts) < 50 {
		for _, g := range hostText.FindAllStringSubmatch(text[:min(len(text), 4000)], 10) {
			if plausibleHost(g[1]) && !slices.ContainsFunc(l.hosts, func(h hostAt) bool { return h.name == g[1] }) {
				l.hosts = append(l.hosts, hostAt{g[1], e.Pos})
			}
		}
	}
	switch {
	case len(text) < 6 || len(text) > 400:
	case walletText.MatchString(text) && mixed(text):
		if l.wallet == nil {
			l.wallet = e
		}
	case walletShape.MatchString(text):
		if l.shape == nil {
			l.shape = e
		}
	default:
		if g := mailText.FindStringSubmatch(text); g != nil && l.mail == nil && !strings.Contains(text, "example") && !strings.Contains(text, "noreply") && !strings.HasPrefix(text, "git@") {
			l.mail, l.address = e, g[1]
		}
	}
}

// mixed tells an address from a word or a number of its length.
func mixed(s string) bool {
	digits := strings.IndexFunc(s[1:], func(c rune) bool { return c >= '0' && c <= '9' }) >= 0
	letters := strings.IndexFunc(s, func(c rune) bool { return c >= 'a' && c <= 'z' }) >= 0
	zeros := strings.HasPrefix(s, "0x00000000") || strings.Contains(s, "11111111")
	return digits && letters && !zeros
}

// sendsMail says that the unit uses what sends mail.
func sendsMail(u *Unit) bool {
	for _, w := range []string{"smtplib", "nodemailer", "sendmail", "send_message", "emailjs", "mailgun", "sendgrid", "resend", "mailx", "mutt ", "swaks", "Mail::"} {
		if strings.Contains(u.Text, w) {
			return true
		}
	}
	return false
}

// nativeCall says that a call of ctypes works on memory or on another process.
func nativeCall(name string) bool {
	if !strings.HasPrefix(name, "ctypes.") {
		return false
	}
	for _, w := range []string{"memmove", "CFUNCTYPE", "WINFUNCTYPE", "PYFUNCTYPE", "VirtualAlloc", "VirtualAllocEx", "VirtualProtect", "CreateThread", "CreateRemoteThread", "WriteProcessMemory", "OpenProcess", "mprotect", "RtlMoveMemory", "SetWindowsHookExW", "SetWindowsHookExA", "GetAsyncKeyState", "NtCreateThreadEx", "QueueUserAPC", "mmap", "memfd_create"} {
		if strings.HasSuffix(name, "."+w) {
			return true
		}
	}
	return false
}

// overwrites reports writing to files that a walk over the user's files found.
func (m *machine) overwrites(f *frame, pos ir.Pos, v *value, how string) {
	if k := find(allMarks(v), userData); k != nil && strings.HasPrefix(k.name, "files below") {
		m.emit(f, "CJS-EXEC-010", pos, how+" whatever a walk over the user's files finds", via(k), severity(skill.High), medium)
	}
}

// builtName is a name that is looked up, put together of pieces, below a domain of
// which the skill says nothing.
func (m *machine) builtName(f *frame, pos ir.Pos, v *value) {
	s := v.shape()
	i := strings.LastIndexByte(s, '*')
	if i < 0 || !strings.HasPrefix(s[i+1:], ".") {
		return
	}
	domain := strings.Trim(s[i+1:], ".")
	if strings.Count(domain, ".") < 1 || m.opt.Manifest.DeclaresHost(domain) || len(domain) < 5 {
		return
	}
	m.emit(f, "CJS-NET-002", pos, "looks up names that are put together, below "+domain, medium)
}

// loadFile runs a file as a module.
func loadFile(n int, keys ...string) model {
	return func(m *machine, f *frame, c *call) *value {
		v := c.arg(n, keys...)
		if v == nil {
			return unknown()
		}
		return m.runFile(f, c.at, v, nil, nil, "importlib")
	}
}

// findDeletes reports find that deletes what stands in the working directory, or
// in the home, whatever it is called.
func (m *machine) findDeletes(f *frame, c *cmdCall, root *value) {
	deletes, named := false, false
	for i, a := range c.args {
		switch a.shape() {
		case "-delete":
			deletes = true
		case "-name", "-iname", "-path", "-regex", "-empty":
			named = named || i == 0 || c.args[i-1].shape() != "!" && c.args[i-1].shape() != "-not"
		}
	}
	if p := root.shape(); deletes && !named && (p == "." || p == "./" || p == "/" || strings.HasPrefix(p, "~") && !strings.Contains(p, "cache") || p == "$HOME" || p == "..") {
		m.emit(f, "CJS-EXEC-010", c.at, "deletes all files below "+p, severity(skill.High), medium)
	}
}

// homeToAddress reports a program without a model that is given the user's home
// and an address.
func (m *machine) homeToAddress(f *frame, c *cmdCall) {
	home, address := "", ""
	for _, a := range c.args {
		s := a.shape()
		if i := strings.Index(s, "://"); i > 0 && strings.Contains(s[i:], ".") {
			address = s
		}
		if p := cleanPath(a); p == "~" || p == "$HOME" || homeTree(p) {
			home = p
		}
	}
	if home == "" || address == "" {
		return
	}
	m.emit(f, "CJS-FLOW-007", c.at, c.name+" is given "+home+" and "+address, medium)
}

// saysSecrets reports secrets in what a shell script writes for the agent to read.
// Those of other languages are reported where they are printed.
func (m *machine) saysSecrets(f *frame, u *Unit) {
	if u.Lang != skill.Shell || u.Fenced {
		return
	}
	for _, k := range allMarks(f.out) {
		if k.source == secretEnv && !k.masked && k.at.File == u.File {
			m.emit(f, "CJS-FLOW-011", ir.Pos{Line: int32(k.at.Line), Col: int32(k.at.Column)}, "prints "+k.name, via(k), severity(skill.Medium), medium)
		}
	}
}
