//go:build kernel

package bpf

import (
	"fmt"
	"testing"

	"clawjail/bpf/wire"
	"clawjail/seccomp/notify"
)

// A token for any arguments lets exactly its files run, with whatever arguments,
// and is used like any other. Both ways of putting tokens are tried.
func TestAnyArguments(t *testing.T) {
	for _, slowly := range []bool{false, true} {
		t.Run(fmt.Sprintf("slowly %v", slowly), func(t *testing.T) {
			f, speak := gatedJail(t)
			if slowly {
				f.probes.putter.close()
				f.probes.putter.objects = nil
			}
			g := startGated(t, f, "spawn", "1", speak, "hello")
			var from, now Origin
			out := g.serve(func(call notify.Call) {
				var err error
				tok := ExecToken{TID: call.TID, AnyArgs: true, Files: []FileID{f.identify(speak)}, TTL: patience}
				if from, err = f.jail.PutExec(tok); err != nil {
					t.Error(err)
				}
				if now, err = f.probes.Origin(call.TID); err != nil || now != from || now.TGID != tgidOf(t, call.TID) {
					t.Errorf("it is %+v, and was %+v (%v)", now, from, err)
				}
				g.goOn(call)
			})
			if out != "hexit 0\n" {
				t.Errorf("got %q", out)
			}
			if used, err := f.jail.DropExec(from.TGID, from.TGID); !used || err != nil {
				t.Errorf("token used: %v, %v", used, err)
			}
			other := writeProgram(t, speak+"-other", append(speaker(), 0))
			g = startGated(t, f, "spawn", "1", speak, "hello")
			out = g.serve(func(call notify.Call) {
				tok := ExecToken{TID: call.TID, AnyArgs: true, Files: []FileID{f.identify(other)}, TTL: patience}
				if from, err := f.jail.PutExec(tok); err != nil {
					t.Error(from, err)
				}
				g.goOn(call)
			})
			if want := died(f, wire.Inode); out != want {
				t.Errorf("another program: %q, want %q", out, want)
			}
		})
	}
}

// Where a process stands may be left to the kernel to say.
func TestDirectoryAsItIs(t *testing.T) {
	f, speak := gatedJail(t)
	g := startGated(t, f, "spawn", "1", speak, "hello")
	out := g.serve(func(call notify.Call) {
		tok := f.token(call.TID, []string{speak, "hello"}, gatedEnv, speak)
		tok.TGID, tok.CwdDev, tok.CwdIno = 0, 0, 0
		g.allow(call, tok)
	})
	if out != "hexit 0\n" {
		t.Errorf("got %q", out)
	}
}

// An execution makes another origin of a process, and nothing else does.
func TestOriginChangesWithExecutions(t *testing.T) {
	f, speak := gatedJail(t)
	for _, look := range []func(int32) (Origin, error){f.probes.Origin, originOf} {
		g := startGated(t, f, "spawn", "2", speak, "x")
		var seen []Origin
		g.serve(func(call notify.Call) {
			a, err := look(call.TID)
			b, err2 := look(call.TID)
			if err != nil || err2 != nil || a != b {
				t.Errorf("%+v and %+v: %v, %v", a, b, err, err2)
			}
			seen = append(seen, a)
			g.allow(call, f.token(call.TID, []string{speak, "x"}, gatedEnv, speak))
		})
		if len(seen) != 2 || seen[0] == seen[1] {
			t.Errorf("seen %+v", seen)
		}
	}
	if _, err := f.probes.Origin(1 << 30); err == nil {
		t.Error("a thread that is none has an origin")
	}
}
