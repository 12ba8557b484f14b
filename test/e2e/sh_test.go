//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shOutput is what `clawjail sh -o json` prints.
type shOutput struct {
	Verdict         string
	Commands        []struct{ Argv []string }
	Refused         []struct{ Rule string }
	Jail            string
	Stdout, Stderr  string
	Encoding        string
	StdoutTruncated bool `json:"stdout_truncated"`
	StderrTruncated bool `json:"stderr_truncated"`
	ExitCode        int  `json:"exit_code"`
	Ended           string
}

// shell runs one command with `clawjail sh -o json`.
func shell(t *testing.T, dir string, args ...string) (shOutput, outcome) {
	t.Helper()
	// Half a minute is short on a busy machine, and not what is tested.
	file := filepath.Join(t.TempDir(), "patient.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nname: patient\nextends: [shell]\nlimits: {wall: 5m}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := clawjail(t, run{Timeout: 5 * time.Minute}, append([]string{"sh", "-o", "json", "--policy", file, "--workspace", dir}, args...)...)
	var out shOutput
	if err := json.Unmarshal([]byte(o.Stdout), &out); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	if out.ExitCode != o.Code {
		t.Errorf("it says %d and exits with %d", out.ExitCode, o.Code)
	}
	return out, o
}

// TestShellRuns: what passes runs in the jail of the preset.
func TestShellRuns(t *testing.T) {
	dir := workspace(t)
	write(t, dir+"/a.txt", "one\ntwo\n", 0o644)
	tests := []struct {
		name  string
		args  []string
		check func(o shOutput) bool
	}{
		{"a pipe", []string{"-c", "cat a.txt | grep -c o"}, func(o shOutput) bool { return o.Stdout == "2\n" && o.Ended == "exit" && o.Jail != "" }},
		{"parameters", []string{"-c", `echo "$0:$1"`, "x", "y z"}, func(o shOutput) bool { return o.Stdout == "x:y z\n" }},
		{"as programs start a shell", []string{"-lc", "pwd"}, func(o shOutput) bool { return o.Stdout == dir+"\n" }},
		{"its own code and stderr", []string{"-c", "echo no >&2; exit 3"}, func(o shOutput) bool { return o.ExitCode == 3 && o.Stderr == "no\n" }},
		{"the workspace is to read", []string{"-c", "echo x > new.txt"}, func(o shOutput) bool {
			return o.ExitCode != 0 && strings.Contains(o.Stderr, "Read-only file system") || strings.Contains(o.Stderr, "Permission denied")
		}},
		{"there is a /tmp", []string{"-c", "echo x > /tmp/f && cat /tmp/f"}, func(o shOutput) bool { return o.Stdout == "x\n" }},
		{"files have a size", []string{"-c", "head -c 200M /dev/zero > /tmp/f; wc -c < /tmp/f"}, func(o shOutput) bool { return strings.TrimSpace(o.Stdout) == "104857600" }},
		{"no network", []string{"-c", "python3 -c 'import socket; socket.create_connection((\"203.0.113.5\", 80), 5)'"}, func(o shOutput) bool { return o.ExitCode != 0 && o.Ended == "exit" }},
		{"output is cut", []string{"--max-output", "10", "-c", "yes | head -100; echo short >&2"}, func(o shOutput) bool {
			return o.Stdout == "y\ny\ny\ny\ny\n" && o.StdoutTruncated && !o.StderrTruncated && o.Stderr == "short\n"
		}},
		{"bytes that are no text", []string{"-c", `printf '\377\000'`}, func(o shOutput) bool { return o.Encoding == "base64" && o.Stdout == "/wA=" }},
		{"the time is up", []string{"--timeout", "1s", "-c", "sleep 600"}, func(o shOutput) bool { return o.Ended == "timeout" && o.ExitCode != 0 }},
		{"the gate judges what really runs", []string{"-c", "python3 -c 'import os; os.execv(\"/usr/bin/apt-get\", [\"ls\"])'"}, func(o shOutput) bool {
			return o.Verdict == "allowed" && o.ExitCode != 0 && strings.Contains(o.Stderr, "Permission")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if out, o := shell(t, dir, tt.args...); !tt.check(out) {
				t.Errorf("%+v: %v", out, o)
			}
		})
	}
	if text := read(t, dir+"/new.txt"); text != "" {
		t.Error("it wrote into the workspace")
	}
}

// TestShellRefuses: nothing starts, and the part is underlined.
func TestShellRefuses(t *testing.T) {
	dir := workspace(t)
	o := clawjail(t, run{}, "sh", "--workspace", dir, "-c", "ls && sudo rm -rf /")
	for _, want := range []string{"clawjail: refused at 1:7: ", "\n  ls && sudo rm -rf /\n        ^~~~~~~~~~~~~\n  run the command without it\n"} {
		if o.Code != 126 || !strings.Contains(o.Stderr, want) || o.Stdout != "" {
			t.Errorf("want 126 and %q: %v", want, o)
		}
	}
	out, _ := shell(t, dir, "-c", "docker ps")
	if out.Verdict != "refused" || out.ExitCode != 126 || len(out.Refused) != 1 || out.Refused[0].Rule != "container-socket" || out.Jail != "" {
		t.Errorf("%+v", out)
	}
	if o := clawjail(t, run{Stdin: "echo hi\n"}, "sh", "--workspace", dir); o.Code != 0 || o.Stdout != "hi\n" {
		t.Errorf("commands on stdin: %v", o)
	}
	if o := clawjail(t, run{Stdin: "eval ls\n"}, "sh", "--workspace", dir); o.Code != 126 {
		t.Errorf("eval on stdin: %v", o)
	}
}

// TestShellIsAShell: a program that starts $SHELL gets the same.
func TestShellIsAShell(t *testing.T) {
	dir := workspace(t)
	link := filepath.Join(t.TempDir(), "clawjail-sh")
	if err := os.Symlink(bin(t, "clawjail"), link); err != nil {
		t.Fatal(err)
	}
	c := command(t, t.Context())
	c.Path, c.Args, c.Dir = "/usr/bin/python3", []string{"python3", "-c", `import os, subprocess
print(subprocess.run([os.environ["SHELL"], "-c", "pwd; mkfs /dev/sda"]).returncode, flush=True)
print(subprocess.run([os.environ["SHELL"], "-c", "pwd"]).returncode, flush=True)`}, dir
	c.Env = append(c.Env, "SHELL="+link)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if _, bad := err.(*exec.ExitError); err != nil || bad || string(out) != "126\n"+dir+"\n0\n" || !strings.Contains(stderr.String(), "destroys-a-disk") {
		t.Errorf("%v: %q, %q", err, out, stderr.String())
	}
}
