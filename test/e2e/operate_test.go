//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// detached starts a jail in the background and ends it with the test.
func detached(t testing.TB, r run) api.Jail {
	t.Helper()
	r.Flags = append(r.Flags, "--detach", "-o", "json")
	o := jail(t, r)
	var j api.Jail
	if err := json.Unmarshal([]byte(o.Stdout), &j); err != nil || o.Code != 0 {
		t.Fatalf("start: %v: %v", err, o)
	}
	t.Cleanup(func() { clawjail(t, run{}, "kill", j.Name) })
	return j
}

// policyFile writes a policy that extends the preset agent.
func policyFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nname: test\nextends: [agent]\n"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFreezeThawKill(t *testing.T) {
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "while :; do echo tick; sleep 0.05; done"}})
	if o := clawjail(t, run{}, "freeze", j.Name); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if got := inspect(t, j.Name).State; got != api.StateFrozen {
		t.Errorf("the state is %q", got)
	}
	frozen := read(t, filepath.Join(inspect(t, j.Name).Cgroup, "cgroup.events"))
	if !strings.Contains(frozen, "frozen 1") {
		t.Errorf("the kernel says %q", frozen)
	}
	if o := clawjail(t, run{}, "thaw", j.Name); o.Code != 0 || inspect(t, j.Name).State != api.StateRunning {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "exec", j.Name, "--", "grep", "Seccomp:", "/proc/self/status"); o.Code != 0 || !strings.Contains(o.Stdout, "Seccomp:\t2") {
		t.Errorf("exec: %v", o)
	}
	if o := clawjail(t, run{}, "freeze", j.Name); o.Code != 0 {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "kill", j.Name); o.Code != 0 {
		t.Errorf("a frozen jail is not killed: %v", o)
	}
	waitGone(t, j.Cgroup)
	o := clawjail(t, run{}, "logs", j.Name)
	if !strings.HasPrefix(o.Stdout, "tick\n") {
		t.Errorf("logs: %v", o)
	}
	list := records(t, j.Name, "--gate", audit.GateJail)
	for _, op := range []string{"start", "freeze", "thaw", "kill", "stop"} {
		want(t, list, op, func(r audit.Record) bool { return r.Subject.Op == op })
	}
}

func TestNamesAndUnknownJails(t *testing.T) {
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	if o := clawjail(t, run{}, "run", "--name", j.Name, "--workspace", dir, "--", "true"); o.Code != 125 || !strings.Contains(o.Stderr, j.Name) {
		t.Errorf("a name that is taken: %v", o)
	}
	for _, verb := range []string{"inspect", "freeze", "thaw", "kill", "logs"} {
		if o := clawjail(t, run{}, verb, "nobody"); o.Code != 125 || !strings.Contains(o.Stderr, "nobody") {
			t.Errorf("%s of an unknown jail: %v", verb, o)
		}
	}
	if o := clawjail(t, run{}, "exec", "nobody", "--", "true"); o.Code != 125 || !strings.Contains(o.Stderr, "nobody") {
		t.Errorf("exec in an unknown jail: %v", o)
	}
	o := clawjail(t, run{}, "ps", "-o", "json")
	if !strings.Contains(o.Stdout, j.ID) {
		t.Errorf("ps: %v", o)
	}
}

func TestLimitsHold(t *testing.T) {
	dir := workspace(t)
	tests := []struct{ name, limits, command, want string }{
		{"memory", "limits: {memory: 64MiB}\n", "python3 -c 'x = b\"x\" * (512 << 20)'", "memory"},
		{"wall clock", "limits: {wall: 1s}\n", "sleep 1000", "wall"},
		{"a fork bomb", "limits: {pids: 40, wall: 3s}\n", "b() { b | b & }; b; sleep 1000", "wall"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := jail(t, run{Policy: policyFile(t, tt.limits), Workspace: dir, Argv: []string{"sh", "-c", tt.command}})
			if o.Code == 0 || !strings.Contains(o.Stderr, tt.want) {
				t.Errorf("want a word about %q: %v", tt.want, o)
			}
			waitGone(t, fmt.Sprintf("/sys/fs/cgroup/clawjail/%s", o.Name))
		})
	}
	o := jail(t, run{Policy: policyFile(t, "limits: {file_size: 1MiB}\n"), Workspace: dir, Argv: []string{"sh", "-c", "head -c 2M /dev/zero > big"}})
	if info, err := os.Stat(dir + "/big"); err != nil || info.Size() > 1<<20 {
		t.Errorf("file_size: %v, %v: %v", info, err, o)
	}
}

func TestHugePolicyIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.yaml")
	if err := os.WriteFile(path, bytes.Repeat([]byte("# x\n"), 25<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	o := jail(t, run{Policy: path, Workspace: workspace(t), Argv: []string{"true"}, Timeout: time.Minute})
	if o.Code != 125 || !strings.Contains(o.Stderr, "huge.yaml") {
		t.Errorf("%v", o)
	}
}

func TestClosedStreams(t *testing.T) {
	dir := workspace(t)
	sh := func(line string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := command(t, ctx)
		c.Path, c.Args = "/bin/bash", []string{"bash", "-o", "pipefail", "-c", line, bin(t, "clawjail"), dir}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := sh(`"$0" run --workspace "$1" -- sh -c 'cat; echo end' <&-`); err != nil || !strings.Contains(out, "end") {
		t.Errorf("closed stdin: %v: %s", err, out)
	}
	if out, err := sh(`"$0" run --workspace "$1" -- yes | head -n 1`); err == nil || !strings.HasPrefix(out, "y\n") {
		t.Errorf("a reader that leaves: %v: %s", err, out)
	}
	if out, err := sh(`"$0" run --workspace "$1" -- echo lost >/dev/full; echo "code $?"`); strings.Contains(out, "code 0") {
		t.Errorf("a full stdout is no success: %v: %s", err, out)
	}
}

// TestSupervisorDies: a supervisor that is killed takes its jails with it, and
// its stale socket is in nobody's way.
func TestSupervisorDies(t *testing.T) {
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second := exec.Command(bin(t, "clawjaild"))
	if out, err := second.CombinedOutput(); err == nil || len(out) == 0 {
		t.Errorf("a second supervisor: %v: %s", err, out)
	}
	if err := unix.Kill(ping.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
	if _, err := os.Stat(client.DefaultSocket); err != nil {
		t.Fatalf("the socket is not stale but gone: %v", err)
	}
	if o := jail(t, run{Workspace: dir, Argv: []string{"true"}}); o.Code != 0 {
		t.Errorf("after that: %v", o)
	}
}
