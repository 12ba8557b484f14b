//go:build kernel

package shim_test

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// renice gives every thread of this process a nice value; what it starts from
// then on inherits it.
func renice(t *testing.T, nice int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tasks {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil && err != unix.ESRCH {
			t.Fatal(err)
		}
	}
}

// What a service manager gives the supervisor ahead of everybody else is not
// the jail's, and neither is it of what is added later.
func TestJailsHaveNoPrecedence(t *testing.T) {
	renice(t, -5)
	t.Cleanup(func() { renice(t, 0) })
	text := "0"
	script := "read -r line < /proc/self/stat; set -- ${line##*) }; echo ${17}" // proc(5): field 19
	// The capability that this takes is not everywhere; where it is not, there
	// is nothing to be inherited either.
	const adj = "/proc/self/oom_score_adj"
	if os.WriteFile(adj, []byte("-500"), 0) == nil {
		t.Cleanup(func() { _ = os.WriteFile(adj, []byte("0"), 0) })
		script += "; cat " + adj
		text += "\n0"
	}
	want(t, sh(t, script), text)
}
