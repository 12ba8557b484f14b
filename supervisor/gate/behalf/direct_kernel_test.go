//go:build kernel

package behalf

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asUser in the environment makes the test binary a process of the user's that
// does steps by itself, with the plain system calls.
const asUser = "CLAWJAIL_TEST_BEHALF_DIRECT"

func TestMain(m *testing.M) {
	if os.Getenv(asUser) != "" {
		if err := serveDirect(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// step is one operation of a sequence, with paths relative to the tree.
type step struct {
	Op    string
	A, B  string
	Flags int
	Mode  uint32
	N     int64
	Text  string
	Umask uint32
}

// outcome is what can be seen of a step by the one who did it.
type outcome struct {
	Errno unix.Errno
	Mode  int // F_GETFL of an open file
	Wrote unix.Errno
}

func serveDirect(in io.Reader, out io.Writer) error {
	if err := unix.Fchdir(3); err != nil {
		return err
	}
	d, e := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var s step
		if err := d.Decode(&s); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		unix.Umask(int(s.Umask))
		if err := e.Encode(direct(s)); err != nil {
			return err
		}
	}
}

func direct(s step) outcome {
	var err error
	switch s.Op {
	case "open":
		fd, err := unix.Open(s.A, s.Flags|unix.O_CLOEXEC, s.Mode)
		if err != nil {
			return outcome{Errno: errnoOf(err)}
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return outcome{Errno: errnoOf(err)}
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return outcome{Errno: unix.EISDIR} // what the package decided
		}
		return opened(fd, s)
	case "unlink":
		err = unix.Unlink(s.A)
	case "rmdir":
		err = unix.Rmdir(s.A)
	case "rename":
		err = unix.Renameat2(unix.AT_FDCWD, s.A, unix.AT_FDCWD, s.B, uint(s.Flags))
	case "link":
		err = unix.Link(s.A, s.B)
	case "symlink":
		err = unix.Symlink(s.Text, s.A)
	case "mkdir":
		err = unix.Mkdir(s.A, s.Mode)
	case "mknod":
		err = unix.Mknod(s.A, s.Mode, 0)
	case "truncate":
		err = unix.Truncate(s.A, s.N)
	case "chmod":
		err = unix.Chmod(s.A, s.Mode)
	case "chown":
		err = unix.Chown(s.A, int(s.N), int(s.Flags))
	case "utimens":
		err = unix.UtimesNanoAt(unix.AT_FDCWD, s.A, []unix.Timespec{{Sec: s.N}, {Sec: s.N + 1}}, 0)
	case "touch":
		err = unix.UtimesNanoAt(unix.AT_FDCWD, s.A, []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
	case "setxattr":
		err = unix.Setxattr(s.A, s.B, []byte(s.Text), s.Flags)
	case "removexattr":
		err = unix.Removexattr(s.A, s.B)
	default:
		err = unix.ENOSYS
	}
	return outcome{Errno: errnoOf(err)}
}

// opened writes to a file, if it can be, and says how it is open.
func opened(fd int, s step) outcome {
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return outcome{Errno: errnoOf(err)}
	}
	_, err = unix.Write(fd, []byte(s.Text))
	return outcome{Mode: mode &^ unix.O_NOFOLLOW, Wrote: errnoOf(err)}
}

// user is a process of the user's.
type user struct {
	t   testing.TB
	in  *json.Encoder
	out *json.Decoder
}

// startUser starts one whose directory is the root's mount.
func startUser(t testing.TB, r *Root) *user {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asUser + "=1"}
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{r.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testGID}}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the user's process: %v", err)
		}
	})
	return &user{t: t, in: json.NewEncoder(in), out: json.NewDecoder(out)}
}

func (u *user) do(s step) outcome {
	u.t.Helper()
	var o outcome
	must(u.t, u.in.Encode(s))
	must(u.t, u.out.Decode(&o))
	return o
}
