//go:build e2e

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// patience ends what would wait for ever; nothing depends on its size.
const patience = 3 * time.Minute

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}

func supervised() client.Client { return client.Client{Socket: client.DefaultSocket} }

func idOf(t *testing.T, name string) (id string) {
	t.Helper()
	eventually(t, "jail "+name+" is there", func() bool {
		j, err := supervised().Jail(t.Context(), name)
		id = j.ID
		return err == nil
	})
	return id
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s=%q", name, v)
	}
	return n
}

func TestChaos(t *testing.T) {
	if !ownHost(t) {
		return
	}
	rounds, jails := number(t, "CLAWJAIL_CHAOS_ROUNDS", 12), number(t, "CLAWJAIL_CHAOS_JAILS", 3)
	seed := uint64(number(t, "CLAWJAIL_CHAOS_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("CLAWJAIL_CHAOS_SEED=%d", seed)
	w := &trouble{t: t, rand: rand.New(rand.NewPCG(seed, 1)), policy: filepath.Join(t.TempDir(), "chaos.yaml")}
	w.d = &daemon{t: t, log: filepath.Join(t.TempDir(), "clawjaild.log")}
	if err := os.WriteFile(w.policy, []byte(policyText), 0o644); err != nil {
		t.Fatal(err)
	}
	allowed, refused := listen(t, 8080), listen(t, 8081)
	before := mounts(t)
	w.d.start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the supervisor's log\n%s", w.d.said())
		}
		w.clean()
	})
	for i := range jails {
		w.jails = append(w.jails, startJail(t, w.policy, i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var answering sync.WaitGroup
	answering.Go(func() { answer(ctx) })
	for range rounds {
		w.round()
	}
	w.settle()
	cancel()
	answering.Wait()
	if n := refused.connections.Load(); n != 0 {
		t.Errorf("%d connections reached a port that is not allowed", n)
	}
	if allowed.connections.Load() == 0 {
		t.Error("no connection reached the port that is allowed")
	}
	w.check()
	w.d.end(unix.SIGINT)
	nothingLeft(t, w, before)
}

// answer approves what has an even number and denies the rest, whenever there is
// somebody to tell.
func answer(ctx context.Context) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list, _, err := supervised().Approvals(ctx)
		if err != nil {
			continue
		}
		for _, a := range list {
			_, rest, _ := strings.Cut(strings.Join(a.Argv, " "), "ask-")
			n, err := strconv.Atoi(rest)
			if err != nil {
				continue
			}
			_, _, _ = supervised().Decide(ctx, a.ID, api.DecideRequest{Digest: a.Digest, Approve: n%2 == 0})
		}
	}
}

// trouble makes it.
type trouble struct {
	t      *testing.T
	rand   *rand.Rand
	d      *daemon
	policy string
	jails  []*jail
	count  map[string]int
}

// round does one thing.
func (w *trouble) round() {
	type step struct {
		name string
		odds int
		do   func()
	}
	steps := []step{
		{"kill the supervisor", 10, func() { w.d.end(unix.SIGKILL); w.pause(300); w.d.start() }},
		{"restart the supervisor", 4, func() { w.d.end(unix.SIGTERM); w.d.start() }},
		{"stop the supervisor, then kill it", 3, func() { w.signal(w.d.pid(), unix.SIGSTOP); w.pause(800); w.d.end(unix.SIGKILL); w.d.start() }},
		{"stop the supervisor for a while", 2, func() { w.signal(w.d.pid(), unix.SIGSTOP); w.pause(1500); w.signal(w.d.pid(), unix.SIGCONT) }},
		{"kill the proxy", 4, func() { w.each("clawjail-egress", unix.SIGKILL) }},
		{"stop a shim for a while", 2, func() { w.shim(unix.SIGSTOP); w.pause(500); w.shims(unix.SIGCONT) }},
		{"kill a shim", 1, func() { w.killShim() }},
		{"leave no descriptors", 2, w.noFiles},
		{"fill the disk of the log", 2, w.noDisk},
	}
	total := 0
	for _, s := range steps {
		total += s.odds
	}
	n := w.rand.IntN(total)
	for _, s := range steps {
		if n -= s.odds; n < 0 {
			w.t.Logf("%s: %s", time.Now().Format("15:04:05.000"), s.name)
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

func (w *trouble) each(program string, sig unix.Signal) {
	for _, pid := range running(w.t, program) {
		w.signal(pid, sig)
	}
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

// noDisk fills the disk of the audit log, and maybe kills the supervisor then.
func (w *trouble) noDisk() {
	ballast := filepath.Join(auditDir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		w.t.Fatal(err)
	}
	for b := make([]byte, 1<<20); err == nil && len(b) > 0; b = b[:len(b)/2] {
		for err == nil {
			_, err = f.Write(b)
		}
		err = nil
	}
	f.Close()
	w.pause(700)
	if err := os.Remove(ballast); err != nil {
		w.t.Fatal(err)
	}
}

// settle waits until every jail works again, has it end, and waits for that.
func (w *trouble) settle() {
	w.t.Helper()
	for _, j := range w.jails {
		if j.killed {
			continue
		}
		was := journalOf(j)
		eventually(w.t, "jail "+j.name+" goes on working", func() bool { return len(journalOf(j)) > len(was) })
	}
	for _, j := range w.jails {
		if err := os.WriteFile(filepath.Join(j.dir, "stop"), nil, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, j := range w.jails {
		w.ended(j)
	}
}

// ended waits for the end of a jail, and for what its client says of it.
func (w *trouble) ended(j *jail) {
	w.t.Helper()
	if j.client != nil {
		select {
		case err := <-j.ended:
			if code := j.client.ProcessState.ExitCode(); !j.killed && code != 5 {
				w.t.Errorf("the client of %s ends with %d: %v", j.name, code, err)
			}
		case <-time.After(patience):
			w.t.Errorf("the client of %s waits for ever", j.name)
			_ = j.client.Process.Kill()
			<-j.ended
		}
	}
	eventually(w.t, "jail "+j.name+" has ended", func() bool { return stopped(w.t, j) })
}

// clean ends what a failed test has left.
func (w *trouble) clean() {
	w.shims(unix.SIGCONT)
	w.shims(unix.SIGKILL)
	w.each("clawjaild", unix.SIGKILL)
	w.each("clawjail-egress", unix.SIGKILL)
	w.each("clawjail-shim", unix.SIGKILL)
	for _, j := range w.jails {
		if j.client != nil {
			_ = j.client.Process.Kill()
		}
	}
}

// records are those of the log that a query chooses.
func records(t *testing.T, args ...string) (out []map[string]any) {
	t.Helper()
	text, err := clawjail(t, append([]string{"audit", "query", "-o", "json"}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for line := range strings.Lines(text) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		out = append(out, r)
	}
	return out
}

func field(r map[string]any, path ...string) string {
	var v any = r
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[p]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
