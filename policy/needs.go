package policy

import "slices"

// NeedsHash reports whether a rule looks at the content of programs, so that
// they have to be hashed before they can be judged.
func (p *Policy) NeedsHash() bool {
	for _, r := range p.Exec.Rules {
		if r.SHA256 != "" {
			return true
		}
	}
	return false
}

// GatesExec reports whether an execution can be refused or held. A policy that
// lets everything run has no need of a gate there; what ran is recorded anyway.
func (p *Policy) GatesExec() bool {
	if !p.Exec.Default.Permits() {
		return true
	}
	for _, r := range p.Exec.Rules {
		if !r.Then.Permits() {
			return true
		}
	}
	return false
}

// GatesWrites reports whether a change of a file can be held, or answered with
// more than a refusal: then the calls that change files have to be trapped.
func (p *Policy) GatesWrites() bool {
	return slices.ContainsFunc(p.Files, func(f File) bool {
		return f.Write == Ask || f.Write == Kill || f.Write == Freeze
	})
}

// AuditsWrites reports whether a human is told of changes of files. Whoever sees
// them happen can do that; only what nobody sees has to be trapped for it.
func (p *Policy) AuditsWrites() bool {
	return slices.ContainsFunc(p.Files, func(f File) bool { return f.Write == Audit })
}

// GatesDeletions reports whether deletions are counted.
func (p *Policy) GatesDeletions() bool { return p.Delete.Limit > 0 }
