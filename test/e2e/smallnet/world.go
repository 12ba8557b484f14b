package smallnet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The role of a re-executed process, and the directory that all of them share.
const (
	envRole = "CLAWJAIL_SMALLNET_ROLE"
	envDir  = "CLAWJAIL_SMALLNET_DIR"

	roleInternet = "internet"
	roleHost     = "host"
)

// Pipes that a child finds beside its standard files.
const (
	fdIn  = 3 // the outer process writes
	fdOut = 4 // the child writes
)

// World is what the program sees from inside the host.
type World struct {
	Dir string // shared by all, readable by every user
	CA  string // the test authority's certificate, PEM
}

// Inside is the world of a process that one of the host's has started.
func Inside() World {
	dir := os.Getenv(envDir)
	return World{Dir: dir, CA: filepath.Join(dir, "ca.pem")}
}

// Run makes the small internet around inner and returns the exit code. It must
// be the first thing that the program does, as root.
func Run(inner func(World) int) int {
	dir := os.Getenv(envDir)
	var err error
	switch os.Getenv(envRole) {
	case roleInternet:
		if err = internetMain(dir); err == nil {
			return 0
		}
	case roleHost:
		world := Inside() // the host forgets where it came from
		if err = hostMain(dir); err == nil {
			return inner(world)
		}
	default:
		var code int
		if code, err = outer(); err == nil {
			return code
		}
	}
	fmt.Fprintln(os.Stderr, "smallnet:", err)
	return 1
}

// child is one re-execution of this program.
type child struct {
	cmd *exec.Cmd
	in  *os.File // we write
	out *bufio.Reader
}

func startChild(role, dir string, namespaces uintptr) (*child, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer outW.Close()
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Args[0] = os.Args[0]
	c.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if role == roleInternet {
		c.Stdin, c.Stdout = nil, nil
	}
	c.ExtraFiles = []*os.File{inR, outW}
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: namespaces}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	return &child{cmd: c, in: inW, out: bufio.NewReader(outR)}, nil
}

// expect reads one word that the child writes when it is ready.
func (c *child) expect(word string) error {
	line, err := c.out.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		return fmt.Errorf("waiting for %q: got %q: %w", word, line, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// outer makes both sides, joins them and waits for the host to end.
func outer() (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("network namespaces need root: run it with sudo")
	}
	// A signal of the terminal reaches the host as well, which decides.
	dir, err := os.MkdirTemp("", "smallnet-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	made, err := makeStateDirs()
	if err != nil {
		return 0, err
	}
	defer removeStateDirs(made)
	host, err := startChild(roleHost, dir, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS)
	if err != nil {
		return 0, err
	}
	if err := host.expect("separate"); err != nil {
		return 0, err
	}
	net, err := startChild(roleInternet, dir, syscall.CLONE_NEWNET)
	if err != nil {
		return 0, err
	}
	defer func() { _ = net.in.Close(); _ = net.cmd.Wait() }() // end of file ends it
	if _, err := fmt.Fprintln(net.in, host.cmd.Process.Pid); err != nil {
		return 0, err
	}
	if err := net.expect("ready"); err != nil {
		_ = host.in.Close()
		_ = host.cmd.Wait()
		return 0, err
	}
	netns := namespaceOf(host.cmd.Process.Pid)
	if _, err := fmt.Fprintln(host.in, "go"); err != nil {
		return 0, err
	}
	err = host.cmd.Wait()
	endLeftovers(netns)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// stateDirs are the places that the host gets for itself.
var stateDirs = [...]string{"/etc/clawjail", "/var/lib/clawjail"}

// makeStateDirs makes the mount points that the machine lacks.
func makeStateDirs() (made []string, err error) {
	for _, d := range stateDirs {
		switch err := os.Mkdir(d, 0o755); {
		case err == nil:
			made = append(made, d)
		case !errors.Is(err, os.ErrExist):
			return made, err
		}
	}
	return made, nil
}

func removeStateDirs(made []string) {
	for _, d := range made {
		// Not empty: somebody uses it by now, so it stays.
		_ = os.Remove(d)
	}
}

func namespaceOf(pid int) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return ""
	}
	return name
}

// endLeftovers kills what the host left running, such as a supervisor that
// lingers: the processes in its network namespace, and only those.
func endLeftovers(netns string) {
	if netns == "" || netns == namespaceOf(os.Getpid()) {
		return
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscanf(e.Name(), "%d", &pid); err != nil || namespaceOf(pid) != netns {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if namespaceOf(pid) == netns {
			// SIGTERM first would let it clean up, but the host is gone already.
			_ = unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
			waitOrKill(fd)
		}
		_ = unix.Close(fd)
	}
}

// waitOrKill gives a process five seconds to end by itself.
func waitOrKill(pidfd int) {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 5000); err == nil && n == 1 {
		return
	}
	_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
}
