package gate

import (
	"slices"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/tracee"
)

// loads is what a dynamic loader that is executed is to run: a program that is
// never executed itself, so that neither the probes nor a rule would meet it.
type loads struct {
	is   bool             // a loader is executed, with something to run
	file *tracee.Resolved // what; nil if that cannot be told
	name string           // as the loader opens it
	argv []string         // what it will see
}

func (l loads) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// load finds out what a loader at the end of the chain is told to run.
func (x *execution) load() loads {
	if x.chain.Image != tracee.ImageLoader {
		return loads{}
	}
	argv := x.chain.Argv
	at, argv0, ok := tracee.LoaderProgram(argv)
	switch {
	case !ok:
		return loads{is: true}
	case at == 0:
		return loads{}
	}
	l := loads{is: true, name: argv[at], argv: append([]string{argv0}, argv[at+1:]...)}
	if f, err := x.task.Resolve(unix.AT_FDCWD, l.name, true); err == nil {
		l.file = &f
	}
	return l
}

// files are all that are judged: the chain, and what a loader at its end runs.
func (x *execution) files() []tracee.Resolved {
	if x.loads.file == nil {
		return x.chain.Files
	}
	return append(slices.Clip(x.chain.Files), *x.loads.file)
}

// loadsAnything: a loader opens its program after it was judged, by its name, and
// no token binds that. Where the policy is stricter about some program than about
// what is here, it has to be one that nobody can change.
func (e *Engine) loadsAnything(x *execution, d policy.Decision) bool {
	if !x.loads.is || severity(e.worst()) <= severity(d.Verdict) {
		return false
	}
	return x.loads.file == nil || !x.task.Fixed(*x.loads.file, x.loads.name)
}

// worst is the strictest verdict that the policy has on any program.
func (e *Engine) worst() policy.Verdict {
	d := policy.Decision{Verdict: e.c.Policy.Exec.Default}
	for _, r := range e.c.Policy.Exec.Rules {
		d = strictest(d, policy.Decision{Verdict: r.Then})
	}
	return d.Verdict
}

// closeRefused keeps programs that were refused, or asked for, from being mapped by
// others.
func (e *Engine) closeRefused(x *execution, sums []string) {
	if e.c.CloseCode == nil {
		return
	}
	for i, f := range x.files() {
		if e.verdictOn(x, i, sums).Verdict.Permits() {
			continue
		}
		if image, err := tracee.ImageOf(f.File); err != nil || image != tracee.ImageProgram {
			continue // mapping a library or a script is no way to run it
		}
		if err := e.c.CloseCode(Pinned{int(f.File.Fd()), f.ID}); err != nil {
			e.c.Logger.Warn("close a program to other programs", "jail", e.c.Jail, "path", f.Path, "error", err)
		}
	}
}
