//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// limitsFile is where what is used is kept.
const limitsFile = "/var/lib/clawjail/limits.db"

// TestDamagedLimitsRefuse: a supervisor that cannot tell what was used starts
// nothing, and says what to do.
func TestDamagedLimitsRefuse(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	policy := policyFile(t, "actions: {limits: [{of: api_call, limit: 2/h, over: deny}]}\n")
	call := func() outcome {
		return jail(t, run{Policy: policy, Workspace: workspace(t), Flags: []string{"--name", "same"}, Argv: []string{"clawjail-act", "request", "api_call", "--json"}})
	}
	for range 2 {
		if o := call(); !strings.Contains(o.Stdout, `"verdict":"allow"`) {
			t.Fatalf("%v", o)
		}
	}
	endSupervisor(t)
	good, err := os.ReadFile(limitsFile)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, damage := range map[string]func(b []byte) []byte{
		"text":          func([]byte) []byte { return []byte("no limits\n") },
		"cut":           func(b []byte) []byte { return b[:3*page] },
		"pages of zero": func(b []byte) []byte { clear(b[2*page:]); return b },
	} {
		if err := os.WriteFile(limitsFile, damage(append([]byte(nil), good...)), 0o600); err != nil {
			t.Fatal(err)
		}
		o := call()
		if o.Code != 125 || o.Stdout != "" || !strings.Contains(o.Stderr+supervisorLog(t), limitsFile) ||
			!strings.Contains(o.Stderr+supervisorLog(t), "restore it from a backup (clawjail restore), or move it away") {
			t.Errorf("%s: %v\n%s", name, o, supervisorLog(t))
		}
	}
	if err := os.WriteFile(limitsFile, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if o := call(); o.Code != 1 || !strings.Contains(o.Stdout, "over the limit: api_call 2 per 1h of each jail") {
		t.Errorf("restored: %v", o)
	}
}

// TestLimitsOfTheHost: what all jails may do together is in force whatever their
// policies say; what each may is what its policy says.
func TestLimitsOfTheHost(t *testing.T) {
	if !ownHost(t, "action_limits: {defaults: [{of: api_call, limit: 3/h, scope: all, over: deny}, {of: send_email, limit: 7/d}]}\n", 16<<20) {
		return
	}
	if o := clawjail(t, run{}, "config", "explain"); !strings.Contains(o.Stdout, `{"of":"api_call","limit":"3/h","scope":"all","over":"deny"}`) ||
		!strings.Contains(o.Stdout, `{"of":"spending","limit":"100.00 USD/d","scope":"jail","over":"ask"}`) {
		t.Errorf("%v", o)
	}
	dir, allowed := workspace(t), 0
	policy := policyFile(t, "actions: {limits: [{of: api_call, limit: 100/h, over: deny}, {of: api_call, limit: 50/h, scope: all, over: deny}]}\n")
	for range 5 {
		o := jail(t, run{Policy: policy, Workspace: dir, Argv: []string{"clawjail-act", "request", "api_call", "--json"}})
		allowed += strings.Count(o.Stdout, `"verdict":"allow"`)
	}
	if allowed != 3 {
		t.Errorf("%d calls were let through, not 3", allowed)
	}
	detached(t, run{Policy: policy, Workspace: dir, Argv: []string{"sleep", "1000"}})
	o := clawjail(t, run{}, "limits")
	var rows []string
	for line := range strings.Lines(o.Stdout) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{"api_call 1h all 3 of 3 0 deny", "send_email 1d jail"} {
		if !strings.Contains(strings.Join(rows, "\n"), want) {
			t.Errorf("want %q: %v", want, o)
		}
	}
	if strings.Contains(o.Stdout, "of 50 ") && strings.Contains(strings.Join(rows, "\n"), "api_call 1h all 3 of 50") {
		t.Errorf("a policy has lifted a limit of all: %v", o)
	}
}

// askOften asks over many connections at once, and counts what is let through.
const askOften = `import socket, sys, threading, json
conns, each = int(sys.argv[1]), int(sys.argv[2])
allowed, errors = [0] * conns, [0] * conns
def ask(n):
    s = socket.socket(socket.AF_UNIX); s.connect("/run/clawjail/action.sock"); f = s.makefile("r")
    for _ in range(each):
        s.sendall(b'{"do":"request","type":"api_call"}\n')
        a = json.loads(f.readline())
        if a.get("token"): allowed[n] += 1
        elif a.get("verdict") != "deny": errors[n] += 1
threads = [threading.Thread(target=ask, args=(n,)) for n in range(conns)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(allowed), sum(errors))`

// TestTenThousandRequestsOfJails: on the sockets of four jails at once, and never
// one too many; the supervisor after it lets no more through.
func TestTenThousandRequestsOfJails(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	const most, jails, conns, each = 200, 4, 25, 100
	policy := policyFile(t, fmt.Sprintf("actions: {limits: [{of: api_call, limit: %d/d, scope: all, over: deny}]}\n", most))
	burst := func() (allowed int) {
		t.Helper()
		var mu sync.Mutex
		var work sync.WaitGroup
		detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}}) // a supervisor is there
		for range jails {
			dir := workspace(t)
			write(t, filepath.Join(dir, "ask.py"), askOften, 0o644)
			work.Go(func() {
				o := jail(t, run{Policy: policy, Workspace: dir, Timeout: 5 * time.Minute, Argv: []string{"python3", "ask.py", fmt.Sprint(conns), fmt.Sprint(each)}})
				var n, bad int
				if _, err := fmt.Sscan(o.Stdout, &n, &bad); err != nil || bad != 0 || o.Code != 0 {
					t.Errorf("%v: %v", err, o)
				}
				mu.Lock()
				defer mu.Unlock()
				allowed += n
			})
		}
		work.Wait()
		return allowed
	}
	if n := burst(); n != most {
		t.Errorf("%d of %d requests were let through, not %d", n, jails*conns*each, most)
	}
	endSupervisor(t)
	if n := burst(); n != 0 {
		t.Errorf("%d more after a restart", n)
	}
}
