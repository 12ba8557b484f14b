package gate

import (
	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
)

// quick is what quickExec remembers and reuses.
type quick struct {
	byPath map[string]byPath
	files  []tracee.Seen
	pinned []Pinned
}

// byPath is what the policy says of a program whatever its arguments are.
type byPath struct {
	permits bool
	depends bool // on arguments or content
}

// maxByPath bounds what is remembered; all is forgotten when it is full.
const maxByPath = 4096

// quickExec lets an execution go on that the policy permits by itself, and
// reports whether it did. Everything else, and whatever is out of the ordinary,
// is looked at again and in full: a denial, a question and a record are never
// made here.
//
// Nothing is pinned and the call is not asked after: what is put is a permission
// that the policy gives to every thread of this jail, and who would get one in
// place of a thread that is gone could have had it for the asking.
func (e *Engine) quickExec(call notify.Call) bool {
	if e.glance == nil || call.Nr != unix.SYS_EXECVE || e.glance.At(call.TID) != nil {
		return false
	}
	name, err := e.glance.String(call.Args[0], maxPath)
	if err != nil {
		return false
	}
	p, err := e.glance.Program(name, e.quick.files)
	if err != nil {
		return false
	}
	e.quick.files = p.Files
	t := Token{TID: call.TID, AnyArgs: true, Files: e.quick.pinned[:0]}
	for _, f := range p.Files {
		about := e.about(f.Path)
		if !about.permits && !about.depends {
			return false
		}
		t.AnyArgs = t.AnyArgs && !about.depends
		t.Files = append(t.Files, Pinned{f.FD, f.ID})
	}
	e.quick.pinned = t.Files
	if !t.AnyArgs && !e.withArgs(call, p, &t) {
		return false
	}
	e.letGo(call, t, p.Files[0].Path)
	return true
}

// about asks the policy, once for each path.
func (e *Engine) about(path string) byPath {
	if b, ok := e.quick.byPath[path]; ok {
		return b
	}
	if e.quick.byPath == nil || len(e.quick.byPath) >= maxByPath {
		e.quick.byPath = map[string]byPath{}
	}
	d, ok := e.c.Policy.ExecAnyArgs(path)
	b := byPath{permits: ok && d.Verdict.Permits(), depends: !ok}
	e.quick.byPath[path] = b
	return b
}

// withArgs judges the arguments of a program for which they matter, and ties the
// token to them.
func (e *Engine) withArgs(call notify.Call, p tracee.Program, t *Token) bool {
	if e.c.Policy.NeedsHash() {
		return false
	}
	argv, err := e.glance.Strings(call.Args[1], maxWords, maxBytes)
	if err != nil || len(argv) == 0 {
		return false
	}
	t.Argv = p.Argv(argv)
	for i, f := range p.Files {
		r := policy.Request{Gate: policy.GateExec, Op: "exec", Path: f.Path, Argv: t.Argv}
		if i == 0 {
			r.Argv = argv
		}
		if !e.c.Policy.Evaluate(r).Verdict.Permits() {
			return false
		}
	}
	t.Env, err = e.glance.Strings(call.Args[2], maxWords, maxBytes)
	return err == nil
}
