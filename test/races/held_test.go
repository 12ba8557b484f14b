//go:build e2e

package races

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// asked has a human decide about the harmless program, and nobody about the
// other one.
const asked = base + `
exec:
  default: deny
  rules:
    - {run: ["${WORKSPACE}/race"], then: allow}
    - {run: ["${WORKSPACE}/good"], args: [safe, "..."], then: ask}
`

// askedByHash knows it by content.
const askedByHash = base + `
exec:
  default: deny
  rules:
    - {run: ["${WORKSPACE}/race"], then: allow}
    - {sha256: SHA_GOOD, then: ask}
`

const askedEvil = base + `
exec:
  default: deny
  rules:
    - {run: ["${WORKSPACE}/race"], then: allow}
    - {run: ["${WORKSPACE}/good"], args: [safe], then: allow}
    - {run: ["${WORKSPACE}/evil"], then: ask}
`

func supervised() client.Client { return client.Client{Socket: client.DefaultSocket} }

// human approves whatever is asked until the function it returns is called,
// which gives how often.
func human(t *testing.T) func() int {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			// An error is of a supervisor that is not there yet.
			list, _, _ := supervised().Approvals(ctx)
			for _, a := range list {
				_, _, err := supervised().Decide(ctx, a.ID, api.DecideRequest{Approve: true, Digest: a.Digest})
				if err == nil {
					n++
				}
			}
			wait(ctx, 2*time.Millisecond)
		}
	})
	return func() int { cancel(); work.Wait(); return n }
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// held waits until so many different requests of a jail are held.
func held(t *testing.T, jail string, n int) []client.Approval {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		all, _, _ := supervised().Approvals(ctx)
		var list []client.Approval
		for _, a := range all {
			if a.JailName == jail {
				list = append(list, a)
			}
		}
		if len(list) >= n {
			return list
		}
		if ctx.Err() != nil {
			t.Fatalf("%d requests of %s are held, not %d", len(list), jail, n)
		}
		wait(ctx, 5*time.Millisecond)
	}
}

// TestHeld races what is approved while it is held.
func TestHeld(t *testing.T) {
	tests := []struct{ name, policy string }{
		{"path-vm", asked}, {"arg-vm", asked}, {"pointer-shared", asked}, {"path-thread", asked}, {"orphan", asked},
		{"path-vfork", asked}, {"storm", asked}, {"hardlink", askedByHash}, {"map-edit", askedByHash},
		{"rename", askedByHash}, {"symlink", askedByHash}, {"parent", askedByHash}, {"edit", askedByHash},
		{"signals", asked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stop := human(t)
			r, o, _ := attack(t, tt.policy, tt.name, 10000)
			n := stop()
			t.Logf("%d approved", n)
			if n == 0 || r.good == 0 || r.other > 0 || tt.name != "orphan" && r.killed+r.refused == 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			if tt.name != "signals" {
				told(t, o, r)
			}
		})
	}
	well(t)
}

// running is a jail that goes on.
type running struct {
	name string
	done chan outcome
}

func (f field) start(t *testing.T, argv ...string) running {
	t.Helper()
	r := running{name: "s" + t.Name()[4:8], done: make(chan outcome, 1)}
	r.name = strings.ToLower(r.name) + itoa(names.Add(1))
	args := append([]string{"run", "--name", r.name, "--policy", f.policy, "--workspace", f.dir, "--"}, argv...)
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience+time.Duration(seconds(t))*time.Second)
	c := command(ctx, t, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer cancel()
		_ = c.Wait() // how it ended is in the state
		r.done <- outcome{name: r.name, code: c.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	}()
	return r
}

func (r running) wait(t *testing.T) outcome {
	t.Helper()
	return <-r.done
}

// TestCrowd holds as many requests as there may be, and more.
func TestCrowd(t *testing.T) {
	const all, room = 1000, 64
	f := newField(t, asked)
	r := f.start(t, "./race", "crowd", itoa(all), "60")
	list := held(t, r.name, room)
	if len(list) > room {
		t.Errorf("%d requests are held, %d may be", len(list), room)
	}
	stop := human(t)
	o := r.wait(t)
	n := stop()
	got := parse(t, "crowd", all, o)
	if got.good != n || got.good < room || got.good+got.refused+got.busy != all || got.killed > 0 {
		t.Errorf("%d approved: %+v", n, got)
	}
	well(t)
}

// TestFreezeWhileHeld freezes a jail with a held call, decides, and thaws it.
func TestFreezeWhileHeld(t *testing.T) {
	r := newField(t, asked).start(t, "./race", "orphan", "1", "60")
	a := held(t, r.name, 1)[0]
	if o := clawjail(t, "freeze", r.name); o.code != 0 {
		t.Fatalf("freeze: %v", o)
	}
	if o := clawjail(t, "approve", a.ID); o.code != 0 {
		t.Fatalf("approve: %v", o)
	}
	if o := clawjail(t, "thaw", r.name); o.code != 0 {
		t.Fatalf("thaw: %v", o)
	}
	if got := parse(t, "orphan", 1, r.wait(t)); got.good != 1 {
		t.Errorf("%+v", got)
	}
}

// TestFreezeStorm freezes and thaws a jail all the time while what is asked in it
// changes and is approved.
func TestFreezeStorm(t *testing.T) {
	f := newField(t, asked)
	stop := human(t)
	r := f.start(t, "./race", "path-vm", "10000", itoa(seconds(t)))
	held(t, r.name, 1)
	ctx, cancel := context.WithCancel(t.Context())
	frozen := 0
	var work sync.WaitGroup
	work.Go(func() {
		// An error is of a jail that has ended, or that is frozen already.
		for ctx.Err() == nil {
			if _, err := supervised().Freeze(ctx, r.name); err == nil {
				frozen++
			}
			wait(ctx, 3*time.Millisecond)
			_, _ = supervised().Thaw(context.WithoutCancel(ctx), r.name)
			wait(ctx, 20*time.Millisecond)
		}
	})
	o := r.wait(t)
	cancel()
	work.Wait()
	n := stop()
	got := parse(t, "path-vm", 10000, o)
	t.Logf("%d approved, %d times frozen", n, frozen)
	if strings.Contains(o.stdout, "ESCAPED") || got.wins > 0 || got.other > 0 || got.good == 0 || frozen == 0 {
		t.Errorf("%+v, %v", got, o)
	}
	well(t)
}

// TestNumbers has callers die while they are held, and others take their numbers.
func TestNumbers(t *testing.T) {
	if !full() {
		t.Setenv("CLAWJAIL_RACE_SECONDS", "20") // there are 32768 numbers
	}
	stop := human(t)
	r, o, _ := attack(t, asked, "pid-reuse", 10000)
	n := stop()
	// A number that is met again is that of two executions, some time apart.
	seen, again := map[int32]time.Time{}, 0
	for _, x := range records(t, o.name) {
		if x.Gate != audit.GateExec || x.Subject.Op != "exec" {
			continue
		}
		if first, ok := seen[x.Subject.Pid]; ok && x.Time.Sub(first) > 2*time.Second {
			again++
		}
		seen[x.Subject.Pid] = x.Time
	}
	t.Logf("%d approved, %d numbers met again", n, again)
	if n == 0 || r.tries == 0 || r.other > 0 {
		t.Errorf("the race was not run: %+v", r)
	}
	told(t, o, r)
	well(t)
}

// TestFreezeVerdict freezes a jail from within a held call.
func TestFreezeVerdict(t *testing.T) {
	r := newField(t, strings.ReplaceAll(askedEvil, "then: ask", "then: freeze")).start(t, "./race", "doors", "1", "60")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		// An error is of a jail that is not there yet.
		list, _ := supervised().Jails(ctx, false)
		state := api.State("")
		for _, j := range list {
			if j.Name == r.name {
				state = j.State
			}
		}
		if state == api.StateFrozen {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the jail is %q", state)
		}
		wait(ctx, 5*time.Millisecond)
	}
	if o := clawjail(t, "kill", r.name); o.code != 0 {
		t.Errorf("kill: %v", o)
	}
	if o := r.wait(t); strings.Contains(o.stdout, "ESCAPED") {
		t.Errorf("%v", o)
	}
	well(t)
}

// TestSupervisorKilled kills the supervisor while something is held, and while
// decisions are raced: nothing that nobody approved ever runs.
func TestSupervisorKilled(t *testing.T) {
	t.Run("held", func(t *testing.T) {
		r := newField(t, askedEvil).start(t, "./evil")
		held(t, r.name, 1)
		killSupervisor(t)
		if o := r.wait(t); strings.Contains(o.stdout, "ESCAPED") || o.code == 0 {
			t.Errorf("%v", o)
		}
		well(t)
	})
	rounds := 6
	if full() {
		rounds = 100
	}
	for i := range rounds {
		t.Run("racing", func(t *testing.T) {
			r := newField(t, askedEvil).start(t, "./race", "path-vm", "1000000", "30")
			held(t, r.name, 1)
			wait(t.Context(), time.Duration(i*37%1000)*time.Millisecond)
			killSupervisor(t)
			if o := r.wait(t); strings.Contains(o.stdout, "ESCAPED") || o.code == 0 {
				t.Errorf("%v", o)
			}
			well(t)
		})
	}
}

// killSupervisor kills the one that listens here, which is ours: it lives in
// our own mount namespace.
func killSupervisor(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("unix", client.DefaultSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	fd, err := unix.PidfdOpen(int(cred.Pid), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err := os.Readlink("/proc/" + itoa(cred.Pid) + "/ns/net"); err != nil || theirs != ours {
		t.Fatalf("process %d is not ours: %q, %v", cred.Pid, theirs, err)
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 60_000)
	for errors.Is(err, unix.EINTR) { // signals of Go's own
		n, err = unix.Poll(fds, 60_000)
	}
	if n != 1 || err != nil {
		t.Fatalf("process %d, killed, does not end: %v", cred.Pid, err)
	}
}
