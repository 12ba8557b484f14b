//go:build kernel

package bpf

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// victim is what this test binary does inside a jail.
func victim(action string) int {
	args := os.Args[1:]
	switch action {
	case "files":
		return victimFiles(args[0])
	case "net":
		for _, a := range args {
			fmt.Println(a, attempt(a))
		}
		return 0
	case "threads":
		return victimThreads()
	case "code":
		return victimCode(args[0])
	case "gated":
		return victimGated()
	case "time":
		return timeExec(args)
	case "costs":
		return victimCosts(args[0])
	}
	return 2
}

// victimThreads ends with many threads that end at the same time.
func victimThreads() int {
	var ready sync.WaitGroup
	for range 50 {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			unix.Pause()
		}()
	}
	ready.Wait()
	return 7
}

// victimFiles does one of everything in a directory, by raw system calls.
func victimFiles(dir string) int {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(unix.Chdir(dir))
	fd, err := unix.Open("made", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	must(err)
	must(unix.Ftruncate(fd, 10))
	must(unix.Close(fd))
	must(unix.Truncate("made", 5))
	// A symlink in the way: only the kernel knows what is opened.
	must(unix.Symlink(dir, "link"))
	fd, err = unix.Openat(unix.AT_FDCWD, dir+"/link/made", unix.O_RDWR, 0)
	must(err)
	must(unix.Close(fd))
	must(unix.Rename("made", dir+"/moved"))
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(err)
	must(unix.Renameat2(at, "moved", at, "again", unix.RENAME_NOREPLACE))
	must(unix.Unlinkat(at, "again", 0))
	must(unix.Mkdir("sub", 0o700))
	must(unix.Rmdir("sub"))
	_, err = unix.Open("/nowhere/secret", unix.O_RDONLY, 0)
	fmt.Println(err)
	_, err = unix.Open("/proc/version", unix.O_RDONLY, 0)
	must(err)
	_, err = unix.Open("/sys/nothing", unix.O_WRONLY|unix.O_CREAT, 0o600)
	fmt.Println(err)
	_, err = unix.Open("/dev/null", unix.O_WRONLY, 0)
	must(err)
	return 0
}

// attempt is "connect|send|ask|fastopen tcp|udp ADDR:PORT", or "socket DOMAIN TYPE PROTO".
// It returns ok or the name of the errno.
func attempt(spec string) string {
	var op, network, addr string
	var domain, typ, proto int
	if n, _ := fmt.Sscanf(spec, "socket %d %d %d", &domain, &typ, &proto); n == 3 {
		return try(func() error {
			_, err := unix.Socket(domain, typ, proto)
			return err
		})
	}
	if _, err := fmt.Sscan(spec, &op, &network, &addr); err != nil {
		return err.Error()
	}
	to := netip.MustParseAddrPort(addr)
	typ = unix.SOCK_STREAM
	if network == "udp" {
		typ = unix.SOCK_DGRAM
	}
	return try(func() error { return reach(op, typ, to) })
}

// reach uses an IPv6 socket for everything that is written as IPv6, also for
// mapped addresses.
func reach(op string, typ int, to netip.AddrPort) error {
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(to.Port())}
	domain := unix.AF_INET
	if to.Addr().Is4() {
		sa = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	} else {
		domain = unix.AF_INET6
		sa = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	}
	fd, err := unix.Socket(domain, typ, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	switch op {
	case "connect":
		return unix.Connect(fd, sa)
	case "ask":
		return ask(fd, sa)
	case "fastopen":
		return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, sa)
	}
	return unix.Sendto(fd, []byte("x"), 0, sa)
}

// ask sends one byte, and is content when it comes back.
func ask(fd int, to unix.Sockaddr) error {
	timeout := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte("x"), 0, to); err != nil {
		return err
	}
	b := make([]byte, 2)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err == nil && string(b[:n]) != "x" {
		return fmt.Errorf("answer %q", b[:n])
	}
	return err
}

func try(f func() error) string {
	err := f()
	if err == nil {
		return "ok"
	}
	if errno, ok := err.(unix.Errno); ok {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
