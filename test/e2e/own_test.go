//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// ownMark says that this process runs one test in a host of its own.
const ownMark = "CLAWJAIL_TEST_OWN_HOST"

func inOwnHost() bool { return os.Getenv(ownMark) != "" }

// auditDir is where the default configuration keeps the record.
const auditDir = "/var/lib/clawjail/audit"

// ownHost runs the test again with state directories of its own: a supervisor
// that nobody else uses, with that configuration, and a disk of so many bytes
// for the record. It is true in there.
func ownHost(t *testing.T, config string, auditBytes int) bool {
	t.Helper()
	if !inOwnHost() {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), ownMark+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return false
	}
	for _, m := range []struct{ dir, options string }{
		{"/run/clawjail", "mode=755"}, {"/etc/clawjail", "mode=755"}, {"/var/lib/clawjail", "mode=700"},
		{auditDir, "mode=700,size=" + strconv.Itoa(auditBytes)},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", m.dir, "tmpfs", 0, m.options); err != nil {
			t.Fatalf("mount %s: %v", m.dir, err)
		}
	}
	if err := os.WriteFile("/etc/clawjail/config.yaml", []byte("version: 1\n"+config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		endSupervisor(t)
		if t.Failed() {
			t.Logf("the supervisor's log\n%s", supervisorLog(t))
		}
	})
	return true
}

// supervisorLog is what a private supervisor had to say.
func supervisorLog(t testing.TB) string { return read(t, "/run/clawjail/clawjaild.log") }

// endSupervisor ends the private supervisor of this host, if one runs.
func endSupervisor(t testing.TB) {
	t.Helper()
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
	if err != nil {
		return
	}
	if err := unix.Kill(ping.PID, unix.SIGTERM); err != nil {
		t.Error(err)
	}
	waitGone(t, fmt.Sprintf("/proc/%d", ping.PID))
}

// eventually polls, bounded: some states change without an event to wait for.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}

func awaitState(t testing.TB, name string, state api.State) {
	t.Helper()
	eventually(t, fmt.Sprintf("jail %s is %s", name, state), func() bool { return inspect(t, name).State == state })
}

// standsStill reports what the kernel says.
func standsStill(t testing.TB, j api.Jail) bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(j.Cgroup, "cgroup.freeze"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b) == "1\n"
}
