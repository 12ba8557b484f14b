package stage

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// The descriptors that the stage finds when it starts.
const (
	ConfigFD  = 3 // sealed memfd with an encoded Config
	ControlFD = 4 // unix SEQPACKET to the shim
)

// MaxConfigBytes bounds the encoded config. Linux takes at most 6 MiB of argv
// and environment (fs/exec.c:bprm_stack_limits), and less with most limits.
const MaxConfigBytes = 8 << 20

// seals make the config unchangeable. The stage refuses a file without them.
const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Config is what the shim tells the stage.
type Config struct {
	// Filter is an array of struct sock_filter.
	Filter []byte
	// Landlock is everything that may be touched. LandlockABI says with
	// which rights; a kernel below it is an error. 0 means no Landlock, and
	// then there must be no rules.
	Landlock    []jail.PathRule
	LandlockABI int
	// Argv and Env go to execve. Argv[0] is looked up in Env's PATH.
	Argv, Env []string
	// Cwd is an absolute path in the jail.
	Cwd string
}

// validate refuses what the stage could not carry out.
func (c Config) validate() error {
	switch {
	case len(c.Argv) == 0 || c.Argv[0] == "":
		return errors.New("stage config: no command")
	case len(c.Filter) == 0 || len(c.Filter)%insnBytes != 0 || len(c.Filter) > maxInsns*insnBytes:
		return fmt.Errorf("stage config: filter of %d bytes", len(c.Filter))
	case len(c.Cwd) == 0 || c.Cwd[0] != '/':
		return fmt.Errorf("stage config: working directory %q is not absolute", c.Cwd)
	case c.LandlockABI < 0 || (c.LandlockABI == 0 && len(c.Landlock) > 0):
		return fmt.Errorf("stage config: %d Landlock rules for ABI %d", len(c.Landlock), c.LandlockABI)
	}
	for _, s := range slices.Concat(c.Argv, c.Env, []string{c.Cwd}) {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("stage config: a NUL in %.100q", s)
		}
	}
	for _, r := range c.Landlock {
		if len(r.Path) == 0 || r.Path[0] != '/' {
			return fmt.Errorf("stage config: Landlock path %q is not absolute", r.Path)
		}
	}
	return nil
}

// File returns the config as a sealed memfd, to be passed as ConfigFD.
func (c Config) File() (*os.File, error) {
	b, err := c.Encode()
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("clawjail-stage-config", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "clawjail-stage-config")
	if _, err := f.Write(b); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(os.NewSyscallError("seal", err), f.Close())
	}
	return f, nil
}
