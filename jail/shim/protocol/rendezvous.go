package protocol

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socketAt names the socket by the descriptor of its directory: a path of a
// socket has 107 bytes, and the directory's own may have become another's.
func socketAt(dir *os.File) *net.UnixAddr {
	return &net.UnixAddr{Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), Socket), Net: "unixpacket"}
}

// Listen makes the socket at which a shim can be found. The directory is open
// to root alone; the caller removes the socket.
func Listen(dir *os.File) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unixpacket", socketAt(dir))
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}

// Accept waits for a supervisor. Whoever is not root is sent away.
func Accept(l *net.UnixListener) (*Conn, error) {
	for {
		sock, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if cred, err := peer(sock); err == nil && cred.Uid == 0 {
			return connOf(sock), nil
		}
		sock.Close()
	}
}

// Dial connects with a shim that listens in dir, and says which process that is:
// the one that made the socket, by the kernel's word.
func Dial(dir *os.File) (*Conn, int, error) {
	sock, err := net.DialUnix("unixpacket", nil, socketAt(dir))
	if err != nil {
		return nil, 0, err
	}
	cred, err := peer(sock)
	if err == nil && cred.Uid != 0 {
		err = errors.New("who listens there is not root")
	}
	if err != nil {
		sock.Close()
		return nil, 0, err
	}
	return connOf(sock), int(cred.Pid), nil
}

func peer(sock *net.UnixConn) (*unix.Ucred, error) {
	raw, err := sock.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	return cred, os.NewSyscallError("getsockopt(SO_PEERCRED)", credErr)
}
