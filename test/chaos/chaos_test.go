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
	if !within(t, is) {
		t.Fatalf("it did not come to this: %s", what)
	}
}

// within waits for something, and reports whether it came.
func within(t *testing.T, is func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
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
	kills, jails := number(t, "CLAWJAIL_CHAOS_KILLS", 8), number(t, "CLAWJAIL_CHAOS_JAILS", 3)
	seed := uint64(number(t, "CLAWJAIL_CHAOS_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("CLAWJAIL_CHAOS_SEED=%d", seed)
	w := &trouble{t: t, rand: rand.New(rand.NewPCG(seed, 1)), policy: filepath.Join(t.TempDir(), "chaos.yaml"), clock: newClock(t)}
	w.d = &daemon{t: t, log: filepath.Join(t.TempDir(), "clawjaild.log")}
	w.gateway = &gateway{t: t}
	if err := os.WriteFile(w.policy, []byte(policyText), 0o644); err != nil {
		t.Fatal(err)
	}
	allowed, refused := listen(t, 8080), listen(t, 8081)
	before := quiet(t, w.d)
	w.d.start()
	w.gateway.start()
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
	for w.kills < kills {
		w.round()
	}
	w.clock.putRight()
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
	w.gateway.end(unix.SIGTERM)
	before.noMoreDescriptors(w.d)
	w.d.end(unix.SIGINT)
	before.nothingLeft(w)
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
