//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/test/e2e/smallnet"
)

// TestEgressKilledWhileAJailIsCutOff: whenever the proxy is killed, and the daemon
// with it or not, the jail of an incident is off the network afterwards, and on it
// again when the incident lets it go.
func TestEgressKilledWhileAJailIsCutOff(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	d := startDaemon(t)
	policy := policyFile(t, talkPolicy)
	moments(6, 40*time.Millisecond, func(i int, at <-chan time.Time) {
		name := fmt.Sprintf("cut-%d", i)
		s := &talking{t: t, dir: workspace(t)}
		j := detached(t, run{Policy: policy, Workspace: s.dir, Flags: []string{"--name", name}, Argv: []string{"perl", "-e", talker}})
		s.connect("old", smallnet.NameWeb)
		s.echo("old", "hello")
		proxy := proxyOf(t)
		opened := make(chan outcome, 1)
		go func() { opened <- clawjail(t, run{}, "incident", "open", name, "--reason", "a test") }()
		<-at
		if err := unix.Kill(proxy, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if o := <-opened; o.Code != 0 {
			t.Fatalf("moment %d: %v", i, o)
		}
		if i%2 == 1 {
			d.again(unix.SIGKILL)
		}
		id := containedIncident(t, j.ID)
		eventually(t, "there is another proxy", func() bool {
			list := proxies(t)
			return len(list) == 1 && list[0] != proxy
		})
		s.await("old.heard", "hello")
		// By force, past every rule: what the jail does now reaches nobody.
		thawed := filepath.Join(j.Cgroup, "cgroup.freeze")
		if err := os.WriteFile(thawed, []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		s.await("old.state", "ended")
		s.order("connect", "new", smallnet.NameWeb, "9000")
		eventually(t, "the new connection has failed", func() bool {
			b, _ := os.ReadFile(filepath.Join(s.dir, "new.state")) // not there yet
			return strings.Contains(string(b), "failed") || strings.Contains(string(b), "ended")
		})
		if err := os.WriteFile(thawed, []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		if o := clawjail(t, run{}, "incident", "release", id, "--reason", "the test is over"); o.Code != 0 {
			t.Fatalf("moment %d: %v", i, o)
		}
		awaitState(t, name, api.StateRunning)
		s.connect("again", smallnet.NameWeb)
		s.echo("again", "back")
		want := records(t, name, "--gate", "egress")
		cut := false
		for _, r := range want {
			cut = cut || strings.Contains(r.Subject.Message, "cut off from the network")
		}
		if !cut {
			t.Errorf("moment %d: no record of the refused connection", i)
		}
	})
}

// TestDirectFreezeCuts: without a supervisor a jail is frozen, and its connections are
// reset, those within it and the proxy are left alone; it goes on with the next one.
func TestDirectFreezeCuts(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	d := startDaemon(t)
	s := &talking{t: t, dir: workspace(t)}
	j := detached(t, run{Policy: policyFile(t, talkPolicy), Workspace: s.dir, Flags: []string{"--name", "direct"}, Argv: []string{"perl", "-e", talker}})
	s.connect("old", smallnet.NameWeb)
	s.echo("old", "hello")
	d.end(unix.SIGKILL)
	s.echo("old", "alone")
	o := clawjail(t, run{}, "freeze", "--direct", j.ID, "--reason", "a test")
	if o.Code != 0 || !strings.Contains(o.Stdout, "stands still; sockets of its connections reset: ") || !standsStill(t, j) {
		t.Fatalf("%v", o)
	}
	d.start()
	awaitState(t, "direct", api.StateFrozen)
	if o := clawjail(t, run{}, "thaw", "direct"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	s.await("old.state", "ended")
	s.connect("again", smallnet.NameWeb)
	s.echo("again", "back")
}

// containedIncident waits until the incident of a jail is contained, and names it.
func containedIncident(t *testing.T, jail string) (id string) {
	t.Helper()
	eventually(t, "the incident is contained", func() bool {
		var list []struct {
			ID, State string
			Subject   struct{ Jail string }
		}
		if err := json.Unmarshal([]byte(clawjail(t, run{}, "incident", "list", "-o", "json").Stdout), &list); err != nil {
			return false
		}
		for _, in := range list {
			if in.Subject.Jail == jail && in.State != "open" {
				id = in.ID
				return true
			}
		}
		return false
	})
	return id
}
