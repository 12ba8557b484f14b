package show

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
	"clawjail/test/golden"
)

func prepared(t testing.TB, r approval.Request) approval.Request {
	t.Helper()
	r, err := approval.Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	r.ID = "7k2pm0ab"
	return r
}

func push(t testing.TB) approval.Request {
	return prepared(t, approval.Request{
		Jail: "01h", JailName: "nightly", Agent: "openclaw", Policy: "openclaw", StartedBy: 1000, Gate: approval.GateExec, Op: "execve",
		Argv: []string{"git", "push", "--force", "origin", "release candidate"}, Path: "/usr/bin/git", Cwd: "/home/u/project",
		SHA256: strings.Repeat("9f", 32), Rule: "exec.rules[3] (openclaw.yaml:14)", Waiting: 3,
		Parents: []approval.Process{{PID: 412, Path: "/usr/bin/dash", Argv: []string{"sh", "-c", "npm run release"}},
			{PID: 400, Path: "/usr/bin/node", Argv: []string{"/usr/bin/node", "agent.js"}, ArgvCut: true}},
		Notes: []string{"the script's content is not bound: /home/u/project is writable"}, Claim: "Only formats the code.",
	})
}

func hostile(t testing.TB) approval.Request {
	return prepared(t, approval.Request{
		Jail: "01h", JailName: "x\x1b]0;owned\a", Gate: approval.GateExec, Op: "execve", Path: "/w/to\u202egnp.exe", Cwd: "/w/\n\n\n  digest     0000",
		Argv:  []string{"a", "", "b c", "it's", `back\slash`, "\x1b[2J\x1b[H", "zero\u200bwidth", "\xff\xfe", "日本語", "$(reboot)", "-rf\u00a0/"},
		Claim: "\x1b[1mapproved by root\x1b[0m\r", Rule: "exec.default",
	})
}

func TestText(t *testing.T) {
	huge := push(t)
	huge = prepared(t, approval.Request{Jail: "01h", JailName: "big", Gate: approval.GateExec, Op: "execve", Path: huge.Path,
		Argv: []string{"git", "push", strings.Repeat("\x1b[31m", 1<<19), "the end"}})
	huge.Argv[2] = huge.Argv[2][:60]         // as the golden file need not show 6 KiB
	huge.ArgvTail[0] = huge.ArgvTail[0][:12] // nor the 2 KiB at the end
	rename := prepared(t, approval.Request{Jail: "01h", JailName: "nightly", Gate: approval.GateFile, Op: "rename",
		Path: "/w/draft.md", Path2: "/w/docs/plan for 2027.md", Rule: "files[4]"})
	connect := prepared(t, approval.Request{Jail: "01h", JailName: "nightly", Gate: approval.GateConnect, Op: "connect",
		Host: "api.stripe.com", Addr: netip.MustParseAddr("2001:db8::7"), Port: 443, Rule: "network.ask[0]"})
	tests := []struct {
		name  string
		r     approval.Request
		left  time.Duration
		style Style
	}{
		{"push", push(t), 28 * time.Minute, Style{}},
		{"push_narrow", push(t), 28 * time.Minute, Style{Width: 20}},
		{"push_color", push(t), 28 * time.Minute, Style{Width: 60, Color: true}},
		{"hostile", hostile(t), time.Second, Style{}},
		{"hostile_color", hostile(t), time.Second, Style{Width: 40, Color: true}},
		{"huge", huge, 0, Style{}},
		{"rename", rename, time.Hour, Style{}},
		{"connect", connect, 50 * time.Hour, Style{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Text(tt.r, 130*time.Second, tt.left, tt.style)
			file := filepath.Join("testdata", tt.name+".txt")
			golden.Check(t, file, got)
			checkPage(t, got, tt.style)
		})
	}
}

// checkPage: only what is asked for reaches the terminal, and no line is wider
// than it.
func checkPage(t *testing.T, page string, st Style) {
	t.Helper()
	if !st.Color && strings.Contains(page, "\x1b") {
		t.Error("an escape sequence without colours")
	}
	clean := page
	for _, s := range []string{markOn, boldOn, dimOn, allOff, warning} {
		clean = strings.ReplaceAll(clean, s, "")
	}
	width := max(st.Width, MinWidth)
	if st.Width == 0 {
		width = 80
	}
	for line := range strings.SplitSeq(clean, "\n") {
		for _, r := range line {
			if escape.Hidden(r) {
				t.Errorf("%U on the page: %q", r, line)
			}
		}
		if Width(line) > width {
			t.Errorf("%d columns: %q", Width(line), line)
		}
	}
}

func TestTheClaimIsLastAndMarked(t *testing.T) {
	page := Text(push(t), 0, time.Minute, Style{})
	claim := strings.Index(page, "Only formats")
	mark := strings.Index(page, "the agent claims, and nobody checked:")
	if mark < 0 || claim < mark || strings.Index(page, "digest") > mark || strings.Count(page[claim:], "\n") != 1 {
		t.Error(page)
	}
}

// TestWordsAreWhatAShellReads: bash gets back every byte.
func TestWordsAreWhatAShellReads(t *testing.T) {
	argv := append(hostile(t).Argv, push(t).Argv...)
	argv = append(argv, "~", "!!", "a=b", "*", "#x", "\x01\x7f\x80\u2028\U000e0041'\"\\", "'", `\'`, "a\\\x1b")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "printf '%s\\0' "+Words(argv))
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if diff := cmp.Diff(argv, got); diff != "" {
		t.Error(diff)
	}
}

func TestSummary(t *testing.T) {
	tests := []struct {
		r    approval.Request
		want string
	}{
		{approval.Request{Gate: approval.GateExec, Path: "/bin/ls"}, "/bin/ls"},
		{approval.Request{Gate: approval.GateExec, Path: "/bin/ls", Argv: []string{"ls", "a b"}}, "ls 'a b'"},
		{approval.Request{Gate: approval.GateFile, Op: "open", Path: "/a b"}, "open '/a b'"},
		{approval.Request{Gate: approval.GateFile, Op: "link", Path: "/a", Path2: "/\n"}, `link /a to $'/\n'`},
		{approval.Request{Gate: approval.GateConnect, Host: "x.example", Port: 443}, "connect x.example:443"},
		{approval.Request{Gate: approval.GateConnect, Addr: netip.MustParseAddr("::1"), Port: 80}, "connect [::1]:80"},
	}
	for _, tt := range tests {
		if got := Summary(tt.r); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestClip(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"abc", 1, "…"}, {"abc", 0, ""},
		{markOn + "abc" + allOff, 2, markOn + "a" + allOff + "…"},
	}
	for _, tt := range tests {
		if got := Clip(tt.in, tt.width); got != tt.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{-1: "0s", 59 * time.Second: "59s", 125 * time.Second: "2m 5s",
		3*time.Hour + 20*time.Minute: "3h 20m", 52 * time.Hour: "2d 4h"} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %s, want %s", int64(d), got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("git", "push\x1b[2J", "/w/\u202e", 20, true)
	f.Add("", "a\u0301\u0301\u0301\u0301\u0301\u0301", "日本語", 33, false)
	f.Fuzz(func(t *testing.T, a, b, c string, width int, color bool) {
		r, err := approval.Prepare(approval.Request{Jail: a, JailName: b, Gate: approval.GateExec, Path: c, Argv: []string{a, b, c}, Cwd: a,
			Claim: b, Parents: []approval.Process{{Path: c, Argv: []string{b}}}, Rule: c})
		if err != nil {
			return
		}
		st := Style{Width: max(1, width%200), Color: color}
		page := Text(r, 0, time.Minute, st)
		if !utf8.ValidString(page) {
			t.Error("not UTF-8")
		}
		checkPage(t, page, st)
		_ = fmt.Sprint(Summary(r))
	})
}
