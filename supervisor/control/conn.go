package control

import (
	"errors"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

// MaxFiles is how many descriptors one connection may send: stdin, stdout and
// stderr. More are closed on arrival.
const MaxFiles = 3

// Peer is who connected, as the kernel saw it at connect(2).
type Peer struct {
	PID int
	UID uint32
	GID uint32
}

// Conn is one end of a control connection. It satisfies net.Conn.
type Conn struct {
	*net.UnixConn

	mu       sync.Mutex
	received []*os.File
	outgoing []*os.File
}

// NewConn wraps an established connection and takes it over.
func NewConn(c *net.UnixConn) *Conn { return &Conn{UnixConn: c} }

// Read reads bytes and keeps the descriptors that came with them.
func (c *Conn) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(MaxFiles*4))
	n, oobn, flags, _, err := c.ReadMsgUnix(b, oob)
	if oobn > 0 {
		c.keep(oob[:oobn])
	}
	if err == nil && flags&unix.MSG_CTRUNC != 0 {
		// The kernel closed what did not fit. Going on with some of the
		// descriptors would connect streams to the wrong places.
		return 0, errors.New("more than 3 file descriptors in one message")
	}
	return max(n, 0), err // -1 goes with an error, which io.Reader does not know
}

// keep stores received descriptors, at most MaxFiles over the connection's life.
func (c *Conn) keep(oob []byte) {
	files, _ := rights.Files(oob, "received") // what is missing is missed by who takes them
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := min(len(files), MaxFiles-len(c.received))
	rights.Close(files[kept:])
	c.received = append(c.received, files[:kept]...)
}

// Write writes bytes; descriptors queued by SendFiles leave with the first of them.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	files := c.outgoing
	c.outgoing = nil
	c.mu.Unlock()
	if len(files) == 0 || len(b) == 0 {
		return c.UnixConn.Write(b)
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	n, _, err := c.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
	for _, f := range files {
		_ = f.Close()
	}
	if err == nil && n < len(b) {
		var more int
		more, err = c.UnixConn.Write(b[n:])
		n += more
	}
	return n, err
}

// SendFiles queues descriptors for the next Write and takes them over.
func (c *Conn) SendFiles(files ...*os.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outgoing = append(c.outgoing, files...)
}

// TakeFiles hands over the descriptors that arrived so far; the caller closes them.
func (c *Conn) TakeFiles() []*os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := c.received
	c.received = nil
	return files
}

// Close closes the connection and every descriptor that nobody took.
func (c *Conn) Close() error {
	c.mu.Lock()
	files := append(c.received, c.outgoing...)
	c.received, c.outgoing = nil, nil
	c.mu.Unlock()
	for _, f := range files {
		_ = f.Close()
	}
	return c.UnixConn.Close()
}

// Peer asks the kernel who connected.
func (c *Conn) Peer() (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if credErr != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERCRED", credErr)
	}
	return Peer{PID: int(cred.Pid), UID: cred.Uid, GID: cred.Gid}, nil
}
