//go:build kernel

package gateway

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain lets this program be the one that gives its privileges up.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "become" {
		if err := becomeAndTell(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func becomeAndTell(user string) error {
	confined, err := Confined()
	if err != nil {
		return err
	}
	if !confined {
		a, err := ParseAccount(user)
		if err != nil {
			return err
		}
		return Reexec(a, os.Args, os.Environ())
	}
	if err := Harden(); err != nil {
		return err
	}
	// Every thread, and not only the first.
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		b, err := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		if err != nil {
			return err
		}
		os.Stdout.Write(b)
	}
	return nil
}

func TestReexec(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "become", "64902:64903")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := map[string]string{
		"Uid:": "64902 64902 64902 64902", "Gid:": "64903 64903 64903 64903", "Groups:": "", "NoNewPrivs:": "1",
		"CapInh:": zeroCaps, "CapPrm:": zeroCaps, "CapEff:": zeroCaps, "CapBnd:": zeroCaps, "CapAmb:": zeroCaps,
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if w, ok := want[fields[0]]; ok {
			seen[fields[0]]++
			if got := strings.Join(fields[1:], " "); got != w {
				t.Errorf("%s %s, want %s", fields[0], got, w)
			}
		}
	}
	for key := range want {
		if seen[key] < 2 { // a Go program has more threads than one
			t.Errorf("%s seen in %d threads", key, seen[key])
		}
	}
}

const zeroCaps = "0000000000000000"
