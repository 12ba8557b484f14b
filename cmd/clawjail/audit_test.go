package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
)

// auditLog writes a log of two jails, one of them started twice.
func auditLog(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := audit.Open(dir, audit.Options{Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	start := func(id, name string) audit.Record {
		return audit.Record{Jail: id, Gate: audit.GateJail, Verdict: "allow", Subject: audit.Subject{Op: "start", Name: name}}
	}
	exec := func(id, path, verdict string) audit.Record {
		return audit.Record{Jail: id, Gate: audit.GateExec, Verdict: verdict, Subject: audit.Subject{Op: "exec", Path: path}}
	}
	for i, r := range []audit.Record{
		start("aaaaaaaaaaaaa", "claude"), exec("aaaaaaaaaaaaa", "/1", "allow"),
		start("bbbbbbbbbbbbb", "codex"), exec("bbbbbbbbbbbbb", "/2", "deny"),
		start("ccccccccccccc", "claude"), exec("ccccccccccccc", "/3\x1b[31m", "audit"),
	} {
		r.Time = at.Add(time.Duration(i) * time.Hour)
		if _, err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runAudit(ctx context.Context, t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	c := newAuditCommand(&env{stdout: &out, stderr: &errOut, socket: "/nonexistent"})
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(&errOut)
	err = c.ExecuteContext(ctx)
	return out.String(), errOut.String(), err
}

func TestAuditQuery(t *testing.T) {
	dir := auditLog(t)
	tests := []struct {
		name string
		args []string
		want []string // the end of each line but the header
	}{
		{"everything", []string{"query"}, []string{"start name claude", "exec /1", "start name codex", "exec /2", "start name claude", `exec "/3\x1b[31m"`}},
		{"the newest", []string{"tail", "-n", "2"}, []string{"start name claude", `exec "/3\x1b[31m"`}},
		{"a jail by its id", []string{"query", "--jail", "bbbbbbbbbbbbb", "--gate", "exec"}, []string{"exec /2"}},
		{"all jails of a name", []string{"query", "--jail", "claude", "--gate", "exec"}, []string{"exec /1", `exec "/3\x1b[31m"`}},
		{"verdicts", []string{"query", "--verdict", "deny,audit"}, []string{"exec /2", `exec "/3\x1b[31m"`}},
		{"a span of time", []string{"query", "--since", "2026-11-23T08:00:00Z", "--until", "2026-11-23T10:00:00Z"}, []string{"start name codex", "exec /2"}},
		{"an id that nothing has", []string{"query", "--jail", "ddddddddddddd"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, err := runAudit(t.Context(), t, append(tt.args, "--dir", dir, "--utc")...)
			if err != nil || errOut != "" {
				t.Fatalf("%v, stderr %s", err, errOut)
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if out == "" {
				lines = []string{""}
			}
			if len(lines)-1 != len(tt.want) {
				t.Fatalf("got\n%s\nwant %q", out, tt.want)
			}
			for i, want := range tt.want {
				if got := strings.TrimSuffix(strings.TrimSuffix(lines[i+1], " [network]"), " "); !strings.HasSuffix(got, "  "+want) {
					t.Errorf("line %q, want the end %q", got, want)
				}
			}
		})
	}
}

func TestAuditJSONIsTheLog(t *testing.T) {
	dir := auditLog(t)
	out, _, err := runAudit(t.Context(), t, "query", "-o", "json", "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	want, err := os.ReadFile(segments[0])
	if err != nil || out != string(want) {
		t.Errorf("got\n%s\nwant\n%s (%v)", out, want, err)
	}
}

func TestAuditDamage(t *testing.T) {
	dir := auditLog(t)
	segments, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segments[0], bytes.Replace(b, []byte(`"deny"`), []byte(`"skip"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := runAudit(t.Context(), t, "query", "--dir", dir)
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != 1 || !strings.Contains(err.Error(), "damaged in 1 places") {
		t.Errorf("error %v", err)
	}
	if strings.Count(out, "\n") != 7 || !strings.Contains(errOut, "line 5: record 5 does not follow") {
		t.Errorf("stdout %s, stderr %s", out, errOut)
	}
}

func TestAuditBadInput(t *testing.T) {
	dir := auditLog(t)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a gate that is none", []string{"query", "--gate", "exex"}, `there is no gate "exex"`},
		{"a verdict that is none", []string{"query", "--verdict", "deny,denied"}, `there is no verdict "denied"`},
		{"a time that is none", []string{"query", "--since", "yesterday"}, `--since: "yesterday" is no time`},
		{"a negative time", []string{"query", "--since", "-2h"}, "lies in the future"},
		{"a span without room", []string{"query", "--since", "1h", "--until", "2h"}, "--since is not before --until"},
		{"all at once", []string{"query", "--gate", "x", "--until", "y"}, `--until: "y" is no time`},
		{"an output that is none", []string{"query", "-o", "xml"}, "the only one is json"},
		{"a negative limit", []string{"query", "--limit", "-1"}, "is negative"},
		{"tail of nothing", []string{"tail", "-n", "0"}, "shows nothing"},
		{"a jail that never was", []string{"query", "--jail", "nobody"}, `no jail named "nobody"`},
		{"an argument", []string{"query", "claude"}, "unknown command"},
		{"no log", []string{"query", "--dir", filepath.Join(dir, "none")}, "there is no audit log in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if !strings.Contains(strings.Join(args, " "), "--dir") {
				args = append(args, "--dir", dir)
			}
			if _, _, err := runAudit(t.Context(), t, args...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	hint := auditHint(defaultAuditDir, &os.PathError{Op: "open", Path: defaultAuditDir, Err: unix.EACCES})
	if !strings.Contains(hint.Error(), "sudo") {
		t.Errorf("without permission: %v", hint)
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))
	tests := []struct{ in, want string }{
		{"2h", "2026-11-23T10:00:00+01:00"},
		{"90s", "2026-11-23T11:58:30+01:00"},
		{"3d", "2026-11-20T12:00:00+01:00"},
		{"2026-01-31", "2026-01-31T00:00:00+01:00"},
		{"2026-01-31 15:04", "2026-01-31T15:04:00+01:00"},
		{"2026-01-31T15:04:05Z", "2026-01-31T15:04:05Z"},
	}
	for _, tt := range tests {
		got, err := parseMoment(tt.in, now)
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("parseMoment(%q) = %v, %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

// writeFunc is a writer that a test looks at while it is written to.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

func TestAuditFollow(t *testing.T) {
	dir := auditLog(t)
	l, err := audit.Open(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lines := 0
	e := &env{stderr: os.Stderr, stdout: writeFunc(func(b []byte) (int, error) {
		if lines += bytes.Count(b, []byte("\n")); lines > 4 {
			cancel()
		} else if _, err := l.Append(audit.Record{Gate: audit.GateExec, Subject: audit.Subject{Path: fmt.Sprint(lines)}}); err != nil {
			t.Error(err)
		}
		return len(b), nil
	})}
	c := newAuditCommand(e)
	c.SetArgs([]string{"tail", "-f", "-n", "1", "--dir", dir})
	if err := c.ExecuteContext(ctx); err != nil {
		t.Error(err)
	}
	if lines < 5 {
		t.Errorf("%d lines", lines)
	}
}

// TestAuditTerminal: colours and the terminal's width on a terminal, neither
// elsewhere, and no colours when they are not wanted.
func TestAuditTerminal(t *testing.T) {
	pty := terminal(t, 90)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	f := auditFlags{}
	if s := f.style(pty); !s.Color || s.Width != 90 {
		t.Errorf("on a terminal: %+v", s)
	}
	if s := (&auditFlags{wide: true}).style(pty); s.Width != 0 {
		t.Errorf("wide: %+v", s)
	}
	if s := f.style(&bytes.Buffer{}); s.Color || s.Width != 0 {
		t.Errorf("into a buffer: %+v", s)
	}
	t.Setenv("NO_COLOR", "1")
	if s := f.style(pty); s.Color {
		t.Error("NO_COLOR is not honoured")
	}
}

// terminal makes a pseudo-terminal of that width.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return slave
}
