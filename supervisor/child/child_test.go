package child

import (
	"os/exec"
	"strings"
	"testing"
)

// mayGain tells whether a command started so can gain privileges.
func mayGain(t *testing.T, start func(*exec.Cmd) error) bool {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command("/bin/grep", "NoNewPrivs", "/proc/self/status")
	cmd.Stdout = &out
	if err := start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	switch got := strings.Join(strings.Fields(out.String()), " "); got {
	case "NoNewPrivs: 0":
		return true
	case "NoNewPrivs: 1":
		return false
	default:
		t.Fatalf("a child says %q", got)
		return false
	}
}

// TestStart starts children of both kinds by turns: what one of them has, the
// next does not get.
func TestStart(t *testing.T) {
	plain := mayGain(t, (*exec.Cmd).Start)
	for range 30 {
		if mayGain(t, Start) {
			t.Fatal("a child can gain privileges")
		}
		if mayGain(t, (*exec.Cmd).Start) != plain {
			t.Fatal("this process's other children can gain no privileges any more")
		}
	}
}

func TestStartOfNothing(t *testing.T) {
	if err := Start(exec.Command("/nowhere/program")); err == nil {
		t.Error("a program that is not there started")
	}
}
