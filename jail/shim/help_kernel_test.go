//go:build kernel

package shim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clawjail/jail"
	"clawjail/jail/shim"
	"clawjail/seccomp"
)

// binaries are built once for all tests.
var binaries struct{ dir, shim, stage string }

// parent is the cgroup of this test process' jails.
var parent = fmt.Sprintf("clawjail-test-%d", os.Getpid())

var jails atomic.Int64

func TestMain(m *testing.M) {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "these tests make namespaces and cgroups: run them as root")
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "shim-test")
	if err != nil {
		panic(err)
	}
	binaries.dir, binaries.shim, binaries.stage = dir, filepath.Join(dir, "clawjail-shim"), filepath.Join(dir, "clawjail-stage")
	if bin := os.Getenv("CLAWJAIL_BIN"); bin != "" { // a machine without Go
		binaries.shim, binaries.stage = filepath.Join(bin, "clawjail-shim"), filepath.Join(bin, "clawjail-stage")
	} else {
		build()
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func build() {
	for out, pkg := range map[string]string{binaries.shim: "clawjail/cmd/clawjail-shim", binaries.stage: "clawjail/cmd/clawjail-stage"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if out == binaries.stage {
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if text, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, text)
			os.Exit(1)
		}
	}
}

const (
	testUID = 54321
	testGID = 54322
)

// newSpec is a jail with the host's programs and a workspace for its user.
func newSpec(t testing.TB, argv ...string) jail.Spec {
	t.Helper()
	work, err := os.MkdirTemp(binaries.dir, "work")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(work, testUID, testGID); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("t%d-%d", os.Getpid(), jails.Add(1))
	s := jail.Spec{
		ID: id, Name: id, Hostname: "cage",
		Argv: argv, Env: []string{"PATH=/usr/bin:/bin", "HOME=/home/agent"}, Cwd: "/work",
		User:   jail.User{UID: testUID, GID: testGID, Name: "agent", Home: "/home/agent"},
		UserNS: true,
		Mounts: []jail.Mount{
			{Kind: jail.Bind, Source: work, Target: "/work", Write: true, Exec: true},
			{Kind: jail.Tmpfs, Target: "/home/agent", Write: true, SizeBytes: 1 << 20},
			{Kind: jail.Bind, Source: "/usr", Target: "/usr", Exec: true},
		},
		Seccomp:      seccomp.Base(),
		StageBinary:  binaries.stage,
		StateDir:     filepath.Join(binaries.dir, "state", id),
		CgroupParent: parent,
		Resolver4:    netip.MustParseAddr("198.18.0.1"), Resolver6: netip.MustParseAddr("fd63:6c61:776a::1"),
	}
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if text, err := os.Readlink(name); err == nil {
			s.Mounts = append(s.Mounts, jail.Mount{Kind: jail.Symlink, Source: text, Target: name})
		}
	}
	return s
}

func workspace(s jail.Spec) string { return s.Mounts[0].Source }

// rounds is how often something is tried: less where a jail takes seconds.
func rounds(n int) int {
	if testing.Short() {
		return n / 4
	}
	return n
}

// ctx ends long after any of these tests should, on an emulated processor that
// two others share.
func ctx(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return c
}

// run runs a jail to its end and returns what it wrote.
func run(t testing.TB, s jail.Spec) (out string, exit shim.Exit) {
	t.Helper()
	out, exit, err := try(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return out, exit
}

// try is run, with the error of Start or Go.
func try(t testing.TB, s jail.Spec) (string, shim.Exit, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{Out: w, Err: w})
	w.Close()
	if err != nil {
		return "", shim.Exit{}, err
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	defer c.Close()
	text := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(r)
		text <- b
	}()
	startErr := h.Go(ctx(t))
	exit, err := h.Wait(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(<-text)), exit, startErr
}

// sh is a spec that runs a shell script.
func sh(t testing.TB, script string) jail.Spec { return newSpec(t, "/bin/sh", "-c", script) }

// want runs a script in s and compares what it writes.
func want(t *testing.T, s jail.Spec, text string) {
	t.Helper()
	out, exit := run(t, s)
	if out != text || exit.Code != 0 {
		t.Errorf("%q wrote %q (status %+v), want %q", s.Argv, out, exit, text)
	}
}

func startError(t *testing.T, err error) *shim.StartError {
	t.Helper()
	var e *shim.StartError
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *StartError", err)
	}
	return e
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }
