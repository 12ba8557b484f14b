package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clawjail/test/e2e/smallnet"
)

// The ways to run a program.
const (
	bare  = "bare"
	bwrap = "bubblewrap"
	runc  = "runc"
	claw  = "clawjail"
)

// policyText is what all policies begin with. It allows what the network
// measurements need on top of the preset.
const policyText = `version: 1
name: bench
extends: [agent]
network:
  allow: ["www.example.com:443", "www.example.com:80"]
limits: {memory: 4GiB, cpus: 64, pids: 4096}
`

// lab is where everything is measured.
type lab struct {
	clawjail string
	dir      string // the workspace, of the agent user
	bundle   string // of runc; empty: not here
	verdicts verdicts
	quick    bool
	consumed time.Duration // processor time of the last work, with that of its children
}

// rounds makes a run shorter with -quick.
func (l *lab) rounds(n int) int {
	if l.quick {
		return max(3, n/10)
	}
	return n
}

func newLab(bin string) (*lab, error) {
	l := &lab{dir: filepath.Join(smallnet.UserHome, "bench"), verdicts: verdicts{w: os.Stdout}}
	var err error
	if l.clawjail, err = filepath.Abs(filepath.Join(bin, "clawjail")); err != nil {
		return nil, err
	}
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		return nil, err
	}
	for way, text := range policies() {
		if err := os.WriteFile(policyFile(way), []byte(policyText+text), 0o644); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	script := "cp " + self + " worker"
	for i := range 50 {
		script += fmt.Sprintf("; echo '#include <stdio.h>\nint f%d(int a){return printf(\"%%d\",a)+%d;}' > src%d.c", i, i, i)
	}
	script += fmt.Sprintf("; chown -R %d:%d .", smallnet.UserID, smallnet.UserID)
	c := exec.Command("sh", "-c", script)
	c.Dir = l.dir
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fill the workspace: %w: %s", err, out)
	}
	if _, err := exec.LookPath("runc"); err == nil {
		l.bundle, err = newBundle(l.dir)
		if err != nil {
			return nil, fmt.Errorf("make runc's bundle: %w", err)
		}
	}
	return l, nil
}

// newBundle makes what runc runs: the host's /usr in an empty root, no network,
// the default namespaces and filter.
func newBundle(workspace string) (string, error) {
	dir := "/run/bundle"
	if err := os.MkdirAll(dir+"/rootfs", 0o755); err != nil {
		return "", err
	}
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+d, dir+"/rootfs/"+d); err != nil {
			return "", err
		}
	}
	c := exec.Command("runc", "spec")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	b, err := os.ReadFile(dir + "/config.json")
	if err != nil {
		return "", err
	}
	var spec map[string]any
	if err := json.Unmarshal(b, &spec); err != nil {
		return "", err
	}
	process, _ := spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = []string{"/bin/true"}
	process["user"] = map[string]int{"uid": smallnet.UserID, "gid": smallnet.UserID}
	mounts, _ := spec["mounts"].([]any)
	spec["mounts"] = append(mounts,
		map[string]any{"destination": "/usr", "type": "bind", "source": "/usr", "options": []string{"rbind", "ro"}},
		map[string]any{"destination": "/work", "type": "bind", "source": workspace, "options": []string{"rbind", "rw"}})
	if b, err = json.Marshal(spec); err != nil {
		return "", err
	}
	return dir, os.WriteFile(dir+"/config.json", b, 0o644)
}

// start prepares a command in one of the ways; nil where that way is not here.
func (l *lab) start(way string, argv ...string) *exec.Cmd {
	var c *exec.Cmd
	user := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: smallnet.UserID, Gid: smallnet.UserID}}
	switch way {
	case bare, floor:
		c = exec.Command(argv[0], argv[1:]...)
		c.SysProcAttr = user
		if way == floor {
			c.Env = append(os.Environ(), floorVariable+"=1")
		}
	case bwrap:
		if _, err := exec.LookPath("bwrap"); err != nil {
			return nil
		}
		args := []string{"--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin",
			"--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--dev", "/dev", "--proc", "/proc",
			"--tmpfs", "/tmp", "--bind", l.dir, l.dir, "--chdir", l.dir, "--die-with-parent", "--"}
		c = exec.Command("bwrap", append(args, argv...)...)
		c.SysProcAttr = user
	case runc:
		// runc takes its command from the bundle, so it is only measured at start.
		if l.bundle == "" || strings.Join(argv, " ") != "/bin/true" {
			return nil
		}
		c = exec.Command("runc", "run", "--bundle", l.bundle, "bench-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	default:
		c = exec.Command(l.clawjail, append([]string{"run", "--policy", policyFile(way), "--workspace", l.dir, "--"}, argv...)...)
		id := strconv.Itoa(smallnet.UserID)
		c.Env = append(os.Environ(), "SUDO_UID="+id, "SUDO_GID="+id, "SUDO_USER="+smallnet.UserName)
	}
	c.Dir = l.dir
	return c
}

// errNotHere says that a way of running is not on this machine.
var errNotHere = errors.New("not here")

// wall is how long a whole command takes, start to exit.
func (l *lab) wall(way string, argv ...string) (time.Duration, error) {
	c := l.start(way, argv...)
	if c == nil {
		return 0, errNotHere
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	start := time.Now()
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("%s %v: %w: %s", way, argv, err, stderr.String())
	}
	return time.Since(start), nil
}

// work is how long a worker says that its work took.
func (l *lab) work(way, kind string, n int) (time.Duration, error) {
	c := l.start(way, filepath.Join(l.dir, "worker"), "worker", kind, strconv.Itoa(n))
	if c == nil {
		return 0, errNotHere
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("%s: worker %s: %w: %s", way, kind, err, stderr.String())
	}
	var took, consumed int64
	if _, err := fmt.Sscan(stdout.String(), &took, &consumed); err != nil {
		return 0, fmt.Errorf("%s: worker %s said %q: %w", way, kind, stdout.String(), err)
	}
	l.consumed = time.Duration(consumed)
	return time.Duration(took), nil
}

// compare fills a table, the variants of a round one right after the other.
func (l *lab) compare(t *table, rounds int, measure func(way string) (time.Duration, error)) error {
	for range rounds {
		for _, way := range t.variants {
			d, err := measure(way)
			if errors.Is(err, errNotHere) {
				continue
			}
			if err != nil {
				return err
			}
			t.add(way, d)
			t.spend(way, l.consumed)
			l.consumed = 0
		}
	}
	t.print(os.Stdout)
	return nil
}
