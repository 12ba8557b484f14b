package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/doctor"
)

// childTime bounds a try in a child.
const childTime = 15 * time.Second

// maxOutput bounds what is read of a child.
const maxOutput = 64 << 10

// Options say how to try this host.
type Options struct {
	Binaries string                     // directory of the programs
	StateDir string                     // whose file system workspaces are likely on
	BPF      func() (doctor.BPF, error) // package bpf's probes
	Self     func(string) []string      // command line that makes this program call Try with that name
}

// New gives the probes of this host.
func New(o Options) doctor.Prober {
	h := host{o}
	return doctor.Prober{
		Kernel:     kernel,
		UID:        os.Geteuid,
		Namespaces: h.namespaces,
		UserNS:     h.userNS,
		Cgroup:     cgroups,
		Freeze:     h.freeze,
		Seccomp:    h.seccomp,
		Libseccomp: h.libseccomp,
		Landlock:   h.landlock,
		BPF:        o.BPF,
		IDMap:      h.idmap,
		Memfd:      memfd,
		Pidfd:      pidfd,
		Space:      space,
		Clock:      clock,
		Binary:     h.binary,
	}
}

type host struct{ Options }

// child runs a try in a child with those attributes and decodes what it prints.
func (h host) child(name string, attr syscall.SysProcAttr, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), childTime)
	defer cancel()
	argv := h.Self(name)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &attr
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	out, errOut := limited{max: maxOutput}, limited{max: maxOutput}
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(errOut.String()); text != "" {
			return errors.New(text)
		}
		return errors.Join(err, ctx.Err())
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return fmt.Errorf("try %q: its answer: %w", name, err)
	}
	return nil
}

// limited keeps the first max bytes.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), max(0, l.max-l.Len()))])
	return len(b), nil
}

func (h host) namespaces() error {
	return h.child("mounts", syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET |
		unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP}, nil)
}

// mapped is a user namespace whose root is an unprivileged user of the host.
func mapped() syscall.SysProcAttr {
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	return syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
}

func (h host) userNS() error { return h.child("nothing", mapped(), nil) }

func (h host) freeze() (doctor.Freeze, error) {
	var f doctor.Freeze
	err := h.child("freeze", syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, &f)
	return f, err
}

func (h host) seccomp() (doctor.Seccomp, error) {
	var s doctor.Seccomp
	err := h.child("seccomp", syscall.SysProcAttr{}, &s)
	return s, err
}

func (h host) landlock() (int, error) {
	var abi int
	err := h.child("landlock", syscall.SysProcAttr{}, &abi)
	return abi, err
}

// libseccomp asks the shim, which is the only program that links it: a missing
// library shows in that it does not start.
func (h host) libseccomp() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), childTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(h.Binaries, "clawjail-shim"), "version")
	out, errOut := limited{max: maxOutput}, limited{max: maxOutput}
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var v struct {
		Libseccomp string `json:"libseccomp"`
	}
	if json.Unmarshal(out.Bytes(), &v) == nil && v.Libseccomp != "" {
		return v.Libseccomp, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() != 127 { // 127: ld.so found no library
		return "clawjail-shim starts with it, and does not tell its version", nil
	}
	if text := strings.TrimSpace(errOut.String()); text != "" {
		err = errors.New(text)
	}
	return "", err
}

// binary looks at a program that the supervisor would start as root.
func (h host) binary(name string) error {
	for _, path := range []string{filepath.Join(h.Binaries, name), h.Binaries} {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return &os.PathError{Op: "stat", Path: path, Err: err}
		}
		isProgram := st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 == 0o111
		if path != h.Binaries && !isProgram {
			return fmt.Errorf("%s is no program that everybody may run (mode %#o)", path, st.Mode)
		}
		if st.Uid != 0 || st.Mode&0o022 != 0 {
			return fmt.Errorf("%s (owner %d, mode %#o): %w", path, st.Uid, st.Mode&0o7777, doctor.ErrLoose)
		}
	}
	return nil
}
