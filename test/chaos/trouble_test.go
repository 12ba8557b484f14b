//go:build e2e

package chaos

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// trouble makes it.
type trouble struct {
	t      *testing.T
	rand   *rand.Rand
	d      *daemon
	policy string
	jails  []*jail
	count  map[string]int
	kills  int // with signal 9

	gateway *gateway
	clock   *clock
	seen    inventory
}

// step is one thing that happens to those who watch.
type step struct {
	name string
	odds int
	do   func()
}

func (w *trouble) steps() []step {
	list := []step{
		{"kill the supervisor", 10, func() { w.kill(); w.pause(300); w.d.start() }},
		{"kill the supervisor as soon as it is back", 3, func() { w.kill(); w.d.start(); w.kill(); w.d.start() }},
		{"restart the supervisor", 2, func() { w.d.end(unix.SIGTERM); w.d.start() }},
		{"stop the supervisor, then kill it", 3, func() { w.signal(w.d.pid(), unix.SIGSTOP); w.pause(800); w.kill(); w.d.start() }},
		{"stop the supervisor for a while", 2, func() { w.signal(w.d.pid(), unix.SIGSTOP); w.pause(3000); w.signal(w.d.pid(), unix.SIGCONT) }},
		{"kill the proxy", 5, func() { w.kills += w.each("clawjail-egress", unix.SIGKILL) }},
		{"kill the proxy, then the supervisor", 2, func() { w.kills += w.each("clawjail-egress", unix.SIGKILL); w.kill(); w.d.start() }},
		{"kill the gateway", 3, func() { w.gateway.end(unix.SIGKILL); w.kills++; w.gateway.start() }},
		{"stop a shim for a while", 2, func() { w.shim(unix.SIGSTOP); w.pause(500); w.shims(unix.SIGCONT) }},
		{"kill a shim", 1, w.killShim},
		{"leave no descriptors", 2, w.noFiles},
		{"fill the disk of the log", 2, func() { w.noDisk(false) }},
		{"fill the disk of the log and kill the supervisor", 1, func() { w.noDisk(true) }},
	}
	if w.clock.ours {
		list = append(list,
			step{"set the clock", 3, func() { w.clock.set(w.leap()) }},
			step{"set the clock while there is no supervisor", 2, func() { w.kill(); w.clock.set(w.leap()); w.d.start() }})
	}
	return list
}

// leap is by how much a clock is set: seconds or hours, either way.
func (w *trouble) leap() time.Duration {
	by := time.Duration(2+w.rand.IntN(60)) * time.Second
	if w.rand.IntN(2) == 0 {
		by = time.Duration(1+w.rand.IntN(180)) * time.Minute
	}
	if w.rand.IntN(2) == 0 {
		by = -by
	}
	return by
}

// round does one thing.
func (w *trouble) round() {
	w.seen.note(w)
	steps, total := w.steps(), 0
	for _, s := range steps {
		total += s.odds
	}
	n := w.rand.IntN(total)
	for _, s := range steps {
		if n -= s.odds; n < 0 {
			w.t.Logf("%s: %d kills: %s", time.Now().Format("15:04:05.000"), w.kills, s.name)
			s.do()
			if w.count == nil {
				w.count = map[string]int{}
			}
			w.count[s.name]++
			break
		}
	}
	w.pause(600)
}

// kill ends the supervisor as nothing can prevent.
func (w *trouble) kill() {
	w.d.end(unix.SIGKILL)
	w.kills++
}

// pause lets the jails work: how long decides nothing.
func (w *trouble) pause(most int) {
	timer := time.NewTimer(time.Duration(w.rand.IntN(most)) * time.Millisecond)
	defer timer.Stop()
	<-timer.C
}

func (w *trouble) signal(pid int, sig unix.Signal) {
	if err := unix.Kill(pid, sig); err != nil && err != unix.ESRCH {
		w.t.Errorf("signal %d to %d: %v", sig, pid, err)
	}
}

func (w *trouble) each(program string, sig unix.Signal) int {
	pids := running(w.t, program)
	for _, pid := range pids {
		w.signal(pid, sig)
	}
	return len(pids)
}

func (w *trouble) shims(sig unix.Signal) {
	for _, j := range w.jails {
		w.signalShim(j, sig)
	}
}

func (w *trouble) signalShim(j *jail, sig unix.Signal) {
	b, err := os.ReadFile(filepath.Join(runDir, "jails", j.id, "shim.pid"))
	if err != nil {
		return // it has ended
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
		w.signal(pid, sig)
	}
}

func (w *trouble) shim(sig unix.Signal) { w.signalShim(w.jails[w.rand.IntN(len(w.jails))], sig) }

// killShim ends a jail for good, and another one begins.
func (w *trouble) killShim() {
	j := w.jails[w.rand.IntN(len(w.jails))]
	if j.killed {
		return
	}
	j.killed = true
	w.signalShim(j, unix.SIGKILL)
	w.kills++
	w.jails = append(w.jails, startJail(w.t, w.policy, len(w.jails)))
}

// noFiles leaves the supervisor no descriptors for a while.
func (w *trouble) noFiles() {
	var old unix.Rlimit
	if err := unix.Prlimit(w.d.pid(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		w.t.Fatal(err)
	}
	few := unix.Rlimit{Cur: 16, Max: old.Max} // the most can be raised again by nobody
	if err := unix.Prlimit(w.d.pid(), unix.RLIMIT_NOFILE, &few, nil); err != nil {
		w.t.Fatal(err)
	}
	w.pause(500)
	if err := unix.Prlimit(w.d.pid(), unix.RLIMIT_NOFILE, &old, nil); err != nil {
		w.t.Fatal(err)
	}
}

// noDisk fills the disk of the audit log for a while, and may kill the supervisor then.
func (w *trouble) noDisk(kill bool) {
	ballast := filepath.Join(auditDir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		w.t.Fatal(err)
	}
	end := int64(0)
	for n := int64(64 << 20); n >= 1<<12; {
		if err := unix.Fallocate(int(f.Fd()), 0, end, n); err != nil {
			n /= 2
			continue
		}
		end += n
	}
	f.Close()
	w.pause(700)
	if kill {
		w.kill()
		defer w.d.start() // once there is room again
	}
	if err := os.Remove(ballast); err != nil {
		w.t.Fatal(err)
	}
}
