//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/test/e2e/smallnet"
)

// daemon is the supervisor of a test's own host, which ends and comes back.
type daemon struct {
	t   *testing.T
	cmd *exec.Cmd
	log string
	// unit are the directives to put in force first, for asUnit; empty: none.
	unit string
}

// startDaemon starts it, and waits until it answers.
func startDaemon(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{t: t, log: filepath.Join(t.TempDir(), "clawjaild.log")}
	d.start()
	t.Cleanup(func() {
		if d.cmd != nil {
			d.end(unix.SIGINT) // and every jail
		}
		if t.Failed() {
			t.Logf("the supervisor's log\n%s", read(t, d.log))
		}
	})
	return d
}

func (d *daemon) start() {
	d.t.Helper()
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	ready, theirs, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer ready.Close()
	cmd := exec.Command(bin(d.t, "clawjaild"), "--ready-fd", "3")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stderr, cmd.ExtraFiles = log, []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if d.unit != "" {
		cmd.Path, cmd.Args = "/proc/self/exe", append([]string{"unit"}, cmd.Args...)
		cmd.Env = append(cmd.Env, unitMark+"="+d.unit)
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	theirs.Close()
	said, err := io.ReadAll(ready)
	if err != nil || string(said) != "ready\n" {
		d.t.Fatalf("the daemon says %q, %v\n%s", said, err, read(d.t, d.log))
	}
	d.cmd = cmd
}

// end ends it with a signal, and waits until it is gone.
func (d *daemon) end(sig unix.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.t.Error(err)
	}
	_ = d.cmd.Wait()
	d.cmd = nil
}

// again ends it and starts the next one.
func (d *daemon) again(sig unix.Signal) {
	d.t.Helper()
	d.end(sig)
	d.start()
}

// foreground runs a jail beside the test.
func foreground(t *testing.T, r run) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	go func() { done <- jail(t, r) }()
	return done
}

// verified checks the chain of records, and what it says about a jail.
func verified(t *testing.T, id string, want ...string) {
	t.Helper()
	if o := clawjail(t, run{}, "audit", "verify"); o.Code != 0 || !strings.HasPrefix(o.Stdout, "OK") {
		t.Errorf("%v", o)
	}
	list := clawjail(t, run{}, "audit", "query", "--jail", id, "-o", "json").Stdout
	for _, w := range want {
		if !strings.Contains(list, w) {
			t.Errorf("no %q in the record of jail %s:\n%s", w, id, tail(list))
		}
	}
}

const askMkdir = "files:\n  - {path: \"${WORKSPACE}\", access: write, exec: true}\nexec: {rules: [{run: mkdir, then: ask}]}\n"

// ends are the ways in which a daemon goes.
var ends = map[string]unix.Signal{"killed": unix.SIGKILL, "restarted": unix.SIGTERM}

// TestHeldCallOutlivesTheDaemon: the call waits, is the same question to the next
// daemon, and its answer reaches it; `run` returns the agent's own code.
func TestHeldCallOutlivesTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	for how, sig := range ends {
		dir := workspace(t)
		done := foreground(t, run{Policy: policyFile(t, askMkdir), Workspace: dir, Flags: []string{"--name", "held-" + how},
			Argv: []string{"sh", "-c", "echo before; mkdir made && echo after; /bin/true; exit 7"}})
		was := held(t, "held-"+how)
		j := inspect(t, "held-"+how)
		d.again(sig)
		is := held(t, "held-"+how)
		if is.ID != was.ID || is.Digest != was.Digest {
			t.Errorf("%s: it was %s %s, and is %s %s", how, was.ID, was.Digest, is.ID, is.Digest)
		}
		if fileExists(filepath.Join(dir, "made")) {
			t.Fatal("it was made before anybody approved")
		}
		if now := inspect(t, j.ID); now.InitPID != j.InitPID || now.State != api.StateRunning || !now.Created.Equal(j.Created) {
			t.Errorf("%s: was %+v, is %+v", how, j, now)
		}
		if o := clawjail(t, run{}, "approve", is.ID); o.Code != 0 {
			t.Errorf("%v", o)
		}
		o := <-done
		if o.Code != 7 || o.Stdout != "before\nafter\n" {
			t.Errorf("%s: %v", how, o)
		}
		verified(t, j.ID, "supervisor restarted, adopted jail held-"+how, `"restart"`, `"exit_code":7`, `"/usr/bin/true"`)
	}
}

// TestWhatADetachedJailPrintsMeanwhile is in its log, and it does not notice.
func TestWhatADetachedJailPrintsMeanwhile(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	// One program: others would wait for somebody to judge them.
	const script = `$| = 1; until (-e "stop") { print ++$i, "\n"; open F, ">>", "n"; print F "x"; close F; select undef, undef, undef, 0.01 } print "end\n"`
	j := detached(t, run{Workspace: dir, Argv: []string{"perl", "-e", script}})
	more := func() {
		n := read(t, filepath.Join(dir, "n"))
		eventually(t, "it counts on", func() bool { return read(t, filepath.Join(dir, "n")) != n })
	}
	more()
	for range 2 {
		d.end(unix.SIGTERM)
		more() // without anybody
		d.start()
		more()
	}
	if err := os.WriteFile(filepath.Join(dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	awaitState(t, j.ID, api.StateExited)
	lines := strings.Split(strings.TrimSpace(clawjail(t, run{}, "logs", j.ID).Stdout), "\n")
	for i, line := range lines[:len(lines)-1] {
		if line != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %q", i+1, line)
		}
	}
	if lines[len(lines)-1] != "end" {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
}

// TestAddedProcessOutlivesTheDaemon, with its exit code.
func TestAddedProcessOutlivesTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := command(t, ctx, "exec", j.Name, "--", "sh", "-c", "echo here >here; until [ -e stop ]; do sleep 0.05; done; echo out; exit 9")
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs", func() bool { return fileExists(filepath.Join(dir, "here")) })
	d.again(unix.SIGKILL)
	if err := os.WriteFile(filepath.Join(dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if c.ProcessState.ExitCode() != 9 || out.String() != "out\n" {
		t.Errorf("exit %d, %q", c.ProcessState.ExitCode(), out.String())
	}
}

// TestFreezeAndIncidentOutliveTheDaemon: nobody is let go by its end.
func TestFreezeAndIncidentOutliveTheDaemon(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	frozen := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	incident := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	if o := clawjail(t, run{}, "freeze", frozen.Name); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if o := clawjail(t, run{}, "incident", "open", incident.Name, "--reason", "a test"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	for _, sig := range ends {
		d.again(sig)
		for _, j := range []api.Jail{frozen, incident} {
			if now := inspect(t, j.Name); now.State != api.StateFrozen || !standsStill(t, now) {
				t.Errorf("%s is %s, frozen in the kernel: %v", j.Name, now.State, standsStill(t, now))
			}
		}
		if o := clawjail(t, run{}, "thaw", incident.Name); o.Code == 0 {
			t.Error("an incident's jail can be thawed")
		}
	}
	if o := clawjail(t, run{}, "thaw", frozen.Name); o.Code != 0 {
		t.Errorf("%v", o)
	}
	awaitState(t, frozen.Name, api.StateRunning)
}

// TestJailsWithoutASupervisor do what the configuration says.
func TestJailsWithoutASupervisor(t *testing.T) {
	for _, rule := range []string{"freeze", "kill"} {
		t.Run(rule, func(t *testing.T) {
			if !ownHost(t, "jails: {on_supervisor_loss: "+rule+", supervisor_loss_after: 0s}\n", 16<<20) {
				return
			}
			d := startDaemon(t)
			dir := workspace(t)
			done := foreground(t, run{Workspace: dir, Flags: []string{"--name", "alone"}, Argv: []string{"sh", "-c", "echo here >here; until [ -e stop ]; do sleep 0.05; done; exit 3"}})
			eventually(t, "it runs", func() bool { return fileExists(filepath.Join(dir, "here")) })
			j := inspect(t, "alone")
			d.end(unix.SIGKILL)
			if rule == "kill" {
				waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
				d.start()
				if o := <-done; o.Code != 137 {
					t.Errorf("%v", o)
				}
				verified(t, j.ID, "no supervisor came back in time")
				return
			}
			eventually(t, "it stands still", func() bool { return standsStill(t, j) })
			d.start()
			awaitState(t, "alone", api.StateRunning)
			if err := os.WriteFile(filepath.Join(dir, "stop"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if o := <-done; o.Code != 3 {
				t.Errorf("%v", o)
			}
		})
	}
}

// TestTheEndMeanwhile: what ended while nobody looked is told to whoever waits.
func TestTheEndMeanwhile(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	// One program: what it started would wait for somebody to judge it.
	const script = `open F, ">>", "here"; close F; until (-e "stop") { select undef, undef, undef, 0.05 } print "bye\n"; exit 11`
	done := foreground(t, run{Workspace: dir, Flags: []string{"--name", "brief"}, Argv: []string{"perl", "-e", script}})
	eventually(t, "it runs", func() bool { return fileExists(filepath.Join(dir, "here")) })
	j := inspect(t, "brief")
	d.end(unix.SIGKILL)
	if err := os.WriteFile(filepath.Join(dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
	d.start()
	if o := <-done; o.Code != 11 || o.Stdout != "bye\n" {
		t.Errorf("%v", o)
	}
	waitGone(t, filepath.Join("/run/clawjail/jails", j.ID))
	waitGone(t, j.Cgroup)
	verified(t, j.ID, "adopted jail brief", `"exit_code":11`)
}

// TestReload: a configuration is in force as a whole or not at all, and jails that
// run go by it.
func TestReload(t *testing.T) {
	if !ownHost(t, "jails: {on_supervisor_loss: hold}\n", 16<<20) {
		return
	}
	d := startDaemon(t)
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	reload := func(text, want string) {
		t.Helper()
		if err := os.WriteFile("/etc/clawjail/config.yaml", []byte("version: 1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.cmd.Process.Signal(unix.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the record says "+want, func() bool {
			return strings.Contains(clawjail(t, run{}, "audit", "query", "--gate", "supervisor", "-o", "json").Stdout, want)
		})
	}
	reload("jails: {on_supervisor_loss: thaw}\n", "refused, nothing has changed: ")
	reload("jails: {on_supervisor_loss: kill}\naccess: {group: root}\n", "group can only change with a restart")
	reload("jails: {on_supervisor_loss: kill, supervisor_loss_after: 0s}\n", "changed on_supervisor_loss, supervisor_loss_after")
	d.end(unix.SIGKILL)
	waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
	d.start()
	verified(t, j.ID, "no supervisor came back in time")
}

// TestEgressDies: connections are reset, and the next proxy knows every jail and
// its policy.
func TestEgressDies(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	policy := policyFile(t, "network: {allow: [\""+smallnet.NameWeb+":80\"]}\n")
	detached(t, run{Policy: policy, Workspace: dir, Flags: []string{"--name", "net"}, Argv: []string{"sleep", "1000"}})
	reach := func(host string) outcome {
		return clawjail(t, run{}, "exec", "net", "--", "curl", "-s", "-m", "20", "-o", "/dev/null", "http://"+host+"/")
	}
	check := func() {
		t.Helper()
		if o := reach(smallnet.NameWeb); o.Code != 0 {
			t.Errorf("what is allowed: %v", o)
		}
		if o := reach(smallnet.NameEvil); o.Code == 0 {
			t.Error("what is not allowed was reached")
		}
	}
	check()
	for range 2 {
		proxy := childOf(t, d.cmd.Process.Pid, "clawjail-egress")
		if err := unix.Kill(proxy, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "there is another proxy", func() bool {
			list := children(t, d.cmd.Process.Pid, "clawjail-egress")
			return len(list) == 1 && list[0] != proxy
		})
		check()
	}
	if list := clawjail(t, run{}, "audit", "query", "--gate", "supervisor").Stdout; strings.Count(list, "runs again") != 2 {
		t.Errorf("the record says\n%s", list)
	}
}

// children are the living ones of a process that run this program.
func children(t *testing.T, parent int, program string) (pids []int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		more, _ := os.ReadFile(f)
		b = append(append(b, ' '), more...)
	}
	seen := map[string]bool{}
	for _, pid := range strings.Fields(string(b)) {
		exe, err := os.Readlink("/proc/" + pid + "/exe")
		if err != nil || filepath.Base(exe) != program || seen[pid] {
			continue
		}
		seen[pid] = true
		var n int
		if _, err := fmt.Sscan(pid, &n); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

func childOf(t *testing.T, parent int, program string) int {
	t.Helper()
	list := children(t, parent, program)
	if len(list) != 1 {
		t.Fatalf("process %d has %d children of %s", parent, len(list), program)
	}
	return list[0]
}
