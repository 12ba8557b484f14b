//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// refuseMark holds what this process is to refuse to what it executes.
const refuseMark = "CLAWJAIL_TEST_REFUSE"

// missing is a feature that a kernel has not: calls of nr fail, all of them or
// those with one of these bits in an argument.
type missing struct {
	Nr    uint32
	Errno unix.Errno
	Arg   uint32
	Bits  uint32 // 0: whatever the argument
}

// refuse becomes the program of its arguments, on a kernel without some
// features; false when this process is a test.
func refuse() bool {
	text := os.Getenv(refuseMark)
	if text == "" {
		return false
	}
	var list []missing
	err := json.Unmarshal([]byte(text), &list)
	if err == nil {
		err = install(kernelWithout(list))
	}
	if err == nil {
		_ = os.Unsetenv(refuseMark)
		err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "refuse:", err)
	os.Exit(1)
	return true
}

// kernelWithout is a filter: offsets are those of struct seccomp_data.
func kernelWithout(list []missing) []unix.SockFilter {
	var f []unix.SockFilter
	for _, m := range list {
		f = append(f,
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // nr
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: m.Nr, Jf: 3},
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16 + 8*m.Arg}, // its low half
		)
		if m.Bits == 0 {
			f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA})
		} else {
			f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: m.Bits, Jf: 1})
		}
		f = append(f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(m.Errno)})
	}
	return append(f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

// on runs the CLI on a kernel without these features.
func on(t *testing.T, without []missing, args ...string) outcome {
	t.Helper()
	b, err := json.Marshal(without)
	if err != nil {
		t.Fatal(err)
	}
	c := command(t, context.Background(), args...)
	c.Args = append([]string{"refuse", c.Path}, c.Args[1:]...)
	c.Path = "/proc/self/exe"
	c.Env = append(c.Env, refuseMark+"="+string(b))
	var stdout, stderr strings.Builder
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{Code: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}

// TestMissingKernelFeature: a kernel that lacks something that jails are made
// of runs none, and the message says what is missing and what to do.
func TestMissingKernelFeature(t *testing.T) {
	if !ownHost(t, "", 4<<20) {
		return
	}
	dir := workspace(t)
	tests := []struct {
		name    string
		without []missing
		says    []string
		doctor  bool // it finds it, too
	}{
		{"Landlock", []missing{{Nr: unix.SYS_LANDLOCK_CREATE_RULESET, Errno: unix.ENOSYS}},
			[]string{"the kernel has no Landlock", "CONFIG_SECURITY_LANDLOCK", "lsm="}, true},
		{"BPF", []missing{{Nr: unix.SYS_BPF, Errno: unix.EPERM}},
			[]string{"this kernel cannot run clawjail's probes", "`clawjail doctor` says what to do"}, true},
		{"seccomp notifications", []missing{{Nr: unix.SYS_SECCOMP, Errno: unix.EINVAL, Arg: 1, Bits: unix.SECCOMP_FILTER_FLAG_NEW_LISTENER}},
			[]string{"start touch: seccomp: invalid argument", "`clawjail doctor` says what"}, true},
		{"network namespaces", []missing{{Nr: unix.SYS_UNSHARE, Errno: unix.EINVAL, Bits: unix.CLONE_NEWNET}},
			[]string{"network namespace", "`clawjail doctor` says what"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := on(t, tt.without, "run", "--workspace", dir, "--", "touch", "ran")
			endSupervisor(t)
			if o.Code != 125 {
				t.Errorf("it ran, or failed in another way: %v", o)
			}
			for _, want := range tt.says {
				if !strings.Contains(o.Stderr, want) {
					t.Errorf("no word about %q: %v", want, o)
				}
			}
			if _, err := os.Stat(dir + "/ran"); err == nil {
				t.Error("the command ran")
			}
			if o := on(t, tt.without, "doctor"); tt.doctor && o.Code != 1 {
				t.Errorf("doctor finds nothing: %v", o)
			}
		})
	}
}

// TestNoUserNamespaces: they are used where the kernel has them; jails run
// without, and say so.
func TestNoUserNamespaces(t *testing.T) {
	if !ownHost(t, "", 4<<20) {
		return
	}
	dir := workspace(t)
	without := []missing{
		{Nr: unix.SYS_CLONE, Errno: unix.EPERM, Bits: unix.CLONE_NEWUSER},
		{Nr: unix.SYS_UNSHARE, Errno: unix.EPERM, Bits: unix.CLONE_NEWUSER},
		{Nr: unix.SYS_CLONE3, Errno: unix.ENOSYS}, // its flags are in memory
	}
	o := on(t, without, "run", "--workspace", dir, "-o", "json", "--", "true")
	var j api.Jail
	if err := json.Unmarshal([]byte(o.Stdout), &j); err != nil || o.Code != 0 || j.Protection.UserNS {
		t.Errorf("%v: %+v: %v", err, j.Protection, o)
	}
}

// TestNothingMissing is about the test itself: without a missing feature the same
// way of starting runs a jail.
func TestNothingMissing(t *testing.T) {
	if !ownHost(t, "", 4<<20) {
		return
	}
	if _, err := exec.LookPath("true"); err != nil {
		t.Fatal(err)
	}
	if o := on(t, []missing{{Nr: 9999, Errno: unix.ENOSYS}}, "run", "--workspace", workspace(t), "--", "true"); o.Code != 0 {
		t.Errorf("%v", o)
	}
}
