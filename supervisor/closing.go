package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/bpf"
	"clawjail/bpf/wire"
	"clawjail/policy"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/gate"
)

// maxListed bounds the entries of a directory that are looked through for the
// programs that a pattern names.
const maxListed = 8192

// closer closes programs that were refused, so that they are not mapped instead;
// nil in the notify tier. When a jail has no room for another one, those that are
// closed stay closed.
func (b *build) closer() func(gate.Pinned) error {
	if b.s.tier != bpf.TierLSM {
		return nil
	}
	t := &tokens{probes: b.s.probes, jail: b.probe}
	return func(f gate.Pinned) error {
		id, err := t.fileID(f)
		if err != nil {
			return err
		}
		if err := b.probe.CloseCode(id); !errors.Is(err, bpf.ErrTooManyClosed) {
			return err
		}
		return nil
	}
}

// mapped records that a closed program was to be mapped. The kernel has refused it,
// and nothing runs that must not: looking at a program with ldd does it, too.
func (s *Supervisor) mapped(v *jailView, ev wire.Event, r audit.Record) {
	v.refused.Add(1)
	r.Gate, r.Verdict, r.Rule = audit.GateExec, policy.Deny.String(), "gate"
	r.Subject.Op, r.Subject.Message = "map", "refused to be run by another program, which mapped it as code"
	if err := s.audit.append(r); err != nil {
		v.lost.Add(1)
		s.metrics.lose("audit", 1)
	}
}

// closeNamed closes the programs that the policy's refusals and questions name, as
// far as names lead to files before anything has run. Patterns over whole trees and
// hashes do not: what these are about is closed when it is first refused.
func (b *build) closeNamed() error {
	closeOne := b.closer()
	if closeOne == nil {
		return nil
	}
	task, err := tracee.Open(int32(b.created.InitPID))
	if err != nil {
		return fmt.Errorf("look at the jail's programs: %w", err)
	}
	defer task.Close()
	for _, name := range refusedPrograms(b.plan.Policy, searchPath(b.plan.Jail.Env), func(dir string) []string { return entries(task, dir) }) {
		if err := closeProgram(task, name, closeOne); err != nil {
			return fmt.Errorf("close %q to other programs: %w", name, err)
		}
	}
	return nil
}

// closeProgram closes what is at a path of the jail, if that is a program.
func closeProgram(task *tracee.Task, name string, closeOne func(gate.Pinned) error) error {
	f, err := task.Resolve(unix.AT_FDCWD, name, true)
	if err != nil {
		return nil // nothing there that could be mapped
	}
	defer f.Close()
	if image, err := tracee.ImageOf(f.File); err != nil || image != tracee.ImageProgram {
		return nil
	}
	return closeOne(gate.Pinned{FD: int(f.File.Fd()), ID: f.ID})
}

// refusedPrograms lists paths that rules which do not permit name, in directories
// of the search path and in those that patterns spell out.
func refusedPrograms(p *policy.Policy, search []string, list func(dir string) []string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, rule := range p.Exec.Rules {
		if rule.Then.Permits() || rule.SHA256 != "" {
			continue
		}
		for _, b := range rule.Bound {
			add(b.Path)
		}
		for _, pattern := range rule.Run {
			dirs := search
			if strings.Contains(pattern, "/") {
				dirs = []string{path.Dir(pattern)}
			}
			for _, dir := range dirs {
				base := path.Base(pattern)
				switch {
				case strings.ContainsAny(dir, `*?\`) || base == "**":
				case !strings.ContainsAny(base, `*?\`):
					add(path.Join(dir, base))
				default:
					for _, name := range list(dir) {
						if full := path.Join(dir, name); policy.MatchProgram(pattern, full) {
							add(full)
						}
					}
				}
			}
		}
	}
	return out
}

// searchPath is the jail's PATH.
func searchPath(env []string) []string {
	for _, kv := range env {
		if list, ok := strings.CutPrefix(kv, "PATH="); ok {
			return strings.Split(list, ":")
		}
	}
	return nil
}

// entries lists a directory of the jail.
func entries(task *tracee.Task, dir string) []string {
	d, err := task.Resolve(unix.AT_FDCWD, dir, true)
	if err != nil {
		return nil
	}
	defer d.Close()
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", d.File.Fd()))
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(maxListed) // what was read is looked at
	return names
}
