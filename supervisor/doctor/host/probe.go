package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/doctor"
)

func kernel() (doctor.Kernel, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return doctor.Kernel{}, os.NewSyscallError("uname", err)
	}
	return doctor.Kernel{Release: unix.ByteSliceToString(u.Release[:]), Machine: unix.ByteSliceToString(u.Machine[:])}, nil
}

// memfd seals one, as the stage's configuration is.
func memfd() error {
	fd, err := unix.MemfdCreate("clawjail-doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	defer unix.Close(fd)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		return os.NewSyscallError("seal a memfd", err)
	}
	if _, err := unix.Write(fd, []byte{1}); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("a sealed memfd can be written to: %v", err)
	}
	return nil
}

// pidfd does to this process what the supervisor does to jailed ones.
func pidfd() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, 0, nil, 0); err != nil {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	got, err := unix.PidfdGetfd(fd, fd, 0)
	if err != nil {
		return os.NewSyscallError("pidfd_getfd", err)
	}
	return unix.Close(got)
}

// space looks at dir, or where dir would be made.
func space(dir string) (doctor.Space, error) {
	at, err := nearest(dir)
	if err != nil {
		return doctor.Space{}, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return doctor.Space{}, &os.PathError{Op: "statfs", Path: at, Err: err}
	}
	return doctor.Space{
		FreeBytes:  st.Bavail * uint64(st.Bsize),
		FreeInodes: st.Ffree,
		NoInodes:   st.Files == 0, // btrfs, and tmpfs with nr_inodes=0
		Write:      writeFile(at),
	}, nil
}

// nearest gives dir, or the lowest directory above it that exists.
func nearest(dir string) (string, error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		fi, err := os.Stat(at)
		switch {
		case err == nil && fi.IsDir():
			return at, nil
		case err == nil:
			return "", fmt.Errorf("%s is not a directory", at)
		case !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at):
			return "", err
		}
	}
}

func writeFile(dir string) error {
	f, err := os.CreateTemp(dir, ".clawjail-doctor-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func clock() (doctor.Clock, error) {
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return doctor.Clock{}, os.NewSyscallError("clock_gettime", err)
	}
	c := doctor.Clock{Real: time.Now(), Boot: time.Duration(boot.Nano())}
	if fi, err := os.Stat("/proc/self/exe"); err == nil {
		c.Built = fi.ModTime()
	}
	// kernel/time/ntp.c: TIME_ERROR (5) is "not synchronized".
	state, err := unix.Adjtimex(&unix.Timex{})
	c.Sync = err == nil && state != 5
	return c, nil
}
