//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/test/e2e/mockmodel"
	"clawjail/test/e2e/smallnet"
)

// world is set once, before the first test.
var world smallnet.World

func TestMain(m *testing.M) {
	if refuse() {
		return
	}
	if os.Getenv(unitMark) != "" {
		fmt.Fprintln(os.Stderr, asUnit(os.Args[1:]))
		os.Exit(1)
	}
	if inOwnHost() {
		world = smallnet.Inside()
		os.Exit(m.Run())
	}
	os.Exit(smallnet.Run(func(w smallnet.World) int {
		world = w
		code := m.Run()
		if code != 0 {
			// It goes with the small internet's host, so show it now.
			log, err := os.ReadFile("/run/clawjail/clawjaild.log")
			fmt.Fprintf(os.Stderr, "--- the supervisor's log (%v)\n%s\n", err, tail(string(log)))
		}
		return code
	}))
}

// bin is a built binary; the build tree is what is under test.
func bin(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return path
}

// example is the path of a policy that ships.
func example(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../policy/source/examples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// names makes every jail's name different.
var names atomic.Int64

// run is one `clawjail run`.
type run struct {
	Policy    string // file or preset
	Workspace string
	Env       []string // for --env
	Flags     []string
	Argv      []string
	Stdin     string
	Timeout   time.Duration // of the test; default one minute
	Environ   []string      // of clawjail itself, on top of the usual
}

// outcome is what came of it.
type outcome struct {
	Code           int
	Stdout, Stderr string
	Name           string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit %d\n--- stdout\n%s\n--- stderr\n%s", o.Code, tail(o.Stdout), tail(o.Stderr))
}

// tail keeps a failure readable.
func tail(s string) string {
	const most = 8000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// jail runs something in a jail, as the agent user through sudo would.
func jail(t testing.TB, r run) outcome {
	t.Helper()
	name := fmt.Sprintf("t%d", names.Add(1))
	args := []string{"run", "--name", name}
	if r.Policy != "" {
		args = append(args, "--policy", r.Policy)
	}
	if r.Workspace != "" {
		args = append(args, "--workspace", r.Workspace)
	}
	for _, kv := range r.Env {
		args = append(args, "--env", kv)
	}
	args = append(args, r.Flags...)
	args = append(append(args, "--"), r.Argv...)
	o := clawjail(t, r, args...)
	o.Name = name
	return o
}

// clawjail runs one command line of the CLI to its end.
func clawjail(t testing.TB, r run, args ...string) outcome {
	t.Helper()
	timeout := r.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c := command(t, ctx, args...)
	c.Env = append(c.Env, r.Environ...)
	var stdout, stderr bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(r.Stdin), &stdout, &stderr
	err := c.Run()
	o := outcome{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("clawjail %v did not end within %s: %v", args, timeout, o)
	case errors.As(err, &exit):
		o.Code = exit.ExitCode()
	case err != nil:
		t.Fatalf("clawjail %v: %v", args, err)
	}
	return o
}

// command prepares the CLI as sudo starts it for the agent user.
func command(t testing.TB, ctx context.Context, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(ctx, bin(t, "clawjail"), args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	c.Dir = "/"
	id := strconv.Itoa(smallnet.UserID)
	c.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
		"SUDO_UID=" + id, "SUDO_GID=" + id, "SUDO_USER=" + smallnet.UserName,
	}
	return c
}

// workspace makes a directory of the agent user's in its home.
func workspace(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(smallnet.UserHome, "work-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	give(t, dir)
	return dir
}

// give makes the agent user the owner of a path.
func give(t testing.TB, path string) {
	t.Helper()
	if err := os.Chown(path, smallnet.UserID, smallnet.UserID); err != nil {
		t.Fatal(err)
	}
}

// write makes a file of the agent user's.
func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	give(t, path)
}

// read returns a file's text, empty if there is none.
func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// script gives the model a script for this test; the key to use is "sk-"+name.
func script(t testing.TB, s mockmodel.Script) (name string) {
	t.Helper()
	name = strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	if err := world.SetScript(name, s); err != nil {
		t.Fatal(err)
	}
	return name
}

// records are the audit records of a jail, by the CLI.
func records(t testing.TB, jail string, flags ...string) []audit.Record {
	t.Helper()
	o := clawjail(t, run{}, append([]string{"audit", "query", "--jail", jail, "-o", "json"}, flags...)...)
	if o.Code != 0 {
		t.Fatalf("audit query: %v", o)
	}
	var list []audit.Record
	for line := range strings.Lines(o.Stdout) {
		var r audit.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		list = append(list, r)
	}
	return list
}

// want finds a record, or fails with what is there of its gate.
func want(t testing.TB, list []audit.Record, what string, match func(audit.Record) bool) {
	t.Helper()
	for _, r := range list {
		if match(r) {
			return
		}
	}
	var have strings.Builder
	for _, r := range list {
		s := r.Subject
		fmt.Fprintf(&have, "  %s %s %s %s %s %s %q %s %s:%d\n", r.Gate, r.Verdict, r.Rule, s.Op, s.Path, s.Path2, s.Argv, s.Host, s.Addr, s.Port)
	}
	t.Errorf("no audit record of: %s; there are\n%s", what, tail(have.String()))
}

// inspect asks for one jail.
func inspect(t testing.TB, jail string) api.Jail {
	t.Helper()
	o := clawjail(t, run{}, "inspect", jail)
	var j api.Jail
	if err := json.Unmarshal([]byte(o.Stdout), &j); err != nil || o.Code != 0 {
		t.Fatalf("inspect %s: %v: %v", jail, err, o)
	}
	return j
}

// reached is what arrived at the internet under a name, by any protocol.
func reached(t testing.TB, names ...string) (hits []smallnet.Event) {
	t.Helper()
	events, err := world.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		for _, n := range names {
			if e.Name == n || strings.HasPrefix(e.Name, n+":") {
				hits = append(hits, e)
			}
		}
	}
	return hits
}
