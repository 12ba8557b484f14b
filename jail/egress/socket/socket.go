package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

// MaxFiles bounds the descriptors of one message.
const MaxFiles = 4

// Conn is one end of a SEQPACKET socket.
type Conn struct {
	uc *net.UnixConn
}

// Pair makes two connected sockets. The second is blocking and close-on-exec,
// to be handed to a child.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "egress-child")
	ours, err := Open(os.NewFile(uintptr(fds[0]), "egress-parent"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// Open makes a Conn of a file, which it closes.
func Open(f *os.File) (*Conn, error) {
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Name(), err)
	}
	uc, ok := nc.(*net.UnixConn)
	if !ok {
		nc.Close()
		return nil, fmt.Errorf("open %s: not a unix socket", f.Name())
	}
	return &Conn{uc: uc}, nil
}

// Reserve asks the kernel for room to send one message of size bytes.
func (c *Conn) Reserve(size int) error {
	return c.uc.SetWriteBuffer(size)
}

// Send sends one message with files.
func (c *Conn) Send(b []byte, files ...*os.File) error {
	if len(files) > MaxFiles {
		return fmt.Errorf("send %d descriptors, at most %d", len(files), MaxFiles)
	}
	fds, err := duplicates(files)
	defer closeNumbers(fds)
	if err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	n, _, err := c.uc.WriteMsgUnix(b, oob, nil)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

// duplicates copies descriptors without File.Fd, which would make the shared
// open file blocking under whoever else uses it.
func duplicates(files []*os.File) ([]int, error) {
	var fds []int
	for _, f := range files {
		raw, err := f.SyscallConn()
		if err != nil {
			return fds, err
		}
		var dup int
		var dupErr error
		err = raw.Control(func(fd uintptr) {
			dup, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		})
		if err = errors.Join(err, os.NewSyscallError("fcntl", dupErr)); err != nil {
			return fds, err
		}
		fds = append(fds, dup)
	}
	return fds, nil
}

func closeNumbers(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// Receive reads one message into b, which must be longer than the longest one
// allowed. It returns io.EOF when the other end is closed.
func (c *Conn) Receive(b []byte) (int, []*os.File, error) {
	oob := make([]byte, unix.CmsgSpace(4*MaxFiles))
	n, oobn, flags, _, err := c.uc.ReadMsgUnix(b, oob)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) {
			return 0, nil, io.EOF
		}
		return 0, nil, fmt.Errorf("receive message: %w", err)
	}
	files, err := rights.Files(oob[:oobn], "received")
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("message or descriptors are cut")
	}
	if err != nil {
		rights.Close(files)
		return 0, nil, fmt.Errorf("receive message: %w", err)
	}
	if n == 0 {
		rights.Close(files)
		return 0, nil, io.EOF
	}
	return n, files, nil
}

// File returns a copy of the socket's descriptor.
func (c *Conn) File() (*os.File, error) { return c.uc.File() }

// StopReceiving ends Receive, once it has returned what it is about to.
func (c *Conn) StopReceiving() error { return c.uc.SetReadDeadline(time.Unix(1, 0)) }

// SendUntil bounds Send: one that waits longer is an error.
func (c *Conn) SendUntil(at time.Time) error { return c.uc.SetWriteDeadline(at) }

// Close closes the socket; a blocked Receive returns.
func (c *Conn) Close() error { return c.uc.Close() }
