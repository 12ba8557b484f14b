package protocol

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

// Conn is one end of the socket.
type Conn struct {
	sock *net.UnixConn
	buf  []byte
	oob  []byte
}

// Pair makes a connection: one end for this process, one to be inherited.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "shim")
	ours, err := NewConn(os.NewFile(uintptr(fds[0]), "supervisor"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// NewConn takes over a socket; f is closed.
func NewConn(f *os.File) (*Conn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	sock, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("descriptor %d is not a unix socket", f.Fd())
	}
	return connOf(sock), nil
}

func connOf(sock *net.UnixConn) *Conn {
	return &Conn{
		sock: sock,
		buf:  make([]byte, MaxMessage+1),
		oob:  make([]byte, unix.CmsgSpace(MaxFiles*4)),
	}
}

// Send sends a message with files, which the caller keeps. Nil files are left
// out; names are those of Message.Files.
func (c *Conn) Send(m Message, names []string, files []*os.File) error {
	m.Files = nil
	var fds []int
	for i, f := range files {
		if f != nil {
			m.Files = append(m.Files, names[i])
			// Not SyscallConn: a jail's streams have to be in blocking mode.
			fds = append(fds, int(f.Fd()))
		}
	}
	b, err := Encode(m)
	if err != nil {
		return err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if _, _, err := c.sock.WriteMsgUnix(b, oob, nil); err != nil {
		return fmt.Errorf("send %s: %w", m.Type, err)
	}
	return nil
}

// Receive returns the next message and its files by name. io.EOF means that
// the other end has gone.
func (c *Conn) Receive() (_ Message, _ map[string]*os.File, err error) {
	n, oobn, flags, _, err := c.sock.ReadMsgUnix(c.buf, c.oob)
	if err != nil {
		return Message{}, nil, err
	}
	files, err := rights.Files(c.oob[:oobn], "passed")
	defer func() {
		if err != nil {
			rights.Close(files)
		}
	}()
	if err != nil {
		return Message{}, nil, err
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return Message{}, nil, errors.New("message or its files cut off")
	}
	m, err := Decode(c.buf[:n])
	if err != nil {
		return Message{}, nil, err
	}
	if len(m.Files) != len(files) {
		return Message{}, nil, fmt.Errorf("%s announces %d files and has %d", m.Type, len(m.Files), len(files))
	}
	named := make(map[string]*os.File, len(files))
	for i, name := range m.Files {
		if named[name] != nil {
			return Message{}, nil, fmt.Errorf("%s has two files %q", m.Type, name)
		}
		named[name] = files[i]
	}
	return m, named, nil
}

// Waiting reports whether there is something to receive.
func (c *Conn) Waiting() bool {
	raw, err := c.sock.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	_ = raw.Control(func(fd uintptr) {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	return n > 0
}

// Close closes the connection and wakes Receive.
func (c *Conn) Close() error { return c.sock.Close() }
