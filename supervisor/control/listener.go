package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning means that another supervisor holds the socket.
var ErrRunning = errors.New("another supervisor is running")

// Listener accepts control connections. It satisfies net.Listener, and holds
// the lock that makes it the only one of its socket.
type Listener struct {
	*net.UnixListener
	lock *os.File
}

// Listen makes the socket at path, for its owner and the group gid (a negative
// gid leaves it to root alone). A socket that a dead supervisor left behind is
// replaced: the lock beside it says whether its owner lives, not the file.
// errors.Is(err, ErrRunning) when it still does after wait.
func Listen(path string, gid int, wait time.Duration) (*Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock, err := takeLock(path+".lock", wait)
	if err != nil {
		return nil, err
	}
	l, err := listenLocked(path, gid)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &Listener{UnixListener: l, lock: lock}, nil
}

// lockInterval is how often a lock is tried that somebody holds.
const lockInterval = 20 * time.Millisecond

func takeLock(path string, wait time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			_ = f.Close()
			return nil, os.NewSyscallError("flock "+path, err)
		case time.Now().After(deadline):
			_ = f.Close()
			return nil, fmt.Errorf("lock %q: %w", path, ErrRunning)
		}
		time.Sleep(lockInterval)
	}
}

func listenLocked(path string, gid int) (*net.UnixListener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%q exists and is not a socket; move it away", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove stale socket: %w", err)
		}
	}
	// The socket is made without rights for anybody else and opened to the
	// group afterwards: there is no moment at which others could connect.
	old := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, err
	}
	if gid < 0 {
		return l, nil
	}
	if err := os.Chown(path, 0, gid); err != nil {
		_ = l.Close()
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Accept waits for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// Close stops listening, removes the socket and lets go of the lock.
func (l *Listener) Close() error {
	err := l.UnixListener.Close()
	return errors.Join(err, l.lock.Close())
}

// Dial connects to the socket at path.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("dial %q: not a unix connection", path)
	}
	return NewConn(u), nil
}
