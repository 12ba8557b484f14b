package plan

import (
	"clawjail/policy"
	"clawjail/seccomp"
)

// Ask is a tree of the host that the jail sees read-only and that is written
// on its behalf when a human says so.
type Ask struct {
	Path  string // on the host and in the jail alike
	Idmap bool   // root's files there are shown as the user's
}

// Gates says which system calls a policy needs trapped. A policy that neither
// refuses, holds nor counts anything of a kind traps nothing of that kind. Where
// humans are only told, what the probes report passes: they see what the kernel
// opened, renamed or removed, and the record is theirs either way.
func Gates(p *policy.Policy) seccomp.Gates {
	files := p.GatesWrites()
	return seccomp.Gates{Exec: p.GatesExec(), Files: files, Deletes: p.GatesDeletions(), Metadata: p.AuditsWrites() && !files}
}

// asks lists the trees that can be written on approval.
func (l *lowering) asks() []Ask {
	var out []Ask
	for _, r := range l.rules {
		switch {
		case r.Access != policy.AccessRead || r.Write != policy.Ask:
		case !r.exists:
			l.note("%s does not exist: nothing can be asked there until the next start (%s)", r.Path, r.Origin)
		default:
			out = append(out, Ask{Path: r.real, Idmap: l.idmap(r)})
		}
	}
	return out
}
