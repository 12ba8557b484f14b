package tracee

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLookProperly says that a Glance cannot tell: open a Task instead.
var ErrLookProperly = errors.New("not to be told at a glance")

// Glance looks at one thread after the other, all of one jail, as a Task would,
// but keeps and opens as little as it can: what most calls ask for is seen in a
// few microseconds. Whatever is out of the ordinary is ErrLookProperly.
//
// It belongs to one goroutine.
type Glance struct {
	mem   memory
	root  int // O_PATH; -1: not yet known
	links int // our /proc/self/fd
	heads map[Identity]head
	chain []int // what Program has opened
}

// head is what the kernel makes of the first bytes of a program.
type head struct {
	interpreter, argument string // empty: no script
	image                 Image  // of what is no script
}

// Limits of what a Glance remembers.
const (
	maxHeads = 4096
	// freshHead is how old the change of a program must be for its head to be
	// remembered: two changes in one tick of the kernel's clock look like one.
	freshHead = time.Second
)

// NewGlance needs Close.
func NewGlance() (*Glance, error) {
	links, err := unix.Open("/proc/self/fd", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/proc/self/fd", Err: err}
	}
	return &Glance{root: -1, links: links, heads: map[Identity]head{}}, nil
}

// Close lets go of the jail's root.
func (g *Glance) Close() error {
	g.forget()
	if g.root >= 0 {
		_ = unix.Close(g.root)
	}
	return unix.Close(g.links)
}

// At turns to a thread. The root of the first one is the root of all: a jail's
// threads can change neither theirs nor their mount namespace (package seccomp
// refuses chroot, pivot_root, unshare and setns).
func (g *Glance) At(tid int32) error {
	g.mem.reset(tid)
	g.forget()
	if g.root >= 0 {
		return nil
	}
	name := "/proc/" + strconv.Itoa(int(tid)) + "/root"
	root, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	g.root = root
	return nil
}

// forget closes what Program opened.
func (g *Glance) forget() {
	for _, fd := range g.chain {
		_ = unix.Close(fd)
	}
	g.chain = g.chain[:0]
}

// String is Task.String, of the memory as it was when it was first looked at.
func (g *Glance) String(addr uint64, limit int) (string, error) { return g.mem.str(addr, limit) }

// Strings is Task.Strings likewise.
func (g *Glance) Strings(addr uint64, count, size int) ([]string, error) {
	return g.mem.strs(addr, count, size)
}

// Seen is a file at a glance.
type Seen struct {
	FD   int    // O_PATH; closed by the next At
	Path string // inside the jail, as the kernel names it
	ID   Identity
}

// Program is a program with the interpreters that the kernel runs for it.
type Program struct {
	Files []Seen // what was named first, what really runs last
	name  string // as the caller wrote it
	heads []head // of all but the last
}

// Argv is what the program that runs will see, given what the caller passed.
func (p Program) Argv(argv []string) []string {
	name := p.name
	for _, h := range p.heads {
		argv = rewrite(h.interpreter, h.argument, name, argv)
		name = h.interpreter
	}
	return argv
}

// Program finds what an absolute path executes. files is scratch space.
func (g *Glance) Program(name string, files []Seen) (Program, error) {
	p := Program{Files: files[:0], name: name}
	for {
		f, err := g.find(name)
		if err != nil {
			return Program{}, err
		}
		p.Files = append(p.Files, f)
		h, err := g.head(f)
		switch {
		case err != nil:
			return Program{}, err
		case h.image == ImageLoader:
			return Program{}, ErrLookProperly // it runs something else
		case h.interpreter == "":
			return p, nil
		case len(p.heads) == maxScripts:
			return Program{}, ErrLookProperly
		}
		p.heads = append(p.heads, h)
		name = h.interpreter
	}
}

// find resolves an absolute path to a regular file.
func (g *Glance) find(name string) (Seen, error) {
	clean := path.Clean(name)
	if !strings.HasPrefix(name, "/") || strings.HasPrefix(clean, "/proc/") || strings.HasPrefix(clean, "/dev/") {
		return Seen{}, ErrLookProperly
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(g.root, name, &how)
	if err != nil {
		return Seen{}, ErrLookProperly
	}
	g.chain = append(g.chain, fd)
	f := Seen{FD: fd}
	if f.ID, err = identify(fd); err != nil {
		return Seen{}, err
	}
	if f.ID.Mode&unix.S_IFMT != unix.S_IFREG {
		return Seen{}, ErrLookProperly
	}
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(g.links, strconv.Itoa(fd), buf[:])
	if err != nil || n == len(buf) || n == 0 || buf[0] != '/' {
		return Seen{}, ErrLookProperly
	}
	f.Path = string(buf[:n])
	return f, nil
}

// head reads the first bytes of a program, or remembers them. To remember the
// wrong ones is no danger: what the kernel then runs is not what its token says.
func (g *Glance) head(f Seen) (head, error) {
	if h, ok := g.heads[f.ID]; ok {
		return h, nil
	}
	line, err := shebangOf(f.FD)
	if err != nil {
		return head{}, ErrLookProperly
	}
	var h head
	if line != nil {
		if h.interpreter, h.argument, err = parseShebang(line); err != nil {
			return head{}, ErrLookProperly
		}
	} else if h.image, err = imageOf(f.FD); err != nil {
		return head{}, ErrLookProperly
	}
	if age := time.Since(time.Unix(0, f.ID.CtimeNS)); age > freshHead {
		if len(g.heads) >= maxHeads {
			clear(g.heads)
		}
		g.heads[f.ID] = h
	}
	return h, nil
}
