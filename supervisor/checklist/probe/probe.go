package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Door is one way out that was tried.
type Door struct {
	Name string `json:"name"`
	Open bool   `json:"open"`
	What string `json:"what"` // what came of it, in words
	Net  bool   `json:"net,omitempty"`
}

// patience bounds a connection. A refusal comes at once: what takes as long as
// this has left the jail.
const patience = 5 * time.Second

// Doors tries every one of them. control is the supervisor's socket.
func Doors(ctx context.Context, control string) []Door {
	return []Door{
		door("secrets of the host", false, try(func() error { return read("/etc/shadow") })),
		door("programs of the host changed", false, try(func() error { return create("/usr/bin/.clawjail-checklist") })),
		door("settings of the kernel", false, try(func() error { return open("/proc/sys/kernel/core_pattern", unix.O_WRONLY) })),
		door("memory of the host", false, try(func() error { return open("/dev/mem", unix.O_RDONLY) })),
		door("processes of the host", false, processes()),
		door("a new user namespace", false, namespace(ctx)),
		door("a mount", false, try(func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") })),
		door("programs in the kernel", false, call(unix.SYS_BPF, 0, 0, 0)),
		door("io_uring", false, call(unix.SYS_IO_URING_SETUP, 1, 0, 0)),
		door("the keyring", false, call(unix.SYS_KEYCTL, 0, uintptr(^uint32(2)), 1)),
		door("privileges", false, privileges()),
		door("the supervisor's socket", false, dial(ctx, "unix", control)),
		door("an address without a name", true, dial(ctx, "tcp", "192.0.2.1:80")),
		door("an IPv6 address", true, dial(ctx, "tcp", "[2001:db8::1]:80")),
		door("UDP", true, datagram(ctx)),
		door("a name that is not listed", true, lookup(ctx)),
		door("raw packets", true, socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)),
		door("another family of addresses", true, socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)),
	}
}

// attempt is what came of it: open if err is nil.
type attempt struct {
	err  error
	what string // instead of err's words
}

func door(name string, network bool, a attempt) Door {
	d := Door{Name: name, Open: a.err == nil, What: a.what, Net: network}
	switch {
	case d.What != "":
	case d.Open:
		d.What = "it worked"
	default:
		d.What = a.err.Error()
	}
	return d
}

func try(f func() error) attempt { return attempt{err: f()} }

func open(path string, flags int) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

// create leaves nothing behind where it works.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(path))
}

// processes are many where the host's are seen: a jail has its first one, this
// one, and few beside them.
func processes() attempt {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return attempt{err: err}
	}
	n := 0
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") == "" {
			n++
		}
	}
	if n > 16 {
		return attempt{what: fmt.Sprintf("%d processes are seen", n)}
	}
	return attempt{err: fmt.Errorf("%d processes are seen", n)}
}

// namespace starts this program anew in a namespace of its own, which it leaves
// at once: it is asked for its version.
func namespace(ctx context.Context) attempt {
	self, err := os.Executable()
	if err != nil {
		return attempt{what: err.Error()}
	}
	c := exec.CommandContext(ctx, self, "version")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	return attempt{err: c.Run()}
}

// call makes a call with arguments that are wrong: a kernel that looks at them
// was reached.
func call(nr, a, b, c uintptr) attempt {
	_, _, errno := unix.Syscall(nr, a, b, c)
	switch errno {
	case unix.EPERM, unix.ENOSYS, unix.EACCES:
		return attempt{err: errno}
	case 0:
		return attempt{}
	}
	return attempt{what: "the kernel answered: " + errno.Error()}
}

// privileges are in /proc/self/status, proc_pid_status(5).
func privileges() attempt {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return attempt{what: err.Error()} // not known is not safe
	}
	want := map[string]string{"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}
	var wrong []string
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(line, ":")
		if w, ok := want[k]; ok {
			delete(want, k)
			if v = strings.TrimSpace(v); v != w {
				wrong = append(wrong, k+" is "+v)
			}
		}
	}
	for k := range want {
		wrong = append(wrong, k+" is missing")
	}
	if len(wrong) > 0 {
		return attempt{what: strings.Join(wrong, ", ")}
	}
	return attempt{err: errors.New("none, and none can be had")}
}

func dial(ctx context.Context, network, address string) attempt {
	c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, network, address)
	if err == nil {
		return attempt{what: "it answers", err: c.Close()}
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return attempt{what: "nothing refused it, nobody answered"}
	}
	return attempt{err: err}
}

func datagram(ctx context.Context) attempt {
	c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "udp", "192.0.2.1:9")
	if err != nil {
		return attempt{err: err}
	}
	_, err = c.Write([]byte("clawjail"))
	return attempt{err: errors.Join(err, c.Close())}
}

// lookup asks for a name that exists and that no policy lists, RFC 2606.
func lookup(ctx context.Context) attempt {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	_, err := net.DefaultResolver.LookupHost(ctx, "example.com")
	var dns *net.DNSError
	if err != nil && (!errors.As(err, &dns) || !dns.IsNotFound) && ctx.Err() != nil {
		return attempt{what: "nothing refused it, nobody answered"}
	}
	return attempt{err: err}
}

func socket(family, kind, proto int) attempt {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, proto)
	if err == nil {
		err = unix.Close(fd)
	}
	return attempt{err: err}
}
