//go:build e2e

package races

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clawjail/audit"
)

// base is what all policies here have in common: the attacker and what it needs.
const base = `version: 1
name: race
files:
  - {path: /usr, access: read}
  - {path: /bin, access: read}
  - {path: /lib, access: read}
  - {path: /lib64, access: read}
  - {path: /tmp, access: private}
  - {path: "${WORKSPACE}", access: write, exec: true}
network: {default: deny}
on_violation: deny
`

// byName names the programs: what stands at a path is what it is.
const byName = base + `
exec:
  default: deny
  rules:
    - {run: ["${WORKSPACE}/race", "${WORKSPACE}/victim"], then: allow}
    - {run: ["${WORKSPACE}/good"], args: [safe], then: allow}
    - {run: ["${WORKSPACE}/good"], args: [safe, "..."], then: allow}
    - {run: ["${WORKSPACE}/junk", "${WORKSPACE}/script"], then: allow}
`

// byHash knows the harmless program by what is in it.
const byHash = base + `
exec:
  default: deny
  rules:
    - {run: ["${WORKSPACE}/race"], then: allow}
    - {sha256: SHA_GOOD, then: allow}
`

// result is the attacker's own count.
type result struct{ tries, good, killed, refused, busy, other, wins int }

// attack runs one attack in a jail of its own, and demands that nothing won.
func attack(t *testing.T, policy, name string, tries int) (result, outcome, field) {
	t.Helper()
	f := newField(t, policy)
	r, o := f.attack(t, name, tries)
	if n := strings.Count(o.stdout, "ESCAPED"); n > 0 || r.wins > 0 {
		t.Errorf("it won %d times (%d by its own count)", n, r.wins)
	}
	return r, o, f
}

// attack runs an attack in a jail of the field.
func (f field) attack(t *testing.T, name string, tries int) (result, outcome) {
	t.Helper()
	o := f.jail(t, "./race", name, strconv.Itoa(tries), strconv.Itoa(seconds(t)))
	return parse(t, name, tries, o), o
}

// parse reads what the attacker counted.
func parse(t *testing.T, name string, tries int, o outcome) result {
	t.Helper()
	var r result
	line := ""
	for l := range strings.Lines(o.stdout) {
		if rest, ok := strings.CutPrefix(l, name+" "); ok {
			line = strings.TrimSpace(rest)
		}
	}
	_, err := fmt.Sscanf(line, "tries=%d good=%d killed=%d refused=%d busy=%d other=%d wins=%d",
		&r.tries, &r.good, &r.killed, &r.refused, &r.busy, &r.other, &r.wins)
	if err != nil || o.code != 0 {
		t.Fatalf("the attack did not end as it should (%v): %v", err, o)
	}
	t.Logf("%s %s %s", name, line, strings.TrimSpace(o.stderr))
	if r.tries < tries && full() {
		t.Errorf("%d tries in the time there was, %d were promised", r.tries, tries)
	}
	return r
}

// well starts another jail: the supervisor serves on.
func well(t *testing.T) {
	t.Helper()
	if o := newField(t, byName).jail(t, "./good", "safe"); o.code != 0 {
		t.Errorf("afterwards an ordinary jail does not work: %v", o)
	}
}

// stopped counts what the log says about executions that were refused before,
// and killed at, their beginning.
func stopped(list []audit.Record) (denied, killed int) {
	for _, r := range list {
		switch {
		case r.Gate == audit.GateExec && r.Verdict == "deny":
			denied++
		case r.Gate == audit.GateExec && r.Verdict == "kill":
			killed++
		}
	}
	return denied, killed
}

// told demands that the log knows of what the attacker saw. Records may be
// lost, and then the log says how many.
func told(t *testing.T, o outcome, r result) {
	t.Helper()
	list := records(t, o.name)
	denied, killed := stopped(list)
	lost := 0
	for _, x := range list {
		if x.Gate == audit.GateGap {
			lost += int(x.Subject.Lost)
		}
	}
	t.Logf("log: %d denied, %d killed, %d lost", denied, killed, lost)
	if denied+lost < r.refused {
		t.Errorf("the log has %d denials (%d lost), the attacker saw %d", denied, lost, r.refused)
	}
	if killed+lost < r.killed {
		t.Errorf("the log has %d kills (%d lost), the attacker saw %d", killed, lost, r.killed)
	}
}

// TestMemory flips what execve is given, in memory, while it is judged.
func TestMemory(t *testing.T) {
	for _, how := range []string{"thread", "vm", "shared"} {
		for _, what := range []string{"path", "arg", "pointer", "env"} {
			t.Run(what+"-"+how, func(t *testing.T) {
				r, o, _ := attack(t, byName, what+"-"+how, 10000)
				if r.good == 0 || r.killed == 0 && !refusedInTime(t, what) || r.other > 0 || what != "env" && r.refused == 0 {
					t.Errorf("the race was not run: %+v", r)
				}
				told(t, o, r)
			})
		}
	}
	well(t)
}

// TestSwap changes what a path leads to.
func TestSwap(t *testing.T) {
	for _, name := range []string{"rename", "symlink", "hardlink", "parent", "edit", "map-edit"} {
		t.Run(name, func(t *testing.T) {
			r, o, _ := attack(t, byHash, name, 10000)
			if r.good == 0 || r.refused+r.busy == 0 || r.other > 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			told(t, o, r)
		})
	}
	t.Run("interpreter", func(t *testing.T) {
		r, o, _ := attack(t, byName, "interpreter", 10000)
		if r.good == 0 || r.refused == 0 || r.other > 0 {
			t.Errorf("the race was not run: %+v", r)
		}
		told(t, o, r)
	})
	well(t)
}

// TestThreads has several threads of one process execute.
func TestThreads(t *testing.T) {
	for _, name := range []string{"non-leader", "two-threads"} {
		t.Run(name, func(t *testing.T) {
			r, o, _ := attack(t, byName, name, 10000)
			if r.good == 0 || r.refused+r.killed == 0 || r.other > 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			if name == "non-leader" {
				told(t, o, r)
			}
		})
	}
	for _, name := range []string{"two-good", "one-fails"} {
		t.Run(name, func(t *testing.T) {
			r, o, _ := attack(t, byName, name, 16)
			if r.good != r.tries {
				t.Errorf("what is allowed did not always run to its end: %+v", r)
			}
			told(t, o, r)
		})
	}
	well(t)
}

// TestDoors tries other ways to what is refused.
func TestDoors(t *testing.T) {
	r, o, _ := attack(t, byName, "doors", 10000)
	if r.good > 0 || r.refused == 0 {
		t.Errorf("no way leads to the program: %+v", r)
	}
	told(t, o, r)
	if r, _, _ := attack(t, byName, "good-doors", 10000); r.good < r.tries*2/3 {
		t.Errorf("what is allowed by one name is allowed by the names of the same file: %+v", r)
	}
}

// TestVfork flips what a caller that has borrowed its parent's memory gives.
func TestVfork(t *testing.T) {
	for _, name := range []string{"path-vfork", "arg-vfork", "env-vfork"} {
		t.Run(name, func(t *testing.T) {
			r, o, _ := attack(t, byName, name, 10000)
			if r.good == 0 || r.killed == 0 && !(refusedInTime(t, name) && r.refused > 0) || r.other > 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			told(t, o, r)
		})
	}
	well(t)
}

// refusedInTime says that a mismatch of what is flipped is refused before the
// caller's program is gone, so that nothing has to be killed: the lsm tier sees
// another file than the one that was let through at bprm_check_security.
func refusedInTime(t *testing.T, what string) bool {
	t.Helper()
	return (strings.HasPrefix(what, "path") || what == "pointer") && tier(t) == "lsm"
}

// tier is the supervisor's.
func tier(t *testing.T) string {
	t.Helper()
	ping, err := supervised().Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ping.Tier
}

// TestAddress flips the address that connect is given.
func TestAddress(t *testing.T) {
	r, _, _ := attack(t, byName, "sockaddr", 10000)
	if r.good == 0 || r.refused == 0 {
		t.Errorf("the race was not run: %+v", r)
	}
}

// TestSignals sends signals to callers that are held.
func TestSignals(t *testing.T) {
	r, _, _ := attack(t, byName, "signals", 10000)
	if r.good == 0 || r.killed == 0 || r.refused == 0 || r.other > 0 {
		t.Errorf("the race was not run: %+v", r)
	}
	well(t)
}

// TestMemoryOfOthers writes to the memory of a held caller, and of a program that
// was verified.
func TestMemoryOfOthers(t *testing.T) {
	for _, name := range []string{"proc-mem", "late-mem", "ptrace"} {
		t.Run(name, func(t *testing.T) {
			if r, _, _ := attack(t, byName, name, 10000); r.good == 0 || r.other > 0 {
				t.Errorf("the race was not run: %+v", r)
			}
		})
	}
	well(t)
}

// TestStorm makes as many executions as it can, all of them allowed: none may be
// killed, and each must have been judged.
func TestStorm(t *testing.T) {
	r, o, _ := attack(t, byName, "many", 100000)
	lost(t)
	if r.good != r.tries || r.tries == 0 {
		t.Errorf("something allowed did not run: %+v", r)
	}
	list := records(t, o.name)
	ran, lost := 0, 0
	for _, x := range list {
		switch {
		case x.Gate == audit.GateExec && x.Verdict == "allow":
			ran++
		case x.Gate == audit.GateGap:
			lost += int(x.Subject.Lost)
		}
	}
	if ran+lost < r.tries {
		t.Errorf("%d of %d executions are in the log, %d lost", ran, r.tries, lost)
	}
	judged(t, o.name)
}

// TestStormOfFlips is the same with paths that change.
func TestStormOfFlips(t *testing.T) {
	r, o, _ := attack(t, byName, "storm", 100000)
	lost(t)
	if r.good == 0 || r.killed+r.refused == 0 || r.other > 0 {
		t.Errorf("the race was not run: %+v", r)
	}
	told(t, o, r)
	judged(t, o.name)
	well(t)
}

// lost shows what the supervisor has lost since it started, the runs of probes that
// the kernel skipped among it.
func lost(t *testing.T) {
	t.Helper()
	s, err := supervised().Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("lost since the supervisor started: %v", s.EventsLost)
}

// judged demands that no execution of the jail went unjudged: that is a violation
// in the log.
func judged(t *testing.T, jail string) {
	t.Helper()
	for _, r := range records(t, jail) {
		if strings.Contains(r.Subject.Message, "no probe has seen") {
			t.Errorf("%s", r.Subject.Message)
		}
	}
}

// TestScripts asks for scripts by what is in them.
func TestScripts(t *testing.T) {
	t.Run("allowed by content, which changes", func(t *testing.T) {
		policy := strings.ReplaceAll(byHash, "SHA_GOOD", "SHA_TEXT")
		r, o, _ := attack(t, policy, "script-text", 10000)
		if r.good > 0 || r.refused == 0 || r.other > 0 {
			t.Errorf("what is in a script that can change is no reason to run it: %+v", r)
		}
		told(t, o, r)
	})
	t.Run("allowed by content, which cannot change", func(t *testing.T) {
		const script = "/usr/bin/ldd"
		policy := base + "\nexec:\n  default: deny\n  rules:\n    - {sha256: " + sha256Of(t, script) +
			", then: allow}\n    - {run: [/usr/bin/bash], then: allow}\n"
		if o := newField(t, policy).jail(t, script, "--version"); o.code != 0 || !strings.Contains(o.stdout, "ldd") {
			t.Errorf("%v", o)
		}
	})
	t.Run("an interpreter refused by content", func(t *testing.T) {
		policy := base + "\nexec:\n  default: allow\n  rules:\n    - {sha256: SHA_EVIL, then: deny}\n"
		f := newField(t, policy)
		o := f.jail(t, "/bin/sh", "-c", "./byevil; cp evil copy; ./copy; ln evil hard; ./hard; mv evil moved; ./moved; ./good")
		if strings.Contains(o.stdout, "ESCAPED") || o.code != 0 {
			t.Errorf("%v", o)
		}
	})
}

// TestLoaders has a program that is refused run by the dynamic loader, in all its
// ways, under policies that let everything else run.
func TestLoaders(t *testing.T) {
	const loader = "/lib64/ld-linux-x86-64.so.2"
	for name, rule := range map[string]string{"by path": `{run: ["${WORKSPACE}/loadable"], then: deny}`, "by content": "{sha256: SHA_LOADABLE, then: deny}"} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, base+"\nexec:\n  default: allow\n  rules:\n    - "+rule+"\n")
			script := `ld=` + loader + `
				./loadable; $ld ./loadable; $ld "$PWD/loadable"; $ld --argv0 x ./loadable; $ld --preload /dev/null "$PWD/loadable"
				$ld --list ./loadable; cp $ld mine; ./mine ./loadable; ./mine "$PWD/loadable"; ln -s loadable link; $ld ./link
				$ld /proc/self/cwd/loadable; $ld ` + loader + ` ./loadable; cd /; $ld .$OLDPWD/loadable
				$ld --unknown x; $ld loadable; exec 9< $OLDPWD/loadable; $ld /proc/self/fd/9
				for i in 1 2 3 4 5 6 7 8; do cp $OLDPWD/good $OLDPWD/slot$i; ($ld $OLDPWD/slot$i; true) & cp $OLDPWD/loadable $OLDPWD/slot$i; done; wait
				$ld /usr/bin/true && echo fine`
			o := f.jail(t, "/bin/sh", "-c", script)
			if strings.Contains(o.stdout, "ESCAPED") || !strings.Contains(o.stdout, "fine") {
				t.Errorf("%v", o)
			}
			denied, _ := stopped(records(t, o.name))
			t.Logf("%d denied", denied)
			if denied < 12 {
				t.Errorf("the log has %d denials", denied)
			}
		})
	}
	// What no rule is strict about may be loaded from anywhere.
	f := newField(t, base+"\nexec: {default: audit}\n")
	if o := f.jail(t, loader, "./loadable"); !strings.Contains(o.stdout, "ESCAPED") {
		t.Errorf("%v", o)
	}
}

// TestMapping makes code of a program without executing it. In the lsm tier what
// the policy names is closed from the start, and what it knows by its hash once it
// was refused; the notify tier cannot, and says so in package gate.
func TestMapping(t *testing.T) {
	f := newField(t, base+`
exec:
  default: allow
  rules:
    - {run: ["${WORKSPACE}/evil"], then: deny}
    - {run: [ls], args: ["--version"], then: ask}
    - {sha256: SHA_LOADABLE, then: deny}
`)
	o := f.jail(t, "/bin/sh", "-c", "./race map evil; ./race map /usr/bin/ls; ./race map good; ./race map loadable; ./loadable; ./race map loadable; ls >/dev/null && echo fine")
	const open = "mmap done\nmprotect done\n"
	closed := open
	if tier(t) == "lsm" {
		closed = strings.ReplaceAll(open, "done", "Operation not permitted")
	}
	if want := closed + closed + open + open + closed + "fine\n"; o.stdout != want {
		t.Errorf("%v\nwant %s", o, want)
	}
}

// TestAllowedByContent runs what a rule knows by its hash where everything that
// is refused is answered with a kill.
func TestAllowedByContent(t *testing.T) {
	r, _, _ := attack(t, strings.ReplaceAll(byHash, "on_violation: deny", "on_violation: kill"), "many", 500)
	if r.good != r.tries || r.tries == 0 {
		t.Errorf("something allowed did not run: %+v", r)
	}
}

// TestOtherDoorsToTheKernel makes the attempts of test/victim where the gate is on.
func TestOtherDoorsToTheKernel(t *testing.T) {
	f := newField(t, byName+"delete: {limit: 1000/h, over: deny}\n")
	build := exec.Command("go", "build", "-o", filepath.Join(f.dir, "victim"), "../victim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	own(t, f.dir)
	if o := f.jail(t, "./victim", "refused"); o.code != 0 {
		t.Errorf("%v", o)
	}
}
