package counter

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/hostns"
	"clawjail/supervisor/limit"
)

// Times.
const (
	answerTime   = 2 * time.Second // for one call; the process gives up earlier
	restartAfter = time.Second
)

// Client counts through a process.
type Client struct {
	bin      string
	uid, gid uint32
	settings Settings
	host     *hostns.Host
	log      *slog.Logger

	mu      sync.Mutex
	closed  bool
	link    *link
	started time.Time
}

// link is one life of the process.
type link struct {
	cmd   *exec.Cmd
	conn  net.Conn
	write sync.Mutex

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan Reply // nil: it has ended
}

// Start starts bin as a user without privileges. The store need not answer yet. It
// is reached from the network of host, nil for the caller's.
func Start(host *hostns.Host, bin string, uid, gid uint32, s Settings, log *slog.Logger) (*Client, error) {
	if uid == 0 || gid == 0 {
		return nil, errors.New("start clawjail-counter: it must not run as root")
	}
	c := &Client{bin: bin, uid: uid, gid: gid, settings: s, host: host, log: log}
	if _, err := c.current(); err != nil {
		return nil, err
	}
	return c, nil
}

// current gives the process that runs, and starts one where none does.
func (c *Client) current() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, limit.ErrClosed
	case c.link != nil && c.link.alive():
		return c.link, nil
	case time.Since(c.started) < restartAfter:
		return nil, fmt.Errorf("%w: clawjail-counter has ended", limit.ErrAway)
	}
	c.started = time.Now()
	l, err := c.spawn()
	if err != nil {
		return nil, fmt.Errorf("start clawjail-counter: %w", err)
	}
	c.link = l
	return l, nil
}

func (c *Client) spawn() (*link, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "counter"), os.NewFile(uintptr(fds[1]), "counter-child")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, waiting: map[uint64]chan Reply{}}
	l.cmd = &exec.Cmd{Path: c.bin, Args: []string{"clawjail-counter"}, Env: []string{}, Dir: "/", ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: []uint32{}}, Setsid: true}}
	if err := c.host.Start(l.cmd, hostns.Network); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if b, err := encode(c.settings); err == nil {
		_, _ = conn.Write(b) // an error ends the reader below
	}
	go l.read(c.log)
	return l, nil
}

func (l *link) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting != nil
}

// read hands replies out until the process ends, and waits for it.
func (l *link) read(log *slog.Logger) {
	lines := bufio.NewScanner(l.conn)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	for lines.Scan() {
		var r Reply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			break
		}
		l.mu.Lock()
		to := l.waiting[r.ID]
		delete(l.waiting, r.ID)
		l.mu.Unlock()
		if to != nil {
			to <- r // its buffer has room for the one reply
		}
	}
	_ = l.conn.Close()
	l.mu.Lock()
	left := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, to := range left {
		close(to)
	}
	_ = l.cmd.Process.Kill()
	if err := l.cmd.Wait(); err != nil {
		log.Error("clawjail-counter has ended; limits that hosts share are denied until it is back", "error", err)
	}
}

// exchange sends a call and waits for its reply.
func (c *Client) exchange(mode string, claims []limit.Claim) (Reply, error) {
	l, err := c.current()
	if err != nil {
		return Reply{}, err
	}
	call := Call{Mode: mode, Claims: make([]Claim, len(claims))}
	for i, x := range claims {
		call.Claims[i] = Claim{Key: x.Key, Max: x.Limit.Max, Per: int64(x.Limit.Per), N: x.N}
	}
	answer := make(chan Reply, 1)
	l.mu.Lock()
	if l.waiting == nil {
		l.mu.Unlock()
		return Reply{}, fmt.Errorf("%w: clawjail-counter has ended", limit.ErrAway)
	}
	l.next++
	call.ID = l.next
	l.waiting[call.ID] = answer
	l.mu.Unlock()
	defer func() { l.mu.Lock(); delete(l.waiting, call.ID); l.mu.Unlock() }()
	b, err := encode(call)
	if err != nil {
		return Reply{}, err
	}
	l.write.Lock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(answerTime))
	_, err = l.conn.Write(b)
	l.write.Unlock()
	if err != nil {
		_ = l.conn.Close() // half a message may be on its way
		return Reply{}, fmt.Errorf("%w: %w", limit.ErrAway, err)
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case r, ok := <-answer:
		if !ok {
			return Reply{}, fmt.Errorf("%w: %w", limit.ErrAway, io.ErrUnexpectedEOF)
		}
		return r, r.check(len(claims))
	case <-timer.C:
		return Reply{}, fmt.Errorf("%w: clawjail-counter took longer than %v", limit.ErrAway, answerTime)
	}
}

// TakeAll takes every claim, or none if the limit of one has no room.
func (c *Client) TakeAll(claims []limit.Claim) (over []int, used []int64, err error) {
	r, err := c.exchange(Take, claims)
	return r.Over, r.Used, err
}

// Add takes every claim whatever the limits say.
func (c *Client) Add(claims []limit.Claim) error {
	_, err := c.exchange(Add, claims)
	return err
}

// Room says what TakeAll would say, and takes nothing.
func (c *Client) Room(claims []limit.Claim) (over []int, used []int64, err error) {
	r, err := c.exchange(Room, claims)
	return r.Over, r.Used, err
}

// Close ends the process.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.link != nil {
		_ = c.link.conn.Close() // its end of file is the process's order to end
	}
}
