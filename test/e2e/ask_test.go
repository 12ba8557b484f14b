//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/test/e2e/smallnet"
)

// errSeen ends a watch.
var errSeen = errors.New("seen")

func supervised() client.Client { return client.Client{Socket: client.DefaultSocket} }

// held waits until a jail asks for something, and gives that.
func held(t testing.TB, jail string) client.Approval {
	t.Helper()
	return heldFor(t, jail, 30*time.Second)
}

// heldFor does that for an agent that takes its time.
func heldFor(t testing.TB, jail string, patience time.Duration) client.Approval {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var found client.Approval
	err := supervised().WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
		for _, a := range append(ev.List, ev.Approval) {
			if a.JailName == jail && ev.Decision == nil {
				found = a
				return errSeen
			}
		}
		return nil
	})
	if !errors.Is(err, errSeen) {
		t.Fatalf("%s asks for nothing: %v", jail, err)
	}
	return found
}

// ended waits for a jail's end.
func ended(t testing.TB, j api.Jail) api.Jail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	j, err := supervised().Wait(ctx, j.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// fetch gets a page with Python and writes what came of it into a file.
const fetch = `import sys, urllib.request
try:
    text = urllib.request.urlopen(sys.argv[1], timeout=60).read().decode()
except Exception as e:
    text = "error: %s" % e
open("out", "w").write(text)`

func connections(list []audit.Record, host, verdict string) (found []audit.Record) {
	for _, r := range list {
		if r.Gate == audit.GateEgress && r.Subject.Host == host && r.Verdict == verdict {
			found = append(found, r)
		}
	}
	return found
}

// A new destination waits for a human, who lets it through, refuses it, or does
// not answer; nothing of it leaves the host before.
func TestAskForADestination(t *testing.T) {
	const lists = "network: {default: deny, ask: [\"" + smallnet.NameWeb + ":80\", \"" + smallnet.NameEvil + ":80\", \"" + smallnet.NameGit + ":443\"]}\n"
	tests := []struct {
		name, network, url, host string
		answer                   []string // of the CLI; none lets it time out
		out, decision, verdict   string
	}{
		{"approved", lists, "http://" + smallnet.NameWeb + "/ask-yes", smallnet.NameWeb, []string{"approve"}, "GET /ask-yes", "approved", "allow"},
		{"denied", lists, "http://" + smallnet.NameEvil + "/ask-no", smallnet.NameEvil, []string{"deny", "--reason", "not there"}, "error: ", "rejected", "deny"},
		{"nobody answers", lists + "approval: {timeout: 3s}\n", "https://" + smallnet.NameGit + "/ask-late", smallnet.NameGit, nil, "error: ", "timed out", "deny"},
		{"a name that no rule knows", "network: {default: ask, deny: [\"" + smallnet.NameEvil + ":80\"]}\n",
			"http://a.wild.example.com/ask-new", "a.wild.example.com", []string{"approve"}, "GET /ask-new", "approved", "allow"},
		{"whose addresses are not the internet's", "network: {default: ask}\n",
			"http://" + smallnet.NameRebind + "/", smallnet.NameRebind, []string{"approve"}, "error: ", "approved", "deny"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			before := len(reached(t, c.host))
			dir := workspace(t)
			j := detached(t, run{Policy: policyFile(t, c.network), Workspace: dir, Argv: []string{"python3", "-c", fetch, c.url}})
			a := held(t, j.Name)
			if a.Host != c.host || a.Gate != "connect" {
				t.Errorf("asked for %q: %+v", a.Host, a.Request)
			}
			if hits := reached(t, c.host); len(hits) != before {
				t.Errorf("before it was decided, the internet saw %v", hits[before:])
			}
			if c.answer != nil {
				if o := clawjail(t, run{}, append(c.answer, a.ID)...); o.Code != 0 {
					t.Fatalf("%v", o)
				}
			}
			ended(t, j)
			out := read(t, filepath.Join(dir, "out"))
			if !strings.Contains(out, c.out) {
				t.Errorf("the client got %q", out)
			}
			if hits := reached(t, c.host); c.decision != "approved" && len(hits) != before {
				t.Errorf("refused, and the internet saw %v", hits[before:])
			}
			got := connections(records(t, j.Name), c.host, c.verdict)
			if len(got) != 1 || got[0].Decision == nil || got[0].Decision.ID != a.ID ||
				!strings.Contains(got[0].Decision.Reason, c.decision) || got[0].Decision.HeldMS <= 0 || got[0].Rule == "" {
				t.Errorf("records of the connection: %+v", got)
			}
		})
	}
}

// What the policy refuses is nobody's question, and neither are addresses that
// no name gave, names that are not the internet's, and private answers.
func TestNobodyIsAskedInVain(t *testing.T) {
	network := "network: {default: ask, deny: [\"" + smallnet.NameEvil + ":any\"]}\napproval: {timeout: 1m}\n"
	o := jail(t, run{Policy: policyFile(t, network), Workspace: workspace(t), Argv: []string{"sh", "-c",
		"for u in " + smallnet.NameEvil + " 203.0.113.66 router.lan localhost.localdomain; do curl -sS -m 20 http://$u/in-vain; done; true"}})
	if o.Code != 0 {
		t.Fatalf("%v", o)
	}
	for _, r := range records(t, o.Name) {
		if r.Decision != nil {
			t.Errorf("somebody was asked: %+v", r)
		}
	}
}

// Names are looked up as every program does it, and only refusals of something
// are recorded as such.
func TestLookups(t *testing.T) {
	network := "network: {allow: [\"" + smallnet.NameWeb + ":80\"]}\n"
	script := "getent ahostsv4 " + smallnet.NameWeb + " && getent ahostsv6 " + smallnet.NameWeb + " && getent ahosts " + smallnet.NameWeb
	o := jail(t, run{Policy: policyFile(t, network), Workspace: workspace(t), Argv: []string{"sh", "-c", script}})
	if o.Code != 0 || !strings.Contains(o.Stdout, "198.1") || !strings.Contains(o.Stdout, "fd63:6c61:776a:") {
		t.Fatalf("%v", o)
	}
	for _, r := range records(t, o.Name) {
		if r.Gate == audit.GateConnect && r.Verdict == "deny" {
			t.Errorf("a lookup was recorded as a refusal: %+v", r.Subject)
		}
	}
}

// A foreground run asks on its own terminal, and what is typed there goes to
// the question.
func TestAskHere(t *testing.T) {
	if o := clawjail(t, run{}, "run", "--ask", "here", "--", "true"); o.Code == 0 || !strings.Contains(o.Stderr, "needs a terminal") {
		t.Errorf("without a terminal: %v", o)
	}
	if o := clawjail(t, run{}, "run", "--ask", "there", "--", "true"); o.Code == 0 || !strings.Contains(o.Stderr, "unknown --ask") {
		t.Errorf("elsewhere: %v", o)
	}
	network := "network: {default: deny, ask: [\"" + smallnet.NameWeb + ":80\"]}\n"
	server := filepath.Join(t.TempDir(), "tmux")
	tmux := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "tmux", append([]string{"-S", server, "-f", "/dev/null"}, args...)...)
		c.Env = append(command(t, t.Context()).Env, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %s: %v\n%s", args[0], err, out)
		}
		return string(out)
	}
	until := func(texts ...string) {
		t.Helper()
		var screen string
		for range 3000 {
			screen = tmux("capture-pane", "-p")
			missing := false
			for _, s := range texts {
				missing = missing || !strings.Contains(screen, s)
			}
			if !missing {
				return
			}
		}
		t.Fatalf("never shown: %q\n%s", texts, screen)
	}
	script := "echo begin; curl -sS -m 60 http://" + smallnet.NameWeb + "/here; read x; echo \"typed $x\""
	tmux("new-session", "-d", "-x", "100", "-y", "40", "sh", "-c", `"$@"; echo "left $?"; read -r x`, "sh",
		bin(t, "clawjail"), "run", "--ask", "here", "--policy", policyFile(t, network), "--workspace", workspace(t), "--", "sh", "-c", script)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", server, "kill-server").Run() }) // of this test's own socket
	until("begin", "connect "+smallnet.NameWeb+":80", "or later:")
	tmux("send-keys", "-l", "yes")
	tmux("send-keys", "Enter")
	until("GET /here")
	tmux("send-keys", "-l", "hello")
	tmux("send-keys", "Enter")
	until("typed hello", "left 0")
}
