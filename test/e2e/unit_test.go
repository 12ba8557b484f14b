//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail/hostns"
	"clawjail/seccomp"
	"clawjail/supervisor/api"
	"clawjail/test/e2e/smallnet"
)

// unitMark has this test binary start a daemon as its unit would: a unit's
// directives as JSON, and the command after them.
const unitMark = "CLAWJAIL_TEST_UNIT"

// directives are what a unit takes from its service; systemd is the process 1 of
// hardly any machine that tests run on, so they are put in force by hand.
type directives struct {
	NoNewPrivileges bool
	Drop            []int    // capabilities that leave the bounding set
	Refuse          []int    // system calls
	ReadOnly        []string // directories
	Below           []string // directories, with all that is mounted below them
	NoNetwork       bool
	HideProcesses   bool
	Umask           int
}

// notByHand are the directives that need systemd, or that nothing here depends on.
var notByHand = strings.Fields(`
	Type NotifyAccess ExecStart ExecReload Restart RestartSec WatchdogSec KillMode TimeoutStopSec
	RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve StateDirectory StateDirectoryMode ConfigurationDirectory
	Nice OOMScoreAdjust LimitNOFILE LimitMEMLOCK LimitCORE TasksMax Delegate
	PrivateTmp PrivateMounts MemoryDenyWriteExecute KeyringMode SystemCallErrorNumber
	DevicePolicy IPAddressDeny
	ProtectClock ProtectKernelModules ProtectKernelLogs
	RestrictRealtime LockPersonality SystemCallArchitectures RestrictAddressFamilies`)

// unitOf reads the unit of the supervisor.
func unitOf(t *testing.T) (d directives) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(read(t, "../../supervisor/systemd/clawjail.service")) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		seen[key] = true
		switch key {
		case "NoNewPrivileges":
			d.NoNewPrivileges = value == "yes"
		case "CapabilityBoundingSet":
			for name := range strings.FieldsSeq(strings.TrimPrefix(value, "~")) {
				d.Drop = append(d.Drop, capability(t, name))
			}
		case "SystemCallFilter":
			for group := range strings.FieldsSeq(strings.TrimPrefix(value, "~")) {
				d.Refuse = append(d.Refuse, systemCalls(t, group)...)
			}
		case "ProtectKernelTunables":
			if value == "yes" {
				d.ReadOnly = append(d.ReadOnly, "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/sys")
			}
		case "ProtectSystem":
			if value == "full" {
				d.Below = append(d.Below, "/usr", "/boot", "/etc")
			}
		case "ProtectHome":
			if value == "read-only" {
				d.Below = append(d.Below, "/home", "/root")
			}
		case "ProtectProc":
			d.HideProcesses = value == "invisible"
		case "PrivateNetwork":
			d.NoNetwork = value == "yes"
		case "UMask":
			n, err := strconv.ParseInt(value, 8, 32)
			if err != nil {
				t.Fatal(err)
			}
			d.Umask = int(n)
		case "Description", "Documentation", "After", "WantedBy":
		default:
			if !slices.Contains(notByHand, key) {
				t.Errorf("nobody has tried %s", line)
			}
		}
	}
	if !seen["NoNewPrivileges"] || len(d.Drop) == 0 || len(d.Refuse) == 0 || len(d.Below) == 0 || !d.NoNetwork || !d.HideProcesses {
		t.Fatalf("the unit says %+v", d)
	}
	return d
}

// capability is a number of <linux/capability.h>, as setpriv names them.
func capability(t *testing.T, name string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "setpriv", "--list-caps").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := slices.Index(strings.Fields(string(out)), strings.ToLower(strings.TrimPrefix(name, "CAP_")))
	if n < 0 {
		t.Fatalf("no capability is called %s", name)
	}
	return n
}

// systemCalls are those of one of systemd's groups, with the groups in it.
func systemCalls(t *testing.T, group string) (list []int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "syscall-filter", "--no-pager", group).Output()
	if err != nil {
		t.Fatalf("systemd-analyze (Debian package systemd): %v", err)
	}
	for line := range strings.Lines(string(out)) {
		name := strings.TrimSpace(line)
		if !strings.HasPrefix(line, " ") || strings.HasPrefix(name, "#") {
			continue
		}
		if strings.HasPrefix(name, "@") {
			list = append(list, systemCalls(t, name)...)
		} else if nr, ok := seccomp.Number(name); ok {
			list = append(list, nr)
		}
	}
	return list
}

// asUnit puts the directives in force on this process, and becomes the command.
func asUnit(command []string) error {
	var d directives
	if err := json.Unmarshal([]byte(os.Getenv(unitMark)), &d); err != nil {
		return err
	}
	if err := os.Unsetenv(unitMark); err != nil {
		return err
	}
	unix.Umask(d.Umask)
	for _, dir := range d.ReadOnly {
		if err := readOnly(dir); err != nil {
			return fmt.Errorf("make %s read-only: %w", dir, err)
		}
	}
	for _, dir := range d.Below {
		if err := readOnlyBelow(dir); err != nil {
			return fmt.Errorf("make %s read-only: %w", dir, err)
		}
	}
	if d.HideProcesses {
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "hidepid=invisible"); err != nil {
			return fmt.Errorf("hide processes: %w", err)
		}
	}
	if d.NoNetwork {
		runtime.LockOSThread() // the thread that executes
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("leave the network: %w", err)
		}
	}
	for _, c := range d.Drop {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if d.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := refuseCalls(d.Refuse); err != nil {
		return fmt.Errorf("refuse system calls: %w", err)
	}
	// What /proc/1 is to the unit, the test is here.
	command = append(command, fmt.Sprintf("--host-namespaces=/proc/%d", os.Getppid()))
	return unix.Exec(command[0], command, os.Environ())
}

// readOnly does so with a directory, and not with what is mounted below: cgroups
// have a directive of their own.
func readOnly(dir string) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	err := unix.MountSetattr(unix.AT_FDCWD, dir, 0, &attr)
	if errors.Is(err, unix.EINVAL) { // not a mount yet
		if err = unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err == nil {
			err = unix.MountSetattr(unix.AT_FDCWD, dir, 0, &attr)
		}
	}
	if errors.Is(err, unix.ENOENT) {
		return nil // not on this kernel
	}
	return err
}

// readOnlyBelow does so with a directory and all that is mounted below.
func readOnlyBelow(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, dir, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// TestUnitLeavesTheServiceWorking: with what its unit takes from it the supervisor
// starts, judges, adopts, freezes, preserves and ends jails.
func TestUnitLeavesTheServiceWorking(t *testing.T) {
	if !ownHost(t, "", 32<<20) {
		return
	}
	unit, err := json.Marshal(unitOf(t))
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, log: filepath.Join(t.TempDir(), "clawjaild.log"), unit: string(unit)}
	d.start()
	t.Cleanup(func() {
		if d.cmd != nil {
			d.end(unix.SIGINT)
		}
		if t.Failed() {
			t.Logf("the supervisor's log\n%s", read(t, d.log))
		}
	})
	confined(t, d.cmd.Process.Pid)
	shown(t, d.cmd.Process.Pid)
	dir := workspace(t)
	network := policyFile(t, "network: {allow: [\""+smallnet.NameWeb+":80\"]}\n")
	for name, code := range map[string]int{smallnet.NameWeb: 0, smallnet.NameEvil: 6} {
		if o := jail(t, run{Policy: network, Workspace: dir, Argv: []string{"curl", "-s", "-m", "60", "-o", "page", "http://" + name + "/"}}); o.Code != code {
			t.Errorf("an agent that connects to %s: %v", name, o)
		}
	}
	if o := jail(t, run{Workspace: dir, Argv: []string{"python3", "-c", "import socket,os\nos.chmod('.', 0o755)\nprint(os.getuid() != 0)"}}); o.Code != 0 || o.Stdout != "True\n" {
		t.Fatalf("an agent: %v", o)
	}
	done := foreground(t, run{Policy: policyFile(t, askMkdir), Workspace: dir, Flags: []string{"--name", "unit"},
		Argv: []string{"sh", "-c", "/bin/true; mkdir made && echo made; exit 7"}})
	is := held(t, "unit")
	d.again(unix.SIGKILL)
	if o := clawjail(t, run{}, "approve", held(t, "unit").ID); o.Code != 0 {
		t.Errorf("%s: %v", is.ID, o)
	}
	if o := <-done; o.Code != 7 || o.Stdout != "made\n" {
		t.Errorf("%v", o)
	}
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "while :; do sleep 0.1; done"}})
	for _, args := range [][]string{{"exec", j.Name, "--", "true"}, {"freeze", j.Name}, {"thaw", j.Name}, {"incident", "open", j.Name, "--reason", "a test"}} {
		if o := clawjail(t, run{}, args...); o.Code != 0 {
			t.Errorf("%v: %v", args, o)
		}
	}
	in := incidentOf(t, j.ID)
	if o := clawjail(t, run{}, "incident", "preserve", in.ID, "--memory", strconv.Itoa(inspect(t, j.Name).InitPID)); o.Code != 0 {
		t.Errorf("%v", o)
	}
	for _, e := range incidentShown(t, in.ID).Evidence {
		if len(e.Failed) != 0 {
			t.Errorf("evidence fails: %q", e.Failed)
		}
	}
	if o := clawjail(t, run{}, "incident", "kill", in.ID, "--reason", "a test"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	awaitState(t, j.Name, api.StateExited)
}

// shown checks that the supervisor has mounts and a network of its own, and that
// its children which need the host's have these.
func shown(t *testing.T, pid int) {
	t.Helper()
	same := func(pid int, kind string) bool {
		a, err := os.Stat(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.Stat("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		return os.SameFile(a, b)
	}
	if same(pid, "net") || same(pid, "mnt") {
		t.Error("the supervisor sees the host's network or mounts")
	}
	proxy := childOf(t, pid, "clawjail-egress")
	if !same(proxy, "net") || same(proxy, "mnt") {
		t.Error("the proxy is not in the host's network, or sees the host's mounts")
	}
	if b := read(t, fmt.Sprintf("/proc/%d/cgroup", proxy)); !strings.HasSuffix(strings.TrimSpace(b), "/"+hostns.CgroupName) {
		t.Errorf("the proxy is in the cgroup of the supervisor: %s", b)
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/root%s/by-root", pid, smallnet.UserHome), nil, 0o600); !errors.Is(err, unix.EROFS) {
		t.Errorf("the supervisor may write to homes: %v", err)
	}
}

// confined checks that the directives are in force.
func confined(t *testing.T, pid int) {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	is := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		is[key] = strings.TrimSpace(value)
	}
	if is["NoNewPrivs"] != "1" || is["Seccomp"] != "2" || is["CapBnd"] != is["CapEff"] || strings.HasPrefix(is["CapBnd"], "000001ff") {
		t.Errorf("NoNewPrivs %s, Seccomp %s, capabilities %s of %s", is["NoNewPrivs"], is["Seccomp"], is["CapEff"], is["CapBnd"])
	}
}
