package supervisor

import (
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
	"clawjail/jail"
	"clawjail/policy"
	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
	"clawjail/supervisor/plan"
)

func TestDocShowsTheStates(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(transitionTable()), "\n") {
		want.WriteString("//\t" + strings.TrimRight(line, " ") + "\n")
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("doc.go does not show the state machine; it is:\n%s", want.String())
	}
}

func TestEveryBoundIsInTheTable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"MaxJails", "loopQueue", "maxEnded", "maxProcs", "maxLogBytes", "maxLabels", "maxGiven", "maxUnsure", "maxStopped", "maxNoted", "approval.MaxNotices", "maxRotations", "maxPeopleRecords", "gate.maxHeld", "gate.maxOutstanding", "gate.maxHashes"} {
		if !strings.Contains(string(doc), name) {
			t.Errorf("the table of bounds in doc.go lacks %s", name)
		}
	}
}

func TestNoStateComesAfterTheEnd(t *testing.T) {
	e := &entry{view: newJailView("x"), done: make(chan struct{})}
	e.jail = api.Jail{Name: "n", State: api.StateCreating}
	for _, to := range []api.State{api.StateRunning, api.StateFrozen, api.StateRunning, api.StateExited} {
		if err := e.move(to); err != nil {
			t.Fatalf("to %s: %v", to, err)
		}
	}
	if e.jail.Started == nil || e.jail.Ended == nil {
		t.Error("the times of start and end are missing")
	}
	for _, to := range []api.State{api.StateCreating, api.StateRunning, api.StateFrozen} {
		if err := e.move(to); err == nil {
			t.Errorf("an ended jail became %s", to)
		}
	}
}

func TestNamesAreUniqueAmongLivingJails(t *testing.T) {
	tab := &table{live: map[string]*entry{}, max: 10}
	first := newEntry("id1", "web")
	if err := tab.reserve(first, nil); err != nil {
		t.Fatal(err)
	}
	if err := tab.reserve(newEntry("id2", "web"), nil); err == nil || err.Status != http.StatusConflict {
		t.Fatalf("a taken name: %v", err)
	}
	if err := tab.reserve(newEntry("id3", "id1"), nil); err == nil {
		t.Error("a name that is another jail's id was accepted")
	}
	tab.retire(first)
	if err := tab.reserve(newEntry("id4", "web"), nil); err != nil {
		t.Errorf("the name of an ended jail: %v", err)
	}
	if got := tab.find("web"); got == nil || got.jail.ID != "id4" {
		t.Error("a name finds the living jail first")
	}
	if tab.find("id1") != first {
		t.Error("an ended jail is found by its id")
	}
}

func newEntry(id, name string) *entry {
	return &entry{jail: api.Jail{ID: id, Name: name, State: api.StateCreating}, view: newJailView(id), done: make(chan struct{})}
}

func TestEndedJailsAreBounded(t *testing.T) {
	tab := &table{live: map[string]*entry{}, max: maxEnded * 2}
	for i := range maxEnded + 10 {
		e := newEntry(newID(), "")
		if err := tab.reserve(e, func() string { return madeUpName([][]byte{[]byte("x" + string(rune('a'+i%26)))}) }); err != nil {
			t.Fatal(err)
		}
		e.remove = i == 0
		forgotten := tab.retire(e)
		if want := i == 0 || i >= maxEnded; (len(forgotten) == 1) != want {
			t.Errorf("jail %d: %d forgotten", i, len(forgotten))
		}
	}
	if len(tab.ended) != maxEnded {
		t.Errorf("%d ended jails remembered, want %d", len(tab.ended), maxEnded)
	}
}

func TestCheckRun(t *testing.T) {
	good := func() api.RunRequest {
		return api.RunRequest{Argv: [][]byte{[]byte("true")}, UID: 1000, GID: 1000, Workspace: "/w", Home: "/home/u"}
	}
	root, user := control.Peer{UID: 0}, control.Peer{UID: 1000, GID: 1000}
	tests := []struct {
		name   string
		peer   control.Peer
		files  int
		change func(*api.RunRequest)
		want   string // part of the message; empty: accepted
	}{
		{"root may run as anybody else", root, 3, func(*api.RunRequest) {}, ""},
		{"a user may run as itself", user, 3, func(*api.RunRequest) {}, ""},
		{"a user may not run as another", user, 3, func(r *api.RunRequest) { r.UID = 1001 }, "as user 1000 only"},
		{"a user may not use another group", user, 3, func(r *api.RunRequest) { r.GID = 4 }, "as user 1000 only"},
		{"a user may not map root's files", user, 3, func(r *api.RunRequest) { r.Idmap = true }, "only root"},
		{"nobody runs as root", root, 3, func(r *api.RunRequest) { r.UID = 0 }, "never runs as root"},
		{"nobody runs in root's group", root, 3, func(r *api.RunRequest) { r.GID = 0 }, "never runs as root"},
		{"no command", root, 3, func(r *api.RunRequest) { r.Argv = nil }, "no command"},
		{"an empty command", root, 3, func(r *api.RunRequest) { r.Argv = [][]byte{{}} }, "no command"},
		{"a NUL in an argument", root, 3, func(r *api.RunRequest) { r.Argv = append(r.Argv, []byte("a\x00b")) }, "NUL"},
		{"a NUL in a variable", root, 3, func(r *api.RunRequest) { r.SetEnv = [][]byte{[]byte("A=\x00")} }, "NUL"},
		{"newlines and invalid UTF-8 are fine", root, 3, func(r *api.RunRequest) { r.Argv = append(r.Argv, []byte("\n\x1b[2J\xff")) }, ""},
		{"more than the kernel takes", root, 3, func(r *api.RunRequest) { r.Argv = append(r.Argv, make([]byte, api.MaxArgBytes)) }, "NUL"},
		{"2 MiB of letters", root, 3, func(r *api.RunRequest) { r.Argv = append(r.Argv, []byte(strings.Repeat("a", api.MaxArgBytes))) }, "at most"},
		{"a name with a slash", root, 3, func(r *api.RunRequest) { r.Name = "../x" }, "lower-case letters"},
		{"a name that is too long", root, 3, func(r *api.RunRequest) { r.Name = strings.Repeat("a", 64) }, "lower-case letters"},
		{"a relative workspace", root, 3, func(r *api.RunRequest) { r.Workspace = "w" }, "absolute"},
		{"two streams", root, 2, func(*api.RunRequest) {}, "stdin, stdout and stderr"},
		{"streams beside a terminal", root, 3, func(r *api.RunRequest) { r.Terminal = true }, "stdin, stdout and stderr"},
		{"a detached terminal", root, 0, func(r *api.RunRequest) { r.Terminal, r.Detach = true, true }, "no terminal"},
		{"a negative timeout", root, 3, func(r *api.RunRequest) { r.Timeout = -time.Second }, "negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good()
			tt.change(&r)
			err := checkRun(r, tt.peer, tt.files)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Message, tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestInCgroup(t *testing.T) {
	const dir = "/sys/fs/cgroup/unified/clawjail/abc"
	tests := []struct {
		name, text string
		want       bool
	}{
		{"the jail's own cgroup", "0::/clawjail/abc\n", true},
		{"a cgroup below it", "12:pids:/x\n0::/clawjail/abc/sub\n", true},
		{"below the supervisor's own cgroup", "0::/system.slice/clawjail/abc\n", true},
		{"another jail", "0::/clawjail/abd\n", false},
		{"a jail whose id begins alike", "0::/clawjail/abcd\n", false},
		{"the root", "0::/\n", false},
		{"nothing", "", false},
		{"only v1 hierarchies", "5:memory:/clawjail/abc\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := inCgroup(tt.text, dir); got != tt.want {
				t.Errorf("inCgroup(%q) = %v", tt.text, got)
			}
		})
	}
}

func TestMissingCommandHint(t *testing.T) {
	stat := func(p string) (plan.FileFact, error) {
		switch p {
		case "/opt/tool/bin/tool", "/usr/bin/direct":
			return plan.FileFact{Kind: plan.KindFile, Real: p}, nil
		case "/usr/local/bin/tool":
			return plan.FileFact{Kind: plan.KindFile, Real: "/opt/tool/bin/tool", Link: "/opt/tool/bin/tool"}, nil
		}
		return plan.FileFact{}, fs.ErrNotExist
	}
	tests := []struct{ name, cmd, want string }{
		{"a link into a directory that is not shown", "tool", "- {path: /opt/tool/bin, access: read}"},
		{"a program by its path", "/usr/bin/direct", "- {path: /usr/bin, access: read}"},
		{"a program that nobody has", "nosuch", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := missingCommandHint(jail.Spec{Argv: []string{tt.cmd}, Cwd: "/w"}, stat)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("hint %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStricterNeverPicksTheWeaker(t *testing.T) {
	v := func(x policy.Verdict) policy.Decision { return policy.Decision{Verdict: x} }
	tests := []struct{ a, b, want policy.Verdict }{
		{policy.Allow, policy.Deny, policy.Deny},
		{policy.Deny, policy.Allow, policy.Deny},
		{policy.Allow, policy.Audit, policy.Audit},
		{policy.Kill, policy.Allow, policy.Kill},
		{policy.Allow, policy.Allow, policy.Allow},
	}
	for _, tt := range tests {
		if got := stricter(v(tt.a), v(tt.b)).Verdict; got != tt.want {
			t.Errorf("stricter(%s, %s) = %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestExitStatusOfASignal(t *testing.T) {
	s := subjectOf(wire.Event{Class: wire.Exit, ExitCode: int32(unix.SIGKILL)})
	if s.Signal != "SIGKILL" || s.ExitCode == nil || *s.ExitCode != 0 {
		t.Errorf("subject %+v", s)
	}
}

func TestIdleTimer(t *testing.T) {
	timer := newIdleTimer(time.Nanosecond, true)
	<-timer.expired()
	daemon := newIdleTimer(time.Nanosecond, false)
	daemon.hold()
	daemon.release()
	select {
	case <-daemon.expired():
		t.Error("a daemon expired")
	default:
	}
}

func TestHistogramIsCumulative(t *testing.T) {
	h := newHistogram(0.001, 0.01)
	for _, d := range []time.Duration{time.Millisecond, 5 * time.Millisecond, time.Second} {
		h.observe(d)
	}
	got := h.export()
	if got.Count != 3 || got.Buckets[0] != 1 || got.Buckets[1] != 2 {
		t.Errorf("%+v", got)
	}
}

func TestConcealed(t *testing.T) {
	tests := []struct {
		name, path string
		errno      unix.Errno
		want       bool
	}{
		{"a key that the jail does not show", "/home/u/.ssh/id_ed25519", unix.ENOENT, true},
		{"a file of the system that it does not show", "/etc/shadow", unix.ENOENT, true},
		{"a file that may not be read", "/usr/lib/secret", unix.EACCES, true},
		{"a library that no host has", "/usr/lib/glibc-hwcaps/x86-64-v4/libc.so.6", unix.ENOENT, false},
		{"what the C library looks for before a name", "/etc/host.conf", unix.ENOENT, false},
		{"a file that is no directory", "/etc/passwd/x", unix.ENOTDIR, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := concealed(tt.path, -int32(tt.errno)); got != tt.want {
				t.Errorf("%v", got)
			}
		})
	}
}
