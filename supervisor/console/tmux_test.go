package console

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/serve"
	"clawjail/supervisor/client"
)

const consoleSocket = "CLAWJAIL_TEST_CONSOLE"

// TestMain is the console itself when the tests start it in a terminal.
func TestMain(m *testing.M) {
	if socket := os.Getenv(consoleSocket); socket != "" {
		err := Run(context.Background(), Options{Client: client.Client{Socket: socket}, In: os.Stdin, Out: os.Stdout, Color: true})
		fmt.Println("the console ended:", err)
		return
	}
	os.Exit(m.Run())
}

type noJournal struct{}

func (noJournal) Put(approval.Request) error { return nil }
func (noJournal) Remove(...string) error     { return nil }

// serveQueue serves a queue on a socket.
func serveQueue(t *testing.T) (*approval.Queue, string) {
	t.Helper()
	q := approval.New(approval.Options{Journal: noJournal{}, Boot: "b",
		OnDecision: func(approval.Request, approval.Decision) error { return nil }})
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: serve.Handler(q, func(*http.Request) approval.By { return approval.By{UID: 7, Name: "ana"} })}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { q.Close(); _ = s.Close(); <-done })
	return q, socket
}

// submit holds a request and gives its decision.
func submit(t *testing.T, q *approval.Queue, r approval.Request) <-chan approval.Decision {
	t.Helper()
	ch := make(chan approval.Decision, 1)
	go func() {
		d, err := q.Submit(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		ch <- d
	}()
	return ch
}

// pane is a terminal that tmux keeps.
type pane struct {
	t      *testing.T
	server string
}

func (p pane) tmux(args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "tmux", append([]string{"-S", p.server, "-f", "/dev/null"}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// maxLooks bounds how often until looks at the screen: some seconds.
const maxLooks = 3000

// until looks until the screen holds all texts, and gives it.
func (p pane) until(texts ...string) string {
	p.t.Helper()
	var screen string
	for range maxLooks {
		screen = p.tmux("capture-pane", "-p")
		missing := false
		for _, s := range texts {
			missing = missing || !strings.Contains(screen, s)
		}
		if !missing {
			return screen
		}
	}
	p.t.Fatalf("never shown: %q\n%s", texts, screen)
	return ""
}

// start runs the console in a terminal of a size.
func start(t *testing.T, socket string, w, h int) pane {
	t.Helper()
	p := pane{t, filepath.Join(t.TempDir(), "tmux")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.tmux("new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), "-e", consoleSocket+"="+socket,
		"sh", "-c", `"$0"; echo left; read -r x`, self)
	t.Cleanup(func() {
		_ = exec.Command("tmux", "-S", p.server, "kill-server").Run() // of this test's own socket
	})
	return p
}

func TestInATerminal(t *testing.T) {
	q, socket := serveQueue(t)
	p := start(t, socket, 90, 30)
	p.until("clawjail  0 held", "nothing is held")

	first := submit(t, q, push(t).Request)
	p.until("1 held", "git push --force", "cannot be undone", "the agent claims, and nobody checked:")
	p.tmux("send-keys", "f")
	p.until("y yes  other keys no", "for 1h: this program with exactly these arguments in this directory")
	p.tmux("send-keys", "y")
	if d := <-first; !d.Allowed() || d.By.Name != "ana" || d.Scope.String() != "for 1h" {
		t.Errorf("%+v", d)
	}
	p.until("0 held", "approved by ana, for 1h")

	second := submit(t, q, three(t)[1].Request)
	third := submit(t, q, three(t)[2].Request)
	p.until("2 held", `\u202e`, "api.stripe.com")
	p.tmux("resize-window", "-x", "20", "-y", "14")
	p.until("2 held", "a d f j A  ?  q")
	p.tmux("send-keys", "g", "d")
	p.until("reason:")
	p.tmux("send-keys", "-l", "not today")
	p.tmux("send-keys", "Enter")
	var d approval.Decision
	select {
	case d = <-second:
	case d = <-third:
	}
	if d.Outcome != approval.Rejected || d.Reason != "not today" {
		t.Errorf("%+v", d)
	}
	p.until("1 held")
	p.tmux("send-keys", "q")
	p.until("the console ended: <", "nil>", "left") // in two lines of 20 columns
}

// A request of two megabytes of escape codes, on a terminal of 20 columns: what
// is on the screen is text, what is asked is answered, and what was done is told.
func TestTwoMegabytesOfEscapeCodes(t *testing.T) {
	q, socket := serveQueue(t)
	p := start(t, socket, 20, 24)
	p.until("nothing is held")
	r := push(t).Request
	codes := strings.Repeat("\x1b[2J\x1b]0;owned\a\x1b[31m", 1<<21/20)
	r.Argv, r.ArgvSHA256, r.Digest, r.Claim = []string{"git", "push", codes, "the end"}, "", "", codes
	got := submit(t, q, r)
	screen := p.until("1 held", "git push", `\x1b[2J`)
	if strings.Count(screen, "\n") > 24 {
		t.Errorf("%s", screen)
	}
	p.tmux("send-keys", "a")
	p.until("approve", "y yes")
	p.tmux("send-keys", "y")
	if d := <-got; !d.Allowed() {
		t.Errorf("%+v", d)
	}
	q.Tell(approval.Done{Jail: "j1", JailName: codes, Gate: "exec", Rule: "exec.rules[0]", Key: "k", What: func() string { return "curl -T x" }})
	p.until("0 held  1", `told: \x1b[2J`)
	p.tmux("send-keys", "t")
	p.until("done, and told to", `1× \x1b[2J`)
	p.tmux("send-keys", "x", "q")
	p.until("left")
	if title := p.tmux("display-message", "-p", "#{pane_title}"); strings.Contains(title, "owned") {
		t.Errorf("the title of the terminal is %q", title)
	}
}

func TestTheSupervisorEndsMeanwhile(t *testing.T) {
	q, socket := serveQueue(t)
	p := start(t, socket, 80, 24)
	p.until("nothing is held")
	q.Close()
	p.until("NOT CONNECTED")
	p.tmux("send-keys", "C-c")
	p.until("left")
}

func TestNoTerminal(t *testing.T) {
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := Run(t.Context(), Options{In: in, Out: in}); err != ErrNoTerminal {
		t.Errorf("got %v", err)
	}
}
