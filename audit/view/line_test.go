package view

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/test/golden"
)

// records are one of each kind that the supervisor writes, and the worst that
// a jail can put into one.
func records() []audit.Record {
	at := time.Date(2026, 11, 23, 6, 38, 51, 123456789, time.UTC)
	jail := "k3jx5q7w2m4n6"
	rs := []audit.Record{
		{Jail: jail, Gate: audit.GateJail, Verdict: "allow", Subject: audit.Subject{Op: "start", Name: "claude", Path: "/home/me/my project", Argv: []string{"claude", "--print", "do it"}, UID: new(uint32(1000))}},
		{Jail: jail, Gate: audit.GateExec, Verdict: "audit", Rule: "exec.default", Subject: audit.Subject{Op: "exec", Path: "/usr/bin/git", PathExact: new(true), Argv: []string{"git", "push", "--force"}, Pid: 7}},
		{Jail: jail, Gate: audit.GateExec, Verdict: "allow", Rule: "exec.rules[0]", Subject: audit.Subject{Op: "exec", Path: "/usr/bin/busybox", PathExact: new(true), Argv: []string{"ls", ""}, Truncated: true}},
		{Jail: jail, Gate: audit.GateExec, Verdict: "allow", Rule: "exec.rules[0]", Subject: audit.Subject{Op: "exec", Path: "/usr/bin/dash", Path2: "/bin/sh", PathExact: new(true), Argv: []string{"sh", "-c", "ls"}}},
		{Jail: jail, Gate: audit.GateExec, Verdict: "deny", Rule: "exec.rules[2]", Subject: audit.Subject{Op: "exec", Path: "/usr/bin/sudo", Argv: []string{"sudo", "id"}, Errno: 1}},
		{Jail: jail, Gate: audit.GateExec, Subject: audit.Subject{Op: "exit", Pid: 7, ExitCode: new(1)}},
		{Jail: jail, Gate: audit.GateExec, Subject: audit.Subject{Op: "exit", Pid: 8, ExitCode: new(0), Signal: "SIGKILL"}},
		{Jail: jail, Gate: audit.GateExec, Subject: audit.Subject{Op: "fork", Pid: 9}},
		{Jail: jail, Gate: audit.GateFile, Verdict: "deny", Rule: "kernel", Subject: audit.Subject{Op: "open", Path: "/etc/passwd", PathExact: new(false), Errno: 13}},
		{Jail: jail, Gate: audit.GateFile, Verdict: "allow", Subject: audit.Subject{Op: "rename", Path: "/w/a b", Path2: "/w/c", PathExact: new(true)}},
		{Jail: jail, Gate: audit.GateDelete, Verdict: "ask", Rule: "delete", Subject: audit.Subject{Op: "unlink", Path: "/w/a"}, Decision: &audit.Decision{ID: "a1", By: "alice", HeldMS: 83000, Reason: "rejected"}},
		{Jail: jail, Gate: audit.GateConnect, Verdict: "deny", Rule: "network", Subject: audit.Subject{Op: "connect", Proto: "tcp", Addr: "169.254.169.254", Port: 80, Errno: 1}},
		{Jail: jail, Gate: audit.GateDNS, Verdict: "deny", Rule: "network.default", Subject: audit.Subject{Op: "dns", Host: "evil.example", Message: "NXDOMAIN"}},
		{Jail: jail, Gate: audit.GateEgress, Verdict: "allow", Rule: "network.allow[0]", Subject: audit.Subject{Op: "conn", Host: "api.openai.com", Addr: "2001:db8::1", Port: 443, Proto: "tls", BytesUp: 999, BytesDown: 12345678, DurationMS: 1234.5}},
		{Jail: jail, Gate: audit.GateJail, Verdict: "freeze", Subject: audit.Subject{Op: "freeze", DurationMS: 0.31, Message: "kill-class violation"}},
		{Jail: jail, Gate: audit.GateJail, Subject: audit.Subject{Op: "stop", ExitCode: new(0), DurationMS: 3723000}},
		{Gate: audit.GateSupervisor, Subject: audit.Subject{Op: "start", Message: "version 0.1, pid 12, tier notify"}},
		{Gate: audit.GateSupervisor, Subject: audit.Subject{Class: audit.ClassClock, Message: "the clock was set back by 2h0m0s"}},
		{Gate: audit.GateGap, Subject: audit.Subject{Class: "ring_full", Lost: 12, Message: "the kernel could not deliver these events"}},
		{Jail: "\x1b[2J", Gate: "\u202etixe", Verdict: "\nallow", Rule: "\x9b", Subject: audit.Subject{Op: "\r", Path: "/w/\x1b]0;owned\a\n2026-11-23 fake", Argv: []string{"\u200b", "a\xffb", "日本"}, Host: "\u2028", Signal: "\t"}},
	}
	for i := range rs {
		rs[i].Time = at.Add(time.Duration(i) * time.Millisecond)
	}
	return rs
}

func TestGolden(t *testing.T) {
	styles := []struct {
		file  string
		style Style
	}{
		{"plain.txt", Style{}},
		{"color.txt", Style{Color: true, Location: time.FixedZone("", 3600)}},
		{"narrow.txt", Style{Width: 100}},
	}
	for _, tt := range styles {
		t.Run(tt.file, func(t *testing.T) {
			got := []byte(tt.style.Header())
			for _, r := range records() {
				got = tt.style.Append(got, &r)
			}
			name := filepath.Join("testdata", tt.file)
			golden.Check(t, name, string(got))
			for line := range strings.Lines(string(got)) {
				if n := utf8.RuneCountInString(line) - 1; tt.style.Width > 0 && n > tt.style.Width {
					t.Errorf("line of %d characters: %s", n, line)
				}
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a", "/usr/bin/git", "git", "deny", int32(1), 12.5)
	f.Add("\x1b", "\u202e", "\xff", "\n", int32(-5), -1.0)
	f.Fuzz(func(t *testing.T, jail, path, arg, verdict string, errno int32, ms float64) {
		for _, gate := range []string{audit.GateExec, audit.GateEgress, audit.GateGap, jail} {
			r := audit.Record{Jail: jail, Gate: gate, Verdict: verdict, Rule: arg,
				Subject: audit.Subject{Op: arg, Path: path, Path2: jail, Argv: []string{arg, path}, Host: path, Addr: arg, Proto: jail,
					Errno: errno, Pid: errno, DurationMS: ms, BytesUp: int64(errno), Signal: arg, Class: arg, Message: path},
				Decision: &audit.Decision{ID: jail, By: path, HeldMS: ms, Digest: arg, Reason: verdict}}
			line := string(Style{}.Append(nil, &r))
			body, ok := strings.CutSuffix(line, "\n")
			if !ok || !utf8.ValidString(body) {
				t.Errorf("%q is no line", line)
			}
			for _, c := range body {
				if escape.Hidden(c) {
					t.Errorf("%q holds %U", line, c)
				}
			}
		}
	})
}
