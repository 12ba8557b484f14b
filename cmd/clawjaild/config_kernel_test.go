//go:build kernel

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
)

// build makes clawjail and clawjaild in one directory that only root can
// search, as a build tree in root's home is.
func build(t *testing.T) (daemon string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"clawjail", "clawjaild"} {
		c := exec.Command("go", "build", "-o", filepath.Join(dir, name), "clawjail/cmd/"+name)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "clawjaild")
}

// A daemon with a configuration that cannot be used does not start, and says
// every problem on stderr and to whoever waits for it.
func TestBadConfigStopsTheDaemon(t *testing.T) {
	daemon := build(t)
	path := filepath.Join(t.TempDir(), "config.yaml")
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"two problems", "version: 1\nlimits: {jail: 7}\nprivate: {linger: 10}\n", 0o600,
			"the configuration cannot be used:\n" +
				path + ":2:10: unknown key \"jail\" in limits; did you mean \"jails\"?\n" +
				path + ":3:19: private.linger \"10\" has no unit; the units are s, m, h and d\n"},
		{"a file that its group can write", "version: 1\n", 0o660,
			"the configuration is not to be trusted: " + path + " can be written by its group; who changes it decides what agents may do\n  mend it: chmod go-w " + path + "\n"},
		{"a group that this host has not", "version: 1\naccess: {group: no-such-group-here}\n", 0o600,
			"the configuration cannot be used:\n" + path + ":2:17: access.group: this host has no group \"no-such-group-here\"; make it: groupadd no-such-group-here\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			ready := filepath.Join(t.TempDir(), "ready")
			f, err := os.Create(ready)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var stderr strings.Builder
			c := exec.Command(daemon, "--private", "--ready-fd", "3", "--config", path)
			c.Stderr, c.ExtraFiles = &stderr, []*os.File{f}
			if err := c.Run(); err == nil || c.ProcessState.ExitCode() != 1 {
				t.Errorf("%v", err)
			}
			if got := stderr.String(); got != "clawjaild: "+tt.want {
				t.Errorf("stderr %s", got)
			}
			report, err := exec.Command(daemon, "doctor", "-config", path).Output()
			if problem := strings.TrimPrefix(tt.want, "the configuration cannot be used:\n"); err == nil ||
				!strings.Contains(string(report), "configuration") || !strings.Contains(string(report), strings.SplitN(problem, "\n", 2)[0]) {
				t.Errorf("doctor says %v: %s", err, report)
			}
			if got, err := os.ReadFile(ready); err != nil || string(got) != tt.want {
				t.Errorf("ready %s, %v", got, err)
			}
		})
	}
}

// A good file is read by the real compiler, in a directory that it cannot
// search once it has no privileges.
func TestGoodConfigIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nlimits: {jails: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := file.Load(t.Context(), path, filepath.Join(filepath.Dir(build(t)), "clawjail"))
	want := config.Default()
	want.MaxJails = 7
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
}
