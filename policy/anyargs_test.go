package policy

import (
	"math/rand/v2"
	"testing"
)

func TestExecAnyArgs(t *testing.T) {
	p := &Policy{
		Files: []File{{Path: "/usr", Access: AccessRead}, {Path: "/work", Access: AccessWrite, Write: Allow}},
		Exec: Exec{Default: Deny, Rules: []ExecRule{
			{Run: []string{"rm"}, Then: Deny},
			{Run: []string{"git"}, Args: []string{"push", "..."}, Then: Ask},
			{Run: []string{"sh"}, Then: Allow, Bound: []Binding{{Name: "sh", Path: "/usr/bin/dash"}}},
			{Run: []string{"hashed"}, SHA256: "00", Then: Allow},
			{Run: []string{"free"}, Args: []string{"..."}, Then: Audit},
			{Run: []string{"/work/tool"}, Then: Allow},
			{Run: []string{"git", "ls"}, Then: Allow},
		}},
	}
	for path, want := range map[string]struct {
		verdict Verdict
		ok      bool
	}{
		"/usr/bin/rm":     {Deny, true},
		"/usr/bin/git":    {Deny, false},
		"/usr/bin/dash":   {Deny, false},
		"/usr/bin/sh":     {Allow, true},
		"/usr/bin/hashed": {Deny, false},
		"/usr/bin/free":   {Audit, true},
		"/work/tool":      {Allow, true},
		"/work/ls":        {Deny, true}, // a name, where the jail can write
		"/usr/bin/ls":     {Allow, true},
		"/usr/bin/other":  {Deny, true},
		"":                {Deny, true},
	} {
		if d, ok := p.ExecAnyArgs(path); ok != want.ok || d.Verdict != want.verdict {
			t.Errorf("%q: %s, %v; want %s, %v", path, d.Verdict, ok, want.verdict, want.ok)
		}
	}
	if d, ok := (*Policy)(nil).ExecAnyArgs("/usr/bin/ls"); !ok || d.Verdict != Deny {
		t.Errorf("no policy: %s, %v", d.Verdict, ok)
	}
}

// FuzzExecAnyArgs compares what is said of all executions of a path with what is
// said of one.
func FuzzExecAnyArgs(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, "push")
	}
	f.Fuzz(func(t *testing.T, seed uint64, arg string) {
		r := rand.New(rand.NewPCG(seed, 0))
		pick := func(list ...string) string { return list[r.IntN(len(list))] }
		p := &Policy{
			Files: []File{{Path: "/usr", Access: AccessRead}, {Path: "/w", Access: AccessWrite, Write: Allow}},
			Exec:  Exec{Default: Verdict(r.IntN(int(verdictEnd)))},
		}
		name := func() string { return pick("a", "b", "*", "/w/a", "/usr/bin/*", "/bin/b", "/**", "sh") }
		for range r.IntN(5) {
			rule := ExecRule{Then: Verdict(r.IntN(int(verdictEnd)))}
			for range r.IntN(3) {
				rule.Run = append(rule.Run, name())
			}
			switch r.IntN(4) {
			case 0:
				rule.Args = []string{}
			case 1:
				rule.Args = []string{pick("push", "...", "*"), pick("...", "x")}
			case 2:
				rule.Args = []string{"..."}
			}
			if r.IntN(4) == 0 {
				rule.SHA256 = "00"
			}
			if r.IntN(4) == 0 {
				rule.Bound = []Binding{{Name: pick("sh", "a"), Path: pick("/usr/bin/b", "/w/a", "/usr/bin/busybox")}}
			}
			p.Exec.Rules = append(p.Exec.Rules, rule)
		}
		for _, path := range []string{"/w/a", "/w/b", "/usr/bin/a", "/usr/bin/b", "/bin/b", "/usr/bin/busybox", ""} {
			want, ok := p.ExecAnyArgs(path)
			if !ok {
				continue
			}
			for _, argv := range [][]string{nil, {""}, {"a"}, {"sh", arg}, {"a", "push", arg}, {arg, arg, "x"}} {
				for _, sum := range []string{"", "00"} {
					if got := p.Evaluate(Request{Gate: GateExec, Path: path, Argv: argv, SHA256: sum}); got != want {
						t.Fatalf("%q %q: %v, of any arguments %v\n%+v", path, argv, got, want, p.Exec)
					}
				}
			}
		}
	})
}
