package policy

import (
	"net/netip"
	"strings"
)

// Names of decisions that no written rule made.
const (
	ruleFilesDefault   = "files.default"     // not listed
	ruleFilesBuiltin   = "files.builtin"     // part of every jail
	ruleExecDefault    = "exec.default"      // no rule matched
	ruleNetworkDefault = "network.default"   // no rule matched
	rulePrivate        = "network.private"   // not the internet
	ruleLoopback       = "network.loopback"  // the jail's own loopback
	ruleEgress         = "network.egress"    // a virtual address: judged by name in egress
	ruleUnknown        = "policy.unknown"    // a request that makes no sense
	ruleProgram        = "exec.unknown-path" // the kernel could not say what runs
)

// Evaluate judges one operation. It is pure and total: what it does not
// understand is denied.
func (p *Policy) Evaluate(r Request) Decision {
	if p == nil {
		return Decision{Deny, ruleUnknown}
	}
	switch r.Gate {
	case GateExec:
		return p.evaluateExec(r)
	case GateOpen, GateDelete:
		return p.evaluateFile(r)
	case GateConnect:
		return p.Network.evaluate(r)
	default:
		return Decision{Deny, ruleUnknown}
	}
}

func (p *Policy) evaluateExec(r Request) Decision {
	if r.Path == "" {
		return Decision{Deny, ruleProgram}
	}
	for _, rule := range p.Exec.Rules {
		if !rule.Matches(r.Path, r.Argv, r.SHA256) {
			continue
		}
		if p.permitsNothing(rule, r.Path) {
			continue
		}
		return Decision{rule.Then, rule.Origin.String()}
	}
	return Decision{p.Exec.Default, fallback(p.Exec.Origin, ruleExecDefault)}
}

// permitsNothing reports whether a rule is a permission by name for a file that
// the jail can write: whoever can do that can give it any name. A name refuses
// all the same.
func (p *Policy) permitsNothing(rule ExecRule, path string) bool {
	return rule.Then.Permits() && rule.SHA256 == "" && (nameless(path) || p.writable(path) && !rule.namesPath(path))
}

// nameless reports whether the kernel's name for a file leads nowhere: memory
// that was made a file, whose name its maker chose, and files that were removed
// (fs/d_path.c, mm/memfd.c). Only their content says what they are.
func nameless(path string) bool {
	return strings.HasPrefix(path, "/memfd:") || strings.HasSuffix(path, " (deleted)")
}

// writable reports whether the jail can write the file at path, or make one.
func (p *Policy) writable(path string) bool {
	f, ok := p.FileRule(path)
	if !ok {
		return Below(path, "/tmp") || Below(path, "/dev/shm")
	}
	return f.Access == AccessWrite || f.Access == AccessPrivate
}

// fallback names a default by where it was written, if it was.
func fallback(o Origin, name string) string {
	if o.Rule == "" {
		return name
	}
	return o.String()
}

// Below reports whether p is dir or something in it. Both are clean.
func Below(p, dir string) bool {
	rest, ok := strings.CutPrefix(p, dir)
	return ok && (rest == "" || rest[0] == '/' || dir == "/")
}

// FileRule gives the rule that a path falls under: the longest listed one.
func (p *Policy) FileRule(path string) (File, bool) {
	best, found := File{}, false
	for _, f := range p.Files {
		if Below(path, f.Path) && (!found || len(f.Path) > len(best.Path)) {
			best, found = f, true
		}
	}
	return best, found
}

// builtin lists what is in every jail and needs no rule: what the jail itself
// puts there guards it.
var builtin = [...]string{"/dev", "/proc", "/tmp"}

func (p *Policy) evaluateFile(r Request) Decision {
	if !strings.HasPrefix(r.Path, "/") {
		return Decision{Deny, ruleFilesDefault}
	}
	rule, ok := p.FileRule(r.Path)
	if !ok {
		for _, dir := range builtin {
			if Below(r.Path, dir) {
				return Decision{Allow, ruleFilesBuiltin}
			}
		}
		return Decision{Deny, ruleFilesDefault}
	}
	if rule.Access == AccessNone {
		return Decision{Deny, rule.Origin.String()}
	}
	// Only opening for reading is not a change: an operation that is not known
	// is one.
	changes := r.Write || r.Gate == GateDelete || r.Op != "" && r.Op != "open"
	if !changes {
		by := rule.Origin
		by.Category = NoCategory // it is one of writing
		return Decision{Allow, by.String()}
	}
	if r.Op == "rename" || r.Op == "rmdir" {
		if inner, ok := p.guarded(r.Path); ok {
			return Decision{inner.Write, inner.Origin.String()}
		}
	}
	return Decision{rule.Write, rule.Origin.String()}
}

// guarded gives a rule below dir that forbids writing: to move dir away is to
// take its contents from under that rule.
func (p *Policy) guarded(dir string) (File, bool) {
	for _, f := range p.Files {
		if f.Path != dir && Below(f.Path, dir) && !f.Write.Permits() {
			return f, true
		}
	}
	return File{}, false
}

func (n Network) evaluate(r Request) Decision {
	host, addr := NormalHost(r.Host), r.Addr.Unmap()
	if literal, err := netip.ParseAddr(host); err == nil { // "http://192.0.2.1/" names its address
		host = ""
		addr = literal.Unmap()
	}
	if host == "" {
		switch {
		case !addr.IsValid():
			return Decision{Deny, ruleUnknown}
		case addr.IsLoopback():
			return Decision{Allow, ruleLoopback}
		case VirtualV4().Contains(addr) || VirtualV6().Contains(addr):
			return Decision{Allow, ruleEgress}
		}
	}
	if addr.IsValid() && Private(addr) && !n.Private.Permits() {
		return Decision{n.Private, fallback(n.PrivateOrigin, rulePrivate)}
	}
	for _, rule := range n.Rules {
		if rule.matches(host, addr, r.Port) {
			return Decision{rule.Then, rule.Origin.String()}
		}
	}
	return Decision{n.Default, fallback(n.Origin, ruleNetworkDefault)}
}
