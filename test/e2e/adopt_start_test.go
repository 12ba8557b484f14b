//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// TestHeldFirstCommandOutlivesTheDaemon: the command itself waits for a human, and
// the daemon is lost meanwhile. The question stays, and `run` returns the agent's own
// code.
func TestHeldFirstCommandOutlivesTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	policy := policyFile(t, "exec: {rules: [{run: perl, then: ask}]}\n")
	for how, sig := range ends {
		name := "first-" + how
		done := foreground(t, run{Policy: policy, Workspace: workspace(t), Timeout: 5 * time.Minute, Flags: []string{"--name", name},
			Argv: []string{"perl", "-e", `print "in: ", scalar <STDIN>; exit 9`}, Stdin: "word\n"})
		was := held(t, name)
		d.again(sig)
		now := held(t, name)
		if now.ID != was.ID {
			t.Errorf("%s: the question is %s, and was %s", how, now.ID, was.ID)
		}
		if o := clawjail(t, run{}, "approve", now.ID); o.Code != 0 {
			t.Fatalf("%v", o)
		}
		if o := <-done; o.Code != 9 || o.Stdout != "in: word\n" {
			t.Errorf("%s: %v", how, o)
		}
	}
	// One that was not made is not waited for.
	d.end(unix.SIGINT)
}

// TestFreezeOfAFirstCommand: a policy that freezes for the command itself has the jail
// stand still in an incident, whose end is a person's to decide.
func TestFreezeOfAFirstCommand(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	startDaemon(t)
	done := foreground(t, run{Policy: policyFile(t, "exec: {rules: [{run: perl, then: freeze}]}\n"), Workspace: workspace(t), Timeout: 5 * time.Minute,
		Flags: []string{"--name", "stopped"}, Argv: []string{"perl", "-e", "exit 9"}})
	eventually(t, "an incident is open", func() bool {
		return strings.Contains(clawjail(t, run{}, "incident", "list", "-o", "json").Stdout, `"stopped"`)
	})
	j := inspect(t, "stopped")
	if j.State != api.StateFrozen || !standsStill(t, j) {
		t.Errorf("it is %s, frozen in the kernel: %v", j.State, standsStill(t, j))
	}
	if o := clawjail(t, run{}, "thaw", "stopped"); o.Code == 0 {
		t.Error("a jail that an incident holds can be thawed")
	}
	if o := clawjail(t, run{}, "kill", "stopped"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	if o := <-done; o.Code == 0 || o.Code == 9 {
		t.Errorf("%v", o)
	}
	verified(t, j.ID, "freeze")
}
