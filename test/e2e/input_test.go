//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/test/e2e/smallnet"
)

// asUser runs the CLI as the agent user and without sudo.
func asUser(t *testing.T, args ...string) outcome {
	t.Helper()
	return asAnybody(t, smallnet.UserID, args...)
}

// asAnybody runs a copy of the CLI that everybody can reach.
func asAnybody(t *testing.T, id uint32, args ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(dir, "clawjail")
	if out, err := exec.Command("cp", bin(t, "clawjail"), copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, copied, args...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	var stdout, stderr strings.Builder
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{Code: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}

func TestNoRootIsToldWhatToDo(t *testing.T) {
	if o := asUser(t, "--socket", "/run/none/control.sock", "run", "--workspace", smallnet.UserHome, "--", "true"); o.Code != 125 || !strings.Contains(o.Stderr, "sudo") {
		t.Errorf("no supervisor runs: %v", o)
	}
	detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}}) // one runs now
	for _, args := range [][]string{{"run", "--workspace", smallnet.UserHome, "--", "true"}, {"ps"}, {"freeze", "x"}, {"audit", "tail"}} {
		if o := asUser(t, args...); o.Code == 0 || !strings.Contains(o.Stderr, "sudo") {
			t.Errorf("%v: %v", args, o)
		}
	}
}

// TestGroupMayRun: members of the configured group start agents as themselves,
// and step in where these are their own; nobody else does anything.
func TestGroupMayRun(t *testing.T) {
	if !ownHost(t, "access: {group: "+smallnet.UserName+"}\n", 16<<20) {
		return
	}
	service(t, "clawjaild", nil)
	eventually(t, "the daemon answers", func() bool { return clawjail(t, run{}, "ps").Code == 0 && fileExists("/run/clawjail/control.sock") })
	dir := workspace(t)
	o := asUser(t, "run", "--workspace", dir, "--", "sh", "-c", "id -u; exit 3")
	if o.Code != 3 || o.Stdout != fmt.Sprintln(smallnet.UserID) {
		t.Errorf("a member: %v", o)
	}
	if o := asUser(t, "run", "--workspace", dir, "--user", "nobody", "--", "true"); o.Code != 125 {
		t.Errorf("a member as somebody else: %v", o)
	}
	roots := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	for _, verb := range []string{"freeze", "kill"} {
		if o := asUser(t, verb, roots.Name); o.Code != 125 || !strings.Contains(o.Stderr, "sudo") {
			t.Errorf("a member and root's jail: %s: %v", verb, o)
		}
	}
	if o := asUser(t, "run", "--detach", "--name", "mine", "--workspace", dir, "--", "sleep", "1000"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	for _, verb := range []string{"freeze", "thaw", "kill"} {
		if o := asUser(t, verb, "mine"); o.Code != 0 {
			t.Errorf("a member and a jail of its own: %s: %v", verb, o)
		}
	}
	for _, args := range [][]string{{"run", "--workspace", "/tmp", "--", "true"}, {"ps"}, {"kill", roots.Name}} {
		if o := asAnybody(t, smallnet.UserID+1, args...); o.Code == 0 || !strings.Contains(o.Stderr, "sudo") {
			t.Errorf("somebody else: %v: %v", args, o)
		}
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestUnreadablePolicy(t *testing.T) {
	path := filepath.Join(smallnet.UserHome, "secret.yaml")
	if err := os.WriteFile(path, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	o := asUser(t, "run", "--policy", path, "--", "true")
	if o.Code != 125 || !strings.Contains(o.Stderr, "secret.yaml: cannot be read: permission denied; it is read as the user who runs clawjail") {
		t.Errorf("%v", o)
	}
}

// TestWorkspaceThatIsALink: what counts is where it leads.
func TestWorkspaceThatIsALink(t *testing.T) {
	dir := workspace(t)
	link := func(to string) string {
		path := filepath.Join(dir, "to"+strings.ReplaceAll(to, "/", "-"))
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := workspace(t)
	o := jail(t, run{Workspace: link(other), Argv: []string{"sh", "-c", "pwd; echo x > made"}})
	if o.Code != 0 || o.Stdout != other+"\n" || read(t, other+"/made") != "x\n" {
		t.Errorf("a link to another workspace: %v", o)
	}
	if inspect(t, o.Name).Workspace != other {
		t.Errorf("the record has the link")
	}
	for _, to := range []string{"/", "/etc", "/usr/bin", "/proc", "/no/such/place"} {
		o := jail(t, run{Workspace: link(to), Argv: []string{"touch", "owned"}})
		if o.Code != 125 || !strings.HasPrefix(o.Stderr, "clawjail: ") || !strings.Contains(o.Stderr, "--workspace") {
			t.Errorf("a link to %s, with a next step: %v", to, o)
		}
		if _, err := os.Lstat(filepath.Join(to, "owned")); err == nil {
			t.Errorf("%s/owned was made", to)
		}
	}
}

// TestEnvironmentArrivesExactly, and more than the kernel takes is refused with
// words.
func TestEnvironmentArrivesExactly(t *testing.T) {
	dir := workspace(t)
	values := map[string]string{"A": "new\nline", "B": "\x1b[31mred\x1b[0m", "C": "\xff\xfe", "D": "", "E": "a=b c", "F": strings.Repeat("x", 100_000)}
	var flags []string
	for k, v := range values {
		flags = append(flags, k+"="+v)
	}
	o := jail(t, run{Workspace: dir, Env: flags, Argv: []string{"python3", "-c", "import os\nfor k in 'ABCDEF': os.write(1, os.environb[k.encode()] + b'\\0')"}})
	want := ""
	for _, k := range []string{"A", "B", "C", "D", "E", "F"} {
		want += values[k] + "\x00"
	}
	if o.Code != 0 || o.Stdout != want {
		t.Errorf("%v", o)
	}
	big := run{Workspace: dir, Argv: []string{"true"}}
	for i := range 8 { // twice: as the caller's environment, and as what --env passes
		name := fmt.Sprintf("BIG%d", i)
		big.Environ = append(big.Environ, name+"="+strings.Repeat("x", 100_000))
		big.Env = append(big.Env, name)
	}
	for range 7 {
		big.Argv = append(big.Argv, strings.Repeat("y", 100_000))
	}
	if o := jail(t, big); o.Code != 125 || !strings.Contains(o.Stderr, "arguments and environment are") || !strings.Contains(o.Stderr, "at most 2097152") {
		t.Errorf("more than 2 MiB: %v", o)
	}
}

// TestNamesInMessagesAreEscaped: what a jail or a caller chose does not act on
// the terminal of who reads about it.
func TestNamesInMessagesAreEscaped(t *testing.T) {
	dir := workspace(t)
	evil := "\x1b]0;owned\x07\x1b[2J\nclawjail: all is well"
	for _, o := range []outcome{
		jail(t, run{Workspace: dir, Argv: []string{evil}}),
		jail(t, run{Workspace: dir, Policy: "/tmp/" + evil + ".yaml", Argv: []string{"true"}}),
		jail(t, run{Workspace: "/tmp/" + evil, Argv: []string{"true"}}),
		clawjail(t, run{}, "inspect", evil),
		clawjail(t, run{}, "freeze", evil),
	} {
		if o.Code == 0 || strings.ContainsAny(o.Stderr, "\x1b\x07") || strings.Contains(o.Stderr, "\nclawjail: all is well") {
			t.Errorf("%q", o.Stderr)
		}
	}
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "sleep 1000", evil}})
	if o := clawjail(t, run{}, "ps"); !strings.Contains(o.Stdout, j.Name) || strings.ContainsAny(o.Stdout, "\x1b\x07") || strings.Contains(o.Stdout, "\nclawjail: all is well") {
		t.Errorf("ps: %q", o.Stdout)
	}
}

// TestSupervisorAndShimsDie: with both killed nobody is left to clean up; the
// next start does.
func TestSupervisorAndShimsDie(t *testing.T) {
	if !ownHost(t, "", 4<<20) {
		return
	}
	dir := workspace(t)
	o := jail(t, run{Workspace: dir, Flags: []string{"--detach"}, Argv: []string{"sleep", "1000"}})
	j := inspect(t, o.Name)
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join("/run/clawjail/jails", j.ID)
	var shim int
	if _, err := fmt.Sscan(read(t, filepath.Join(state, "shim.pid")), &shim); err != nil {
		t.Fatal(err)
	}
	// The shim stands still while its supervisor dies, so that it sees nothing.
	if err := errors.Join(unix.Kill(shim, unix.SIGSTOP), unix.Kill(ping.PID, unix.SIGKILL), unix.Kill(shim, unix.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	waitGone(t, fmt.Sprintf("/proc/%d", ping.PID))
	if _, err := os.Stat(state); err != nil {
		t.Fatalf("nothing is left to sweep: %v", err)
	}
	if o := jail(t, run{Workspace: dir, Argv: []string{"true"}}); o.Code != 0 {
		t.Errorf("after that: %v", o)
	}
	waitGone(t, state)
	waitGone(t, j.Cgroup)
	waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
	if list := clawjail(t, run{}, "audit", "query", "--jail", j.ID, "--gate", "jail"); !strings.Contains(list.Stdout, "its supervisor and its shim were killed") {
		t.Errorf("the record has no end of it: %v", list)
	}
}

// TestHundredJailsAtOnce start, work and end, and leave nothing with their
// supervisor.
func TestHundredJailsAtOnce(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	dir := workspace(t)
	if o := jail(t, run{Workspace: dir, Argv: []string{"true"}}); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	before := settledFiles(t)
	n := 100
	if testing.Short() {
		n = 20
	}
	done := make(chan outcome, n)
	for i := range n {
		go func() {
			done <- jail(t, run{Workspace: dir, Argv: []string{"sh", "-c", fmt.Sprintf("ls /usr/bin | wc -l; echo %d > out%d", i, i)}, Timeout: 3 * time.Minute})
		}()
	}
	for range n {
		if o := <-done; o.Code != 0 {
			t.Errorf("%v", o)
		}
	}
	for i := range n {
		if got := read(t, fmt.Sprintf("%s/out%d", dir, i)); got != fmt.Sprintf("%d\n", i) {
			t.Errorf("jail %d wrote %q", i, got)
		}
	}
	eventually(t, "the supervisor has let go of everything", func() bool { return settledFiles(t) <= before })
	if left, err := os.ReadDir("/run/clawjail/jails"); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	var all []api.Jail
	all, err := client.Client{Socket: client.DefaultSocket}.Jails(t.Context(), false)
	if err != nil || len(all) != 0 {
		t.Errorf("%d jails are left, %v", len(all), err)
	}
}

// settledFiles counts the supervisor's descriptors, when they have stopped
// going away.
func settledFiles(t *testing.T) int {
	t.Helper()
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	eventually(t, "its descriptors settle", func() bool {
		former := last
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", ping.PID))
		if err != nil {
			t.Fatal(err)
		}
		last = len(list)
		return last == former
	})
	return last
}
