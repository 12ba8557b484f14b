//go:build e2e

package races

import (
	"bytes"
	"context"
	"crypto/sha256"
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
	"clawjail/test/e2e/smallnet"
)

// programs is where the attackers were built to.
var programs string

func TestMain(m *testing.M) {
	os.Exit(smallnet.Run(func(w smallnet.World) int {
		programs = filepath.Join(w.Dir, "programs")
		if err := buildAttackers(); err != nil {
			fmt.Fprintln(os.Stderr, "races:", err)
			return 1
		}
		code := m.Run()
		if code != 0 {
			log, err := os.ReadFile("/run/clawjail/clawjaild.log")
			fmt.Fprintf(os.Stderr, "--- the supervisor's log (%v)\n%s\n", err, tail(string(log)))
		}
		return code
	}))
}

// buildAttackers compiles testdata/race. The target end.c becomes two programs
// that differ in one byte of data.
func buildAttackers() error {
	if err := os.Mkdir(programs, 0o755); err != nil {
		return err
	}
	compile := func(out string, args ...string) error {
		args = append([]string{"-O2", "-Wall", "-Wextra", "-static", "-o", filepath.Join(programs, out)}, args...)
		if text, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cc %v: %w: %s", args, err, text)
		}
		return nil
	}
	// Linked for ld.so, without any library.
	dynamic := func(out string, args ...string) error {
		args = append([]string{"-O2", "-o", filepath.Join(programs, out)}, args...)
		if text, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cc %v: %w: %s", args, err, text)
		}
		return nil
	}
	files, err := filepath.Glob("testdata/race/*.c")
	if err != nil {
		return err
	}
	race := []string{"-pthread"}
	for _, f := range files {
		if filepath.Base(f) != "end.c" {
			race = append(race, f)
		}
	}
	end := []string{"-nostdlib", "-fno-stack-protector", "testdata/race/end.c"}
	return errors.Join(compile("race", race...),
		compile("good", append(end, "-DEVIL=0")...), compile("evil", append(end, "-DEVIL=1")...),
		dynamic("loadable", append(end, "-DEVIL=1", "-fPIE", "-pie")...))
}

func tail(s string) string {
	const most = 6000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// patience is how long is waited for what must come, on a busy machine too.
const patience = 2 * time.Minute

// full says that attacks are made as often as was promised, however long it takes.
func full() bool { return os.Getenv("CLAWJAIL_RACE_FULL") != "" }

// seconds bounds one attack.
func seconds(t testing.TB) int {
	t.Helper()
	s := os.Getenv("CLAWJAIL_RACE_SECONDS")
	switch {
	case full():
		return 1200
	case s == "":
		return 3
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 3600 {
		t.Fatalf("CLAWJAIL_RACE_SECONDS is %q", s)
	}
	return n
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

// field is a workspace with the attackers in it, and a directory beside it that
// the jail only reads.
type field struct {
	dir    string
	policy string
}

// newField writes the policy, in which SHA_GOOD, SHA_EVIL and SHA_TEXT stand for
// hashes.
func newField(t testing.TB, policy string) field {
	t.Helper()
	dir, err := os.MkdirTemp(smallnet.UserHome, "race-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"race", "good", "evil", "loadable"} {
		text, err := os.ReadFile(filepath.Join(programs, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "junk"), []byte("this is no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	interpreter := "#!" + filepath.Join(dir, "race") + " read\n"
	for name, text := range map[string]string{"text": interpreter + "safe\n", "othertext": interpreter + "unsafe\n",
		"byevil": "#!" + filepath.Join(dir, "evil") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own(t, dir)
	f := field{dir: dir, policy: filepath.Join(t.TempDir(), "race.yaml")}
	for word, name := range map[string]string{"SHA_GOOD": "good", "SHA_EVIL": "evil", "SHA_TEXT": "text", "SHA_LOADABLE": "loadable"} {
		policy = strings.ReplaceAll(policy, word, sha256Of(t, filepath.Join(dir, name)))
	}
	if err := os.WriteFile(f.policy, []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	return f
}

// own gives a tree to the user.
func own(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, smallnet.UserID, smallnet.UserID))
	})
	if err != nil {
		t.Fatal(err)
	}
}

var names atomic.Int64

// outcome is what came of one run of the CLI.
type outcome struct {
	name           string
	code           int
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit %d\n--- stdout\n%s\n--- stderr\n%s", o.code, tail(o.stdout), tail(o.stderr))
}

// jail runs a command in a jail of the field.
func (f field) jail(t testing.TB, argv ...string) outcome {
	t.Helper()
	name := fmt.Sprintf("r%d", names.Add(1))
	args := []string{"run", "--name", name, "--policy", f.policy, "--workspace", f.dir, "--"}
	o := clawjail(t, append(args, argv...)...)
	o.name = name
	return o
}

// clawjail runs one command line of the CLI to its end.
func clawjail(t testing.TB, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Duration(seconds(t))*time.Second)
	defer cancel()
	c := command(ctx, t, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	o := outcome{stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("clawjail %v did not end: %v", args, o)
	case errors.As(err, &exit):
		o.code = exit.ExitCode()
	case err != nil:
		t.Fatalf("clawjail %v: %v", args, err)
	}
	return o
}

// command prepares the CLI as sudo starts it for the user.
func command(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(ctx, bin(t, "clawjail"), args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	c.Dir = "/"
	id := strconv.Itoa(smallnet.UserID)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
		"SUDO_UID=" + id, "SUDO_GID=" + id, "SUDO_USER=" + smallnet.UserName}
	return c
}

// records checks that the audit log is whole and gives a jail's part of it.
func records(t testing.TB, jail string) []audit.Record {
	t.Helper()
	for _, err := range audit.Query("/var/lib/clawjail/audit", audit.Filter{}) {
		if err != nil {
			t.Fatalf("the audit log: %v", err)
		}
	}
	o := clawjail(t, "audit", "query", "--jail", jail, "-o", "json")
	if o.code != 0 {
		t.Fatalf("audit query: %v", o)
	}
	var list []audit.Record
	for line := range strings.Lines(o.stdout) {
		var r audit.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		list = append(list, r)
	}
	return list
}

func itoa[T int | int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func sha256Of(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}
