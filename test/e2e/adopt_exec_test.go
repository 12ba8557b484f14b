//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// TestHeldAddedCommandOutlivesTheDaemon: what `exec` was asked to run waits for a
// human, and the daemon is lost before it has answered, twice. The question stays, the
// command runs once, and `exec` returns its code.
func TestHeldAddedCommandOutlivesTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	j := detached(t, run{Policy: policyFile(t, "exec: {rules: [{run: perl, then: ask}, {run: sleep, then: allow}]}\n"), Workspace: dir, Argv: []string{"sleep", "1000"}})
	for how, sig := range ends {
		file := dir + "/ran-" + how
		done := execIn(t, j.Name, "perl", "-e", `open F, ">>", "`+file+`"; print F "x"; close F; print "in: ", scalar <STDIN>; exit 9`)
		was := held(t, j.Name)
		d.again(sig)
		d.again(sig)
		now := held(t, j.Name)
		if now.ID != was.ID {
			t.Errorf("%s: the question is %s, and was %s", how, now.ID, was.ID)
		}
		if o := clawjail(t, run{}, "approve", now.ID); o.Code != 0 {
			t.Fatalf("%v", o)
		}
		if o := <-done; o.Code != 9 || o.Stdout != "in: word\n" {
			t.Errorf("%s: %v", how, o)
		}
		if ran := read(t, file); ran != "x" {
			t.Errorf("%s: it ran %d times", how, len(ran))
		}
	}
	// Its number is not given out again: another process has its own end.
	if o := <-execIn(t, j.Name, "sleep", "0"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	verified(t, j.ID, "perl")
}

// TestHeldAddedCommandIsWithdrawn when nobody waits for it any more.
func TestHeldAddedCommandIsWithdrawn(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	startDaemon(t)
	j := detached(t, run{Policy: policyFile(t, "exec: {rules: [{run: perl, then: ask}, {run: sleep, then: allow}]}\n"), Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	before := procsOf(t, j)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := command(t, ctx, "exec", j.Name, "--", "perl", "-e", "exit 9")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	held(t, j.Name)
	if err := c.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	eventually(t, "it has ended", func() bool { return slices.Equal(procsOf(t, j), before) })
	eventually(t, "nobody is asked any more", func() bool {
		return !strings.Contains(clawjail(t, run{}, "pending", "-o", "json").Stdout, j.ID)
	})
}

// TestAddedCommandThatEndsMeanwhile at a terminal, which ends with it: `exec` still
// returns how it ended, and says what is lost.
func TestAddedCommandThatEndsMeanwhile(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	j := detached(t, run{Policy: policyFile(t, "exec: {rules: [{run: perl, then: ask}, {run: sleep, then: allow}]}\n"), Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	before := procsOf(t, j)
	x := atTerminal(t, "exec", j.Name, "--", "perl", "-e", "exit 9")
	mode := x.mode()
	held(t, j.Name)
	d.end(unix.SIGKILL)
	added := slices.DeleteFunc(procsOf(t, j), func(pid string) bool { return slices.Contains(before, pid) })
	if len(added) != 1 {
		t.Fatalf("the processes are %q, and were %q", added, before)
	}
	pid, err := strconv.Atoi(added[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has ended", func() bool { return slices.Equal(procsOf(t, j), before) })
	d.start()
	x.shows(`ended while there was no supervisor`)
	x.ends(128 + int(unix.SIGKILL))
	if x.mode() != mode {
		t.Error("the terminal is not as it was")
	}
}

// procsOf are the processes in a jail's cgroup.
func procsOf(t *testing.T, j api.Jail) []string {
	t.Helper()
	b, err := os.ReadFile(j.Cgroup + "/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// execIn runs a command in a jail, beside the test.
func execIn(t *testing.T, jail string, argv ...string) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	c := command(t, ctx, append([]string{"exec", jail, "--"}, argv...)...)
	var stdout, stderr bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader("word\n"), &stdout, &stderr
	if err := c.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer cancel()
		_ = c.Wait()
		done <- outcome{Code: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	}()
	return done
}
