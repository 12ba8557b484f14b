package policy

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

// GatesWrites reports whether a change of a file can be held, answered with more
// than a refusal, or told to a human: then the calls that change files have to
// be trapped.
func (p *Policy) GatesWrites() bool {
	for _, f := range p.Files {
		switch f.Write {
		case Ask, Audit, Kill, Freeze:
			return true
		}
	}
	return false
}

// GatesDeletions reports whether deletions are counted.
func (p *Policy) GatesDeletions() bool { return p.Delete.Limit > 0 }
