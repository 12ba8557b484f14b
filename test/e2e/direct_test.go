//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// A responder stops jails when the supervisor does not answer; it records that
// when it does again, and keeps them stopped.
func TestFreezeWithoutTheSupervisor(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	dir := workspace(t)
	one := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	two := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(ping.PID, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	awake := func() {
		if err := unix.Kill(ping.PID, unix.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	defer awake()
	if o := clawjail(t, run{}, "freeze", "--direct", "none-of-that-name"); o.Code == 0 || !strings.Contains(o.Stderr, "no cgroup of a jail") {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "freeze", "--direct", one.Name, "--reason", "it hangs"); o.Code != 0 || !strings.Contains(o.Stdout, one.ID+" "+one.Name+": stands still") {
		t.Fatalf("%v", o)
	}
	if !standsStill(t, one) || standsStill(t, two) {
		t.Errorf("one stands: %v, two stands: %v", standsStill(t, one), standsStill(t, two))
	}
	if o := clawjail(t, run{}, "freeze", "--direct", "--all"); o.Code != 0 || !standsStill(t, two) {
		t.Fatalf("%v", o)
	}
	awake()
	awaitState(t, one.Name, api.StateFrozen)
	awaitState(t, two.Name, api.StateFrozen)
	want(t, records(t, one.Name, "--gate", audit.GateJail), "the record", func(r audit.Record) bool {
		return r.Subject.Op == "freeze" && strings.Contains(r.Subject.Message, "without the supervisor, which did not answer, by uid 0") && strings.Contains(r.Subject.Message, "it hangs")
	})
	if o := clawjail(t, run{}, "thaw", one.Name); o.Code != 0 || standsStill(t, one) {
		t.Errorf("%v", o)
	}
}
