//go:build e2e

package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// programs are those that clawjail runs here.
var programs = []string{"clawjaild", "clawjail-shim", "clawjail-egress", "clawjail-stage", "clawjail-gateway", "clawjail"}

// inventory is what processes of this host have held in the kernel: ids of BPF
// objects, which the kernel does not give twice for a long time, namespaces and
// cgroups.
type inventory struct {
	bpf        map[string]map[int]bool // by "prog", "map", "link"
	namespaces map[string]bool         // as links say: net:[4026531840]
	cgroups    map[string]bool         // as /proc/PID/cgroup says
}

// note adds what they hold now.
func (v *inventory) note(w *trouble) {
	if v.bpf == nil {
		*v = inventory{bpf: map[string]map[int]bool{"prog": {}, "map": {}, "link": {}}, namespaces: map[string]bool{}, cgroups: map[string]bool{}}
	}
	var pids []int
	for _, p := range programs {
		pids = append(pids, running(w.t, p)...)
	}
	for _, pid := range pids {
		v.noteObjects(pid)
		v.noteGroups(pid)
	}
	list, err := supervised().Jails(w.t.Context(), false)
	if err != nil {
		return // nobody is there to ask
	}
	for _, j := range list {
		v.noteNamespaces(j.InitPID)
		v.noteGroups(j.InitPID)
	}
}

// noteObjects reads what descriptors say of themselves
// (kernel/bpf/syscall.c:bpf_prog_show_fdinfo and its like).
func (v *inventory) noteObjects(pid int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			kind, ok := strings.CutSuffix(key, "_id")
			id, err := strconv.Atoi(strings.TrimSpace(value))
			if ok && err == nil && v.bpf[kind] != nil {
				v.bpf[kind][id] = true
			}
		}
	}
}

func (v *inventory) noteNamespaces(pid int) {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/ns/*", pid))
	for _, l := range links {
		theirs, err := os.Readlink(l)
		ours, err2 := os.Readlink("/proc/self/ns/" + filepath.Base(l))
		if err == nil && err2 == nil && ours != theirs {
			v.namespaces[theirs] = true
		}
	}
}

func (v *inventory) noteGroups(pid int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	for line := range strings.Lines(string(b)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		_, path, _ := strings.Cut(rest, ":")
		if strings.Contains(path, "/clawjail") {
			v.cgroups[path] = true
		}
	}
}

// bpfLeft are the objects that the kernel still has.
func (v *inventory) bpfLeft() (left []string) {
	for kind, ids := range v.bpf {
		for id := range ids {
			c, err := open(kind, id)
			if err == nil {
				_ = c.Close()
			}
			if !errors.Is(err, fs.ErrNotExist) {
				left = append(left, fmt.Sprintf("%s %d %v", kind, id, err))
			}
		}
	}
	return left
}

func open(kind string, id int) (interface{ Close() error }, error) {
	switch kind {
	case "prog":
		return ebpf.NewProgramFromID(ebpf.ProgramID(id))
	case "map":
		return ebpf.NewMapFromID(ebpf.MapID(id))
	default:
		return link.NewFromID(link.ID(id))
	}
}

// namespacesLeft are those that a process is in or has open.
func (v *inventory) namespacesLeft() (left []string) {
	for _, pattern := range []string{"/proc/[0-9]*/ns/*", "/proc/[0-9]*/fd/*"} {
		links, _ := filepath.Glob(pattern)
		for _, l := range links {
			if to, err := os.Readlink(l); err == nil && v.namespaces[to] {
				left = append(left, l+" "+to)
			}
		}
	}
	return left
}

func (v *inventory) groupsLeft() (left []string) {
	for path := range v.cgroups {
		for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
			found, _ := filepath.Glob(root + path)
			left = append(left, found...)
		}
	}
	return left
}

// emptyHost is how this host is without jails: what it has to be again.
type emptyHost struct {
	t           *testing.T
	mounts      int
	descriptors int
	sockets     []string
	files       []string
}

// quiet looks at a host where a supervisor has run and ended, and a jail.
func quiet(t *testing.T, d *daemon) *emptyHost {
	t.Helper()
	h := &emptyHost{t: t}
	h.mounts = mounts(t)
	d.start()
	dir := filepath.Join(homes, "first")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, agent, agent)); err != nil {
		t.Fatal(err)
	}
	if out, err := clawjail(t, "run", "--workspace", dir, "--", "true"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.end(unix.SIGINT)
	d.start()
	h.descriptors = descriptors(d.pid())
	d.end(unix.SIGINT)
	h.sockets, h.files = sockets(t), files(t)
	return h
}

func descriptors(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list)
}

// sockets are the named unix sockets and the TCP sockets of this network that
// listen or are connected.
func sockets(t *testing.T) (list []string) {
	t.Helper()
	for _, name := range []string{"unix", "tcp", "tcp6", "udp", "udp6", "raw", "packet"} {
		f, err := os.Open("/proc/self/net/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(f)
		s.Scan() // the heading
		for s.Scan() {
			fields := strings.Fields(s.Text())
			switch {
			case name == "unix" && len(fields) > 7:
				list = append(list, "unix "+fields[7])
			case strings.HasPrefix(name, "tcp") && fields[3] != "06": // TIME_WAIT
				list = append(list, name+" "+fields[1]+" "+fields[2])
			case name != "unix" && !strings.HasPrefix(name, "tcp"):
				list = append(list, name+" "+s.Text())
			}
		}
		f.Close()
	}
	slices.Sort(list)
	return list
}

// files are those of this host's state, but for the record, and the output of
// detached jails, which is kept.
func files(t *testing.T) (list []string) {
	t.Helper()
	for _, root := range []string{runDir, stateDir} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if path == auditDir || path == filepath.Join(stateDir, "logs") {
				return fs.SkipDir
			}
			list = append(list, path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// mounts counts the mounts of this host.
func mounts(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

// noMoreDescriptors waits until a supervisor whose jails have ended holds what one
// holds that never had any.
func (h *emptyHost) noMoreDescriptors(d *daemon) {
	h.t.Helper()
	is := func() bool { return descriptors(d.pid()) <= h.descriptors }
	if !within(h.t, is) {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", d.pid()))
		for i, l := range links {
			links[i], _ = os.Readlink(l)
		}
		slices.Sort(links)
		h.t.Errorf("the supervisor has %d descriptors, %d without jails: %v", len(links), h.descriptors, links)
	}
}

// nothingLeft looks for what the jails and their supervisors leave.
func (h *emptyHost) nothingLeft(w *trouble) {
	h.t.Helper()
	for _, program := range programs {
		eventually(h.t, "no "+program+" runs", func() bool { return len(running(h.t, program)) == 0 })
	}
	if n := len(w.seen.bpf["prog"]) * len(w.seen.bpf["map"]) * len(w.seen.bpf["link"]) * len(w.seen.namespaces) * len(w.seen.cgroups); n == 0 {
		h.t.Errorf("the inventory is empty: %+v", w.seen)
	}
	h.t.Logf("seen: %d programs, %d maps, %d links, %d namespaces, %d cgroups", len(w.seen.bpf["prog"]), len(w.seen.bpf["map"]), len(w.seen.bpf["link"]), len(w.seen.namespaces), len(w.seen.cgroups))
	for what, left := range map[string]func() []string{
		"BPF objects": w.seen.bpfLeft, "namespaces": w.seen.namespacesLeft, "cgroups": w.seen.groupsLeft,
		"files":   func() []string { return without(files(h.t), h.files) },
		"sockets": func() []string { return without(sockets(h.t), h.sockets) },
	} {
		if !within(h.t, func() bool { return len(left()) == 0 }) {
			h.t.Errorf("left: %s %q", what, left())
		}
	}
	if after := mounts(h.t); after != h.mounts {
		h.t.Errorf("%d mounts, before %d", after, h.mounts)
	}
	if _, err := os.Stat("/sys/fs/bpf/clawjail"); !errors.Is(err, fs.ErrNotExist) {
		h.t.Errorf("pins of BPF programs: %v", err)
	}
}

// without gives what is in list more often than in less.
func without(list, less []string) []string {
	list = slices.Clone(list)
	for _, l := range less {
		if i := slices.Index(list, l); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
	}
	return list
}
