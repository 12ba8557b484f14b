//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
	"clawjail/test/e2e/smallnet"
)

const noPushes = "exec:\n  rules:\n    - {run: git, args: [push, ...], then: deny}\n"

// viaSocket runs a program whose stderr is a socketpair, as Node does, and
// writes what came through it.
const viaSocket = `import socket, subprocess
ours, theirs = socket.socketpair()
try:
    subprocess.run(["git", "push"], stderr=theirs)
except OSError as e:
    print(e)
theirs.close()
open("socket", "wb").write(ours.recv(4096))`

// What refuses something says so where whoever asked for it reads it: on the
// stderr of the program, whatever that is, and only if the policy has it told.
func TestRefusalIsExplained(t *testing.T) {
	const line = "clawjail: refused: git push: by exec.rules[0] (test.yaml:6)\n"
	dir := workspace(t)
	o := jail(t, run{Policy: policyFile(t, noPushes+"on_refusal: explain\n"), Workspace: dir, Argv: []string{"sh", "-c",
		"git push; echo \"[$?]\"; git push 2>file; python3 -c '" + viaSocket + "'; git push 2>/dev/null; git push 2>&-; echo end"}})
	if o.Code != 0 || !strings.HasSuffix(o.Stdout, "end\n") || !strings.Contains(o.Stdout, "[126]") || !strings.Contains(o.Stdout, "Operation not permitted") {
		t.Fatalf("%v", o)
	}
	if strings.Count(o.Stderr, line) != 1 {
		t.Errorf("on the jail's stderr: %q", o.Stderr)
	}
	if got := read(t, dir+"/file"); !strings.HasPrefix(got, line) {
		t.Errorf("in a file: %q", got)
	}
	if got := read(t, dir+"/socket"); !strings.HasPrefix(got, line) {
		t.Errorf("in a socket: %q", got)
	}
	o = jail(t, run{Policy: policyFile(t, noPushes), Workspace: dir, Argv: []string{"sh", "-c", "git push; true"}})
	if o.Code != 0 || strings.Contains(o.Stderr, "clawjail: refused") {
		t.Errorf("nobody asked for it: %v", o)
	}
}

// A program that is killed for what it asks for hears of it first.
func TestKillIsExplained(t *testing.T) {
	policy := policyFile(t, "exec:\n  rules:\n    - {run: git, then: kill}\non_refusal: explain\n")
	o := jail(t, run{Policy: policy, Workspace: workspace(t), Argv: []string{"sh", "-c", "git status; echo \"[$?]\""}})
	if !strings.Contains(o.Stdout, "[137]") || !strings.Contains(o.Stderr, "clawjail: refused: git status: by exec.rules[0]") {
		t.Errorf("%v", o)
	}
}

const sensitive = `files:
  - {path: "${WORKSPACE}/watched", access: write, write: sensitive}
exec:
  rules:
    - {run: curl, then: sensitive}
network:
  sensitive: ["` + smallnet.NameWeb + `:80"]
`

// What is sensitive is done, and told: at the end of the run, in the list, to
// whoever watches, and in the record.
func TestSensitiveIsDoneAndTold(t *testing.T) {
	dir := workspace(t)
	if err := os.Mkdir(dir+"/watched", 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, dir+"/watched")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := make(chan string, 64)
	keep := detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "60"}}) // a supervisor to watch
	watching := make(chan struct{})
	go func() {
		defer close(watched)
		_ = supervised().WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
			switch ev.Kind {
			case approval.Resync:
				close(watching)
			case approval.Told:
				watched <- ev.Notice.Gate
			}
			return nil
		})
	}()
	<-watching
	o := jail(t, run{Policy: policyFile(t, sensitive), Workspace: dir, Argv: []string{"sh", "-c",
		"for i in 1 2 3; do echo x >> watched/a; done; mkdir watched/d; for i in $(seq 40); do echo > watched/d/$i; done; curl -sS http://" + smallnet.NameWeb + "/told"}})
	if o.Code != 0 || !strings.Contains(o.Stdout, "GET /told") {
		t.Fatalf("%v", o)
	}
	for _, want := range []string{"the policy has you told of this:", "by files[0], sensitive (test.yaml:5):\n", "3× open " + dir + "/watched/a\n",
		"1× mkdir " + dir + "/watched/d\n", "more: clawjail audit query", "1× curl -sS http://", "1× connect " + smallnet.NameWeb + ":80"} {
		if !strings.Contains(o.Stderr, want) {
			t.Errorf("the end of the run does not tell %q: %v", want, o)
		}
	}
	if n := strings.Count(o.Stderr, "×"); n > 6 {
		t.Errorf("%d lines are told: %v", n, o)
	}
	list := clawjail(t, run{}, "notices", "--jail", o.Name)
	if list.Code != 0 || !strings.Contains(list.Stdout, dir+"/watched/a") || strings.Count(list.Stdout, "\n") > 30 {
		t.Errorf("%v", list)
	}
	cancel()
	seen := map[string]int{}
	for gate := range watched {
		seen[gate]++
	}
	if seen["file"] == 0 || seen["exec"] == 0 || seen["egress"] == 0 || seen["file"] > approval.MaxRuleNotices+1 {
		t.Errorf("watchers were told %v", seen)
	}
	log := records(t, o.Name)
	for gate, part := range map[string]string{audit.GateFile: "/watched/a", audit.GateExec: "/curl", audit.GateEgress: smallnet.NameWeb} {
		want(t, log, "the sensitive "+part, func(r audit.Record) bool {
			return r.Gate == gate && r.Verdict == "audit" && strings.Contains(r.Rule, "sensitive") && strings.HasSuffix(r.Subject.Path+r.Subject.Host, part)
		})
	}
	// Once each, whether the gate or a probe saw it.
	for path, n := range map[string]int{dir + "/watched/a": 3, dir + "/watched/d": 1, dir + "/watched/d/7": 1} {
		if got := count(log, func(r audit.Record) bool { return r.Subject.Path == path }); got != n {
			t.Errorf("%d records of %s, want %d", got, path, n)
		}
	}
	_ = keep
}

func count(list []audit.Record, match func(audit.Record) bool) (n int) {
	for _, r := range list {
		if match(r) {
			n++
		}
	}
	return n
}

// A name that is refused is cut out of a wildcard that is allowed: no answer for
// it, and none of its traffic.
func TestRefusedNameInAWildcard(t *testing.T) {
	const refused = "a.wild.example.com"
	before := len(reached(t, refused))
	network := "network: {allow: [\"*.example.com:80\"], deny: [\"" + refused + ":any\"]}\n"
	o := jail(t, run{Policy: policyFile(t, network), Workspace: workspace(t), Argv: []string{"sh", "-c",
		"curl -sS -m 20 http://" + smallnet.NameWeb + "/yes; curl -sS -m 20 http://b." + refused + "/below; curl -sS -m 20 http://" + refused + "/no; " +
			"curl -sS -m 20 -H 'Host: " + refused + "' http://" + smallnet.NameWeb + "/lie; getent hosts " + refused + "; echo \"[$?]\""}})
	if !strings.Contains(o.Stdout, "GET /yes") || !strings.Contains(o.Stdout, "GET /below") || strings.Contains(o.Stdout, "/no") || strings.Contains(o.Stdout, "GET /lie") ||
		!strings.HasSuffix(o.Stdout, "[2]\n") {
		t.Errorf("%v", o)
	}
	if hits := reached(t, refused)[before:]; len(hits) > 0 {
		t.Errorf("this reached the internet: %v", hits)
	}
	want(t, records(t, o.Name), "the refused name", func(r audit.Record) bool {
		return r.Gate == audit.GateDNS && r.Verdict == "deny" && r.Subject.Host == refused && strings.HasPrefix(r.Rule, "network.deny[0]")
	})
}

// evade tries to get rid of the content of files without a deletion.
const evade = `import ctypes, fcntl, mmap, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
SIZE = 8192
def check(r):
    if r != 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def fallocate(mode):
    def f(name):
        with open(name, "r+b") as o: check(libc.fallocate(o.fileno(), mode, 0, SIZE // 2))
    return f
def madvise(name):
    with open(name, "r+b") as o, mmap.mmap(o.fileno(), SIZE) as m: m.madvise(9)
def ioctl(request):
    def f(name):
        with open(name, "r+b") as o: fcntl.ioctl(o.fileno(), request, struct.pack("hhqqi4i8x", 0, 0, 0, SIZE, 0, 0, 0, 0, 0))
    return f
def ftruncate(name):
    with open(name, "r+b") as o: os.ftruncate(o.fileno(), 1)
def exchange(name):
    open("empty", "w").close()
    os.rename("empty", name)
ways = {"punch": fallocate(3), "collapse": fallocate(8), "zero": fallocate(16), "zero-keep": fallocate(17), "madvise": madvise,
    "unresvsp": ioctl(0x4030582b), "unresvsp64": ioctl(0x4030582d), "zero-range": ioctl(0x40305839),
    "truncate-1": lambda n: os.truncate(n, 1), "truncate-0": lambda n: os.truncate(n, 0), "truncate-less": lambda n: os.truncate(n, SIZE - 1),
    "ftruncate": ftruncate, "o-trunc": lambda n: os.close(os.open(n, os.O_RDONLY | os.O_TRUNC)), "creat": lambda n: open(n, "w").close(),
    "rename-over": exchange, "unlink": os.unlink}
os.unlink("first")
for name, way in ways.items():
    try:
        way("f-" + name)
        print(name, "done")
    except OSError as e:
        print(name, e.errno)
os.truncate("f-punch", SIZE)       # neither shorter
os.truncate("longer", 3 * SIZE)    # nor is this
fd = os.memfd_create("x")
os.ftruncate(fd, 100); os.ftruncate(fd, 0)
print("end", os.stat("longer").st_size)`

// Where deletions are counted there is no other way to be rid of a file's
// content but to write over it, which is a write.
func TestDeletionsCannotBeEvaded(t *testing.T) {
	dir := workspace(t)
	content := strings.Repeat("kept\n", 8192/5) + "ab"
	names := strings.Fields("punch collapse zero zero-keep madvise unresvsp unresvsp64 zero-range truncate-1 truncate-0 truncate-less ftruncate o-trunc creat rename-over unlink")
	for _, n := range names {
		write(t, dir+"/f-"+n, content, 0o644)
	}
	write(t, dir+"/first", "x", 0o644)
	write(t, dir+"/longer", content, 0o644)
	o := jail(t, run{Policy: policyFile(t, "delete: {limit: 1/h, over: deny}\non_violation: deny\n"), Workspace: dir, Argv: []string{"python3", "-c", evade}})
	if o.Code != 0 || !strings.HasSuffix(o.Stdout, "end 24576\n") || strings.Contains(o.Stdout, "done") {
		t.Fatalf("%v", o)
	}
	for _, n := range names {
		if got := read(t, dir+"/f-"+n); got != content {
			t.Errorf("%s: %d bytes are left of the file: %v", n, len(got), o.Stdout)
		}
	}
	for _, n := range []string{"truncate-1", "ftruncate", "rename-over", "unlink"} {
		if !strings.Contains(o.Stdout, n+" 1\n") { // EPERM
			t.Errorf("%s: %s", n, o.Stdout)
		}
	}
}

// inMemory executes a copy of a program from memory under a name of its choice,
// and one whose file is gone.
const inMemory = `import os, sys
def attempt(word, fd):
    pid = os.fork()
    if pid == 0:
        try:
            os.execve(fd, ["x", word], os.environ)
        except OSError as e:
            print(word, e.errno, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
data = open("/usr/bin/echo", "rb").read()
fd = os.memfd_create(sys.argv[1])
os.write(fd, data)
attempt("memory", fd)
with open("tool", "wb") as f:
    f.write(data)
os.chmod("tool", 0o755)
fd = os.open("tool", os.O_PATH)
os.unlink("tool")
attempt("removed", fd)`

// Memory and removed files are judged by what they are: no name permits them,
// even one that fits, their hash does.
func TestProgramsWithoutAFile(t *testing.T) {
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, "/usr/bin/echo"))))
	rules := "exec:\n  default: deny\n  rules:\n    - {run: [\"python3*\", \"echo*\", \"/**\"], then: allow}\n"
	own := "files:\n  - {path: \"${WORKSPACE}\", access: write, exec: true}\n"
	for _, tt := range []struct{ name, policy, out string }{
		{"by name", own + rules, "memory 1\nremoved 1\n"},
		{"by hash", own + rules + "    - {sha256: " + hash + ", then: allow}\n", "memory\nremoved\n"},
		{"by default", own + "exec: {default: audit, rules: [{run: nobody, then: deny}]}\n", "memory\nremoved\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := jail(t, run{Policy: policyFile(t, tt.policy), Workspace: workspace(t), Argv: []string{"python3", "-c", inMemory, "/usr/bin/echo"}})
			if o.Code != 0 || o.Stdout != tt.out {
				t.Errorf("%v", o)
			}
		})
	}
}

// Whoever is asked about a script reads whether its content is bound.
func TestScriptsAreShownAsBoundOrNot(t *testing.T) {
	dir := workspace(t)
	write(t, dir+"/tool", "#!/bin/sh\necho mine\n", 0o755)
	policy := policyFile(t, "files:\n  - {path: \"${WORKSPACE}\", access: write, exec: true}\nexec:\n  rules:\n    - {run: [\"${WORKSPACE}/tool\", ldd], then: ask}\n")
	for _, tt := range []struct{ name, command, note string }{
		{"in the workspace", filepath.Join(dir, "tool"), "content not bound"},
		{"of the system", "/usr/bin/ldd", "content bound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := detached(t, run{Policy: policy, Workspace: dir, Argv: []string{"sh", "-c", tt.command + " --version"}})
			a := held(t, j.Name)
			if len(a.Notes) != 1 || !strings.Contains(a.Notes[0], tt.note) {
				t.Errorf("notes: %q", a.Notes)
			}
			o := clawjail(t, run{}, "approve", a.ID)
			if o.Code != 0 || !strings.Contains(o.Stdout, tt.note) {
				t.Errorf("%v", o)
			}
			ended(t, j)
		})
	}
}

// A request of nearly two megabytes of escape codes is held, shown as text of a
// bounded size, and answered.
func TestALargeHostileQuestion(t *testing.T) {
	const ask = `import os; os.execvp("git", ["git", "push"] + ["\x1b[2J\x1b]0;owned\x07\x1b[31m" * 5000] * 16 + ["the end"])`
	policy := policyFile(t, "exec:\n  rules:\n    - {run: git, args: [push, ...], then: ask}\non_refusal: explain\n")
	dir := workspace(t)
	j := detached(t, run{Policy: policy, Workspace: dir, Argv: []string{"sh", "-c", "python3 -c '" + ask + "' 2>err"}})
	a := held(t, j.Name)
	if a.Argc != 19 || a.ArgvBytes < 1<<20 || a.ArgvSHA256 == "" {
		t.Errorf("%d arguments, %d bytes", a.Argc, a.ArgvBytes)
	}
	for _, args := range [][]string{{"pending"}, {"pending", a.ID}, {"deny", a.ID, "--reason", "\x1b[31mno"}} {
		o := clawjail(t, run{}, args...)
		if o.Code != 0 || strings.ContainsAny(o.Stdout+o.Stderr, "\x1b\a") || len(o.Stdout) > 128<<10 || !strings.Contains(o.Stdout, `\x1b[2J`) {
			t.Errorf("%v: %d bytes, %v", args, len(o.Stdout), o)
		}
	}
	ended(t, j)
	if got := read(t, dir+"/err"); len(got) > 4096 || strings.Contains(got, "\x1b") || !strings.Contains(got, "clawjail: refused: git push") {
		t.Errorf("the program was told %q", got)
	}
	for _, again := range [][]string{{"approve", a.ID}, {"deny", a.ID}} {
		if o := clawjail(t, run{}, again...); o.Code == 0 || !strings.Contains(o.Stderr, "already denied by root") {
			t.Errorf("a second answer: %v", o)
		}
	}
}

// Answers that come too late, after the time or the jail, decide nothing.
func TestAnswersThatComeTooLate(t *testing.T) {
	rules := "exec:\n  rules:\n    - {run: git, args: [push, ...], then: ask}\n"
	late := detached(t, run{Policy: policyFile(t, rules+"approval: {timeout: 1s}\n"), Workspace: workspace(t), Argv: []string{"sh", "-c", "git push; true"}})
	a := held(t, late.Name)
	ended(t, late)
	if o := clawjail(t, run{}, "approve", a.ID); o.Code == 0 || !strings.Contains(o.Stderr, "timed out") {
		t.Errorf("after the time: %v", o)
	}
	gone := detached(t, run{Policy: policyFile(t, rules), Workspace: workspace(t), Argv: []string{"sh", "-c", "git push; true"}})
	a = held(t, gone.Name)
	if o := clawjail(t, run{}, "approve", a.ID, "--digest", strings.Repeat("0", 64)); o.Code == 0 || !strings.Contains(o.Stderr, "not the one that was looked at") {
		t.Errorf("another digest: %v", o)
	}
	if o := clawjail(t, run{}, "kill", gone.Name); o.Code != 0 {
		t.Fatal(o)
	}
	ended(t, gone)
	if o := clawjail(t, run{}, "approve", a.ID); o.Code == 0 || !strings.Contains(o.Stderr, "ended with its jail") && !strings.Contains(o.Stderr, "is gone") {
		t.Errorf("an ended jail: %v", o)
	}
	want(t, records(t, late.Name), "the denial by the clock", func(r audit.Record) bool {
		return r.Gate == audit.GateExec && r.Verdict == "deny" && r.Decision != nil && strings.Contains(r.Decision.Reason, "timed out") && r.Decision.By == ""
	})
}
