//go:build kernel

package direct

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// In a network of its own: what leads out is reset, listeners and what stays within
// loopback are not.
func TestResetLeavesTheRest(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", "192.0.2.1/32", "dev", "lo"}, {"addr", "add", "2001:db8::1/128", "dev", "lo", "nodad"}} {
			if err := ip(args...); err != nil {
				t.Errorf("ip %q: %v", args, err)
				return
			}
		}
		severed(t)
	}()
	<-done
}

// ip runs the program of that name, as a child of this thread.
func ip(args ...string) error {
	path := ""
	for _, p := range []string{"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"} {
		if _, err := os.Stat(p); err == nil {
			path = p
		}
	}
	p, err := os.StartProcess(path, append([]string{"ip"}, args...), &os.ProcAttr{Files: []*os.File{nil, os.Stderr, os.Stderr}})
	if err != nil {
		return err
	}
	st, err := p.Wait()
	if err == nil && !st.Success() {
		err = errors.New(st.String())
	}
	return err
}

// dial waits for the route to an address that was just added.
func dial(to string) (c net.Conn, err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		c, err = net.Dial("tcp", to)
		if !errors.Is(err, unix.ENETUNREACH) || time.Now().After(end) {
			return c, err
		}
	}
}

func severed(t *testing.T) {
	var inside, outside []net.Conn
	for _, host := range []string{"127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		c, err := dial(l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		other, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		if host == "127.0.0.1" || host == "::1" {
			inside = append(inside, c, other)
		} else {
			outside = append(outside, c, other)
		}
		defer func() { // it listens still
			again, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Errorf("the listener at %s: %v", host, err)
				return
			}
			again.Close()
		}()
	}
	n, err := reset()
	if err != nil || n < 2 || n > len(outside) { // the end of one may have ended the other
		t.Errorf("%d reset, %v", n, err)
	}
	for _, c := range slices.Concat(outside, inside) {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute)) // one that goes on says nothing
	}
	for _, c := range outside {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s goes on: %v", c.LocalAddr(), err)
		}
	}
	for i := 0; i < len(inside); i += 2 {
		if _, err := inside[i].Write([]byte("x")); err != nil {
			t.Errorf("%s: %v", inside[i].LocalAddr(), err)
		}
		if _, err := io.ReadFull(inside[i+1], make([]byte, 1)); err != nil {
			t.Errorf("%s: %v", inside[i].LocalAddr(), err)
		}
	}
	if _, err := Sever(Jail{ID: "x", Path: "/nowhere"}); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a jail that is not there: %v", err)
	}
}
